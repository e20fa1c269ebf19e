"""Who may be signed in."""

from typing import Any

from allauth.account.auth_backends import AuthenticationBackend

from .models import User


class MemberBackend(AuthenticationBackend):  # type: ignore[misc]
    """Signs in by name or address; a suspended member is out at the next request, in every open session."""

    def user_can_authenticate(self, user: Any) -> bool:
        allowed: bool = super().user_can_authenticate(user)
        return allowed and isinstance(user, User) and user.suspended_at is None
