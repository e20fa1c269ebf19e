"""Views of comments and replies."""

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from django_htmx.http import reselect, retarget

from core.database.pagination import CURSOR, id_cursor
from core.web import rate_limits
from core.web.responses import with_limit, with_toast
from network.reach import consume_reach_in_form
from users.form_submissions import ChangedSinceSent, create_once
from users.http import HtmxRequest, MemberRequest, member_required

from .. import services
from ..comment_limits import comment_within_limits
from ..errors import FeedError
from ..forms import CommentForm, NewCommentForm
from ..models import Comment, Post
from ..queries.comments import find_parent, latest_comments, load_comment, load_readable_comment, replies_page
from ..rendering import render_text
from .posts import get_original_or_404, get_post_or_404, gone_is_404, post_page


@require_safe
def inline_comments(request: HtmxRequest, pk: int) -> HttpResponse:
    """Render the newest comments of a post in a list; without htmx, redirect to the post."""
    post = get_original_or_404(request, pk)
    if not request.htmx:
        return redirect(post)
    comments, more = latest_comments(post, request.user)
    context = {"post": post, "comments": comments, "more": more, "form": CommentForm()}
    return render(request, "feed/_inline_comments.html", context)


@member_required
@require_POST
@gone_is_404
def comment(request: MemberRequest, pk: int) -> HttpResponse:
    post = get_original_or_404(request, pk)
    parent_id = id_cursor(request.POST.get("parent"))
    parent = None
    if parent_id is not None:
        parent = get_object_or_404(Comment.objects.readable_by(request.user).filter(post=post), pk=parent_id)
    form = NewCommentForm(request.POST)
    comment_id = _create_comment(request, post, form, parent) if form.is_valid() else None
    if comment_id is None:
        if request.htmx:
            context = {"post": post, "form": form, "parent": parent}
            return with_limit(form, render(request, "feed/_comment_form.html", context, status=422))
        return post_page(request, post, form, parent)
    if request.htmx:
        fresh = get_post_or_404(request, post.pk)
        context = {"post": fresh, "actions": fresh.actions_cache_key()}
        new = load_comment(comment_id, request.user)
        if new is None:
            raise Http404
        context |= {"comments": [new], "parent_id": new.parent_id, "parent": parent}
        return render(request, "feed/_commented.html", context)
    return redirect(get_object_or_404(Comment, pk=comment_id))


@require_safe
def replies(request: HtmxRequest, pk: int) -> HttpResponse:
    parent = find_parent(pk, request.user)
    if parent is None:
        raise Http404
    page = replies_page(parent, request.user, request.GET.get(CURSOR))
    context = {"parent": parent, "replies": page, "post": get_post_or_404(request, parent.post_id)}
    return render(request, "feed/_replies_page.html" if request.htmx else "feed/replies.html", context)


@member_required
@require_http_methods(["GET", "HEAD", "POST"])
@gone_is_404
def edit_comment(request: MemberRequest, pk: int) -> HttpResponse:
    comment = _get_own_comment(request, pk)
    form = CommentForm(request.POST or None, initial={"text": comment.text})
    is_valid = request.method == "POST" and form.is_valid()
    if is_valid and rate_limits.consume_or_add_error(form, "text", "comment", request.user.pk):
        text = render_text(form.cleaned_data["text"], author=comment.author)
        if consume_reach_in_form(form, "text", request.user, text.newly_mentioned(comment.html)):
            services.edit_comment(comment=comment, text=text)
            return _render_edited(request, pk) if request.htmx else redirect(comment)
    context = {"comment": comment, "form": form}
    status = 422 if form.is_bound else 200
    return with_limit(form, render(request, "feed/edit_comment.html", context, status=status))


@member_required
@require_http_methods(["GET", "HEAD", "POST"])
@gone_is_404
def delete_comment(request: MemberRequest, pk: int) -> HttpResponse:
    comment = _get_own_comment(request, pk)
    if request.method != "POST":
        return render(request, "feed/delete_comment.html", {"comment": comment})
    services.delete_comment(comment=comment)
    return _render_deleted(request, comment) if request.htmx else redirect(comment.post)


def _create_comment(
    request: MemberRequest, post: Post, form: CommentForm, parent: Comment | None
) -> int | None:
    """Create the comment and return its id, or add the error to the form and return None."""

    def store_comment() -> Comment:
        return comment_within_limits(
            post=post,
            author=request.user,
            text=form.cleaned_data["text"],
            parent=parent,
            audience_seen=form.cleaned_data["audience_seen"],
        )

    try:
        return create_once(request, store_comment)
    except (rate_limits.RateLimited, ChangedSinceSent) as error:
        form.add_error("text", error)
    except FeedError as error:
        form.add_error("text", str(error))
    return None


def _render_edited(request: MemberRequest, pk: int) -> HttpResponse:
    """Render the text of an edited comment for htmx."""
    found = load_comment(pk, request.user)
    if found is None:
        raise Http404
    context = {"comments": [found], "post": get_post_or_404(request, found.post_id)}
    response = render(request, "feed/_edited_comment.html", context)
    return with_toast(
        retarget(reselect(response, ".comment-body"), f"#comment-{pk} .comment-body"), _("Comment updated.")
    )


def _render_deleted(request: MemberRequest, deleted: Comment) -> HttpResponse:
    """Render for htmx what is left of a deleted comment, and the counts of its post."""
    post = get_post_or_404(request, deleted.post_id)
    parent_id = deleted.parent_id
    context = {
        "post": post,
        "actions": post.actions_cache_key(),
        "comments": load_readable_comment(deleted.pk, request.user),
        "empty_parent": parent_id and not Comment.objects.filter(pk=parent_id).exists() and parent_id,
    }
    return with_toast(render(request, "feed/_deleted_comment.html", context), _("Comment deleted."))


def _get_own_comment(request: MemberRequest, pk: int) -> Comment:
    visible = (
        Comment.objects.visible_to(request.user).filter(deleted_at=None).select_related("post", "author")
    )
    comment = get_object_or_404(visible, pk=pk)
    if comment.author_id != request.user.pk:
        get_post_or_404(request, comment.post_id)
        if comment.parent_id:
            # A reply is shown below its parent only.
            get_object_or_404(Comment.objects.readable_by(request.user), pk=comment.parent_id)
        raise PermissionDenied
    return comment
