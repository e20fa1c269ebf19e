"""What a conversation is and who is in it, and what one makes of it for oneself."""

from collections.abc import Callable

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from core.database.pagination import id_cursor
from core.web.responses import back_or
from users.http import MemberRequest, member_required

from .. import services
from ..display import recipient_picker
from ..display.participants import load_participants
from ..errors import MessagingError
from ..forms import TitleForm
from ..models import Membership
from .access import count_reach, mine_or_404, refuse, status_of


@member_required
@require_safe
def about(request: MemberRequest, pk: int) -> HttpResponse:
    return about_page(request, mine_or_404(request, pk))


@member_required
@require_POST
def rename(request: MemberRequest, pk: int) -> HttpResponse:
    mine = _of_group(request, pk)
    form = TitleForm(request.POST)
    if not form.is_valid():
        return about_page(request, mine, form=form, status=422)
    services.rename_conversation(
        conversation=mine.conversation, by=request.user, title=form.cleaned_data["title"]
    )
    messages.success(request, _("The conversation has a new title."))
    return redirect("messaging:about", pk)


@member_required
@require_POST
def add(request: MemberRequest, pk: int) -> HttpResponse:
    """`find` searches, and keeps who is ticked."""
    mine = _of_group(request, pk)
    if "find" in request.POST:
        return about_page(request, mine)
    people, is_complete = recipient_picker.find_chosen(request.user, request.POST.getlist("to"))
    if not people or not is_complete:
        return about_page(request, mine, error=_("Choose people from your connections."), status=422)
    try:
        count_reach(request.user, {person.pk for person in people})
        services.add_members(conversation=mine.conversation, by=request.user, members=people)
    except MessagingError as error:
        return refuse(error, about_page(request, mine, error=str(error), status=status_of(error)))
    messages.success(request, _("They see what is said from now on."))
    return redirect("messaging:about", pk)


@member_required
@require_POST
def remove(request: MemberRequest, pk: int) -> HttpResponse:
    mine = _of_group(request, pk)
    if not mine.is_owner:
        raise PermissionDenied
    # By the membership, which says nothing of a member who is out of the viewer's sight.
    there = Membership.objects.within(mine.conversation).exclude(member=request.user).select_related("member")
    row = get_object_or_404(there, pk=id_cursor(request.POST.get("membership")) or 0)
    services.remove_member(conversation=mine.conversation, by=request.user, member=row.member)
    messages.success(request, _("Removed from the conversation."))
    return redirect("messaging:about", pk)


@member_required
@require_POST
def leave(request: MemberRequest, pk: int) -> HttpResponse:
    mine = _of_group(request, pk)
    services.leave_conversation(conversation=mine.conversation, member=request.user)
    messages.success(request, _("You have left the conversation."))
    return redirect("messaging:inbox")


@member_required
@require_POST
def mute(request: MemberRequest, pk: int) -> HttpResponse:
    return _for_oneself(request, pk, services.mute_conversation, _("Muted. You will not hear of it."))


@member_required
@require_POST
def unmute(request: MemberRequest, pk: int) -> HttpResponse:
    return _for_oneself(request, pk, services.unmute_conversation, _("You hear of new messages again."))


@member_required
@require_POST
def accept(request: MemberRequest, pk: int) -> HttpResponse:
    return _for_oneself(request, pk, services.accept_conversation, _("You can talk to each other now."))


@member_required
@require_POST
def decline(request: MemberRequest, pk: int) -> HttpResponse:
    mine = mine_or_404(request, pk)
    if not services.decline_conversation(conversation=mine.conversation, member=request.user):
        messages.info(
            request,
            _("You have answered this request already. To hear no more of it, mute it or block the member."),
        )
        return redirect(mine.conversation)
    messages.success(request, _("Declined. The other is not told."))
    return HttpResponseRedirect(f"{reverse('messaging:inbox')}?box=requests")


def about_page(
    request: MemberRequest,
    mine: Membership,
    *,
    form: TitleForm | None = None,
    error: str = "",
    status: int = 200,
) -> HttpResponse:
    """Who is in the conversation, with the forms for what one may change; a refused one as it was filled in."""
    conversation = mine.conversation
    people = load_participants(conversation, request.user)
    context = {
        "mine": mine,
        "conversation": conversation,
        "is_group": not conversation.is_direct,
        "people": people,
        "other": next((person.member for person in people if not person.is_me), None),
        "form": form or TitleForm(initial={"title": conversation.title}),
        "find_url": reverse("messaging:about", args=[conversation.pk]),
    }
    if not conversation.is_direct:
        asked = request.POST or request.GET
        context["picker"] = recipient_picker.choose_recipients(
            request.user,
            asked.getlist("to"),
            asked.get("q", ""),
            without=[person.membership.member_id for person in people],
            error=error,
        )
    return render(request, "messaging/about.html", context, status=status)


def _of_group(request: MemberRequest, pk: int) -> Membership:
    """The viewer's membership; 404 for who is not in, 403 where two talk to each other."""
    mine = mine_or_404(request, pk)
    if mine.conversation.is_direct:
        raise PermissionDenied
    return mine


def _for_oneself(
    request: MemberRequest, pk: int, verb: Callable[..., None], done: str
) -> HttpResponseRedirect:
    mine = mine_or_404(request, pk)
    verb(conversation=mine.conversation, member=request.user)
    messages.success(request, done)
    return back_or(request, mine.conversation.get_absolute_url())
