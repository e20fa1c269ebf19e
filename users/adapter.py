"""Where allauth asks LinkUp: how an account is stored, how its mail leaves, where to go next."""

import logging
from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.core import context as allauth_context
from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.contrib.sites.shortcuts import get_current_site
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy as _

from core import mail
from core.web.client_ip import client_address

from . import known_browsers, services
from .email_addresses import AddressTaken
from .identifiers import fold_address
from .mail_limits import may_send
from .models import User

limits = logging.getLogger("security.limit")

MISMATCH = _(
    "The name or the password is not correct. After several tries, wait five minutes or choose a new password."
)


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    """allauth's door to the verbs of this app."""

    error_messages = {
        **DefaultAccountAdapter.error_messages,
        "email_password_mismatch": MISMATCH,
        "username_password_mismatch": MISMATCH,
        "too_many_login_attempts": _(
            "Too many failed attempts. Wait five minutes, then try again, or choose a new password."
        ),
    }

    def clean_email(self, email: str) -> str:
        return fold_address(email)

    def save_user(self, request: HttpRequest, user: User, form: Any, commit: bool = True) -> User:
        super().save_user(request, user, form, commit=False)
        user.name = form.cleaned_data.get("name", "")
        return services.sign_up(user=user) if commit else user

    def confirm_email(self, request: HttpRequest, email_address: Any) -> bool:
        """All of it or nothing; nothing where another account got the address after the mail was sent.

        The first address may be confirmed by whoever has the link; another one only by the member, who is signed in.
        """
        user = email_address.user
        if may_confirm(request, email_address):
            try:
                services.confirm_address(user=user, email=email_address.email)
            except AddressTaken:
                pass
            else:
                if request.user == user:
                    update_session_auth_hash(request, user)
                self._say(request, messages.SUCCESS, "email_confirmed", email_address.email)
                return True
        self._say(request, messages.ERROR, "email_confirmation_failed", email_address.email)
        return False

    def _say(self, request: HttpRequest, level: int, words: str, email: str) -> None:
        self.add_message(request, level, f"account/messages/{words}.txt", {"email": email})

    def can_delete_email(self, email_address: Any) -> bool:
        """A change that waits can be called off; the address itself stays, or nobody could sign in any more."""
        return not email_address.primary

    def get_client_ip(self, request: HttpRequest) -> str:
        """Whom limits count by; all who come through a unix socket that is not trusted share one count."""
        return client_address(request) or "unknown"

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        """Nothing: users.backends counts, which every address that takes a password passes, not allauth's alone."""

    def _delete_login_attempts_cached_email(self, request: HttpRequest, **credentials: Any) -> None:
        """Nothing: users.receivers clears the counts of the account, and leaves those of the visitor's network."""

    def login(self, request: HttpRequest, user: User) -> None:
        """Sign in, and tell the member by mail where it is not the first time, but the first with this browser."""
        is_news = user.last_login is not None and not known_browsers.is_known(request, user)
        super().login(request, user)
        if is_news:
            self.send_notification_mail("account/email/new_sign_in", user)

    def post_login(self, request: HttpRequest, user: User, **options: Any) -> HttpResponse:
        response: HttpResponse = super().post_login(request, user, **options)
        known_browsers.remember(request, response, user)
        return response

    def validation_error(self, code: str, *args: Any) -> Any:
        """Where allauth answers a limit with words in the form instead of a 429, it is a limit all the same (R9.6)."""
        if code.startswith("too_many_"):
            limits.warning("rate limit hit: %s", code)
        return super().validation_error(code, *args)

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """Send within the limits of users.mail_limits.

        Only an address that a member has confirmed is greeted by name: nobody's words reach a stranger's mailbox.
        """
        member = User.objects.filter(email=fold_address(email), joined_at__isnull=False).first()
        request = allauth_context.request
        if may_send(request, template_prefix, email, is_member=member is not None):
            known = {"email": email, "site": get_current_site(request), "request": request}
            mail.send_template(
                to=email, template=template_prefix, context={**known, **context, "user": member}
            )


def may_confirm(request: HttpRequest, email_address: Any) -> bool:
    """Return whether this visitor may confirm `email_address`: the link alone is enough for a new account's first."""
    user = email_address.user
    return user.joined_at is None or request.user == user
