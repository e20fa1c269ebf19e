"""Searching one conversation."""

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from core.database.pagination import CURSOR, id_cursor, make_page
from core.text.cleaning import clean_parameter
from core.web import rate_limits
from users.http import MemberRequest, member_required

from ..display.rendering import entries_for
from ..models import Entry
from .access import mine_or_404

PAGE_SIZE = 20
LONGEST_QUERY = 100


@member_required
@require_safe
def search(request: MemberRequest, pk: int) -> HttpResponse:
    """Messages that hold the words `q`, the newest first; without words, none."""
    mine = mine_or_404(request, pk)
    query = clean_parameter(request.GET.get("q"), LONGEST_QUERY)
    before = id_cursor(request.GET.get(CURSOR))
    found = Entry.objects.none()
    if query:
        rate_limits.consume("search", request.user.pk)
        found = (
            Entry.objects.filter(conversation=mine.conversation_id)
            .readable_by(request.user)
            .with_words(query)
        )
    if before is not None:
        found = found.filter(seq__lt=before)
    page = make_page(list(found.order_by("-seq")[: PAGE_SIZE + 1]), PAGE_SIZE, lambda entry: str(entry.seq))
    context = {
        "conversation": mine.conversation,
        "mine": mine,
        "query": query,
        "page": page,
        "results": entries_for(page.rows, mine, request.user),
    }
    return render(request, "messaging/search.html", context)
