"""A private PgBouncer in front of a private PostgreSQL, in transaction mode and with default options."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import psycopg2

from .programs import find_or_install
from .servers import HOST, Server, postgres_owner, run_on_free_port, temporary_folder

# Few connections for many clients: consecutive transactions of a client rarely use the same one.
POOL_SIZE = 2

CONFIG_TEMPLATE = """
[databases]
linkup = host={host} port={postgres_port} dbname=linkup

[pgbouncer]
listen_addr = {host}
listen_port = {port}
unix_socket_dir =
auth_type = trust
auth_file = {folder}/users
admin_users = linkup
pool_mode = transaction
default_pool_size = {pool_size}
"""


@contextmanager
def pgbouncer_server(postgres: Server) -> Iterator[Server]:
    """Run a PgBouncer during the block; its `url` is that of the database of `postgres`."""
    binary = find_or_install("pgbouncer")["pgbouncer"]
    owner = postgres_owner()  # PgBouncer refuses to run as root, too
    postgres_port = urlsplit(postgres.url).port
    with temporary_folder(owner) as folder:
        (folder / "users").write_text('"linkup" ""\n')

        def create_server(port: int) -> Server:
            config = Path(folder, "pgbouncer.ini")
            config.write_text(
                CONFIG_TEMPLATE.format(
                    host=HOST, postgres_port=postgres_port, port=port, folder=folder, pool_size=POOL_SIZE
                )
            )
            url = f"postgres://linkup@{HOST}:{port}/linkup"
            server = Server(
                [str(binary), str(config)], lambda: _accepts_connections(url), folder, owner, signal.SIGINT
            )
            server.url = url
            return server

        with run_on_free_port(create_server) as server:
            yield server


def run_console_command(server: Server, command: str) -> None:
    """Run a command of PgBouncer's admin console, such as RECONNECT."""
    connection = psycopg2.connect(server.url.removesuffix("linkup") + "pgbouncer")
    try:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(command)
    finally:
        connection.close()


def _accepts_connections(url: str) -> bool:
    try:
        psycopg2.connect(url).close()
    except psycopg2.OperationalError:
        return False
    return True
