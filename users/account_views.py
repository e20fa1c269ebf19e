"""Sign-up, sign-in and what leads back into an account: allauth's pages, where LinkUp differs."""

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
from django.contrib.auth.views import redirect_to_login
from django.db import IntegrityError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from core.web import error_pages

from . import known_browsers
from .adapter import may_confirm
from .email_addresses import AddressTaken, restoration_of, restore_address
from .identifiers import mailbox_key


class SignupView(allauth_views.SignupView):  # type: ignore[misc]
    """Sign-up, also for two who send the same name or address at the same moment."""

    def form_valid(self, form: forms.BaseForm) -> HttpResponse:
        answer: HttpResponse
        try:
            answer = super().form_valid(form)
        except IntegrityError:
            form.full_clean()  # now it knows of the other: a taken name, or an address that has an account
            answer = super().form_valid(form) if form.is_valid() else self.form_invalid(form)
        return answer


class ConfirmEmailView(allauth_views.ConfirmEmailView):  # type: ignore[misc]
    """Confirming an address; who only looks at somebody else's link stays signed in."""

    def logout_other_user(self, confirmation: Any) -> None:
        if self.request.method == "POST":
            super().logout_other_user(confirmation)

    def post(self, *args: Any, **options: Any) -> HttpResponse:
        """A changed address is confirmed by its member, who signs in first: the link alone must not take an account."""
        answer: HttpResponse
        if may_confirm(self.request, self.get_object().email_address):
            answer = super().post(*args, **options)
        else:
            logout(self.request)
            messages.info(self.request, _("Sign in to confirm your new address."))
            answer = redirect_to_login(self.request.path)
        return answer


class PasswordResetView(allauth_views.PasswordResetView):  # type: ignore[misc]
    """Asking for a link; spellings of one mailbox share one limit."""

    def form_valid(self, form: Any) -> HttpResponse:
        key = mailbox_key(form.cleaned_data["email"])
        answer: HttpResponse | None = ratelimit.consume_or_429(self.request, action="reset_password", key=key)
        if answer is None:
            form.save(self.request)
            answer = redirect(self.get_success_url())
        return answer


class PasswordResetFromKeyView(allauth_views.PasswordResetFromKeyView):  # type: ignore[misc]
    """Choosing the new password; the browser in which that is done belongs to the member."""

    def form_valid(self, form: Any) -> HttpResponse:
        answer: HttpResponse = super().form_valid(form)
        known_browsers.remember(self.request, answer, self.reset_user)
        return answer


class PasswordChangeView(allauth_views.PasswordChangeView):  # type: ignore[misc]
    """Changing the password; this browser stays known."""

    def form_valid(self, form: Any) -> HttpResponse:
        answer: HttpResponse = super().form_valid(form)
        known_browsers.remember(self.request, answer, form.user)
        return answer


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@rate_limit(action="reset_password_from_key")  # type: ignore[untyped-decorator]
def restore_former_address(request: HttpRequest, token: str) -> HttpResponse:
    """The way back of a member whose address was changed by somebody else; then a new password is chosen."""
    former = restoration_of(token)
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


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """403, but for a form of sign-in or sign-up that was left open in one tab while its member signed in in another.

    Nothing is done then but to go on to where that tab wanted to go, as its own page would do now.
    """
    name = request.resolver_match.url_name if request.resolver_match else ""
    user = getattr(request, "user", None)
    if name in {"account_login", "account_signup"} and user is not None and user.is_authenticated:
        return redirect(get_next_redirect_url(request) or "/")
    return error_pages.csrf_failure(request, reason)
