"""The members of the stack: two who may sign in, and more for tests that need a crowd."""

from collections.abc import Sequence

from scripts.stack import Stack

PASSWORD = "a long sentence of the tests"

SCRIPT = """
from django.utils import timezone
from users.models import User
for name in %r:
    User.objects.create_user(name, f"{name}@example.org", %r, joined_at=timezone.now())
"""


def make_people(stack: Stack, names: Sequence[str] = ("alice", "bob")) -> None:
    """Put them into the database, as `manage.py shell` would."""
    stack.run_manage_command("shell", "--command", SCRIPT % (list(names), PASSWORD))
