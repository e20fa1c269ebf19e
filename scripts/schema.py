"""Writes operations/transfer/schema.json: `python -m scripts.schema` after each new migration."""

import os
import sys
from contextlib import closing

import psycopg2

from operations.transfer.schema import DESCRIPTION, describe_schema, read_parts

from .servers import postgres_server
from .stack import run_manage_command


def describe_database(url: str) -> str:
    """Return the description of a migrated database."""
    with closing(psycopg2.connect(url)) as connection, connection.cursor() as cursor:

        def run(statement: str) -> list[tuple[object, ...]]:
            cursor.execute(statement)
            return cursor.fetchall()

        migrations = [(str(app), str(name)) for app, name in run("SELECT app, name FROM django_migrations")]
        return describe_schema(migrations, read_parts(run))


def main() -> int:
    """Migrate a new database and write its description."""
    with postgres_server() as server:
        environment = {**os.environ, "DJANGO_ENVIRONMENT": "test", "DATABASE_URL": server.url}
        environment.pop("DJANGO_SETTINGS_MODULE", None)
        run_manage_command(environment, "migrate", "--verbosity", "0")
        DESCRIPTION.write_text(describe_database(server.url))
    return 0


if __name__ == "__main__":
    sys.exit(main())
