"""Typed requests, and the responses to requests of users that are not signed in."""

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar, cast
from urllib.parse import urlsplit

from allauth.account.internal.flows.reauthentication import is_reauthentication_required
from django.contrib import messages
from django.contrib.auth.models import AnonymousUser
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.cache import patch_cache_control
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django_htmx.middleware import HtmxDetails

from .models import User

Viewer = User | AnonymousUser
View = TypeVar("View", bound=Callable[..., HttpResponseBase])

# The header by which scripts recognise a response to a signed-out user (theme/js/session.js).
SIGNED_OUT = "X-Signed-Out"
# The member for whom the page was rendered: a request from it must never run as another member.
PAGE_MEMBER = "X-Page-Member"
SAFE_METHODS = ("GET", "HEAD", "OPTIONS")


class HtmxRequest(HttpRequest):
    """A request of any client, with the details from htmx's headers."""

    htmx: HtmxDetails
    user: Viewer


class MemberRequest(HtmxRequest):
    """A request behind `member_required`: its `user` is a member."""

    user: User


def member_required(view: View) -> View:
    """Redirect visitors to sign-in; htmx, which would swap that page into another, gets `signed_out_response`."""

    @wraps(view)
    def require_member(request: HtmxRequest, *args: Any, **named: Any) -> HttpResponseBase:
        if request.user.is_authenticated:
            return view(request, *args, **named)
        if request.htmx:
            return signed_out_response()
        path = request.get_full_path()
        if request.method not in SAFE_METHODS:
            # After sign-in, a POST opens the page with the form.
            referer = request.headers.get("Referer", "")
            hosts, is_secure = {request.get_host()}, request.is_secure()
            if url_has_allowed_host_and_scheme(referer, allowed_hosts=hosts, require_https=is_secure):
                parts = urlsplit(referer)
                path = f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"
        return redirect_to_login(path)

    return cast(View, require_member)


def signed_out_response() -> HttpResponse:
    """Return a 401 without content, with the header that scripts recognise."""
    response = HttpResponse(status=401)
    response[SIGNED_OUT] = "1"
    patch_cache_control(response, private=True, no_store=True)
    return response


def require_recent_password(request: HttpRequest) -> HttpResponse | None:
    """Return a redirect to reauthentication if the password was not typed recently, so that a stolen session is not
    enough to take over an account.

    The submitted data is dropped: a new password in it must not be stored in the session.
    """
    if not is_reauthentication_required(request, app="users"):
        return None
    messages.info(request, _("Enter your password again to continue."))
    return redirect(reverse("account_reauthenticate", query={"next": request.get_full_path()}))


__all__ = [
    "HtmxRequest",
    "MemberRequest",
    "Viewer",
    "member_required",
    "require_recent_password",
    "signed_out_response",
]
