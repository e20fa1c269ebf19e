"""Who may be signed in."""

from typing import Any

from allauth.account.auth_backends import AuthenticationBackend
from django.db.models import QuerySet
from django.http import HttpRequest

from core.database.compiled_queries import CompiledQuery

from .audience import Closeness
from .hashers import TooManyAtOnce
from .identifiers import fold_identifier, names_account
from .models import User
from .sign_in_limits import begin_attempt


class MemberBackend(AuthenticationBackend):  # type: ignore[misc]
    """Signs in by name or address; a suspended member is out at the next request, in every open session.

    Every address that takes the password of an account comes here, so the limits of guessing are here too.
    """

    def _authenticate(self, request: HttpRequest | None, **credentials: Any) -> Any:
        """The account, if the password is its own; raises ValidationError where too many wrong ones came before.

        One account is looked at, so that one password is hashed, as for an account that does not exist; allauth would
        look twice for an address.
        """
        typed = str(credentials.get("email") or credentials.get("username") or "")
        account = account_called(typed)
        attempt = begin_attempt(request, account, typed)
        try:
            user = self._check_password(None if attempt.is_refused else account, str(credentials["password"]))
        except TooManyAtOnce:
            attempt.take_back()
            raise
        if user is not None:
            attempt.take_back()
        return user

    def user_can_authenticate(self, user: Any) -> bool:
        allowed: bool = super().user_can_authenticate(user)
        return allowed and isinstance(user, User) and user.suspended_at is None

    def get_user(self, user_id: Any) -> User | None:
        """The member behind a session, who sees the own card as oneself sees it."""
        for user in _USER.fetch(user=int(user_id)):
            if self.user_can_authenticate(user):
                user.closeness = Closeness.SELF
                return user
        return None


def _user_query(user: int) -> QuerySet[User]:
    return User.objects.filter(pk=user)


# Every request of a member asks for one.
_USER = CompiledQuery(_user_query)


def account_called(typed: str) -> User | None:
    """The account with the username `typed`, or with the address `typed` where it has an @."""
    folded = fold_identifier(typed)
    if not names_account(folded):
        return None
    return User.objects.filter(**{"email" if "@" in folded else "username": folded}).first()
