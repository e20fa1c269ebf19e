"""Access to conversations, and responses that all their views share."""

from collections.abc import Iterable

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse, JsonResponse

from core.web.rate_limits import RateLimited
from network.reach import consume_reach
from users.http import MemberRequest
from users.models import User

from .. import queries
from ..errors import MessagingError, SendingRateLimited
from ..models import Membership

STATUS = {"client_id_taken": 409, "too_fast": 429, "not_in": 404}


def mine_or_404(request: MemberRequest, pk: int) -> Membership:
    """Return the viewer's membership of the conversation `pk`. Raises Http404 without one.

    Scripts name the member of their page (X-Member): a page of a member who has signed out must not act for another
    who has signed in since. Raises PermissionDenied then.
    """
    if request.headers.get("X-Member", str(request.user.pk)) != str(request.user.pk):
        raise PermissionDenied
    mine = queries.membership_of(request.user, pk)
    if mine is None:
        raise Http404
    return mine


def count_reach(member: User, people: Iterable[int]) -> None:
    """Count people who are called into a conversation (network.reach). Raises SendingRateLimited above what a member
    may."""
    try:
        consume_reach(member, people)
    except RateLimited as error:
        raise SendingRateLimited(error.words, wait=error.wait) from error


def wants_json(request: MemberRequest) -> bool:
    """Whether a program asks: it says that it accepts JSON rather than a page."""
    return request.get_preferred_type(["text/html", "application/json"]) == "application/json"


def wants_part(request: MemberRequest) -> bool:
    """Whether a script asks, for a part of the page."""
    return bool(request.htmx) or request.headers.get("X-Requested-With") == "fetch"


def status_of(error: MessagingError) -> int:
    """The status of an answer to an act that the state of the conversation forbids."""
    return STATUS.get(error.code, 403)


def refusal(error: MessagingError) -> HttpResponse:
    """The answer to an act that the state of the conversation forbids, for programs."""
    return refuse(error, JsonResponse({"error": error.code, "text": str(error)}, status=status_of(error)))


def refuse(error: MessagingError, response: HttpResponse) -> HttpResponse:
    """`response`, which says why, with when to try again where that is known."""
    if isinstance(error, SendingRateLimited):
        response["Retry-After"] = str(error.wait)
    return response
