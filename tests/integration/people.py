"""The members of the stack: two who may sign in."""

from scripts.stack import Stack

PASSWORD = "a long sentence of the tests"

SCRIPT = """
from allauth.account.models import EmailAddress
from users.models import User
for name in ("alice", "bob"):
    user = User.objects.create_user(name, f"{name}@example.org", %r)
    EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
"""


def make_people(stack: Stack) -> None:
    """Put them into the database, as `manage.py shell` would."""
    stack.manage("shell", "--command", SCRIPT % PASSWORD)
