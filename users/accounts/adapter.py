"""allauth's adapter: how accounts are stored, mail is sent, and sign-ins are announced."""

import logging
from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.core import context as allauth_context
from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy as _

from core import mail
from core.web.client_ip import client_address

from .. import services
from ..models import User
from . import known_browsers
from .email_addresses import AddressTaken
from .identifiers import fold_address
from .mail_limits import may_send

limits = logging.getLogger("security.limit")

MISMATCH = _(
    "The name or the password is not correct. After several tries, wait five minutes or choose a new password."
)


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    """Maps allauth's hooks to the services of this app."""

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
        """Confirm the address and return whether that was possible: not if another account has it by now.

        Anyone with the link can confirm the first address of an account; a later one needs the member signed in.
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
                self._add_email_message(request, messages.SUCCESS, "email_confirmed", email_address.email)
                return True
        self._add_email_message(request, messages.ERROR, "email_confirmation_failed", email_address.email)
        return False

    def _add_email_message(self, request: HttpRequest, level: int, name: str, email: str) -> None:
        self.add_message(request, level, f"account/messages/{name}.txt", {"email": email})

    def can_delete_email(self, email_address: Any) -> bool:
        """Return whether this is a pending change; the address itself stays, since the member signs in with it."""
        return not email_address.primary

    def get_client_ip(self, request: HttpRequest) -> str:
        """Return the key of rate limits; all clients behind an untrusted unix socket share "unknown"."""
        return client_address(request) or "unknown"

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        """Do nothing: users.backends counts attempts, for every view that takes a password and not only allauth's."""

    def _delete_login_attempts_cached_email(self, request: HttpRequest, **credentials: Any) -> None:
        """Do nothing: users.receivers clears the counts of the account and keeps those of the client's network."""

    def login(self, request: HttpRequest, user: User) -> None:
        """Sign in; if the browser is new and this is not the first sign-in, notify the member by mail."""
        is_new_browser = user.last_login is not None and not known_browsers.is_known(request, user)
        super().login(request, user)
        if is_new_browser:
            self.send_notification_mail("account/email/new_sign_in", user)

    def post_login(self, request: HttpRequest, user: User, **options: Any) -> HttpResponse:
        response: HttpResponse = super().post_login(request, user, **options)
        known_browsers.remember_browser(request, response, user)
        return response

    def validation_error(self, code: str, *args: Any) -> Any:
        """Return allauth's error; log a rate limit, which allauth shows in the form and not as 429 (R9.6)."""
        if code.startswith("too_many_"):
            limits.warning("rate limit hit: %s", code)
        return super().validation_error(code, *args)

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """Send a mail within the limits of users.accounts.mail_limits.

        Only mail to a confirmed address contains the name, so that typed text never reaches a stranger's mailbox.
        """
        member = User.objects.filter(email=fold_address(email), joined_at__isnull=False).first()
        request = allauth_context.request
        if may_send(request, template_prefix, email, is_member=member is not None):
            common = {"email": email, "request": request}
            mail.send_template(
                to=email, template=template_prefix, context={**common, **context, "user": member}
            )


def may_confirm(request: HttpRequest, email_address: Any) -> bool:
    """Return whether the client may confirm `email_address`: anyone for a new account, else only its member."""
    user = email_address.user
    return user.joined_at is None or request.user == user
