"""A member with very much of everything, made in bulk: a little of each first, then the rest."""

import uuid
from dataclasses import dataclass

from django.db import connection
from django.urls import reverse
from django.utils import timezone

from feed.models import Comment, Post, Reaction
from messaging.models import Conversation, Entry, Membership
from network.models import Connection
from notifications.kinds import Kind
from notifications.models import Activity, Notification
from users.models import Profile, User

from .members import BENCH

NAME = "heavy"
# Not the crowd's, whose members are counted by theirs.
DOMAIN = "heavy.example.org"
BATCH = 5000


@dataclass(frozen=True)
class Amounts:
    """How much there is of each: connections, comments on one post, messages with one member, unread notifications."""

    connections: int
    comments: int
    messages: int
    unread: int


LITTLE = Amounts(connections=60, comments=60, messages=120, unread=60)
MUCH = Amounts(connections=30_000, comments=20_000, messages=200_000, unread=5000)


@dataclass
class HeavyMember:
    """The member, a post and a conversation of theirs, and how much there is already."""

    member: User
    post: Post
    conversation: Conversation
    has: Amounts

    def addresses(self) -> dict[str, str]:
        """The pages that show much of it, by name."""
        return {
            "home": reverse("feed:home"),
            "own page": self.member.get_absolute_url(),
            "own posts": reverse("feed:by_member", args=[NAME]),
            "network": reverse("network:overview"),
            "connections": reverse("network:connections"),
            "directory": reverse("network:directory"),
            "post with comments": self.post.get_absolute_url(),
            "comments below a card": reverse("feed:inline_comments", args=[self.post.pk]),
            "inbox": reverse("messaging:inbox"),
            "conversation": self.conversation.get_absolute_url(),
            "notifications": reverse("notifications:page"),
            "page of another": reverse("network:member", args=[BENCH]),
        }

    def addresses_for_others(self) -> dict[str, str]:
        """The pages about the member that others see, by name."""
        return {
            "the member's page": self.member.get_absolute_url(),
            "the member's posts": reverse("feed:by_member", args=[NAME]),
        }

    def grow(self, wanted: Amounts) -> None:
        """Add what is missing of `wanted`, and let the database count its rows."""
        self._add_connections(wanted.connections - self.has.connections)
        self._add_comments(wanted.comments - self.has.comments)
        self._add_messages(wanted.messages - self.has.messages)
        self._add_notifications(wanted.unread - self.has.unread)
        self.has = wanted
        with connection.cursor() as cursor:
            cursor.execute("VACUUM ANALYZE")

    def _add_connections(self, count: int) -> None:
        now = timezone.now()
        first = User.objects.latest("pk").pk
        people = [
            User(
                username=f"known{first + number}",
                email=f"known{first + number}@{DOMAIN}",
                name=f"Known {first + number}",
                joined_at=now,
            )
            for number in range(count)
        ]
        for each in people:
            each.refresh_sort_name()
        User.objects.bulk_create(people, batch_size=BATCH)
        Connection.objects.bulk_create(
            [
                Connection(
                    low=self.member,
                    high=each,
                    inviter=self.member,
                    state=Connection.State.CONNECTED,
                    invited_at=now,
                    connected_at=now,
                )
                for each in people
            ],
            batch_size=BATCH,
        )

    def _add_comments(self, count: int) -> None:
        author = User.objects.get(username=BENCH)
        Comment.objects.bulk_create(
            [
                Comment(post=self.post, author=author, text="Well said.", html="<p>Well said.</p>")
                for _number in range(count)
            ],
            batch_size=BATCH,
        )
        self.post.comment_count += count
        self.post.save(update_fields=["comment_count"])

    def _add_messages(self, count: int) -> None:
        last, talk = self.conversation.last_seq, self.conversation
        Entry.objects.bulk_create(
            (
                Entry(
                    conversation=talk,
                    seq=last + number,
                    author=self.member,
                    client_id=uuid.uuid4(),
                    text="A line.",
                    html="<p>A line.</p>",
                    search_text="a line.",
                )
                for number in range(1, count + 1)
            ),
            batch_size=BATCH,
        )
        talk.last_seq += count
        talk.save(update_fields=["last_seq"])
        Membership.objects.filter(conversation=talk).update(
            sort_key=Entry.objects.latest("pk").pk, read_seq=talk.last_seq, delivered_seq=talk.last_seq
        )

    def _add_notifications(self, count: int) -> None:
        actor = User.objects.get(username=BENCH)
        posts = Post.objects.bulk_create(
            [Post(author=self.member, text="Again.", html="<p>Again.</p>") for _number in range(count)]
        )
        reactions = Reaction.objects.bulk_create(
            [Reaction(post=post, member=actor, kind="like") for post in posts]
        )
        rows = Notification.objects.bulk_create(
            [
                Notification(recipient=self.member, kind=Kind.REACTION, key=f"post:{post.pk}", post=post)
                for post in posts
            ]
        )
        activities = Activity.objects.bulk_create(
            [
                Activity(notification=row, actor=actor, reaction=reaction)
                for row, reaction in zip(rows, reactions, strict=True)
            ]
        )
        for row, activity in zip(rows, activities, strict=True):
            row.sort_key = activity.pk
        Notification.objects.bulk_update(rows, ["sort_key"], batch_size=1000)


def make_heavy_member() -> HeavyMember:
    """Make the member in the crowd, with a little of each."""
    now = timezone.now()
    member = User.objects.create(
        username=NAME, email=f"{NAME}@{DOMAIN}", name="Heavy Member", joined_at=now, sort_name="heavy member"
    )
    Profile.objects.create(user=member)
    post = Post.objects.create(author=member, text="What do you say?", html="<p>What do you say?</p>")
    other = User.objects.get(username=BENCH)
    talk = Conversation.objects.create(
        pair=Conversation.pair_of(other.pk, member.pk), created_by=member, created_at=now
    )
    Membership.objects.bulk_create(
        [
            Membership(conversation=talk, member=each, joined_at=now, accepted_at=now)
            for each in (member, other)
        ]
    )
    made = HeavyMember(member, post, talk, Amounts(0, 0, 0, 0))
    made.grow(LITTLE)
    return made
