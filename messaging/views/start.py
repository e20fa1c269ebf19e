"""Writing to somebody for the first time."""

import uuid
from collections.abc import Sequence

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from network.models import Connection, Member
from users.http import MemberRequest, member_required
from users.models import User

from .. import services
from ..display.recipient_picker import choose_recipients, find_chosen
from ..errors import ClientIdTaken, MessagingError
from ..forms import FirstWordsForm, GroupForm
from ..models import Conversation, Entry
from .access import count_reach, refuse, status_of


@member_required
@require_http_methods(["GET", "HEAD", "POST"])
def new(request: MemberRequest) -> HttpResponse:
    """Choose connections and write to them; `find` in the form searches, and keeps all that was typed and ticked."""
    names = (request.POST or request.GET).getlist("to")
    if request.method != "POST":
        return _new_page(request, GroupForm(initial={"client_id": uuid.uuid4()}), names)
    if "find" in request.POST:
        return _new_page(request, GroupForm(initial=request.POST.dict()), names)
    form = GroupForm(request.POST)
    people, is_complete = find_chosen(request.user, names)
    if not people or not is_complete:
        form.is_valid()
        return _new_page(request, form, names, error=_("Choose people from your connections."), status=422)
    if not form.is_valid():
        return _new_page(request, form, names, status=422)
    try:
        sent = _first(request, form, people)
    except MessagingError as error:
        form.add_error("text", str(error))
        return refuse(error, _new_page(request, form, names, status=status_of(error)))
    return redirect(sent.conversation)


@member_required
@require_http_methods(["GET", "HEAD", "POST"])
def to(request: MemberRequest, username: str) -> HttpResponse:
    """To the conversation with a member, or to the first words of it."""
    people = Member.objects.visible_to(request.user).for_display(request.user).exclude(pk=request.user.pk)
    other = get_object_or_404(people, username=username.lower())
    there = Conversation.objects.filter(pair=Conversation.pair_of(request.user.pk, other.pk)).first()
    if there is not None and request.method != "POST":
        return redirect(there)
    form = FirstWordsForm(request.POST or None, initial={"client_id": uuid.uuid4()})
    status = 422 if form.is_bound else 200
    if form.is_bound and form.is_valid():
        try:
            return redirect(_first(request, form, [other]).conversation)
        except MessagingError as error:
            form.add_error("text", str(error))
            return refuse(error, _to_page(request, other, form, status_of(error)))
    return _to_page(request, other, form, status)


def _first(request: MemberRequest, form: FirstWordsForm, people: Sequence[User]) -> Entry:
    """The message that was sent now, or by an earlier press on the same button."""
    data = form.cleaned_data
    client_id = data["client_id"] or uuid.uuid4()
    # The first words reach everybody who is taken into a group, and a stranger who was not written to before.
    contacted = {person.pk for person in people}
    if len(people) == 1 and not data.get("title", ""):
        me, (other,) = request.user.pk, contacted
        known = Connection.objects.connected().between(me, other).exists()
        if known or Conversation.objects.filter(pair=Conversation.pair_of(me, other)).exists():
            contacted = set()
    count_reach(request.user, contacted)
    try:
        return services.send_first_message(
            by=request.user,
            members=people,
            text=data["text"],
            title=data.get("title", ""),
            client_id=client_id,
        ).entry
    except ClientIdTaken:
        before = Entry.objects.select_related("conversation").filter(author=request.user, client_id=client_id)
        sent = before.first()
        if sent is None or sent.text != data["text"]:
            form.data = {**dict(form.data.items()), "client_id": str(uuid.uuid4())}
            raise
        return sent


def _new_page(
    request: MemberRequest, form: GroupForm, names: Sequence[str], *, error: str = "", status: int = 200
) -> HttpResponse:
    words = (request.POST or request.GET).get("q", "")
    picker = choose_recipients(request.user, names, words, error=error)
    context = {"form": form, "picker": picker, "find_url": request.path}
    return render(request, "messaging/new.html", context, status=status)


def _to_page(request: MemberRequest, other: Member, form: FirstWordsForm, status: int) -> HttpResponse:
    known = Connection.objects.connected().between(request.user.pk, other.pk).exists()
    context = {"other": other, "form": form, "is_request": not known}
    return render(request, "messaging/to.html", context, status=status)
