"""`manage.py jobs`: list background tasks, retry or drop them."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from core.models import QueuedTask
from core.tasks.administration import describe_state, drop_tasks, retry_tasks

MOST_SHOWN = 200


class Command(BaseCommand):
    """See `help`."""

    help = (
        "List the background tasks that wait or have failed, the oldest first; `retry ID…` executes them as soon as "
        "possible, `drop ID…` deletes them, and their work is not done."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("action", nargs="?", choices=("list", "retry", "drop"), default="list")
        parser.add_argument("ids", nargs="*", type=int, metavar="ID")
        parser.add_argument("--failed", action="store_true", help="all that have failed, in place of IDs")

    def handle(self, *args: Any, action: str, ids: list[int], failed: bool, **options: Any) -> None:
        chosen = QueuedTask.objects.failed() if failed else QueuedTask.objects.all()
        if action == "list":
            self._list(chosen)
            return
        if bool(ids) == failed:
            raise CommandError(f"Name the tasks: jobs {action} ID…, or jobs {action} --failed")
        chosen = chosen if failed else chosen.filter(pk__in=ids)
        change = retry_tasks if action == "retry" else drop_tasks
        changed = change(list(chosen.values_list("pk", flat=True)))
        done = "will be tried again" if action == "retry" else "dropped"
        self.stdout.write(f"{changed} tasks {done}.")
        if not failed and changed < len(set(ids)):
            raise CommandError(f"{len(set(ids)) - changed} of them do not exist or are being executed.")

    def _list(self, chosen: Any) -> None:
        now = timezone.now()
        rows = list(chosen.order_by("due_at", "pk")[: MOST_SHOWN + 1])
        for row in rows[:MOST_SHOWN]:
            state = describe_state(row, now)
            due = f"{timezone.localtime(row.due_at):%Y-%m-%d %H:%M:%S}"
            line = f"{row.pk:>8}  {state:<10} {due}  {row.attempts:>3} attempts  {row.name}"
            self.stdout.write(f"{line}  {row.last_error}".rstrip())
        if len(rows) > MOST_SHOWN:
            self.stdout.write(f"(the first {MOST_SHOWN} of more)")
        if not rows:
            self.stdout.write("No tasks.")
