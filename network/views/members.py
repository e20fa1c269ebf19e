"""The directory, the pages of members, and the actions on them."""

from collections.abc import Callable

from django.contrib import messages
from django.contrib.auth.models import AnonymousUser
from django.contrib.auth.views import redirect_to_login
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from core.database.pagination import CURSOR, Page
from core.web import rate_limits
from core.web.responses import back_or, with_limit
from users.form_submissions import ChangedSinceSent, create_once
from users.http import HtmxRequest, MemberRequest, member_required

from .. import services
from ..forms import DirectoryForm, InvitationForm
from ..member_queries import directory_page, find_member
from ..models import Connection, Member
from ..pages import load_member_page
from ..reach import consume_reach
from ..relations import load_relation, load_relations


@member_required
@require_safe
def directory(request: MemberRequest) -> HttpResponse:
    form = DirectoryForm(request.GET)
    words = _consume_search(request, form)
    cursor = request.GET.get(CURSOR)
    page = Page[Member]([]) if rate_limits.wait_of(form) else directory_page(request.user, words, cursor)
    context = {
        "form": form,
        "words": form.cleaned_data.get("q", ""),
        "people": load_relations(request.user, page.rows),
        "next": page.next,
    }
    template = "network/_directory_page.html" if request.htmx else "network/directory.html"
    return with_limit(form, render(request, template, context, status=200 if form.is_valid() else 422))


@require_safe
def member(request: HtmxRequest, username: str) -> HttpResponse:
    """Show the page of a member; redirect visitors that may not see it to sign-in, also if there is no such member."""
    found = find_member(username, request.user)
    if found is None and isinstance(request.user, AnonymousUser):
        return redirect_to_login(request.get_full_path())
    if found is None:
        raise Http404
    return render(request, "network/member.html", {"page": load_member_page(request.user, found)})


@member_required
@require_http_methods(["GET", "HEAD", "POST"])
def invite(request: MemberRequest, username: str) -> HttpResponse:
    other = _get_member_or_404(request, username)
    form = InvitationForm(request.POST if request.method == "POST" else None)

    def send_invitation() -> Connection:
        rate_limits.consume("invitation", request.user.pk)
        consume_reach(request.user, [other.pk])
        note = form.cleaned_data["note"]
        return services.invite_member(inviter=request.user, invitee=other, note=note)

    if form.is_valid():
        try:
            done = _("Invitation sent.")
            return _run_action(request, other, lambda: create_once(request, send_invitation), done)
        except (rate_limits.RateLimited, ChangedSinceSent) as error:
            form.add_error("note", error)
    context = {"relation": load_relation(request.user, other), "form": form}
    status = 422 if form.is_bound else 200
    return with_limit(form, render(request, "network/invite.html", context, status=status))


@member_required
@require_POST
def disconnect(request: MemberRequest, username: str) -> HttpResponse:
    other = _get_member_or_404(request, username)
    return _run_action(
        request, other, lambda: services.remove_connection(member=request.user, other=other),
        _("You are no longer connected."),
    )  # fmt: skip


@member_required
@require_POST
def follow(request: MemberRequest, username: str) -> HttpResponse:
    other = _get_member_or_404(request, username)
    return _run_action(
        request, other, lambda: services.follow_member(follower=request.user, followed=other),
        _("Following. You will see their posts on your home page."),
    )  # fmt: skip


@member_required
@require_POST
def unfollow(request: MemberRequest, username: str) -> HttpResponse:
    other = _get_member_or_404(request, username)
    return _run_action(
        request, other, lambda: services.unfollow_member(follower=request.user, followed=other),
        _("You no longer follow this member."),
    )  # fmt: skip


@member_required
@require_POST
def block(request: MemberRequest, username: str) -> HttpResponse:
    other = _get_member_or_404(request, username)
    try:
        services.block_member(blocker=request.user, blocked=other)
    except services.NetworkError as error:
        messages.error(request, str(error))
        return back_or(request, other.get_absolute_url())
    messages.success(request, _("Blocked. You will not see each other any more."))
    if request.POST.get("next", "").startswith(other.get_absolute_url()):
        return redirect("network:blocked")  # their page is a 404 from now on
    return back_or(request, reverse("network:blocked"))


@member_required
@require_POST
def unblock(request: MemberRequest, username: str) -> HttpResponse:
    """Unblock a member, fetched through the viewer's block: `visible_to` leaves blocked members out."""
    other = get_object_or_404(Member.objects.blocked_by(request.user), username=username.lower())
    services.unblock_member(blocker=request.user, blocked=other)
    messages.success(request, _("Unblocked."))
    return back_or(request, "/network/blocked/")


def _consume_search(request: MemberRequest, form: DirectoryForm) -> str:
    """Count a search and return its words; above the limit, return "" with an error in the form."""
    if form.is_valid() and form.cleaned_data["q"]:
        if request.htmx:
            # A fragment cannot show the form's error: middleware answers with a page, which scripts show as a toast.
            rate_limits.consume("search", request.user.pk)
        else:
            rate_limits.consume_or_add_error(form, "q", "search", request.user.pk)
    return str(form.cleaned_data.get("q", ""))


def _get_member_or_404(request: MemberRequest, username: str) -> Member:
    found = find_member(username, request.user)
    if found is None:
        raise Http404
    return found


def _run_action(
    request: MemberRequest, other: Member, service: Callable[[], object], done: str
) -> HttpResponse:
    """Call `service`; answer htmx with the new buttons, other requests with a message on the page they came from."""
    refusal = ""
    try:
        service()
    except services.NetworkError as error:
        refusal = str(error)
    if request.htmx:
        context = {"relation": load_relation(request.user, other).cache_key(), "refusal": refusal}
        return render(request, "network/_relation.html", context)
    if refusal:
        messages.error(request, refusal)
    else:
        messages.success(request, done)
    return back_or(request, other.get_absolute_url())
