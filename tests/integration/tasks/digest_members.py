"""Fills a database with members who all have a digest due, and starts it: `python -m …digest_members 400`.

Each has an invitation to answer and 30 connections, of whom some wrote posts that others answered; of each twenty-five
members one joined lately, from the school of a fifth of the others.
"""

import sys
from datetime import timedelta

import django

django.setup()

from allauth.account.models import EmailAddress  # noqa: E402
from django.utils import timezone  # noqa: E402

from core.tasks import enqueue_on_commit, prepare_executor  # noqa: E402
from feed.models import Comment, Post  # noqa: E402
from network.models import Connection  # noqa: E402
from notifications.models import DigestSchedule  # noqa: E402
from notifications.tasks import DIGESTS  # noqa: E402
from users.models import Education, Profile, User  # noqa: E402

NEIGHBOURS = 15
BATCH = 1000


def create_members(number: int) -> list[User]:
    """Create the members, and the one whose invitations they have; that one comes first and gets no digest."""
    now = timezone.now()
    users = [
        User(
            username=f"member{index}",
            email=f"member{index}@example.org",
            name=f"Member {index}",
            sort_name=f"member {index:06}",
            headline="Engineer at Harbour Works",
            password="!",
            joined_at=now - timedelta(days=1 if index % 25 == 24 else 100),
        )
        for index in range(number + 1)
    ]
    User.objects.bulk_create(users, BATCH)
    Profile.objects.bulk_create([Profile(user=user) for user in users], BATCH)
    addresses = [EmailAddress(user=user, email=user.email, verified=True, primary=True) for user in users]
    EmailAddress.objects.bulk_create(addresses, BATCH)
    schools = [Education(user=user, school="City College", start_year=2010) for user in users[4::5]]
    Education.objects.bulk_create(schools, BATCH)
    return users


def connect_members(inviter: User, members: list[User]) -> None:
    """Connect each member with the next ones, and let `inviter` invite all."""
    pairs = [
        (members[index], members[index + step])
        for index in range(len(members))
        for step in range(1, NEIGHBOURS + 1)
        if index + step < len(members)
    ]
    connections = [
        Connection(low=low, high=high, inviter=low, state=Connection.State.CONNECTED) for low, high in pairs
    ]
    invitations = [Connection(low=inviter, high=member, inviter=inviter) for member in members]
    Connection.objects.bulk_create([*connections, *invitations], BATCH)


def add_posts(author_of_answers: User, members: list[User]) -> None:
    """Let each fifth member write a post that is answered."""
    words = "<p>What we learned from ten years of tide tables, and what we would do otherwise today.</p>"
    posts = [
        Post(author=member, text="What we learned", html=words, comment_count=1) for member in members[::5]
    ]
    Post.objects.bulk_create(posts, BATCH)
    answers = [Comment(post=post, author=author_of_answers, text="Thanks", html="Thanks") for post in posts]
    Comment.objects.bulk_create(answers, BATCH)


def main(number: int) -> None:
    """Create everything in a few statements, then start the digests."""
    inviter, *members = create_members(number)
    connect_members(inviter, members)
    add_posts(inviter, members)
    due = timezone.now() - timedelta(minutes=1)
    DigestSchedule.objects.bulk_create(
        [DigestSchedule(member=member, frequency="daily", next_at=due) for member in members], BATCH
    )
    prepare_executor()
    enqueue_on_commit(DIGESTS, key=DIGESTS)


if __name__ == "__main__":
    main(int(sys.argv[1]))
