"""The viewer's network: invitations, connections, followed and blocked members, suggestions."""

from collections.abc import Callable

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from core.database.pagination import CURSOR, Page
from core.web.responses import back_or
from users.http import MemberRequest, member_required

from .. import services
from ..graph import suggest_members
from ..invitation_queries import received_page, sent_page
from ..member_queries import blocked_page, connections_page, following_page, load_members
from ..models import Connection, ConnectionQuerySet, Member
from ..relations import Relation, build_relation, load_relation, load_relations

SUGGESTED = 9
SUGGESTED_BESIDE = 3


@member_required
@require_safe
def overview(request: MemberRequest) -> HttpResponse:
    page = received_page(request.user, request.GET.get(CURSOR))
    context = {
        "invitations": _with_people(request, page.rows),
        "next": page.next,
        "people": _suggest_relations(request, SUGGESTED),
    }
    return render(request, "network/overview.html", context)


@member_required
@require_safe
def sent(request: MemberRequest) -> HttpResponse:
    page = sent_page(request.user, request.GET.get(CURSOR))
    context = {"invitations": _with_people(request, page.rows), "next": page.next}
    return render(request, "network/sent.html", context)


@member_required
@require_safe
def connections(request: MemberRequest) -> HttpResponse:
    page = connections_page(request.user, request.GET.get(CURSOR))
    return _render_people(request, page, "network/connections.html")


@member_required
@require_safe
def following(request: MemberRequest) -> HttpResponse:
    page = following_page(request.user, request.GET.get(CURSOR))
    return _render_people(request, page, "network/following.html")


@member_required
@require_safe
def blocked(request: MemberRequest) -> HttpResponse:
    page = blocked_page(request.user, request.GET.get(CURSOR))
    return render(request, "network/blocked.html", {"people": page.rows, "next": page.next})


@member_required
@require_safe
def suggested(request: MemberRequest) -> HttpResponse:
    """Render the suggestions as a fragment; the home page fetches it after the posts."""
    people = _suggest_relations(request, SUGGESTED_BESIDE)
    return render(request, "network/_suggested.html", {"people": people})


@member_required
@require_POST
def accept(request: MemberRequest, pk: int) -> HttpResponse:
    received = _received_invitations(request)
    return _change_invitation(
        request, received, pk, services.accept_invitation, _("You are connected.")
    )  # fmt: skip


@member_required
@require_POST
def ignore(request: MemberRequest, pk: int) -> HttpResponse:
    received = _received_invitations(request)
    return _change_invitation(
        request, received, pk, services.ignore_invitation, _("Invitation ignored.")
    )  # fmt: skip


@member_required
@require_POST
def withdraw(request: MemberRequest, pk: int) -> HttpResponse:
    sent = Connection.objects.filter(inviter=request.user)
    return _change_invitation(
        request, sent, pk, services.withdraw_invitation, _("Invitation withdrawn.")
    )  # fmt: skip


def _suggest_relations(request: MemberRequest, most: int) -> list[Relation]:
    return [build_relation(request.user, member, None) for member in suggest_members(request.user, most=most)]


def _received_invitations(request: MemberRequest) -> ConnectionQuerySet:
    return Connection.objects.of_member(request.user.pk).exclude(inviter=request.user)


def _change_invitation(
    request: MemberRequest, own: ConnectionQuerySet, pk: int, service: Callable[..., object], done: str
) -> HttpResponse:
    available = own.available_to(request.user).select_related("low", "high", "inviter")
    invitation = get_object_or_404(available, pk=pk)
    refusal = ""
    try:
        service(connection=invitation, by=request.user)
    except services.NetworkError as error:
        refusal = str(error)
    if request.htmx:
        people = Member.objects.visible_to(request.user).for_display(request.user)
        member = get_object_or_404(people, pk=invitation.other_id_for(request.user))
        context = {"relation": load_relation(request.user, member).cache_key(), "refusal": refusal}
        return render(request, "network/_relation.html", context)
    if refusal:
        messages.error(request, refusal)
    else:
        messages.success(request, done)
    return back_or(request, reverse("network:overview"))


def _with_people(request: MemberRequest, invitations: list[Connection]) -> list[tuple[Relation, str]]:
    """Return the relation and the note of each invitation."""
    ids = [invitation.other_id_for(request.user) for invitation in invitations]
    people = load_members(ids, request.user)
    return [
        (build_relation(request.user, people[pk], invitation), invitation.note)
        for invitation, pk in zip(invitations, ids, strict=True)
    ]


def _render_people(request: MemberRequest, page: Page[Member], template: str) -> HttpResponse:
    context = {"people": load_relations(request.user, page.rows), "next": page.next}
    return render(request, "network/_people_page.html" if request.htmx else template, context)
