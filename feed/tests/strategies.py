"""Small random networks, and in plain Python what each member should see of them.

The definitions here know nothing of SQL and are as naive as they can be: what they say is what is meant.
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
class Said:
    """A post before it is stored: `original` is the place of an earlier one, or None where it is gone or none is."""

    author: int
    audience: int = Audience.MEMBERS
    hidden: bool = False
    is_repost: bool = False
    original: int | None = None
    text: str = "words"


@dataclass
class World:
    """Who is tied to whom, and what they said; members are numbers."""

    states: list[str] = field(default_factory=lambda: ["well"] * PEOPLE)
    connections: set[frozenset[int]] = field(default_factory=set)
    invitations: set[frozenset[int]] = field(default_factory=set)
    follows: set[tuple[int, int]] = field(default_factory=set)
    blocks: set[tuple[int, int]] = field(default_factory=set)
    posts: list[Said] = field(default_factory=list)

    def exists(self, member: int, viewer: int | None) -> bool:
        blocked = {(member, viewer), (viewer, member)} & self.blocks
        return self.states[member] == "well" and not blocked

    def may_see(self, viewer: int | None, place: int) -> bool:
        post = self.posts[place]
        if post.hidden or not self.exists(post.author, viewer):
            return False
        if viewer is VISITOR:
            return post.audience == Audience.PUBLIC
        if viewer == post.author or post.audience in {Audience.PUBLIC, Audience.MEMBERS}:
            return True
        return frozenset({viewer, post.author}) in self.connections

    def visible(self, viewer: int | None) -> list[int]:
        """The posts that `viewer` may see, newest first."""
        return [place for place in reversed(range(len(self.posts))) if self.may_see(viewer, place)]

    def shows(self, viewer: int | None, place: int) -> bool:
        """Whether there is anything to show: words of its own, or an original in sight."""
        post = self.posts[place]
        if not post.is_repost or post.text:
            return True
        return post.original is not None and self.may_see(viewer, post.original)

    def home(self, me: int) -> list[int]:
        """The posts on the home page of `me`, newest first."""
        circle = {me} | {other for pair in self.connections if me in pair for other in pair}
        circle |= {followed for follower, followed in self.follows if follower == me}
        return [at for at in self.visible(me) if self.posts[at].author in circle and self.shows(me, at)]

    def store(self, members: list[User]) -> list[Post]:
        """Put this world into the database; returns the posts, in the order they were said."""
        for member, state in zip(members, self.states, strict=True):
            if STATES[state]:
                User.objects.filter(pk=member.pk).update(**STATES[state])
        Connection.objects.bulk_create(self._ties(members))
        Follow.objects.bulk_create(
            [Follow(follower=members[a], followed=members[b]) for a, b in self.follows]
        )
        Block.objects.bulk_create([Block(blocker=members[a], blocked=members[b]) for a, b in self.blocks])
        stored = Post.objects.bulk_create(
            Post(
                author=members[said.author],
                audience=said.audience,
                hidden_at=timezone.now() if said.hidden else None,
                is_repost=said.is_repost,
                text=said.text,
            )
            for said in self.posts
        )
        for post, said in zip(stored, self.posts, strict=True):
            if said.original is not None:
                Post.objects.filter(pk=post.pk).update(original=stored[said.original])
        return stored

    def _ties(self, members: list[User]) -> list[Connection]:
        states = dict.fromkeys(self.invitations, Connection.State.INVITED)
        states |= dict.fromkeys(self.connections, Connection.State.CONNECTED)
        ties = []
        for pair, state in states.items():
            low, high = sorted((members[number] for number in pair), key=lambda member: member.pk)
            ties.append(Connection(low=low, high=high, inviter=low, state=state))
        return ties


# How the author of a post can be tied to its reader. Where the reader is in the middle, authors come before and after.
RELATIONS = (
    *("connection", "follow", "stranger", "invitation"),
    *("connection", "connection and follow", "follower", "blocked", "blocker"),
)
READER = 4 * len(STATES)


def every_combination() -> World:
    """For one reader (member `READER`) an author in each relation and state, with a post for each audience, shown and
    hidden."""
    authors = list(product(RELATIONS, STATES))
    authors.insert(READER, ("reader", "well"))
    world = World(states=[state for _relation, state in authors])
    for author, (relation, _state) in enumerate(authors):
        if "connection" in relation:
            world.connections.add(frozenset({READER, author}))
        elif relation == "invitation":
            world.invitations.add(frozenset({READER, author}))
        if "follow" in relation:
            world.follows.add((author, READER) if relation == "follower" else (READER, author))
        if "block" in relation:
            world.blocks.add((author, READER) if relation == "blocker" else (READER, author))
        world.posts += [
            Said(author, audience, hidden)
            for (audience, _label), hidden in product(Post.AUDIENCES, (False, True))
        ]
    return world


@st.composite
def _said(draw: st.DrawFn) -> Said:
    kind = draw(st.sampled_from(["own", "own", "own", "plain", "quote"]))
    return Said(
        author=draw(st.integers(0, PEOPLE - 1)),
        audience=draw(st.sampled_from(Post.AUDIENCES))[0],
        hidden=draw(st.integers(0, 7)) == 0,
        is_repost=kind != "own",
        original=draw(st.integers(0, 5)) if kind != "own" else None,
        text="" if kind == "plain" else "words",
    )


@st.composite
def worlds(draw: st.DrawFn) -> World:
    """Any small network, with blocks among connections and other things that verbs would not allow."""
    number = st.integers(0, PEOPLE - 1)
    pair = st.frozensets(number, min_size=2, max_size=2)
    ordered = st.tuples(number, number).filter(lambda two: two[0] != two[1])
    state = st.sampled_from(["well", "well", "well", *STATES])
    world = World(
        states=draw(st.lists(state, min_size=PEOPLE, max_size=PEOPLE)),
        connections=draw(st.sets(pair, max_size=6)),
        invitations=draw(st.sets(pair, max_size=2)),
        follows=draw(st.sets(ordered, max_size=6)),
        blocks=draw(st.sets(ordered, max_size=2)),
    )
    passed_on = set()
    for said in draw(st.lists(_said(), max_size=12)):
        if said.original is not None and said.original >= len(world.posts):
            said.original = None  # as when the original was deleted
        if not said.text and said.original is not None:
            if (said.author, said.original) in passed_on:
                continue  # a plain repost is made once
            passed_on.add((said.author, said.original))
        world.posts.append(said)
    return world
