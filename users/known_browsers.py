"""A cookie by which a browser shows that a member has signed in with it before.

It opens nothing: whoever brings it has guesses of their own (users.sign_in_limits), and a sign-in without it is told to
the member by mail. A new password makes it worthless, as it makes sessions.
"""

from typing import Any

from django.conf import settings
from django.core import signing
from django.http import HttpRequest, HttpResponse
from django.utils.crypto import constant_time_compare, salted_hmac

from .models import User

SALT = "users.known_browsers"
MAX_AGE = 180 * 24 * 3600
# Members who share a browser. The first of them is forgotten when one more signs in.
MOST_MEMBERS = 5
LONGEST_COOKIE = 1000


def is_known(request: HttpRequest, user: User) -> bool:
    """Return whether `user` has signed in with this browser before, with the password of today."""
    return constant_time_compare(_members(request).get(str(user.pk), ""), _mark(user))


def remember(request: HttpRequest, response: HttpResponse, user: User) -> None:
    """Let `response` tell the browser that `user` has signed in with it."""
    members = _members(request)
    members.pop(str(user.pk), None)
    kept = [*members.items(), (str(user.pk), _mark(user))][-MOST_MEMBERS:]
    response.set_cookie(
        settings.KNOWN_BROWSER_COOKIE_NAME,
        signing.dumps(dict(kept), salt=SALT),
        max_age=MAX_AGE,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )


def _members(request: HttpRequest) -> dict[str, str]:
    cookie = request.COOKIES.get(settings.KNOWN_BROWSER_COOKIE_NAME, "")
    if not 0 < len(cookie) <= LONGEST_COOKIE:
        return {}
    try:
        members: dict[str, str] = signing.loads(cookie, salt=SALT, max_age=MAX_AGE)
    except signing.BadSignature:
        return {}
    return members


def _mark(user: Any) -> str:
    return salted_hmac(SALT, f"{user.pk}:{user.password}", algorithm="sha256").hexdigest()[:24]
