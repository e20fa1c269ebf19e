"""Where allauth asks LinkUp: how an account is stored, how its mail leaves, where to go next."""

import logging
from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.core import context as allauth_context
from django.contrib import messages
from django.contrib.sites.shortcuts import get_current_site
from django.db import IntegrityError, transaction
from django.http import HttpRequest

from core import mail
from core.addresses import client_address

from . import services
from .models import User

limits = logging.getLogger("security.limit")


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    """allauth's door to the verbs of this app."""

    def save_user(self, request: HttpRequest, user: User, form: Any, commit: bool = True) -> User:
        super().save_user(request, user, form, commit=False)
        user.name = form.cleaned_data.get("name", "")
        return services.sign_up(user=user) if commit else user

    def confirm_email(self, request: HttpRequest, email_address: Any) -> Any:
        """All of it or nothing; nothing where another account got the address after the mail was sent."""
        try:
            with transaction.atomic():
                confirmed = super().confirm_email(request, email_address)
                if confirmed:
                    services.confirm_member(user=email_address.user)
        except IntegrityError:
            words = "account/messages/email_confirmation_failed.txt"
            self.add_message(request, messages.ERROR, words, {"email": email_address.email})
            return False
        return confirmed

    def can_delete_email(self, email_address: Any) -> bool:
        """A change that waits can be called off; the address itself stays, or nobody could sign in any more."""
        return not email_address.primary

    def get_client_ip(self, request: HttpRequest) -> str:
        """Whom limits count by; all who come through a unix socket that is not trusted share one count."""
        return client_address(request) or "unknown"

    def validation_error(self, code: str, *args: Any) -> Any:
        """Where allauth answers a limit with words in the form instead of a 429, it is a limit all the same (R9.6)."""
        if code.startswith("too_many_"):
            limits.warning("rate limit hit: %s", code)
        return super().validation_error(code, *args)

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        request = allauth_context.request
        values = {"email": email, "site": get_current_site(request), "request": request, **context}
        mail.send_template(to=email, template=template_prefix, context=values)
