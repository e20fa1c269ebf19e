"""The typed request of a signed-in member, and what is answered where nobody is signed in any more."""

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

# By this header the scripts know an answer to somebody who is not, or no longer, signed in (theme/js/session.js).
SIGNED_OUT = "X-Signed-Out"
# Whose page it is that asks: what a script sends in the name of one member is never done in the name of another.
PAGE_MEMBER = "X-Page-Member"
SAFE_METHODS = ("GET", "HEAD", "OPTIONS")


class HtmxRequest(HttpRequest):
    """A request of anybody, with what htmx said about it."""

    htmx: HtmxDetails
    user: Viewer


class MemberRequest(HtmxRequest):
    """A request behind `member_required`: its `user` is a member."""

    user: User


def member_required(view: View) -> View:
    """Send visitors to sign in; htmx, which would put that page into the middle of another, gets `signed_out`."""

    @wraps(view)
    def answer(request: HtmxRequest, *args: Any, **named: Any) -> HttpResponseBase:
        if request.user.is_authenticated:
            return view(request, *args, **named)
        if request.htmx:
            return signed_out()
        return redirect_to_login(_page_of(request))

    return cast(View, answer)


def signed_out() -> HttpResponse:
    """401 without content: nothing to put into a page, and a header that its scripts understand."""
    response = HttpResponse(status=401)
    response[SIGNED_OUT] = "1"
    patch_cache_control(response, private=True, no_store=True)
    return response


def ask_password_again(request: HttpRequest) -> HttpResponse | None:
    """The way to "is it you?" where the password was not typed lately: a session alone takes no account.

    What was sent is not kept meanwhile: a new password in it must not lie in the session.
    """
    if not is_reauthentication_required(request, app="users"):
        return None
    messages.info(request, _("Type your password once more, then go on."))
    return redirect(reverse("account_reauthenticate", query={"next": request.get_full_path()}))


def _page_of(request: HttpRequest) -> str:
    """Where to go on after signing in: to the page that asked. An address that takes forms alone is none."""
    here = request.get_full_path()
    if request.method in SAFE_METHODS:
        return here
    came_from = request.headers.get("Referer", "")
    hosts = {request.get_host()}
    if not url_has_allowed_host_and_scheme(came_from, allowed_hosts=hosts, require_https=request.is_secure()):
        return here
    parts = urlsplit(came_from)
    return f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"


__all__ = ["HtmxRequest", "MemberRequest", "Viewer", "ask_password_again", "member_required", "signed_out"]
