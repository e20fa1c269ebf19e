"""Creates posts with comments and reactions, in batches: memory does not grow with their number."""

import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Max
from django.utils import timezone

from demo import content, pictures
from feed.models import Comment, Post, PostImage, PostTag, Reaction, SavedPost, Tag
from feed.rendering import render_text
from users.audience import Audience
from users.models import User

from .connections import PopularitySampler
from .members import BENCH, CROWD, SEED
from .notifications import create_notifications

BATCH = 1000
PERIOD = timedelta(days=730)
REPOST_SHARE, PICTURE_SHARE, REPLY_SHARE = 0.05, 0.1, 0.4
# Per cent of the posts, by audience.
AUDIENCES = {Audience.PUBLIC: 12, Audience.MEMBERS: 80, Audience.CONNECTIONS: 8}
BENCH_SAVED = 200
SCENES = ("hills", "coast", "bridge", "forest")

ReportProgress = Callable[[str], None]


@dataclass(frozen=True)
class RenderedText:
    """A text, rendered once for all posts or comments that have it."""

    text: str
    html: str
    tags: list[int]


@dataclass
class PostContent:
    """Texts, images and members from which posts and comments are combined."""

    posts: list[RenderedText]
    comments: list[RenderedText]
    images: list[PostImage]
    readers: list[int]
    authors: PopularitySampler


def create_posts(count: int, *, report_progress: ReportProgress) -> None:
    """Add posts until there are `count`, each with two comments and two reactions.

    Comments and reactions are by random members, on posts for connections, too.
    """
    present = Post.objects.filter(author__in=User.objects.filter(CROWD)).count()
    if present >= count:
        return
    post_content = _load_content()
    start = max(_latest_time(), timezone.now() - PERIOD)
    step = (timezone.now() - start) / (count - present)
    earlier: list[Post] = []
    reported = time.monotonic()
    for first in range(present, count, BATCH):
        last = min(first + BATCH, count)
        rng = random.Random(f"{SEED}:posts:{first}")  # noqa: S311 -- repeatable on purpose
        times = [start + step * (number - present + 1) for number in range(first, last)]
        with transaction.atomic():
            earlier = _store_batch(times, earlier, post_content, rng)
        if time.monotonic() - reported > 5 or last == count:
            report_progress(f"{last:,} of {count:,} posts are created.")
            reported = time.monotonic()
    _save_posts()


def _load_content() -> PostContent:
    members = list(User.objects.filter(CROWD).order_by("pk").values_list("pk", flat=True))
    author = User.objects.get(username=BENCH)
    posts = [post.text for post in content.load_posts() if post.text]
    comments = [comment.text for post in content.load_posts() for comment in post.all_comments()]
    return PostContent(
        posts=list(_render_texts(posts, author)),
        comments=list(_render_texts(comments, author)),
        images=[_image(kind) for kind in SCENES],
        readers=members,
        authors=PopularitySampler(members, random.Random(f"{SEED}:authors")),  # noqa: S311
    )


def _render_texts(texts: list[str], author: User) -> Iterator[RenderedText]:
    for text in texts:
        rendered = render_text(text, author=author)
        Tag.objects.bulk_create([Tag(name=name) for name in sorted(rendered.tags)], ignore_conflicts=True)
        tags = Tag.objects.filter(name__in=rendered.tags).values_list("pk", flat=True)
        yield RenderedText(text, rendered.html, list(tags))


def _image(kind: str) -> PostImage:
    """Store a picture that many posts share; return its row, not yet saved."""
    file = PostImage.file.field.store_picture(pictures.draw_picture(kind, seed=SEED))
    return PostImage(file=file.value, width=file.width, height=file.height, alt=f"A picture of {kind}")


def _latest_time() -> datetime:
    latest: datetime | None = Post.objects.filter(author__in=User.objects.filter(CROWD)).aggregate(
        at=Max("created_at")
    )["at"]
    return latest or timezone.now() - PERIOD


def _store_batch(
    times: list[datetime], earlier: list[Post], post_content: PostContent, rng: random.Random
) -> list[Post]:
    """Store a batch of posts with their comments, reactions, pictures and notifications; return the posts."""
    kinds = [rng.choices(list(Reaction.Kind), (60, 12, 10, 12, 6), k=2) for _post in times]
    authors = post_content.authors.draw(len(times))
    texts = rng.choices(post_content.posts, k=len(times))
    audiences = rng.choices([*AUDIENCES], [*AUDIENCES.values()], k=len(times))
    posts = [
        _post(author, text, audience, at, pair)
        for author, text, audience, at, pair in zip(authors, texts, audiences, times, kinds, strict=True)
    ]
    _make_reposts(posts, earlier, rng)
    Post.objects.bulk_create(posts)
    PostTag.objects.bulk_create(
        [
            PostTag(post=post, tag_id=tag)
            for post, text in zip(posts, texts, strict=True)
            if post.text
            for tag in text.tags
        ]
    )
    PostImage.objects.bulk_create(_pictures(posts, post_content, rng))
    reactions = Reaction.objects.bulk_create(
        [
            Reaction(post=post, member_id=member, kind=kind, created_at=post.created_at)
            for post, pair in zip(posts, kinds, strict=True)
            for member, kind in zip(rng.sample(post_content.readers, 2), pair, strict=True)
        ]
    )
    create_notifications(posts, reactions, _store_comments(posts, post_content, rng), rng)
    return posts


def _post(author: int, text: RenderedText, audience: int, at: datetime, kinds: list[Reaction.Kind]) -> Post:
    post = Post(
        author_id=author,
        text=text.text,
        html=text.html,
        audience=audience,
        created_at=at,
        comment_count=2,
    )
    for kind in kinds:
        field = f"{kind.value}_count"
        setattr(post, field, getattr(post, field) + 1)
    return post


def _make_reposts(posts: list[Post], earlier: list[Post], rng: random.Random) -> None:
    """Make some of `posts` reposts of `earlier` ones, half of them without text, each original once."""
    originals = [post for post in earlier if post.audience <= Audience.MEMBERS and not post.is_repost]
    wanted = min(len(originals), round(len(posts) * REPOST_SHARE))
    chosen = rng.sample(originals, wanted)
    for post, original in zip(rng.sample(posts, wanted), chosen, strict=True):
        post.is_repost, post.original = True, original
        if rng.random() < 0.5:
            post.text = post.html = ""
    Post.objects.filter(pk__in=[original.pk for original in chosen]).update(repost_count=1)


def _pictures(posts: list[Post], post_content: PostContent, rng: random.Random) -> list[PostImage]:
    shared = [
        (post, rng.choice(post_content.images))
        for post in posts
        if not post.is_repost and rng.random() < PICTURE_SHARE
    ]
    return [
        PostImage(post=post, file=image.file, width=image.width, height=image.height, alt=image.alt)
        for post, image in shared
    ]


def _store_comments(posts: list[Post], post_content: PostContent, rng: random.Random) -> list[Comment]:
    """Store two comments on each post, the second sometimes a reply to the first; return them."""
    answered = [rng.random() < REPLY_SHARE for _post in posts]
    firsts = [
        _comment(post, None, post_content, rng, replies=int(is_answered))
        for post, is_answered in zip(posts, answered, strict=True)
    ]
    Comment.objects.bulk_create(firsts)
    seconds = [
        _comment(post, first if is_answered else None, post_content, rng)
        for post, first, is_answered in zip(posts, firsts, answered, strict=True)
    ]
    return [*firsts, *Comment.objects.bulk_create(seconds)]


def _comment(
    post: Post, parent: Comment | None, post_content: PostContent, rng: random.Random, *, replies: int = 0
) -> Comment:
    text = rng.choice(post_content.comments)
    return Comment(
        post=post,
        author_id=rng.choice(post_content.readers),
        parent=parent,
        text=text.text,
        html=text.html,
        reply_count=replies,
        created_at=post.created_at + timedelta(minutes=rng.uniform(2, 300)),
    )


def _save_posts() -> None:
    """Save some posts for BENCH, spread over all of them."""
    member = User.objects.get(username=BENCH)
    lowest = Post.objects.order_by("pk").values_list("pk", flat=True).first() or 0
    highest = Post.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
    step = max(1, (highest - lowest) // BENCH_SAVED)
    found = Post.objects.filter(pk__in=range(lowest, highest, step), audience__lte=Audience.MEMBERS)
    SavedPost.objects.bulk_create(
        [SavedPost(post=post, member=member) for post in found], ignore_conflicts=True
    )
