"""Views of one post: publish, show, edit, delete, history and document."""

import re
from collections.abc import Callable
from functools import wraps

from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import Http404, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from django_htmx.http import reselect

from core.database.pagination import CURSOR
from core.files.storage import CannotStore
from core.web import rate_limits
from core.web.media.views import deliver_column_file
from core.web.request_bodies.body_limits import accepts_files
from core.web.responses import with_limit, with_toast
from network.reach import consume_reach
from users.form_submissions import ChangedSinceSent, create_once
from users.http import HtmxRequest, MemberRequest, member_required

from .. import services
from ..errors import FeedError
from ..forms import CommentForm, EditPostForm, PostForm
from ..models import Comment, Post, PostRevision
from ..queries.comments import comments_page
from ..rendering import render_text
from ..timeline import load_for_display, load_home_page, load_posts

# The element of a card.
_CARD_ID = re.compile(r"post-([0-9]{1,18})", re.ASCII)

View = Callable[[MemberRequest, int], HttpResponse]


def gone_is_404(view: View) -> View:
    """Respond with 404 if the post is deleted while the view runs."""

    @wraps(view)
    def view_or_404(request: MemberRequest, pk: int) -> HttpResponse:
        try:
            return view(request, pk)
        except Post.DoesNotExist as error:
            raise Http404 from error

    return view_or_404


@accepts_files
@member_required
@require_POST
def publish(request: MemberRequest) -> HttpResponse:
    form = PostForm(request.POST, request.FILES)
    post_id = _create_post(request, form) if form.is_valid() else None
    if post_id is None:
        template = "feed/_compose.html" if request.htmx else "feed/home.html"
        page = None if request.htmx else load_home_page(request.user, None)
        context = {"form": form, "page": page, "address": reverse("feed:home")}
        return with_limit(form, render(request, template, context, status=422))
    if request.htmx:
        post = get_post_or_404(request, post_id)
        fresh = PostForm.empty(post.audience)
        return render(request, "feed/_published.html", {"post": post, "form": fresh})
    messages.success(request, _("Post published."))
    return redirect("feed:home")


@require_safe
def post(request: HtmxRequest, pk: int) -> HttpResponse:
    return post_page(request, get_post_or_404(request, pk), CommentForm())


@member_required
@require_http_methods(["GET", "HEAD", "POST"])
@gone_is_404
def edit(request: MemberRequest, pk: int) -> HttpResponse:
    post = _get_own_post(request, pk)
    form = EditPostForm(request.POST or None, post=post)
    if request.method == "POST" and form.is_valid() and _store_edit(request, post, form):
        if request.htmx:
            return with_toast(_render_card(request, post), _("Post updated."))
        messages.success(request, _("Post updated."))
        return redirect(post)
    status = 422 if form.is_bound else 200
    return with_limit(form, render(request, "feed/edit.html", {"post": post, "form": form}, status=status))


@member_required
@require_http_methods(["GET", "HEAD", "POST"])
def delete(request: MemberRequest, pk: int) -> HttpResponse:
    post = _get_own_post(request, pk)
    if request.method != "POST":
        return render(request, "feed/delete.html", {"post": post})
    services.delete_post(post=post)
    if request.htmx:
        return with_toast(HttpResponse(), _("Post deleted."))
    messages.success(request, _("Post deleted."))
    return redirect("feed:home")


@require_safe
def history(request: HtmxRequest, pk: int) -> HttpResponse:
    """The former texts whose audience includes the viewer."""
    post = get_post_or_404(request, pk)
    revisions = PostRevision.objects.open_to_reader_of(post)[:50]
    return render(request, "feed/history.html", {"post": post, "revisions": revisions})


@require_safe
def document(request: HtmxRequest, pk: int) -> HttpResponseBase:
    """Serve the PDF of a post to its readers, always as a download."""
    post = get_object_or_404(Post.objects.visible_to(request.user).exclude(document=""), pk=pk)
    return deliver_column_file(request, post, Post.document.field, filename=post.document_name)


def get_post_or_404(request: HtmxRequest, pk: int) -> Post:
    """The post for the request's viewer, or 404; also for a plain repost whose original is not visible."""
    found = load_for_display([pk], request.user)
    if not found:
        raise Http404
    return found[0]


def get_original_or_404(request: HtmxRequest, pk: int) -> Post:
    """The post to which reactions and comments on the post `pk` belong, or 404: a plain repost's original."""
    post = get_post_or_404(request, pk)
    return get_post_or_404(request, post.original.pk) if post.is_plain_repost and post.original else post


def post_page(
    request: HtmxRequest, post: Post, form: CommentForm, parent: Comment | None = None
) -> HttpResponse:
    """Render a post's page with a page of its comments, and the form for a comment or a reply to `parent`.

    A plain repost redirects to its original, unless it has comments itself (from earlier versions).
    """
    page = comments_page(post, request.user, request.GET.get(CURSOR))
    if post.is_plain_repost and post.original and not page.rows:
        return redirect(post.original)
    template = "feed/_comments_page.html" if request.htmx and request.GET.get(CURSOR) else "feed/post.html"
    context = {"post": post, "comments": page, "form": form, "parent": parent}
    return with_limit(form, render(request, template, context, status=422 if form.is_bound else 200))


def _create_post(request: MemberRequest, form: PostForm) -> int | None:
    """Create the post and return its id, or add the error to the form and return None."""

    def store_post() -> Post:
        rate_limits.consume("post", request.user.pk)
        if pictures := len(form.cleaned_data["images"]):
            rate_limits.consume("upload", request.user.pk, pictures)
        text = render_text(form.cleaned_data["text"], author=request.user)
        consume_reach(request.user, text.newly_mentioned())
        return services.publish_post(
            author=request.user,
            text=text,
            audience=form.cleaned_data["audience"],
            pictures=form.described_pictures(),
            document=form.cleaned_data["document"],
        )

    try:
        return create_once(request, store_post)
    except (rate_limits.RateLimited, ChangedSinceSent) as error:
        form.add_error("text", error)
    except ValidationError as error:
        form.add_error("images", error)
    except CannotStore as error:
        form.add_error("images", str(error))
    return None


def _store_edit(request: MemberRequest, post: Post, form: EditPostForm) -> bool:
    """Store the text and audience, or add the error to the form and return False."""
    try:
        rate_limits.consume("post", request.user.pk)
        text = render_text(form.cleaned_data["text"], author=post.author)
        audience = form.cleaned_data["audience"]
        # With a wider audience, members mentioned before count as newly mentioned.
        known_html = post.html if audience >= post.audience else ""
        consume_reach(request.user, text.newly_mentioned(known_html))
        services.edit_post(post=post, text=text, audience=audience)
    except rate_limits.RateLimited as error:
        form.add_error("text", error)
    except FeedError as error:
        form.add_error("text", str(error))
    else:
        return True
    return False


def _render_card(request: MemberRequest, post: Post) -> HttpResponse:
    """Render the card that htmx replaces: the post's in a list, or that of a plain repost of it."""
    reposts = Post.objects.visible_to(request.user).filter(original=post).for_display(request.user)
    target = _CARD_ID.fullmatch(request.htmx.target or "")
    repost = reposts.filter(pk=int(target[1])).first() if target else None
    shown = repost or get_post_or_404(request, post.pk)
    return reselect(render(request, "feed/_edited.html", {"post": shown}), ".post")


def _get_own_post(request: MemberRequest, pk: int) -> Post:
    """The viewer's own post, even without its original; 404 if it is not visible, 403 if it is another member's."""
    found = load_posts([pk], request.user)
    if not found:
        raise Http404
    [post] = found
    if post.author_id != request.user.pk:
        get_post_or_404(request, pk)
        raise PermissionDenied
    return post
