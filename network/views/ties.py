"""My ties: invitations, connections, those I follow or have blocked, suggestions."""

from collections.abc import Callable

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from core.database.pagination import CURSOR, by_text_key, newest_first
from core.web.responses import back_or
from users.http import MemberRequest, member_required

from .. import services
from ..graph import suggestions
from ..models import Connection, ConnectionQuerySet, Member, MemberQuerySet
from ..relations import Relation, of_tie, relation, relations

PAGE_SIZE = 24
SUGGESTED = 9
SUGGESTED_BESIDE = 3


@member_required
@require_safe
def overview(request: MemberRequest) -> HttpResponse:
    received = Connection.objects.received_by(request.user)
    page = newest_first(received.available_to(request.user), request.GET.get(CURSOR), size=PAGE_SIZE)
    context = {
        "invitations": _with_people(request, page.rows),
        "next": page.next,
        "people": _suggested(request, SUGGESTED),
    }
    return render(request, "network/overview.html", context)


@member_required
@require_safe
def sent(request: MemberRequest) -> HttpResponse:
    invitations = Connection.objects.sent_by(request.user)
    page = newest_first(invitations.available_to(request.user), request.GET.get(CURSOR), size=PAGE_SIZE)
    context = {"invitations": _with_people(request, page.rows), "next": page.next}
    return render(request, "network/sent.html", context)


@member_required
@require_safe
def connections(request: MemberRequest) -> HttpResponse:
    return _people(request, Member.objects.connected_to(request.user.pk), "network/connections.html")


@member_required
@require_safe
def following(request: MemberRequest) -> HttpResponse:
    return _people(request, Member.objects.followed_by(request.user), "network/following.html")


@member_required
@require_safe
def blocked(request: MemberRequest) -> HttpResponse:
    people = Member.objects.blocked_by(request.user).for_display(request.user)
    page = by_text_key(people, request.GET.get(CURSOR), field="sort_name", size=PAGE_SIZE)
    return render(request, "network/blocked.html", {"people": page.rows, "next": page.next})


@member_required
@require_safe
def suggested(request: MemberRequest) -> HttpResponse:
    """The part of a page that suggests people; the home page fetches it after the posts."""
    return render(request, "network/_suggested.html", {"people": _suggested(request, SUGGESTED_BESIDE)})


@member_required
@require_POST
def accept(request: MemberRequest, pk: int) -> HttpResponse:
    return _answer(request, _asked(request), pk, services.accept_invitation, _("You are connected."))


@member_required
@require_POST
def ignore(request: MemberRequest, pk: int) -> HttpResponse:
    done = _("The invitation is out of your sight.")
    return _answer(request, _asked(request), pk, services.ignore_invitation, done)


@member_required
@require_POST
def withdraw(request: MemberRequest, pk: int) -> HttpResponse:
    ties = Connection.objects.filter(inviter=request.user)
    return _answer(request, ties, pk, services.withdraw_invitation, _("The invitation is withdrawn."))


def _suggested(request: MemberRequest, most: int) -> list[Relation]:
    return [of_tie(request.user, member, None) for member in suggestions(request.user, most=most)]


def _asked(request: MemberRequest) -> ConnectionQuerySet:
    return Connection.objects.of(request.user.pk).exclude(inviter=request.user)


def _answer(
    request: MemberRequest, ties: ConnectionQuerySet, pk: int, verb: Callable[..., object], done: str
) -> HttpResponse:
    there = ties.available_to(request.user).select_related("low", "high", "inviter")
    invitation = get_object_or_404(there, pk=pk)
    refusal = ""
    try:
        verb(connection=invitation, by=request.user)
    except services.NetworkError as error:
        refusal = str(error)
    if request.htmx:
        people = Member.objects.visible_to(request.user).for_display(request.user)
        member = get_object_or_404(people, pk=invitation.other_id_for(request.user))
        context = {"relation": relation(request.user, member), "refusal": refusal}
        return render(request, "network/_relation.html", context)
    if refusal:
        messages.error(request, refusal)
    else:
        messages.success(request, done)
    return back_or(request, reverse("network:overview"))


def _with_people(request: MemberRequest, ties: list[Connection]) -> list[tuple[Relation, str]]:
    """The relation behind each tie, with the note that came with it."""
    ids = [tie.other_id_for(request.user) for tie in ties]
    people = Member.objects.filter(pk__in=ids).for_display(request.user).in_bulk()
    return [(of_tie(request.user, people[pk], tie), tie.note) for tie, pk in zip(ties, ids, strict=True)]


def _people(request: MemberRequest, people: MemberQuerySet, template: str) -> HttpResponse:
    shown = people.visible_to(request.user).for_display(request.user)
    page = by_text_key(shown, request.GET.get(CURSOR), field="sort_name", size=PAGE_SIZE)
    context = {"people": relations(request.user, page.rows), "next": page.next}
    return render(request, "network/_people_page.html" if request.htmx else template, context)
