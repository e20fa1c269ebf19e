"""Who may be signed in."""

from typing import Any

from allauth.account.auth_backends import AuthenticationBackend
from django.db.models import Value
from django.db.models.functions import Lower

from core.prepared import Prepared

from .audience import Closeness
from .models import User


class MemberBackend(AuthenticationBackend):  # type: ignore[misc]
    """Signs in by name or address; a suspended member is out at the next request, in every open session."""

    def _authenticate(self, request: object, **credentials: Any) -> Any:
        """The account, if the password is its own. One account is looked at, so that one password is hashed, as for
        an account that does not exist; allauth would look twice for an address."""
        name = str(credentials.get("email") or credentials.get("username") or "")
        return self._check_password(account_called(name), str(credentials["password"]))

    def user_can_authenticate(self, user: Any) -> bool:
        allowed: bool = super().user_can_authenticate(user)
        return allowed and isinstance(user, User) and user.suspended_at is None

    def get_user(self, user_id: Any) -> User | None:
        """The member behind a session, who sees the own card as oneself sees it."""
        for user in _WITH_ID.rows(None, [int(user_id)]):
            if self.user_can_authenticate(user):
                user.closeness = Closeness.SELF
                return user
        return None


# Every request of a member asks for one.
_WITH_ID = Prepared(lambda _one, ids: User.objects.filter(pk__in=ids), step=1)


def account_called(name: str) -> User | None:
    """The account with the username `name`, or with the address `name` where it has an @; case does not matter."""
    field = "email" if "@" in name else "username"
    found = User.objects.alias(folded=Lower(field)).filter(folded=Lower(Value(name)))
    return found.first()
