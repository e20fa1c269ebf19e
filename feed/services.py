"""What members do with posts. Each verb locks the post it counts on, so that counts stay true.

A post that was deleted between the fetch and the lock raises Post.DoesNotExist.
"""

from collections.abc import Iterable, Sequence
from copy import copy
from dataclasses import dataclass

from django.db import transaction
from django.db.models import F, Q
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from core.files import images, storage
from core.sockets.publisher import publish
from core.text import markdown
from core.text.cleaning import says_something
from network.models import Connection, Member
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
from .models import Comment, Post, PostImage, PostRevision, PostTag, Reaction, SavedPost, Tag
from .models.post_view import IMAGE_SIZES

# What tabs with a home page in them listen to.
HOME_TOPIC = "feed.home"
MOST_TAGS = 30
# Beyond this a post calls people, it does not mention them; the others stay plain text.
MOST_MENTIONS = 50
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


@dataclass(frozen=True)
class Rendered:
    """A text as HTML, with what it names."""

    html: str
    mentioned: list[Member]
    tags: set[str]


def _called(mentions: Iterable[str], author: User) -> list[Member]:
    names = sorted(mentions)[:MOST_MENTIONS]
    return list(Member.objects.visible_to(author).filter(username__in=names)) if names else []


def newly_named_in(text: str, *, author: User, former_html: str = "") -> set[int]:
    """The ids of those whom `text` calls by name and `former_html` did not. At most one query."""
    named = _called(markdown.parse(text).mentions if "@" in text else (), author)
    return {member.pk for member in named if member.pk != author.pk and not _names(former_html, member)}


def render_text(text: str, *, author: User) -> Rendered:
    """Render a member's Markdown: names that exist for the author and hashtags become links. One query."""
    parsed = markdown.parse(text)
    members = {member.username: member for member in _called(parsed.mentions, author)}
    tags = set(sorted(parsed.hashtags)[:MOST_TAGS])
    html = parsed.html(
        mention=lambda name: members[name].get_absolute_url() if name in members else None,
        hashtag=lambda tag: reverse("feed:tag", args=[tag]) if tag in tags else None,
    )
    return Rendered(html, [member for member in members.values() if member.pk != author.pk], tags)


@storage.removed_on_failure()
def publish_post(
    *,
    author: User,
    text: str,
    audience: int = Audience.MEMBERS,
    pictures: Sequence[Picture] = (),
    document: Document | None = None,
) -> Post:
    """Store a post and announce it.

    Raises NothingSaid without words, pictures and document; ValidationError for a picture that is damaged or cannot be
    worked on now (core.files.images); CannotStore (core.files.storage).
    """
    if not (says_something(text) or pictures or document):
        raise NothingSaid(_("Write something, or add a picture or a document."))
    rendered = render_text(text, author=author)
    post = Post(author=author, text=text, html=rendered.html, audience=audience)
    # Before the transaction: what takes long holds no lock.
    stored = [_stored_picture(post, picture) for picture in pictures]
    if document:
        post.document = storage.store(storage.new_private_name("documents", "pdf"), document.data)
        post.document_name, post.document_size = document.name, len(document.data)
    with transaction.atomic():
        post.save()
        PostImage.objects.bulk_create(stored)
        _set_tags(post, rendered.tags)
        post_published.send(Post, post=post, mentioned=_readers(post, rendered.mentioned))
        _tell_homes(post)
    return post


@transaction.atomic
def edit_post(*, post: Post, text: str, audience: int) -> Post:
    """Change words and audience; the former words stay as a revision. The same words again change nothing.

    Raises NothingSaid where nothing would be left, AlreadyReposted where a second plain repost would be,
    AudienceHasAnswered where more people would read what others wrote for fewer.
    """
    post = _locked(post)
    if audience < post.audience and is_answered(post):
        raise AudienceHasAnswered(WIDENING_REFUSED)
    if not (says_something(text) or post.document or post.original_id or post.images.exists()):
        raise NothingSaid(_("A post needs at least a few words, a picture or a document."))
    if post.original and not text:
        _refuse_second_plain_repost(post.original, by=post.author, besides=post.pk)
    if (text, audience) == (post.text, post.audience):
        return post
    former = copy(post)
    rendered = render_text(text, author=post.author)
    if text != post.text:
        PostRevision.objects.create(post=post, text=post.text, html=post.html, audience=post.audience)
        post.text, post.html, post.edited_at = text, rendered.html, timezone.now()
        _set_tags(post, rendered.tags)
    post.audience = audience
    post.save(update_fields=["text", "html", "edited_at", "audience"])
    post_edited.send(Post, post=post, mentioned=_newly_called(rendered.mentioned, post, former))
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
def repost(*, post: Post, by: User, text: str = "", audience: int = Audience.MEMBERS) -> Post:
    """Pass a post on, with or without words; of a plain repost, its original.

    Raises MayNotBeReposted when the post is not for all members, AlreadyReposted for a second one without words.
    """
    post = _locked(_answered(post))
    if not post.may_be_reposted:
        raise MayNotBeReposted(_("This post is not for everyone; only its author can share it."))
    if not text:
        _refuse_second_plain_repost(post, by=by)
    rendered = render_text(text, author=by)
    shared = Post.objects.create(
        author=by, original=post, is_repost=True, text=text, html=rendered.html, audience=audience
    )
    _set_tags(shared, rendered.tags)
    Post.objects.filter(pk=post.pk).update(repost_count=F("repost_count") + 1)
    post_reposted.send(Post, post=shared, by=by, mentioned=_readers(shared, rendered.mentioned))
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
    text: str,
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
    comment = Comment.objects.create(post=post, author=author, parent=top, text=text, html=rendered.html)
    _count(post, comment_count=1)
    if top:
        Comment.objects.filter(pk=top.pk).update(reply_count=F("reply_count") + 1)
    comment_published.send(Comment, comment=comment, mentioned=_readers(post, rendered.mentioned))
    return comment


@transaction.atomic
def edit_comment(*, comment: Comment, text: str) -> Comment:
    """Change the words of a comment, with a visible mark; the same words again change nothing.

    Returns the comment as it is now.
    """
    post = _locked(comment.post)
    current = Comment.objects.filter(pk=comment.pk, deleted_at=None).select_related("author").first()
    # One that was deleted meanwhile stays without words.
    if current is None or text == current.text:
        return current or comment
    rendered, former = render_text(text, author=current.author), current.html
    current.post = post
    current.text, current.html, current.edited_at = text, rendered.html, timezone.now()
    current.save(update_fields=["text", "html", "edited_at"])
    called = [member for member in rendered.mentioned if not _names(former, member)]
    comment_edited.send(Comment, comment=current, mentioned=_readers(post, called))
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


def _readers(post: Post, members: list[Member]) -> list[Member]:
    """Those of `members` who may see the post."""
    if not members:
        return []
    readers = Member.objects.visible_to(post.author).filter(pk__in=[member.pk for member in members])
    if post.audience == Audience.CONNECTIONS:
        connected = Connection.objects.connected().other_ends(post.author_id)
        readers = readers.filter(Q(pk=post.author_id) | Q(pk__in=connected))
    return list(readers)


def _newly_called(members: list[Member], post: Post, former: Post) -> list[Member]:
    """Those of `members` whom the post calls, and whom it did not call as it was before: it did not name them, or was
    not for their eyes."""
    called = _readers(post, [member for member in members if _names(post.html, member)])
    before = _readers(former, [member for member in called if _names(former.html, member)])
    return [member for member in called if member not in before]


def _names(html: str, member: Member) -> bool:
    """Whether a name in a text leads to the member: no link that is typed gets this class (core.text.markdown)."""
    return f'<a href="{member.get_absolute_url()}" class="mention"' in html


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
    key = storage.new_private_name("posts", "webp").removesuffix(".webp")
    encoded = images.encode(picture.image, *(images.Fit(size) for size in IMAGE_SIZES))
    for size, variant in zip(IMAGE_SIZES, encoded, strict=True):
        storage.store(PostImage.variant(key, size), variant.data)
    return PostImage(post=post, file=key, width=encoded[0].width, height=encoded[0].height, alt=picture.alt)


def _set_tags(post: Post, names: Iterable[str]) -> None:
    wanted = set(names)
    PostTag.objects.filter(post=post).exclude(tag__name__in=wanted).delete()
    Tag.objects.bulk_create([Tag(name=name) for name in sorted(wanted)], ignore_conflicts=True)
    tags = Tag.objects.filter(name__in=wanted)
    PostTag.objects.bulk_create([PostTag(post=post, tag=tag) for tag in tags], ignore_conflicts=True)
