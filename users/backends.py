"""Who may be signed in."""

from typing import Any

from allauth.account.auth_backends import AuthenticationBackend

from .audience import Closeness
from .models import User


class MemberBackend(AuthenticationBackend):  # type: ignore[misc]
    """Signs in by name or address; a suspended member is out at the next request, in every open session."""

    def user_can_authenticate(self, user: Any) -> bool:
        allowed: bool = super().user_can_authenticate(user)
        return allowed and isinstance(user, User) and user.suspended_at is None

    def get_user(self, user_id: Any) -> User | None:
        """The member behind a session, who sees the own card as oneself sees it."""
        user = super().get_user(user_id)
        if not isinstance(user, User):
            return None
        user.closeness = Closeness.SELF
        return user
