"""`manage.py migrate` while the site runs: it takes locks only for moments, and never two migrations at once."""

import random
import time
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.core.management.commands.migrate import Command as Migrate
from django.db import OperationalError, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from psycopg2 import errors

from core.database import migration_locks

PASSES_BY_ITSELF = (errors.LockNotAvailable, errors.DeadlockDetected)


class Command(Migrate):
    """On PostgreSQL a change waits a second for its lock, then gives up, pauses and tries again.

    Exit code 1: the lock was not available, or a migration held a table for too long. That migration is rolled back,
    those before it stay.
    """

    at_work = ""

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "--offline",
            action="store_true",
            help="The servers are stopped: wait for locks and hold them for as long as it takes.",
        )
        parser.add_argument(
            "--tries",
            type=int,
            default=len(migration_locks.PAUSES) + 1,
            help="How often to try for a lock that others hold (%(default)s times, within about a minute).",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Apply the migrations."""
        connection = connections[options["database"]]
        only_looks = options["plan"] or options["check_unapplied"]
        if connection.vendor != "postgresql" or only_looks or connection.in_atomic_block:
            super().handle(*args, **options)
            return
        if not migration_locks.can_be_monitored(connection):
            self.stderr.write(
                "DB_BEHIND_PGBOUNCER is on: migrate can neither limit its locks nor keep a second one out. "
                "Give this command a DATABASE_URL of PostgreSQL itself."
            )
            super().handle(*args, **options)
            return
        with migration_locks.migration_limits(connection, offline=options["offline"]):
            self._migrate_with_retries(connection, args, options)

    def migration_progress_callback(self, action: str, migration: Any = None, fake: bool = False) -> None:
        """Remember which migration runs."""
        if migration is not None:
            self.at_work = str(migration)
        super().migration_progress_callback(action, migration, fake)

    def _migrate_with_retries(
        self, connection: BaseDatabaseWrapper, args: tuple[Any, ...], options: dict[str, Any]
    ) -> None:
        try:
            with migration_locks.monitor_locks(
                connection, self.stderr.write, offline=options["offline"]
            ) as monitor:
                for number in range(1, options["tries"] + 1):
                    try:
                        super().handle(*args, **options)
                    except OperationalError as error:
                        self._explain_failure(error, monitor, is_last=number >= options["tries"])
                        # Each time longer, and at random, so as not to meet a periodic job each time.
                        pause = migration_locks.PAUSES[min(number, len(migration_locks.PAUSES)) - 1]
                        seconds = pause * random.uniform(0.75, 1.25)
                        self.stderr.write(f"Trying again in {seconds:.0f} s.")
                        connection.close()
                        time.sleep(seconds)
                    else:
                        return
        except migration_locks.MigrationLockTimeout as error:
            raise CommandError(
                f"Another migrate has been running for {migration_locks.ADVISORY_LOCK_SECONDS / 60:.0f} minutes."
            ) from error

    def _explain_failure(
        self, error: OperationalError, monitor: migration_locks.LockMonitor, *, is_last: bool
    ) -> None:
        """Name the sessions that hold the lock; CommandError when trying again would not help."""
        if isinstance(error.__cause__, errors.QueryCanceled) and monitor.cancelled:
            raise CommandError(
                f"{self.at_work} held {', '.join(monitor.cancelled)} for more than "
                f"{migration_locks.MAX_LOCK_SECONDS} s and was rolled back, so that visitors need not wait. "
                "docs/WRITING_MIGRATIONS.md says how to split it; with the servers stopped, "
                "`migrate --offline` lets it take its time."
            ) from error
        if not isinstance(error.__cause__, PASSES_BY_ITSELF):
            raise error
        who = "".join(f"\n  {session}" for session in monitor.blockers) or "\n  somebody who is gone by now"
        self.stderr.write(
            f"\n{self.at_work} waited {migration_locks.LOCK_WAIT:.0f} s for a lock and let go. It is held by:{who}"
        )
        if is_last:
            ends = "".join(f" SELECT pg_terminate_backend({session.pid});" for session in monitor.blockers)
            raise CommandError(
                f"{self.at_work} could not get its lock. It was rolled back, what came before it stays, visitors "
                f"are served as before. Run migrate again at a quieter moment, or end what is in the way:{ends}"
            ) from error
