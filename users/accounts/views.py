"""Views of sign-up, password reset and address confirmation, where LinkUp differs from allauth."""

from typing import Any

from allauth.account import views as allauth_views
from allauth.account.forms import default_token_generator
from allauth.account.internal.flows.password_reset import get_reset_password_from_key_url
from allauth.account.utils import get_next_redirect_url, user_pk_to_url_str
from allauth.core import ratelimit
from allauth.decorators import rate_limit
from django import forms
from django.contrib import messages
from django.contrib.auth import logout
from django.contrib.auth.decorators import login_required
from django.contrib.auth.views import redirect_to_login
from django.db import IntegrityError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from core.web import error_pages

from ..http import MemberRequest
from . import known_browsers
from .adapter import may_confirm
from .email_addresses import (
    AddressTaken,
    find_checked_address,
    find_restorable_address,
    finish_address_check,
    restore_address,
    send_address_check,
)
from .identifiers import mailbox_key


class SignupView(allauth_views.SignupView):  # type: ignore[misc]
    """Sign-up, also for concurrent requests with the same username or address."""

    def form_valid(self, form: forms.BaseForm) -> HttpResponse:
        response: HttpResponse
        try:
            response = super().form_valid(form)
        except IntegrityError:
            form.full_clean()  # finds the account of the other request by now
            response = super().form_valid(form) if form.is_valid() else self.form_invalid(form)
        return response


class ConfirmEmailView(allauth_views.ConfirmEmailView):  # type: ignore[misc]
    """Confirmation of an address; opening the link of another account without confirming does not sign the user out."""

    def logout_other_user(self, confirmation: Any) -> None:
        if self.request.method == "POST":
            super().logout_other_user(confirmation)

    def post(self, *args: Any, **options: Any) -> HttpResponse:
        """Confirm the address; a changed address needs its member signed in, since a link alone must not take over an
        account."""
        response: HttpResponse
        if may_confirm(self.request, self.get_object().email_address):
            response = super().post(*args, **options)
        else:
            logout(self.request)
            messages.info(self.request, _("Sign in to confirm your new address."))
            response = redirect_to_login(self.request.path)
        return response


class PasswordResetView(allauth_views.PasswordResetView):  # type: ignore[misc]
    """Request for a reset link; all spellings of a mailbox share a rate limit."""

    def form_valid(self, form: Any) -> HttpResponse:
        key = mailbox_key(form.cleaned_data["email"])
        response: HttpResponse | None = ratelimit.consume_or_429(
            self.request, action="reset_password", key=key
        )
        if response is None:
            form.save(self.request)
            response = redirect(self.get_success_url())
        return response


class PasswordResetFromKeyView(allauth_views.PasswordResetFromKeyView):  # type: ignore[misc]
    """Choice of the new password; the browser then counts as known."""

    def form_valid(self, form: Any) -> HttpResponse:
        response: HttpResponse = super().form_valid(form)
        known_browsers.remember_browser(self.request, response, self.reset_user)
        return response


class PasswordChangeView(allauth_views.PasswordChangeView):  # type: ignore[misc]
    """Change of the password; the browser stays known."""

    def form_valid(self, form: Any) -> HttpResponse:
        response: HttpResponse = super().form_valid(form)
        known_browsers.remember_browser(self.request, response, form.user)
        return response


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@rate_limit(action="reset_password_from_key")  # type: ignore[untyped-decorator]
def restore_former_address(request: HttpRequest, token: str) -> HttpResponse:
    """Restore the address that another person changed, then redirect to the choice of a new password."""
    former = find_restorable_address(token)
    if former and request.method == "POST":
        try:
            user = restore_address(former=former)
        except AddressTaken:
            former = None
        else:
            logout(request)
            key = f"{user_pk_to_url_str(user)}-{default_token_generator.make_token(user)}"
            return redirect(get_reset_password_from_key_url(request, key))
    return render(request, "account/restore_address.html", {"former": former, "token": token})


@require_POST
@login_required
@rate_limit(action="confirm_address_again")  # type: ignore[untyped-decorator]
def send_check_to_address(request: MemberRequest) -> HttpResponse:
    """Send a link to the member's address, to which mail has failed."""
    if request.user.mail_problem:
        send_address_check(user=request.user)
        text = _("We have sent a message to %(email)s. Open the link in it.") % {"email": request.user.email}
        messages.info(request, text)
    return redirect("account_email")


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@rate_limit(action="reset_password_from_key")  # type: ignore[untyped-decorator]
def check_address(request: HttpRequest, token: str) -> HttpResponse:
    """Confirm by the link of a mail that mail arrives; anyone with the link may do so."""
    email = find_checked_address(token)
    if email and request.method == "POST":
        finish_address_check(email=email)
        messages.success(request, _("Thank you. Messages go to %(email)s again.") % {"email": email})
        return redirect("account_email")
    return render(request, "account/check_address.html", {"email": email, "token": token})


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Respond with 403; redirect instead if the form was sign-in or sign-up and the user signed in in another tab.

    The redirect leads to the destination of the form and changes nothing, like opening the sign-in page would.
    """
    name = request.resolver_match.url_name if request.resolver_match else ""
    user = getattr(request, "user", None)
    if name in {"account_login", "account_signup"} and user is not None and user.is_authenticated:
        return redirect(get_next_redirect_url(request) or "/")
    return error_pages.csrf_failure(request, reason)
