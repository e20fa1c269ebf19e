"""What every request passes about the member who sends it."""

from collections.abc import Callable
from typing import cast

from django.http import HttpRequest, HttpResponse
from django.utils.cache import patch_cache_control

from .http import PAGE_MEMBER, HtmxRequest, signed_out

GetResponse = Callable[[HttpRequest], HttpResponse]


class MemberOfPage:
    """Answers htmx with `signed_out` where the page that asks was made for a member who is not signed in any more.

    It stands before the view, whether or not that needs a member: a list that visitors may see too must not turn into
    theirs in the middle of a member's page, and nothing is written in the name of the one who signed in afterwards.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        asking = cast(HtmxRequest, request)
        page_member = request.headers.get(PAGE_MEMBER)
        if page_member and asking.htmx and page_member != str(asking.user.pk):
            return signed_out()
        return self.get_response(request)


class PrivatePages:
    """Pages and JSON of a member are kept by no cache and for no other eyes (R11.5), where they do not say otherwise.

    A browser that keeps whole pages for "back" lets those go when the session's cookie changes.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        # Only who is known already: an answer that asked for nobody shows nobody's.
        user = getattr(request, "_cached_user", None)
        if user is not None and user.is_authenticated and not response.has_header("Cache-Control"):
            patch_cache_control(response, private=True, no_store=True)
        return response
