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
from ..display.rendering import entries_for
from ..forms import MessageForm
from .access import mine_or_404, wants_part

REQUESTS = "requests"


@member_required
@require_safe
def inbox(request: MemberRequest) -> HttpResponse:
    wants_requests = request.GET.get("box") == REQUESTS
    page = box.load_page(request.user, request.GET.get(CURSOR), of_requests=wants_requests)
    context = {
        "rows_html": box.render_rows(box.build_rows(page.rows, request.user)),
        "next": page.next,
        "box": REQUESTS if wants_requests else "inbox",
        "requests": box.count_requests(request.user),
    }
    return render(request, "messaging/inbox.html", context)


@member_required
@require_safe
def conversation(request: MemberRequest, pk: int) -> HttpResponse:
    """Show the conversation; scripts get older entries (`?before=`) alone."""
    before = id_cursor(request.GET.get("before"))
    if before is None or not wants_part(request):
        return conversation_page(request, pk)
    mine = mine_or_404(request, pk)
    window = history.load_before(mine, before)
    entries = entries_for(window.entries, mine, request.user)
    cursors = queries.cursors_of_others(mine, request.user)
    context = {
        "entry_groups": display.group_entries(
            display.build_entry_rows(entries, mine, cursors), more=window.has_older
        ),
        "is_part": True,
    }
    return render(request, "messaging/_entries.html", context)


@member_required
@require_safe
def poll(request: MemberRequest) -> HttpResponse:
    """Return the number of unread conversations, for pages without a socket."""
    return JsonResponse({"unread": queries.count_unread_conversations(request.user.pk)})


def conversation_page(
    request: MemberRequest, pk: int, form: MessageForm | None = None, status: int = 200
) -> HttpResponse:
    """Return the page of the conversation `pk`, with a refused `form` as it was filled in."""
    sidebar = display.load_sidebar(request.user, pk)
    if sidebar is None:
        raise Http404
    around, before = (id_cursor(request.GET.get(name)) for name in ("around", "before"))
    if around is not None:
        window = history.load_around(sidebar.mine, around)
    elif before is not None:
        window = history.load_before(sidebar.mine, before)
    else:
        window = history.load_newest(sidebar.mine)
    page, rows = display.build_conversation_page(request.user, sidebar, window)
    context = {
        "conversation_page": page,
        "rows_html": box.render_rows(rows, current=pk),
        "next": sidebar.next,
        "requests": sidebar.requests,
        "box": REQUESTS if sidebar.mine.is_request else "inbox",
        "entry_groups": display.group_entries(page.entry_rows, found=around),
        "form": form or empty_form(),
    }
    return render(request, "messaging/conversation.html", context, status=status)


def empty_form() -> MessageForm:
    """Return a form with its own client id: pressing the button twice sends once."""
    return MessageForm(initial={"client_id": uuid.uuid4()})
