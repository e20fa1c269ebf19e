"""The list of conversations, and the page of one."""

import uuid

from django.http import Http404, HttpResponse, JsonResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from core.database.pagination import CURSOR, id_cursor
from users.http import MemberRequest, member_required

from .. import queries
from ..display import conversation_page as display
from ..display import history
from ..display import inbox as box
from ..display.rendering import lines
from ..forms import MessageForm
from ..models import Membership
from .access import mine_or_404, wants_part

REQUESTS = "requests"
MOST_REQUESTS_COUNTED = 20


@member_required
@require_safe
def inbox(request: MemberRequest) -> HttpResponse:
    wants_requests = request.GET.get("box") == REQUESTS
    requests = Membership.objects.requests(request.user)
    shown = requests if wants_requests else Membership.objects.inbox(request.user)
    page = box.page(shown, request.user, request.GET.get(CURSOR))
    context = {
        "rows": box.rows(page.rows, request.user),
        "next": page.next,
        "box": REQUESTS if wants_requests else "inbox",
        "requests": len(requests.values_list("pk")[:MOST_REQUESTS_COUNTED]),
    }
    return render(request, "messaging/inbox.html", context)


@member_required
@require_safe
def conversation(request: MemberRequest, pk: int) -> HttpResponse:
    """Older lines (`?before=`) come alone to scripts."""
    before = id_cursor(request.GET.get("before"))
    if before is not None and wants_part(request):
        return _older_lines(request, mine_or_404(request, pk), before)
    return conversation_page(request, pk)


@member_required
@require_safe
def news(request: MemberRequest) -> HttpResponse:
    """What a page without a socket asks now and then."""
    return JsonResponse({"unread": queries.waiting_conversations(request.user.pk)})


def conversation_page(
    request: MemberRequest, pk: int, form: MessageForm | None = None, status: int = 200
) -> HttpResponse:
    """The page of the conversation `pk`, with a refused `form` as it was filled in; 404 for who is not in."""
    side = display.standing(request.user, pk)
    if side is None:
        raise Http404
    around, before = (id_cursor(request.GET.get(name)) for name in ("around", "before"))
    if around is not None:
        window = history.around(side.mine, around)
    elif before is not None:
        window = history.before(side.mine, before)
    else:
        window = history.newest(side.mine)
    talk, rows = display.talk(request.user, side, window)
    context = {
        "talk": talk,
        "rows": rows,
        "next": side.next,
        "requests": side.requests,
        "box": REQUESTS if side.mine.is_request else "inbox",
        "found": around,
        "form": form or empty_form(),
    }
    return render(request, "messaging/conversation.html", context, status=status)


def empty_form() -> MessageForm:
    """Each page has a number of its own for what is sent from it: pressing twice is sending once."""
    return MessageForm(initial={"client_id": uuid.uuid4()})


def _older_lines(request: MemberRequest, mine: Membership, before: int) -> HttpResponse:
    window = history.before(mine, before)
    drawn = lines(window.entries, mine, request.user)
    cursors = queries.cursors(mine, request.user)
    context = {"places": display.places(drawn, mine, cursors), "more": window.has_older, "is_part": True}
    return render(request, "messaging/_lines.html", context)
