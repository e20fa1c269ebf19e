"""What the small network holds."""

from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from uuid import UUID

from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.models import Group, Permission
from django.contrib.contenttypes.models import ContentType
from django.contrib.sessions.backends.db import SessionStore

from core.models import CacheEntry
from feed.models import Comment, Post, PostTag, Reaction, Tag
from messaging.models import Conversation, Entry
from notifications.models import QuietHours
from users.models import Experience, FormSubmission, Profile, User

from .network import DELETED_POSTS, FILES, HARD_TEXTS, MEMBERS, NOON, POSTS, SECRET


def fill_database(media: Path) -> None:
    """Fill the database of the settings, and the folder `media`."""
    _create_members()
    _create_posts_and_messages()
    _create_other_rows(media)


def _create_members() -> None:

    people = [
        User(
            username=f"member{n}",
            email=f"member{n}@example.org",
            name=HARD_TEXTS[n % len(HARD_TEXTS)],
            password=SECRET,
            headline=f"Headline of member {n}",
            joined_at=NOON + timedelta(hours=n) if n % 3 else None,
            is_superuser=n == 1,
        )
        for n in range(1, MEMBERS + 1)
    ]
    User.objects.bulk_create(people)
    Profile.objects.bulk_create(Profile(user=one, about=f"About member {one.pk}") for one in people)
    Experience.objects.bulk_create(
        Experience(user=one, title="Engineer", employer="Works", start=date(1999, 12, 31)) for one in people
    )
    # An app that was taken out of the project leaves its content type behind; an administrator may add permissions.
    gone = ContentType.objects.create(app_label="gone", model="thing")
    own = Permission.objects.create(content_type=gone, codename="own.dotted", name="May do the own thing")
    group = Group.objects.create(name="Moderators")
    group.permissions.set([own, *Permission.objects.order_by("pk")[:3]])
    people[0].groups.add(group)
    people[0].user_permissions.add(own)


def _create_posts_and_messages() -> None:
    people = list(User.objects.order_by("pk"))
    # A moment without microseconds is kept without them, and must be the same as with them.
    moments = [
        NOON,
        NOON.replace(microsecond=0),
        NOON.replace(microsecond=500_000),
        datetime(1, 1, 2, tzinfo=UTC),
    ]
    posts = [
        Post(
            author=people[n % MEMBERS],
            text=f"Post {n} {HARD_TEXTS[n % 10]}",
            html="<p>Post</p>",
            created_at=moments[n % 4] + timedelta(days=n),
            edited_at=NOON if n % 2 else None,
        )
        for n in range(POSTS + DELETED_POSTS)
    ]
    Post.objects.bulk_create(posts)
    Post.objects.filter(pk__gt=POSTS).delete()
    posts = posts[:POSTS]
    Comment.objects.bulk_create(
        Comment(post=post, author=people[(n * 7) % MEMBERS], text=f"Comment {n}", html=f"<p>{n}</p>")
        for n, post in enumerate(posts)
    )
    Reaction.objects.bulk_create(Reaction(post=post, member=people[0], kind="like") for post in posts)
    tag = Tag.objects.create(name="größe")
    PostTag.objects.bulk_create(PostTag(post=post, tag=tag) for post in posts[:50])
    conversation = Conversation.objects.create(created_by=people[0], title="Two of us")
    Entry.objects.bulk_create(
        Entry(
            conversation=conversation, seq=n, author=people[n % 2], text=f"Message {n}", client_id=UUID(int=n)
        )
        for n in range(1, 31)
    )
    QuietHours.objects.create(
        member=people[0], start=time(22, 0), end=time(6, 30, 0, 250), zone="Europe/Berlin"
    )
    _create_traces_of(posts[:20])


def _create_traces_of(posts: list[Post]) -> None:
    """Add the rows that forms and the administration leave behind."""
    kind, user = ContentType.objects.get_for_model(Post), User.objects.order_by("pk")[0]
    for post in posts:
        FormSubmission.objects.create(
            member=post.author, submission_id=UUID(int=post.pk), fingerprint="f" * 64, result_id=post.pk
        )
        LogEntry.objects.create(
            user=user, content_type=kind, object_id=str(post.pk), object_repr="Post", action_flag=CHANGE
        )


def _create_other_rows(media: Path) -> None:

    SessionStore().create()
    CacheEntry.objects.create(cache_key="key", value="value", expires=NOON)
    for name, content in FILES.items():
        path = media / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
