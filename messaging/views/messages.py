"""A message on its way: sending, catching up, saying how far one has read."""

import json
import uuid
from collections.abc import Mapping
from typing import Any

from django.core.exceptions import BadRequest, ValidationError
from django.http import Http404, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from core.files.storage import CannotStore
from core.web import rate_limits
from core.web.request_bodies.body_limits import accepts_files
from core.web.responses import back_or
from users.http import MemberRequest, member_required

from .. import presence, queries, services
from ..display.rendering import entries_as_json
from ..errors import ClientIdTaken, EmptyMessage, MessagingError, NotAMember, SendingRateLimited
from ..forms import MessageForm
from ..models import Membership
from ..services.cursors import CursorPosition
from .access import mine_or_404, refusal, refuse, status_of, wants_json
from .pages import conversation_page

# Numbers with more digits are none.
LARGEST_SEQ = 10**18 - 1
# Stands for a list or an object in what was sent as JSON; no field takes it.
NESTED = ("nested",)


@accepts_files
@member_required
@require_POST
def send(request: MemberRequest, pk: int) -> HttpResponse:
    mine = mine_or_404(request, pk)
    form = MessageForm(_posted_values(request), request.FILES)
    try:
        sent = _send_form(request, mine, form) if form.is_valid() else None
    except MessagingError as error:
        if wants_json(request):
            return refusal(error)
        if isinstance(error, NotAMember):
            raise Http404 from error
        words = str(error)
        if isinstance(error, ClientIdTaken):
            # Sent from a page that had sent something already, after going back to it: the next time it is another one.
            form.data = {**dict(form.data.items()), "client_id": str(uuid.uuid4())}
            words = _("You changed something that was sent already. Send it again as a new message.")
        form.add_error("text", words)
        return refuse(error, conversation_page(request, pk, form, status_of(error)))
    if not wants_json(request):
        return redirect("messaging:conversation", pk) if sent else conversation_page(request, pk, form, 422)
    if sent is None:
        errors = {name: [str(error) for error in errors] for name, errors in form.errors.items()}
        return JsonResponse({"error": "invalid", "errors": errors}, status=422)
    (entry,) = entries_as_json([sent.entry], mine, request.user)
    return JsonResponse({"conversation": pk, "entry": entry}, status=201 if sent.is_new else 200)


@member_required
@require_safe
def since(request: MemberRequest, pk: int, seq: int) -> HttpResponse:
    if seq > LARGEST_SEQ:
        raise Http404
    mine = mine_or_404(request, pk)
    batch = queries.entries_since(mine, request.user, seq)
    # `member` is who asks, as in the socket's hello: by it a program tells its own entries from those of others.
    side = {"member": request.user.pk, "read": mine.read_seq, "unread": mine.unread}
    return JsonResponse({**batch, "cursors": queries.cursors_of_others(mine, request.user), **side})


@member_required
@require_POST
def cursors(request: MemberRequest, pk: int) -> HttpResponse:
    mine = mine_or_404(request, pk)
    posted = _posted_values(request)
    position = CursorPosition(_posted_number(posted, "delivered"), _posted_number(posted, "read"))
    services.move_cursors({(mine.conversation_id, request.user.pk): position})
    # Only pages without a socket report in this way; reading there means being present.
    presence.touch([request.user.pk])
    if "next" in posted:
        return back_or(request, mine.conversation.get_absolute_url())
    return HttpResponse(status=204)


def _send_form(request: MemberRequest, mine: Membership, form: MessageForm) -> services.SentMessage | None:
    """What was sent, or None with the reason in the form. Raises MessagingError where the state forbids it."""
    data = form.cleaned_data
    client_id, pictures = data["client_id"] or uuid.uuid4(), form.named_pictures()
    try:
        # What was sent before gets its first answer, however many there were since.
        if pictures and not services.was_sent(author=request.user, client_id=client_id):
            rate_limits.consume("upload", request.user.pk, len(pictures))
        return services.send_message(
            conversation=mine.conversation,
            author=request.user,
            client_id=client_id,
            text=data["text"],
            pictures=pictures,
            files=data["files"],
        )
    except rate_limits.RateLimited as error:
        raise SendingRateLimited(str(error.words), wait=error.wait) from error
    except ValidationError as error:
        form.add_error("pictures", error)
    except (EmptyMessage, CannotStore) as error:
        form.add_error("text", str(error))
    return None


def _posted_values(request: MemberRequest) -> Mapping[str, Any]:
    """What was sent, as a form or as a JSON object. Raises BadRequest for JSON that is none."""
    if request.content_type != "application/json":
        return request.POST
    try:
        data = json.loads(request.body)
    except (ValueError, RecursionError) as error:
        raise BadRequest("not JSON") from error
    if not isinstance(data, dict):
        raise BadRequest("not a JSON object")
    # What is nested is never asked for, and a field that made a text of it could fall as deep as it is nested.
    return {name: NESTED if isinstance(value, (dict, list)) else value for name, value in data.items()}


def _posted_number(posted: Mapping[str, Any], name: str) -> int:
    raw = str(posted.get(name) or "0")
    if not (raw.isascii() and raw.isdigit() and len(raw) <= 18):
        raise BadRequest(f"{name} is not a number")
    return int(raw)
