"""One post, and what its author does with it."""

from collections.abc import Callable
from functools import wraps

from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import Http404, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from core.database.pagination import CURSOR, oldest_first
from core.files.storage import CannotStore
from core.web import rate_limits
from core.web.body_limits import accepts_files
from core.web.media_views import deliver_column_file
from core.web.responses import with_limit
from network.reach import consume_reach
from users.form_submissions import ChangedSinceSent, create_once
from users.http import HtmxRequest, MemberRequest, member_required

from .. import services
from ..errors import FeedError
from ..forms import CommentForm, EditPostForm, PostForm
from ..models import Comment, Post, PostRevision, with_authors
from ..rendering import render_text
from ..timeline import home_page

COMMENTS = 20

View = Callable[[MemberRequest, int], HttpResponse]


def gone_is_404(view: View) -> View:
    """Answer an act on a post that is deleted at the same moment like one that comes later."""

    @wraps(view)
    def answer(request: MemberRequest, pk: int) -> HttpResponse:
        try:
            return view(request, pk)
        except Post.DoesNotExist as error:
            raise Http404 from error

    return answer


@accepts_files
@member_required
@require_POST
def publish(request: MemberRequest) -> HttpResponse:
    form = PostForm(request.POST, request.FILES)
    post_id = _published(request, form) if form.is_valid() else None
    if post_id is None:
        template = "feed/_compose.html" if request.htmx else "feed/home.html"
        page = None if request.htmx else home_page(request.user, None)
        context = {"form": form, "page": page, "address": reverse("feed:home")}
        return with_limit(form, render(request, template, context, status=422))
    if request.htmx:
        post = shown(request, post_id)
        fresh = PostForm.empty(post.audience)
        return render(request, "feed/_published.html", {"post": post, "form": fresh})
    messages.success(request, _("Your post is published."))
    return redirect("feed:home")


@require_safe
def post(request: HtmxRequest, pk: int) -> HttpResponse:
    return post_page(request, shown(request, pk), CommentForm())


@member_required
@require_http_methods(["GET", "HEAD", "POST"])
@gone_is_404
def edit(request: MemberRequest, pk: int) -> HttpResponse:
    post = _own(request, pk)
    form = EditPostForm(request.POST or None, post=post)
    if request.method == "POST" and form.is_valid():
        try:
            rate_limits.consume("post", request.user.pk)
            _edit(request, post, form)
        except rate_limits.RateLimited as error:
            form.add_error("text", error)
        except FeedError as error:
            form.add_error("text", str(error))
        else:
            messages.success(request, _("Your post is changed."))
            return redirect(post)
    status = 422 if form.is_bound else 200
    return with_limit(form, render(request, "feed/edit.html", {"post": post, "form": form}, status=status))


@member_required
@require_http_methods(["GET", "HEAD", "POST"])
def delete(request: MemberRequest, pk: int) -> HttpResponse:
    post = _own(request, pk)
    if request.method != "POST":
        return render(request, "feed/delete.html", {"post": post})
    services.delete_post(post=post)
    messages.success(request, _("Your post is deleted."))
    return redirect("feed:home")


@require_safe
def history(request: HtmxRequest, pk: int) -> HttpResponse:
    """The former wordings that were open to the viewer."""
    post = shown(request, pk)
    revisions = PostRevision.objects.open_to_reader_of(post)[:50]
    return render(request, "feed/history.html", {"post": post, "revisions": revisions})


@require_safe
def document(request: HtmxRequest, pk: int) -> HttpResponseBase:
    """The PDF of a post, to readers of the post only, always as a download."""
    post = get_object_or_404(Post.objects.visible_to(request.user).exclude(document=""), pk=pk)
    return deliver_column_file(request, post, Post.document.field, filename=post.document_name)


def shown(request: HtmxRequest, pk: int) -> Post:
    """The post as the request's viewer may see it, else 404; so is a plain repost of what is out of sight."""
    post = _visible(request, pk)
    if not post.has_visible_text:
        raise Http404
    return post


def answerable(request: HtmxRequest, pk: int) -> Post:
    """The post that answers to the post `pk` belong to, else 404: of a plain repost, its original."""
    post = shown(request, pk)
    return shown(request, post.original.pk) if post.is_plain_repost and post.original else post


def post_page(
    request: HtmxRequest, post: Post, form: CommentForm, parent: Comment | None = None
) -> HttpResponse:
    """The page of one post, with a page of its comments and the form for one's own, or for a reply to `parent`.

    A plain repost leads to its original, unless comments were written below the repost itself, long ago.
    """
    comments = (
        Comment.objects.readable_by(request.user).filter(post=post).top_level().for_display(request.user)
    )
    page = oldest_first(comments, request.GET.get(CURSOR), size=COMMENTS)
    if post.is_plain_repost and post.original and not page.rows:
        return redirect(post.original)
    with_authors(page.rows, request.user)
    template = "feed/_comments_page.html" if request.htmx and request.GET.get(CURSOR) else "feed/post.html"
    context = {"post": post, "comments": page, "form": form, "parent": parent}
    return with_limit(form, render(request, template, context, status=422 if form.is_bound else 200))


def _visible(request: HtmxRequest, pk: int) -> Post:
    return get_object_or_404(Post.objects.visible_to(request.user).for_display(request.user), pk=pk)


def _published(request: MemberRequest, form: PostForm) -> int | None:
    """The id of the new post, or None with the reason in the form: too many, a damaged picture, no room."""

    def publish() -> Post:
        rate_limits.consume("post", request.user.pk)
        if pictures := len(form.cleaned_data["images"]):
            rate_limits.consume("upload", request.user.pk, pictures)
        text = render_text(form.cleaned_data["text"], author=request.user)
        consume_reach(request.user, text.newly_mentioned())
        return services.publish_post(
            author=request.user,
            text=text,
            audience=form.cleaned_data["audience"],
            pictures=form.pictures(),
            document=form.cleaned_data["document"],
        )

    try:
        return create_once(request, publish)
    except (rate_limits.RateLimited, ChangedSinceSent) as error:
        form.add_error("text", error)
    except ValidationError as error:
        form.add_error("images", error)
    except CannotStore as error:
        form.add_error("images", str(error))
    return None


def _edit(request: MemberRequest, post: Post, form: EditPostForm) -> None:
    """Edit the post and count whom that calls; where more may read the post, members it named before count too."""
    text, audience = render_text(form.cleaned_data["text"], author=post.author), form.cleaned_data["audience"]
    consume_reach(request.user, text.newly_mentioned(post.html if audience >= post.audience else ""))
    services.edit_post(post=post, text=text, audience=audience)


def _own(request: MemberRequest, pk: int) -> Post:
    """The viewer's own post, whatever became of its original; 404 for what is out of sight, else 403."""
    post = _visible(request, pk)
    if post.author_id != request.user.pk:
        shown(request, pk)
        raise PermissionDenied
    return post
