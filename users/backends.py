"""Authentication backend: sign-in by username or address, and the user of each request."""

from typing import Any

from allauth.account.auth_backends import AuthenticationBackend
from django.db.models import QuerySet
from django.http import HttpRequest

from core.database.compiled_queries import CompiledQuery

from .accounts.hashers import HashingOverloaded
from .accounts.identifiers import fold_identifier, names_account
from .accounts.sign_in_limits import begin_attempt
from .audience import Closeness
from .models import User


class MemberBackend(AuthenticationBackend):  # type: ignore[misc]
    """Signs in by username or address, and ends every session of a suspended member at its next request.

    All views that take a password call this backend, so it applies the limits on guesses.
    """

    def _authenticate(self, request: HttpRequest | None, **credentials: Any) -> Any:
        """Return the account if the password is right; raise ValidationError after too many wrong passwords.

        Exactly one password is hashed, whether or not the account exists; allauth would hash twice for an address.
        """
        typed = str(credentials.get("email") or credentials.get("username") or "")
        account = find_account(typed)
        attempt = begin_attempt(request, account, typed)
        try:
            user = self._check_password(None if attempt.is_refused else account, str(credentials["password"]))
        except HashingOverloaded:
            attempt.take_back()
            raise
        if user is not None:
            attempt.take_back()
        return user

    def user_can_authenticate(self, user: Any) -> bool:
        allowed: bool = super().user_can_authenticate(user)
        return allowed and isinstance(user, User) and user.suspended_at is None

    def get_user(self, user_id: Any) -> User | None:
        """Return the member of a session, with the closeness to the own card."""
        for user in _USER.fetch(user=int(user_id)):
            if self.user_can_authenticate(user):
                user.closeness = Closeness.SELF
                return user
        return None


def _user_query(user: int) -> QuerySet[User]:
    return User.objects.filter(pk=user)


# Runs on every request of a member.
_USER = CompiledQuery(_user_query)


def find_account(typed: str) -> User | None:
    """Return the account with the username `typed`, or with the address `typed` if it contains an @."""
    folded = fold_identifier(typed)
    if not names_account(folded):
        return None
    return User.objects.filter(**{"email" if "@" in folded else "username": folded}).first()
