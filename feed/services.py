"""What members do with posts. Each verb locks the post it counts on, so that counts stay true.

A post that was deleted between the fetch and the lock raises Post.DoesNotExist.
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
    CommentGone,
    MayNotBeReposted,
    NothingSaid,
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

# What tabs with a home page in them listen to.
HOME_TOPIC = "feed.home"
WIDENING_REFUSED = gettext_lazy(
    "Others have answered this post. You can show it to fewer people, but not to more: they wrote for those who could "
    "see it then."
)


@dataclass(frozen=True)
class Picture:
    """A picture to post, and what it shows in words ("" when nobody said)."""

    image: images.Source
    alt: str = ""


@dataclass(frozen=True)
class Document:
    """A checked PDF to post: its bytes and the name its sender gave it."""

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

    Raises NothingSaid without words, pictures and document; ValidationError for a picture that is damaged or cannot be
    worked on now (core.files.images); CannotStore (core.files.storage).
    """
    rendered = render_text(text, author=author)
    if not (has_visible_text(rendered.text) or pictures or document):
        raise NothingSaid(_("Write something, or add a picture or a document."))
    post = Post(author=author, text=rendered.text, html=rendered.html, audience=audience)
    # Before the transaction: what takes long holds no lock.
    stored = [_stored_picture(post, picture) for picture in pictures]
    if document:
        post.document = Post.document.field.store_file(document.data, "pdf")
        post.document_name, post.document_size = document.name, len(document.data)
    with transaction.atomic():
        post.save()
        PostImage.objects.bulk_create(stored)
        _set_tags(post, rendered.tags)
        readers = readers_among(rendered.newly_mentioned(), post=post, actor=author)
        post_published.send(Post, post=post, mentioned=readers)
        _tell_homes(post)
    return post


@transaction.atomic
def edit_post(*, post: Post, text: str | RenderedText, audience: int) -> Post:
    """Change words and audience; the former words stay as a revision. The same words again change nothing.

    Raises NothingSaid where nothing would be left, AlreadyReposted where a second plain repost would be,
    AudienceHasAnswered where more people would read what others wrote for fewer.
    """
    post = _locked(post)
    rendered = render_text(text, author=post.author)
    if audience < post.audience and is_answered(post):
        raise AudienceHasAnswered(WIDENING_REFUSED)
    if not (has_visible_text(rendered.text) or post.document or post.original_id or post.images.exists()):
        raise NothingSaid(_("A post needs at least a few words, a picture or a document."))
    if post.original and not rendered.text:
        _refuse_second_plain_repost(post.original, by=post.author, besides=post.pk)
    if (rendered.text, audience) == (post.text, post.audience):
        return post
    knew = readers_among(rendered.mentioned_in(post.html), post=post, actor=post.author)
    if rendered.text != post.text:
        PostRevision.objects.create(post=post, text=post.text, html=post.html, audience=post.audience)
        post.text, post.html, post.edited_at = rendered.text, rendered.html, timezone.now()
        _set_tags(post, rendered.tags)
    post.audience = audience
    post.save(update_fields=["text", "html", "edited_at", "audience"])
    called = readers_among(rendered.mentioned_in(post.html), post=post, actor=post.author)
    post_edited.send(Post, post=post, mentioned=[member for member in called if member not in knew])
    return post


def is_answered(post: Post) -> bool:
    """Whether somebody besides the author has commented on the post, reacted to it or shared it."""
    return (
        Comment.objects.filter(post=post, deleted_at=None).exclude(author=post.author_id).exists()
        or Reaction.objects.filter(post=post).exclude(member=post.author_id).exists()
        or Post.objects.filter(original=post).exclude(author=post.author_id).exists()
    )


@transaction.atomic
def delete_post(*, post: Post) -> None:
    """Delete a post with its comments, pictures and plain reposts; reposts with words stay and say it is gone.

    Deleting twice is once.
    """
    # The original first, as its own deletion does, so that the two never wait for each other.
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
def repost(*, post: Post, by: User, text: str | RenderedText = "", audience: int = Audience.MEMBERS) -> Post:
    """Pass a post on, with or without words; of a plain repost, its original.

    Raises MayNotBeReposted when the post is not for all members, AlreadyReposted for a second one without words.
    """
    post = _locked(_answered(post))
    if not post.may_be_reposted:
        raise MayNotBeReposted(_("This post is not for everyone; only its author can share it."))
    rendered = render_text(text, author=by)
    if not rendered.text:
        _refuse_second_plain_repost(post, by=by)
    words = {"text": rendered.text, "html": rendered.html}
    shared = Post.objects.create(author=by, original=post, is_repost=True, audience=audience, **words)
    _set_tags(shared, rendered.tags)
    Post.objects.filter(pk=post.pk).update(repost_count=F("repost_count") + 1)
    readers = readers_among(rendered.newly_mentioned(), post=shared, actor=by)
    post_reposted.send(Post, post=shared, by=by, mentioned=readers)
    _tell_homes(shared)
    return shared


@transaction.atomic
def react_to_post(*, post: Post, member: User, kind: Reaction.Kind) -> None:
    """React to a post (of a plain repost, to its original), or change one's reaction; the same twice is once."""
    post = _locked(_answered(post))
    former = Reaction.objects.filter(post=post, member=member).first()
    if former is None:
        Reaction.objects.create(post=post, member=member, kind=kind)
        _count(post, **{f"{kind.value}_count": 1})
        post_reacted.send(Reaction, post=post, member=member, kind=kind)
    elif former.kind != kind.value:
        _count(post, **{f"{former.kind}_count": -1, f"{kind.value}_count": 1})
        former.kind = kind.value
        former.save(update_fields=["kind"])


@transaction.atomic
def take_back_reaction(*, post: Post, member: User) -> None:
    """Take one's reaction back; doing it twice is once."""
    post = _locked(_answered(post))
    former = Reaction.objects.filter(post=post, member=member).first()
    if former:
        former.delete()
        _count(post, **{f"{former.kind}_count": -1})


@transaction.atomic
def save_post(*, post: Post, member: User) -> None:
    """Put a post aside (of a plain repost, its original); twice is once."""
    post = _locked(_answered(post))
    SavedPost.objects.get_or_create(post=post, member=member)


@transaction.atomic
def unsave_post(*, post: Post, member: User) -> None:
    """Take a post from what was put aside, with plain reposts of it; twice is once."""
    post = _answered(post)
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
    """Comment on a post, or reply to the comment `parent` of it; a reply to a reply hangs on the same comment.

    A comment on a plain repost is one on its original. Raises CommentGone when that comment was deleted meanwhile, and
    AudienceGrew when the post is for more people than the audience that its writer saw, where that is known.
    """
    post = _locked(_answered(post))
    if audience_seen is not None and post.audience < audience_seen:
        raise AudienceGrew(
            _(
                "More people can see this post now than when you began to write. If you mean it for them, send again."
            )
        )
    top = (parent.parent or parent) if parent else None
    if top and top.post_id != post.pk:
        raise ValueError("the comment is of another post")
    if top and not Comment.objects.filter(pk=top.pk).exists():
        raise CommentGone(_("The comment that you answer was deleted meanwhile."))
    rendered = render_text(text, author=author)
    words = {"text": rendered.text, "html": rendered.html}
    comment = Comment.objects.create(post=post, author=author, parent=top, **words)
    _count(post, comment_count=1)
    if top:
        Comment.objects.filter(pk=top.pk).update(reply_count=F("reply_count") + 1)
    readers = readers_among(rendered.newly_mentioned(), post=post, actor=author)
    comment_published.send(Comment, comment=comment, mentioned=readers)
    return comment


@transaction.atomic
def edit_comment(*, comment: Comment, text: str | RenderedText) -> Comment:
    """Change the words of a comment, with a visible mark; the same words again change nothing.

    Returns the comment as it is now.
    """
    post = _locked(comment.post)
    current = Comment.objects.filter(pk=comment.pk, deleted_at=None).select_related("author").first()
    if current is None:
        return comment  # One that was deleted meanwhile stays without words.
    rendered, former = render_text(text, author=current.author), current.html
    if rendered.text == current.text:
        return current
    current.post = post
    current.text, current.html, current.edited_at = rendered.text, rendered.html, timezone.now()
    current.save(update_fields=["text", "html", "edited_at"])
    called = readers_among(rendered.newly_mentioned(former), post=post, actor=current.author)
    comment_edited.send(Comment, comment=current, mentioned=called)
    return current


@transaction.atomic
def delete_comment(*, comment: Comment) -> None:
    """Delete a comment; while it has replies its place stays, without words. Deleting twice is once."""
    post = _locked(comment.post)
    current = Comment.objects.filter(pk=comment.pk, deleted_at=None).first()
    if current is None:
        return
    _count(post, comment_count=-1)
    if current.reply_count:
        Comment.objects.filter(pk=current.pk).update(text="", html="", deleted_at=timezone.now())
        return
    current.delete()
    if current.parent_id:
        Comment.objects.filter(pk=current.parent_id).update(reply_count=F("reply_count") - 1)
        Comment.objects.filter(pk=current.parent_id, reply_count=0).exclude(deleted_at=None).delete()


def _tell_homes(post: Post) -> None:
    """Hint to tabs that show a home page; each knows whose posts stand on it (feed.frames)."""
    publish(HOME_TOPIC, {"type": "feed.post", "author": post.author_id})


def _refuse_second_plain_repost(post: Post, *, by: User, besides: int = 0) -> None:
    plain = Post.objects.filter(author=by, original=post, is_repost=True, text="")
    if plain.exclude(pk=besides).exists():
        raise AlreadyReposted(_("You have shared this already."))


def _answered(post: Post) -> Post:
    """The post that reactions, comments, bookmarks and shares of `post` belong to."""
    return post.original if post.is_plain_repost and post.original else post


def _locked(post: Post) -> Post:
    # Not the key: who refers to the post meanwhile need not wait.
    rows = Post.objects.select_for_update(of=("self",), no_key=True)
    return rows.select_related("author").get(pk=post.pk)


def _count(post: Post, **changes: int) -> None:
    Post.objects.filter(pk=post.pk).update(**{field: F(field) + change for field, change in changes.items()})


def _stored_picture(post: Post, picture: Picture) -> PostImage:
    file = PostImage.file.field.store_picture(picture.image)
    return PostImage(post=post, file=file.value, width=file.width, height=file.height, alt=picture.alt)


def _set_tags(post: Post, names: Iterable[str]) -> None:
    wanted = set(names)
    PostTag.objects.filter(post=post).exclude(tag__name__in=wanted).delete()
    Tag.objects.bulk_create([Tag(name=name) for name in sorted(wanted)], ignore_conflicts=True)
    tags = Tag.objects.filter(name__in=wanted)
    PostTag.objects.bulk_create([PostTag(post=post, tag=tag) for tag in tags], ignore_conflicts=True)
