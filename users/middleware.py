"""Middleware that binds pages to their member: requests of stale pages, and caching."""

from collections.abc import Callable
from typing import cast

from django.http import HttpRequest, HttpResponse
from django.utils.cache import patch_cache_control

from .http import PAGE_MEMBER, HtmxRequest, signed_out_response

GetResponse = Callable[[HttpRequest], HttpResponse]


class PageMemberMiddleware:
    """Responds to htmx with `signed_out_response` if the page was rendered for a member that is no longer signed in.

    This also holds for views that visitors may use: their version of a list must not appear in a member's page, and
    nothing may be written as the member that signed in afterwards.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        htmx_request = cast(HtmxRequest, request)
        page_member = request.headers.get(PAGE_MEMBER)
        if page_member and htmx_request.htmx and page_member != str(htmx_request.user.pk):
            return signed_out_response()
        return self.get_response(request)


class PrivateCacheMiddleware:
    """Marks responses to members as private and not to be stored (R11.5), unless a view sets Cache-Control.

    Browsers also drop such pages from the back/forward cache when the session cookie changes.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        # Only a user that was loaded already: a response for which none was loaded shows no member's data.
        user = getattr(request, "_cached_user", None)
        if user is not None and user.is_authenticated and not response.has_header("Cache-Control"):
            patch_cache_control(response, private=True, no_store=True)
        return response
