"""The posts of the crowd, batch by batch: memory does not grow with their number."""

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

from .graph import Popularity
from .notifications import tell_some
from .people import BENCH, CROWD, SEED

BATCH = 1000
YEARS = timedelta(days=730)
REPOSTS, WITH_PICTURE, REPLIES = 0.05, 0.1, 0.4
# Of a hundred posts, so many are for everyone, for members, for connections.
AUDIENCES = {Audience.PUBLIC: 12, Audience.MEMBERS: 80, Audience.CONNECTIONS: 8}
BENCH_SAVED = 200
SCENES = ("hills", "coast", "bridge", "forest")

Say = Callable[[str], None]


@dataclass(frozen=True)
class Wording:
    """One text, rendered once for all posts that say it."""

    text: str
    html: str
    tags: list[int]


@dataclass
class Stock:
    """What the posts of the crowd are made of."""

    posts: list[Wording]
    comments: list[Wording]
    images: list[PostImage]
    readers: list[int]
    authors: Popularity


def make_posts(count: int, *, say: Say) -> None:
    """Add posts until there are `count`, each with two comments and two reactions, counted in the post.

    Who responds is drawn from all members: the few posts for connections have responses of strangers, too.
    """
    present = Post.objects.filter(author__in=User.objects.filter(CROWD)).count()
    if present >= count:
        return
    stock = _stock()
    start = max(_latest(), timezone.now() - YEARS)
    step = (timezone.now() - start) / (count - present)
    earlier: list[Post] = []
    told = time.monotonic()
    for first in range(present, count, BATCH):
        last = min(first + BATCH, count)
        dice = random.Random(f"{SEED}:posts:{first}")  # noqa: S311 -- repeatable on purpose
        times = [start + step * (number - present + 1) for number in range(first, last)]
        with transaction.atomic():
            earlier = _store_batch(times, earlier, stock, dice)
        if time.monotonic() - told > 5 or last == count:
            say(f"{last:,} of {count:,} posts are written.")
            told = time.monotonic()
    _save_some()


def _stock() -> Stock:
    people = list(User.objects.filter(CROWD).order_by("pk").values_list("pk", flat=True))
    author = User.objects.get(username=BENCH)
    posts = [post.text for post in content.load_posts() if post.text]
    comments = [said.text for post in content.load_posts() for said in post.all_comments()]
    return Stock(
        posts=list(_wordings(posts, author)),
        comments=list(_wordings(comments, author)),
        images=[_image(kind) for kind in SCENES],
        readers=people,
        authors=Popularity(people, random.Random(f"{SEED}:authors")),  # noqa: S311
    )


def _wordings(texts: list[str], author: User) -> Iterator[Wording]:
    for text in texts:
        rendered = render_text(text, author=author)
        Tag.objects.bulk_create([Tag(name=name) for name in sorted(rendered.tags)], ignore_conflicts=True)
        tags = Tag.objects.filter(name__in=rendered.tags).values_list("pk", flat=True)
        yield Wording(text, rendered.html, list(tags))


def _image(kind: str) -> PostImage:
    """Store a picture that many posts share."""
    file = PostImage.file.field.store_picture(pictures.draw_picture(kind, seed=SEED))
    return PostImage(file=file.value, width=file.width, height=file.height, alt=f"A picture of {kind}")


def _latest() -> datetime:
    latest: datetime | None = Post.objects.filter(author__in=User.objects.filter(CROWD)).aggregate(
        at=Max("created_at")
    )["at"]
    return latest or timezone.now() - YEARS


def _store_batch(times: list[datetime], earlier: list[Post], stock: Stock, dice: random.Random) -> list[Post]:
    """Store one batch of posts with everything that hangs on them; returns them."""
    kinds = [dice.choices(list(Reaction.Kind), (60, 12, 10, 12, 6), k=2) for _post in times]
    authors = stock.authors.draw(len(times))
    wordings = dice.choices(stock.posts, k=len(times))
    audiences = dice.choices([*AUDIENCES], [*AUDIENCES.values()], k=len(times))
    posts = [
        _post(author, wording, audience, at, pair)
        for author, wording, audience, at, pair in zip(
            authors, wordings, audiences, times, kinds, strict=True
        )
    ]
    _make_some_reposts(posts, earlier, dice)
    Post.objects.bulk_create(posts)
    PostTag.objects.bulk_create(
        [
            PostTag(post=post, tag_id=tag)
            for post, wording in zip(posts, wordings, strict=True)
            if post.text
            for tag in wording.tags
        ]
    )
    PostImage.objects.bulk_create(_pictures(posts, stock, dice))
    reactions = Reaction.objects.bulk_create(
        [
            Reaction(post=post, member_id=member, kind=kind, created_at=post.created_at)
            for post, pair in zip(posts, kinds, strict=True)
            for member, kind in zip(dice.sample(stock.readers, 2), pair, strict=True)
        ]
    )
    tell_some(posts, reactions, _stored_comments(posts, stock, dice), dice)
    return posts


def _post(author: int, wording: Wording, audience: int, at: datetime, kinds: list[Reaction.Kind]) -> Post:
    post = Post(
        author_id=author,
        text=wording.text,
        html=wording.html,
        audience=audience,
        created_at=at,
        comment_count=2,
    )
    for kind in kinds:
        field = f"{kind.value}_count"
        setattr(post, field, getattr(post, field) + 1)
    return post


def _make_some_reposts(posts: list[Post], earlier: list[Post], dice: random.Random) -> None:
    """Turn some of `posts` into reposts of `earlier` ones, half of them without words, each original once."""
    originals = [post for post in earlier if post.audience <= Audience.MEMBERS and not post.is_repost]
    wanted = min(len(originals), round(len(posts) * REPOSTS))
    chosen = dice.sample(originals, wanted)
    for post, original in zip(dice.sample(posts, wanted), chosen, strict=True):
        post.is_repost, post.original = True, original
        if dice.random() < 0.5:
            post.text = post.html = ""
    Post.objects.filter(pk__in=[original.pk for original in chosen]).update(repost_count=1)


def _pictures(posts: list[Post], stock: Stock, dice: random.Random) -> list[PostImage]:
    shared = [
        (post, dice.choice(stock.images))
        for post in posts
        if not post.is_repost and dice.random() < WITH_PICTURE
    ]
    return [
        PostImage(post=post, file=image.file, width=image.width, height=image.height, alt=image.alt)
        for post, image in shared
    ]


def _stored_comments(posts: list[Post], stock: Stock, dice: random.Random) -> list[Comment]:
    """Two comments on each post; the second one is sometimes a reply to the first. Returns them."""
    answered = [dice.random() < REPLIES for _post in posts]
    firsts = [
        _comment(post, None, stock, dice, replies=int(is_answered))
        for post, is_answered in zip(posts, answered, strict=True)
    ]
    Comment.objects.bulk_create(firsts)
    seconds = [
        _comment(post, first if is_answered else None, stock, dice)
        for post, first, is_answered in zip(posts, firsts, answered, strict=True)
    ]
    return [*firsts, *Comment.objects.bulk_create(seconds)]


def _comment(
    post: Post, parent: Comment | None, stock: Stock, dice: random.Random, *, replies: int = 0
) -> Comment:
    wording = dice.choice(stock.comments)
    return Comment(
        post=post,
        author_id=dice.choice(stock.readers),
        parent=parent,
        text=wording.text,
        html=wording.html,
        reply_count=replies,
        created_at=post.created_at + timedelta(minutes=dice.uniform(2, 300)),
    )


def _save_some() -> None:
    """Put some posts aside for BENCH, spread over all of them."""
    member = User.objects.get(username=BENCH)
    lowest = Post.objects.order_by("pk").values_list("pk", flat=True).first() or 0
    highest = Post.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
    step = max(1, (highest - lowest) // BENCH_SAVED)
    found = Post.objects.filter(pk__in=range(lowest, highest, step), audience__lte=Audience.MEMBERS)
    SavedPost.objects.bulk_create(
        [SavedPost(post=post, member=member) for post in found], ignore_conflicts=True
    )
