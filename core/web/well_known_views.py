"""Paths that programs request from every site: security contact, robots.txt, icon, password change."""

from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

from django.conf import settings
from django.contrib.staticfiles import finders
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.views.decorators.http import require_safe

from .security_contacts import security_contacts

ICON = "theme/favicon.ico"
KEPT_FOR = 86_400
# Search engines may read the public pages only, not those of members.
ROBOTS = """\
User-agent: *
Allow: /$
Allow: /accounts/login/
Allow: /accounts/signup/
Allow: /static/
Allow: /.well-known/
Disallow: /
"""


def _cacheable(response: HttpResponse) -> HttpResponse:
    """Let browsers and proxies cache the response, which is the same for everyone, for a day."""
    response["Cache-Control"] = f"public, max-age={KEPT_FOR}"
    return response


@require_safe
def security_txt(request: HttpRequest) -> HttpResponse:
    """Serve the security contacts (RFC 9116), valid for SECURITY_TXT_DAYS from today."""
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    expires = today + timedelta(days=settings.SECURITY_TXT_DAYS)
    lines = [
        *(f"Contact: {contact}" for contact in security_contacts()),
        f"Expires: {expires:%Y-%m-%dT%H:%M:%SZ}",
        f"Preferred-Languages: {', '.join(code for code, _name in settings.LANGUAGES)}",
        f"Canonical: {settings.SITE_URL.rstrip('/')}{reverse('security_txt')}",
    ]
    return _cacheable(HttpResponse("\n".join(lines) + "\n", content_type="text/plain; charset=utf-8"))


@require_safe
def robots_txt(request: HttpRequest) -> HttpResponse:
    """Serve the rules for search engines (RFC 9309)."""
    return _cacheable(HttpResponse(ROBOTS, content_type="text/plain; charset=utf-8"))


@require_safe
def favicon(request: HttpRequest) -> HttpResponse:
    """Serve the icon for clients that request it without reading a page."""
    return _cacheable(HttpResponse(_read_icon(), content_type="image/x-icon"))


@cache
def _read_icon() -> bytes:
    found = finders.find(ICON)
    if not found:
        raise Http404
    return Path(found).read_bytes()


@require_safe
def change_password(request: HttpRequest) -> HttpResponse:
    """Redirect password managers to the form (W3C, A Well-Known URL for Changing Passwords)."""
    return _cacheable(HttpResponseRedirect(reverse("account_change_password")))
