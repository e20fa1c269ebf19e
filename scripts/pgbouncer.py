"""A private PgBouncer in front of a private PostgreSQL, as Debian ships it: transaction mode, and no option more."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import psycopg2

from .programs import find_or_install
from .servers import HOST, Server, postgres_owner, run_on_free_port, temporary_folder

# Few sessions for many clients, so that each transaction finds another one.
SESSIONS = 2

CONFIGURATION = """
[databases]
linkup = host={host} port={server} dbname=linkup

[pgbouncer]
listen_addr = {host}
listen_port = {port}
unix_socket_dir =
auth_type = trust
auth_file = {folder}/users
admin_users = linkup
pool_mode = transaction
default_pool_size = {sessions}
"""


@contextmanager
def pgbouncer_server(postgres: Server) -> Iterator[Server]:
    """A PgBouncer for the time of the block; its `url` names the database of `postgres`."""
    binary = find_or_install("pgbouncer")["pgbouncer"]
    owner = postgres_owner()  # it refuses root, too
    behind = urlsplit(postgres.url)
    with temporary_folder(owner) as folder:
        (folder / "users").write_text('"linkup" ""\n')

        def make(port: int) -> Server:
            file = Path(folder, "pgbouncer.ini")
            file.write_text(
                CONFIGURATION.format(
                    host=HOST, server=behind.port, port=port, folder=folder, sessions=SESSIONS
                )
            )
            url = f"postgres://linkup@{HOST}:{port}/linkup"
            server = Server([str(binary), str(file)], lambda: _answers(url), folder, owner, signal.SIGINT)
            server.url = url
            return server

        with run_on_free_port(make) as server:
            yield server


def run_console_command(server: Server, command: str) -> None:
    """A command of PgBouncer's own, such as RECONNECT."""
    connection = psycopg2.connect(server.url.removesuffix("linkup") + "pgbouncer")
    try:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(command)
    finally:
        connection.close()


def _answers(url: str) -> bool:
    try:
        psycopg2.connect(url).close()
    except psycopg2.OperationalError:
        return False
    return True
