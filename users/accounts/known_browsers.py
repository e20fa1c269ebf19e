"""Cookie that proves that a member has signed in with this browser before.

It grants no access: sign-ins with it have a separate limit of guesses (sign_in_limits), and a sign-in without it
is announced to the member by mail. A new password invalidates it, as it does sessions.
"""

from typing import Any

from django.conf import settings
from django.core import signing
from django.http import HttpRequest, HttpResponse
from django.utils.crypto import constant_time_compare, salted_hmac

from ..models import User

# Cookies hold signatures with it: it stays, wherever the module is.
SALT = "users.known_browsers"
MAX_AGE = 180 * 24 * 3600
# Members per browser. When one more signs in, the earliest is dropped.
MOST_MEMBERS = 5
LONGEST_COOKIE = 1000


def is_known(request: HttpRequest, user: User) -> bool:
    """Return whether `user` has signed in with this browser before, with the current password."""
    return constant_time_compare(_read_cookie(request).get(str(user.pk), ""), _password_digest(user))


def remember_browser(request: HttpRequest, response: HttpResponse, user: User) -> None:
    """Set the cookie in `response`, with `user` added to the members of the browser."""
    members = _read_cookie(request)
    members.pop(str(user.pk), None)
    kept = [*members.items(), (str(user.pk), _password_digest(user))][-MOST_MEMBERS:]
    response.set_cookie(
        settings.KNOWN_BROWSER_COOKIE_NAME,
        signing.dumps(dict(kept), salt=SALT),
        max_age=MAX_AGE,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )


def _read_cookie(request: HttpRequest) -> dict[str, str]:
    cookie = request.COOKIES.get(settings.KNOWN_BROWSER_COOKIE_NAME, "")
    if not 0 < len(cookie) <= LONGEST_COOKIE:
        return {}
    try:
        members: dict[str, str] = signing.loads(cookie, salt=SALT, max_age=MAX_AGE)
    except signing.BadSignature:
        return {}
    return members


def _password_digest(user: Any) -> str:
    return salted_hmac(SALT, f"{user.pk}:{user.password}", algorithm="sha256").hexdigest()[:24]
