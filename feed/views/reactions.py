"""Views of reactions, saved posts and reposts."""

from django.contrib import messages
from django.http import HttpResponse, HttpResponseBadRequest
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from core.database.pagination import CURSOR
from core.web import rate_limits
from core.web.responses import back_or, with_limit, with_toast
from network.member_queries import load_members
from network.reach import consume_reach
from users.audience import Audience
from users.form_submissions import ChangedSinceSent, create_once
from users.http import HtmxRequest, MemberRequest, member_required

from .. import services
from ..errors import FeedError
from ..forms import ReactionForm, RepostForm
from ..models import Post, Reaction
from ..queries.reactions import reactions_page
from ..rendering import render_text
from .posts import get_original_or_404, gone_is_404


@member_required
@require_POST
@gone_is_404
def react(request: MemberRequest, pk: int) -> HttpResponse:
    post = get_original_or_404(request, pk)
    form = ReactionForm(request.POST)
    if not form.is_valid():
        return HttpResponseBadRequest(_("There is no such reaction."))
    services.react_to_post(post=post, member=request.user, kind=form.cleaned_data["kind"])
    return _render_actions(request, post)


@member_required
@require_POST
@gone_is_404
def unreact(request: MemberRequest, pk: int) -> HttpResponse:
    post = get_original_or_404(request, pk)
    services.take_back_reaction(post=post, member=request.user)
    return _render_actions(request, post)


@require_safe
def reactions(request: HtmxRequest, pk: int) -> HttpResponse:
    """The members available to the viewer who reacted, newest first."""
    post = get_original_or_404(request, pk)
    page = reactions_page(post, request.user, request.GET.get(CURSOR))
    people = load_members([row.member_id for row in page.rows], request.user)
    rows = [(Reaction.Kind(row.kind), people[row.member_id]) for row in page.rows if row.member_id in people]
    return render(request, "feed/reactions.html", {"post": post, "rows": rows, "next": page.next})


@member_required
@require_POST
@gone_is_404
def save(request: MemberRequest, pk: int) -> HttpResponse:
    post = get_original_or_404(request, pk)
    services.save_post(post=post, member=request.user)
    return _render_actions(request, post)


@member_required
@require_POST
def unsave(request: MemberRequest, pk: int) -> HttpResponse:
    post = get_original_or_404(request, pk)
    services.unsave_post(post=post, member=request.user)
    return _render_actions(request, post)


@member_required
@require_http_methods(["GET", "HEAD", "POST"])
@gone_is_404
def repost(request: MemberRequest, pk: int) -> HttpResponse:
    post = get_original_or_404(request, pk)
    form = RepostForm(request.POST or None, initial={"audience": Audience.MEMBERS})

    def create_repost() -> Post:
        rate_limits.consume("post", request.user.pk)
        text = render_text(form.cleaned_data["text"], author=request.user)
        consume_reach(request.user, text.newly_mentioned())
        return services.repost_post(
            post=post, by=request.user, text=text, audience=form.cleaned_data["audience"]
        )

    if request.method == "POST" and form.is_valid():
        try:
            create_once(request, create_repost)
        except (rate_limits.RateLimited, ChangedSinceSent) as error:
            form.add_error(None, error)
        except FeedError as error:
            form.add_error(None, str(error))
        else:
            if request.htmx:
                return with_toast(_render_actions(request, post), _("Shared."))
            messages.success(request, _("Shared."))
            return redirect("feed:home")
    status = 422 if form.is_bound else 200
    context = {"post": post.cache_key(timezone.now()), "constants": post.card_constants(), "form": form}
    return with_limit(form, render(request, "feed/repost.html", context, status=status))


def _render_actions(request: MemberRequest, post: Post) -> HttpResponse:
    """Render the post's actions for htmx, else redirect to the page with the button."""
    if request.htmx:
        actions = get_original_or_404(request, post.pk).actions_cache_key()
        return render(request, "feed/_post_actions.html", {"post": actions, "is_member": True})
    return back_or(request, post.get_absolute_url())
