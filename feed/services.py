"""Write operations on posts, comments, reactions and reposts. Each locks the post whose counts it changes.

They raise Post.DoesNotExist for a post that was deleted between the fetch and the lock.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from core.files import images, storage
from core.sockets.publisher import publish
from core.text.cleaning import has_visible_text
from users.audience import Audience
from users.models import User

from .errors import (
    AlreadyReposted,
    AudienceGrew,
    AudienceHasAnswered,
    CommentDeleted,
    EmptyPost,
    NotRepostable,
)
from .events import (
    comment_edited,
    comment_published,
    post_edited,
    post_published,
    post_reacted,
    post_reposted,
)
from .models import Comment, Post, PostImage, PostRevision, PostTag, Reaction, SavedPost, Tag, readers_among
from .rendering import RenderedText, render_text

# The topic of tabs that show a home page.
HOME_TOPIC = "feed.home"
WIDENING_REFUSED = gettext_lazy(
    "Others have answered this post. You can show it to fewer people, but not to more: they wrote for those who could "
    "see it then."
)


@dataclass(frozen=True)
class Picture:
    """A picture to post, and its description ("" if there is none)."""

    image: images.Source
    alt: str = ""


@dataclass(frozen=True)
class Document:
    """A checked PDF to post: its bytes and file name."""

    data: bytes
    name: str


@storage.removed_on_failure()
def publish_post(
    *,
    author: User,
    text: str | RenderedText,
    audience: int = Audience.MEMBERS,
    pictures: Sequence[Picture] = (),
    document: Document | None = None,
) -> Post:
    """Store a post and announce it.

    Raises EmptyPost without text, pictures and document; ValidationError for a picture that is damaged or cannot be
    processed now (core.files.images); CannotStore (core.files.storage).
    """
    rendered = render_text(text, author=author)
    if not (has_visible_text(rendered.text) or pictures or document):
        raise EmptyPost(_("Write something, or add a picture or a document."))
    post = Post(author=author, text=rendered.text, html=rendered.html, audience=audience)
    # Files are stored before the transaction, so that slow work holds no lock.
    images = []
    for picture in pictures:
        file = PostImage.file.field.store_picture(picture.image)
        images.append(
            PostImage(post=post, file=file.value, width=file.width, height=file.height, alt=picture.alt)
        )
    if document:
        post.document = Post.document.field.store_file(document.data, "pdf")
        post.document_name, post.document_size = document.name, len(document.data)
    with transaction.atomic():
        post.save()
        PostImage.objects.bulk_create(images)
        _set_tags(post, rendered.tags)
        readers = readers_among(rendered.newly_mentioned(), post=post, actor=author)
        post_published.send(Post, post=post, mentioned=readers)
        _notify_home_pages(post)
    return post


@transaction.atomic
def edit_post(*, post: Post, text: str | RenderedText, audience: int) -> Post:
    """Change a post's text and audience, and keep the former text as a revision. The same text changes nothing.

    Raises EmptyPost if the post would be empty, AlreadyReposted if it would become a second plain repost, and
    AudienceHasAnswered if the audience would be widened after others have reacted, commented or reposted.
    """
    post = _lock_post(post)
    rendered = render_text(text, author=post.author)
    if audience < post.audience and is_answered(post):
        raise AudienceHasAnswered(WIDENING_REFUSED)
    if not (has_visible_text(rendered.text) or post.document or post.original_id or post.images.exists()):
        raise EmptyPost(_("A post needs at least a few words, a picture or a document."))
    if post.original and not rendered.text:
        _refuse_second_plain_repost(post.original, by=post.author, besides=post.pk)
    if (rendered.text, audience) == (post.text, post.audience):
        return post
    former = readers_among(rendered.mentioned_in(post.html), post=post, actor=post.author)
    if rendered.text != post.text:
        PostRevision.objects.create(post=post, text=post.text, html=post.html, audience=post.audience)
        post.text, post.html, post.edited_at = rendered.text, rendered.html, timezone.now()
        _set_tags(post, rendered.tags)
    post.audience = audience
    post.save(update_fields=["text", "html", "edited_at", "audience"])
    readers = readers_among(rendered.mentioned_in(post.html), post=post, actor=post.author)
    post_edited.send(Post, post=post, mentioned=[member for member in readers if member not in former])
    return post


def is_answered(post: Post) -> bool:
    """Whether another member has commented on the post, reacted to it or reposted it."""
    return (
        Comment.objects.filter(post=post, deleted_at=None).exclude(author=post.author_id).exists()
        or Reaction.objects.filter(post=post).exclude(member=post.author_id).exists()
        or Post.objects.filter(original=post).exclude(author=post.author_id).exists()
    )


@transaction.atomic
def delete_post(*, post: Post) -> None:
    """Delete a post with its comments, pictures and plain reposts; quotes stay and show that it is not available.

    Deleting it twice changes nothing.
    """
    # Lock the original first, as its own deletion does, so that the two cannot deadlock.
    both = Post.objects.select_for_update().filter(pk__in=[post.pk, post.original_id or 0]).order_by("pk")
    current = {row.pk: row for row in both}.get(post.pk)
    if current is None:
        return
    post = current
    if post.original_id:
        Post.objects.filter(pk=post.original_id).update(repost_count=F("repost_count") - 1)
    Post.objects.filter(original=post, is_repost=True, text="").delete()
    post.delete()


@transaction.atomic
def repost_post(
    *, post: Post, by: User, text: str | RenderedText = "", audience: int = Audience.MEMBERS
) -> Post:
    """Repost a post, with or without a text; for a plain repost, repost its original.

    Raises NotRepostable if the post is not for all members, AlreadyReposted for a second plain repost.
    """
    post = _lock_post(_original_of(post))
    if not post.may_be_reposted:
        raise NotRepostable(_("This post is not for everyone; only its author can share it."))
    rendered = render_text(text, author=by)
    if not rendered.text:
        _refuse_second_plain_repost(post, by=by)
    words = {"text": rendered.text, "html": rendered.html}
    shared = Post.objects.create(author=by, original=post, is_repost=True, audience=audience, **words)
    _set_tags(shared, rendered.tags)
    Post.objects.filter(pk=post.pk).update(repost_count=F("repost_count") + 1)
    readers = readers_among(rendered.newly_mentioned(), post=shared, actor=by)
    post_reposted.send(Post, post=shared, by=by, mentioned=readers)
    _notify_home_pages(shared)
    return shared


@transaction.atomic
def react_to_post(*, post: Post, member: User, kind: Reaction.Kind) -> None:
    """Add or change a member's reaction to a post, or to the original of a plain repost."""
    post = _lock_post(_original_of(post))
    former = Reaction.objects.filter(post=post, member=member).first()
    if former is None:
        Reaction.objects.create(post=post, member=member, kind=kind)
        _add_to_counts(post, **{f"{kind.value}_count": 1})
        post_reacted.send(Reaction, post=post, member=member, kind=kind)
    elif former.kind != kind.value:
        _add_to_counts(post, **{f"{former.kind}_count": -1, f"{kind.value}_count": 1})
        former.kind = kind.value
        former.save(update_fields=["kind"])


@transaction.atomic
def take_back_reaction(*, post: Post, member: User) -> None:
    """Delete a member's reaction, if there is one."""
    post = _lock_post(_original_of(post))
    former = Reaction.objects.filter(post=post, member=member).first()
    if former:
        former.delete()
        _add_to_counts(post, **{f"{former.kind}_count": -1})


@transaction.atomic
def save_post(*, post: Post, member: User) -> None:
    """Save a post, or the original of a plain repost, for the member. Saving it twice changes nothing."""
    post = _lock_post(_original_of(post))
    SavedPost.objects.get_or_create(post=post, member=member)


@transaction.atomic
def unsave_post(*, post: Post, member: User) -> None:
    """Remove a post and its plain reposts from the member's saved posts."""
    post = _original_of(post)
    shared = Q(post__original=post, post__is_repost=True, post__text="")
    SavedPost.objects.filter(Q(post=post) | shared, member=member).delete()


@transaction.atomic
def comment_on_post(
    *,
    post: Post,
    author: User,
    text: str | RenderedText,
    parent: Comment | None = None,
    audience_seen: int | None = None,
) -> Comment:
    """Comment on a post, or reply to its comment `parent`; a reply to a reply gets the same parent.

    A comment on a plain repost is stored on its original. Raises CommentDeleted if the parent was deleted in the
    meantime, and AudienceGrew if the post's audience is wider than `audience_seen`, the one in the writer's form.
    """
    post = _lock_post(_original_of(post))
    if audience_seen is not None and post.audience < audience_seen:
        raise AudienceGrew(
            _(
                "More people can see this post now than when you began to write. Send it again if that is fine."
            )
        )
    top = (parent.parent or parent) if parent else None
    if top and top.post_id != post.pk:
        raise ValueError("the comment is of another post")
    if top and not Comment.objects.filter(pk=top.pk).exists():
        raise CommentDeleted(_("The comment was deleted in the meantime."))
    rendered = render_text(text, author=author)
    words = {"text": rendered.text, "html": rendered.html}
    comment = Comment.objects.create(post=post, author=author, parent=top, **words)
    _add_to_counts(post, comment_count=1)
    if top:
        Comment.objects.filter(pk=top.pk).update(reply_count=F("reply_count") + 1)
    readers = readers_among(rendered.newly_mentioned(), post=post, actor=author)
    comment_published.send(Comment, comment=comment, mentioned=readers)
    return comment


@transaction.atomic
def edit_comment(*, comment: Comment, text: str | RenderedText) -> Comment:
    """Change the text of a comment and mark it as edited; return the comment. The same text changes nothing."""
    post = _lock_post(comment.post)
    current = Comment.objects.filter(pk=comment.pk, deleted_at=None).select_related("author").first()
    if current is None:
        return comment  # It was deleted in the meantime.
    rendered, former = render_text(text, author=current.author), current.html
    if rendered.text == current.text:
        return current
    current.post = post
    current.text, current.html, current.edited_at = rendered.text, rendered.html, timezone.now()
    current.save(update_fields=["text", "html", "edited_at"])
    readers = readers_among(rendered.newly_mentioned(former), post=post, actor=current.author)
    comment_edited.send(Comment, comment=current, mentioned=readers)
    return current


@transaction.atomic
def delete_comment(*, comment: Comment) -> None:
    """Delete a comment, or empty it while it has replies. Deleting it twice changes nothing."""
    post = _lock_post(comment.post)
    current = Comment.objects.filter(pk=comment.pk, deleted_at=None).first()
    if current is None:
        return
    _add_to_counts(post, comment_count=-1)
    if current.reply_count:
        Comment.objects.filter(pk=current.pk).update(text="", html="", deleted_at=timezone.now())
        return
    current.delete()
    if current.parent_id:
        Comment.objects.filter(pk=current.parent_id).update(reply_count=F("reply_count") - 1)
        Comment.objects.filter(pk=current.parent_id, reply_count=0).exclude(deleted_at=None).delete()


def _notify_home_pages(post: Post) -> None:
    """Publish the new post to tabs with a home page, which know their authors (feed.frames)."""
    publish(HOME_TOPIC, {"type": "feed.post", "author": post.author_id})


def _refuse_second_plain_repost(post: Post, *, by: User, besides: int = 0) -> None:
    plain = Post.objects.filter(author=by, original=post, is_repost=True, text="")
    if plain.exclude(pk=besides).exists():
        raise AlreadyReposted(_("You have shared this already."))


def _original_of(post: Post) -> Post:
    """The post to which reactions, comments, saves and reposts belong: the original of a plain repost."""
    return post.original if post.is_plain_repost and post.original else post


def _lock_post(post: Post) -> Post:
    # FOR NO KEY UPDATE: inserting rows that refer to the post need not wait.
    rows = Post.objects.select_for_update(of=("self",), no_key=True)
    return rows.select_related("author").get(pk=post.pk)


def _add_to_counts(post: Post, **changes: int) -> None:
    Post.objects.filter(pk=post.pk).update(**{field: F(field) + change for field, change in changes.items()})


def _set_tags(post: Post, names: Iterable[str]) -> None:
    wanted = set(names)
    PostTag.objects.filter(post=post).exclude(tag__name__in=wanted).delete()
    Tag.objects.bulk_create([Tag(name=name) for name in sorted(wanted)], ignore_conflicts=True)
    tags = Tag.objects.filter(name__in=wanted)
    PostTag.objects.bulk_create([PostTag(post=post, tag=tag) for tag in tags], ignore_conflicts=True)
