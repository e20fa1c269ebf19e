"""Hypothesis strategies for small networks, and a naive definition in plain Python of what each member sees.

The definition uses no SQL and is as simple as possible: it is the specification.
"""

from dataclasses import dataclass, field
from itertools import product
from typing import Any

from django.utils import timezone
from hypothesis import strategies as st

from feed.models import Post
from network.models import Block, Connection, Follow
from users.audience import Audience
from users.models import User

PEOPLE = 5
STATES: dict[str, dict[str, Any]] = {
    "well": {},
    "suspended": {"suspended_at": timezone.now()},
    "deactivated": {"is_active": False},
    "unconfirmed": {"joined_at": None},
}
VISITOR = None


@dataclass
class PostSpec:
    """A post before it is stored: `original` is the index of an earlier one, or None if there is none."""

    author: int
    audience: int = Audience.MEMBERS
    hidden: bool = False
    is_repost: bool = False
    original: int | None = None
    text: str = "words"


@dataclass
class Network:
    """Members (by number), their connections, follows and blocks, and their posts."""

    states: list[str] = field(default_factory=lambda: ["well"] * PEOPLE)
    connections: set[frozenset[int]] = field(default_factory=set)
    invitations: set[frozenset[int]] = field(default_factory=set)
    follows: set[tuple[int, int]] = field(default_factory=set)
    blocks: set[tuple[int, int]] = field(default_factory=set)
    posts: list[PostSpec] = field(default_factory=list)

    def exists(self, member: int, viewer: int | None) -> bool:
        blocked = {(member, viewer), (viewer, member)} & self.blocks
        return self.states[member] == "well" and not blocked

    def may_see(self, viewer: int | None, index: int) -> bool:
        post = self.posts[index]
        if post.hidden or not self.exists(post.author, viewer):
            return False
        if viewer is VISITOR:
            return post.audience == Audience.PUBLIC
        if viewer == post.author or post.audience in {Audience.PUBLIC, Audience.MEMBERS}:
            return True
        return frozenset({viewer, post.author}) in self.connections

    def visible(self, viewer: int | None) -> list[int]:
        """The posts that `viewer` may see, newest first."""
        return [index for index in reversed(range(len(self.posts))) if self.may_see(viewer, index)]

    def shows(self, viewer: int | None, index: int) -> bool:
        """Whether there is something to show: a text, or an original that the viewer may see."""
        post = self.posts[index]
        if not post.is_repost or post.text:
            return True
        return post.original is not None and self.may_see(viewer, post.original)

    def home(self, me: int) -> list[int]:
        """The posts on the home page of `me`, newest first."""
        authors = {me} | {other for pair in self.connections if me in pair for other in pair}
        authors |= {followed for follower, followed in self.follows if follower == me}
        return [
            index
            for index in self.visible(me)
            if self.posts[index].author in authors and self.shows(me, index)
        ]

    def store(self, members: list[User]) -> list[Post]:
        """Store this network in the database; return the posts in the order of `self.posts`."""
        for member, state in zip(members, self.states, strict=True):
            if STATES[state]:
                User.objects.filter(pk=member.pk).update(**STATES[state])
        Connection.objects.bulk_create(self._connection_rows(members))
        Follow.objects.bulk_create(
            [Follow(follower=members[a], followed=members[b]) for a, b in self.follows]
        )
        Block.objects.bulk_create([Block(blocker=members[a], blocked=members[b]) for a, b in self.blocks])
        stored = Post.objects.bulk_create(
            Post(
                author=members[spec.author],
                audience=spec.audience,
                hidden_at=timezone.now() if spec.hidden else None,
                is_repost=spec.is_repost,
                text=spec.text,
            )
            for spec in self.posts
        )
        for post, spec in zip(stored, self.posts, strict=True):
            if spec.original is not None:
                Post.objects.filter(pk=post.pk).update(original=stored[spec.original])
        return stored

    def _connection_rows(self, members: list[User]) -> list[Connection]:
        states = dict.fromkeys(self.invitations, Connection.State.INVITED)
        states |= dict.fromkeys(self.connections, Connection.State.CONNECTED)
        connections = []
        for pair, state in states.items():
            low, high = sorted((members[number] for number in pair), key=lambda member: member.pk)
            connections.append(Connection(low=low, high=high, inviter=low, state=state))
        return connections


# The relations of a post's author to its reader. The reader is in the middle, so that authors come before and after.
RELATIONS = (
    *("connection", "follow", "stranger", "invitation"),
    *("connection", "connection and follow", "follower", "blocked", "blocker"),
)
READER = 4 * len(STATES)


def every_combination() -> Network:
    """For one reader (member `READER`) an author in each relation and state, with a post for each audience, shown and
    hidden."""
    authors = list(product(RELATIONS, STATES))
    authors.insert(READER, ("reader", "well"))
    network = Network(states=[state for _relation, state in authors])
    for author, (relation, _state) in enumerate(authors):
        if "connection" in relation:
            network.connections.add(frozenset({READER, author}))
        elif relation == "invitation":
            network.invitations.add(frozenset({READER, author}))
        if "follow" in relation:
            network.follows.add((author, READER) if relation == "follower" else (READER, author))
        if "block" in relation:
            network.blocks.add((author, READER) if relation == "blocker" else (READER, author))
        network.posts += [
            PostSpec(author, audience, hidden)
            for (audience, _label), hidden in product(Post.AUDIENCES, (False, True))
        ]
    return network


@st.composite
def _post_specs(draw: st.DrawFn) -> PostSpec:
    kind = draw(st.sampled_from(["own", "own", "own", "plain", "quote"]))
    return PostSpec(
        author=draw(st.integers(0, PEOPLE - 1)),
        audience=draw(st.sampled_from(Post.AUDIENCES))[0],
        hidden=draw(st.integers(0, 7)) == 0,
        is_repost=kind != "own",
        original=draw(st.integers(0, 5)) if kind != "own" else None,
        text="" if kind == "plain" else "words",
    )


@st.composite
def networks(draw: st.DrawFn) -> Network:
    """Any small network, with blocks among connections and other states that services do not allow."""
    number = st.integers(0, PEOPLE - 1)
    pair = st.frozensets(number, min_size=2, max_size=2)
    ordered = st.tuples(number, number).filter(lambda two: two[0] != two[1])
    state = st.sampled_from(["well", "well", "well", *STATES])
    network = Network(
        states=draw(st.lists(state, min_size=PEOPLE, max_size=PEOPLE)),
        connections=draw(st.sets(pair, max_size=6)),
        invitations=draw(st.sets(pair, max_size=2)),
        follows=draw(st.sets(ordered, max_size=6)),
        blocks=draw(st.sets(ordered, max_size=2)),
    )
    reposted = set()
    for spec in draw(st.lists(_post_specs(), max_size=12)):
        if spec.original is not None and spec.original >= len(network.posts):
            spec.original = None  # as when the original was deleted
        if not spec.text and spec.original is not None:
            if (spec.author, spec.original) in reposted:
                continue  # a plain repost is made once
            reposted.add((spec.author, spec.original))
        network.posts.append(spec)
    return network
