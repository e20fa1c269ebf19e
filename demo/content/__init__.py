"""Loads the texts of the demo network from the TOML files of this folder (see its README)."""

import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

CONTENT = Path(__file__).parent


@dataclass(frozen=True, eq=False)
class MemberText:
    """The profile of one member; `world` is the name of the file: engineering, health …."""

    username: str
    world: str
    name: str
    headline: str
    location: str
    about: str = ""
    photo: dict[str, Any] | None = None
    cover: str = ""
    open_to_work: bool = False
    newcomer: bool = False
    experience: list[dict[str, Any]] = field(default_factory=list)
    education: list[dict[str, Any]] = field(default_factory=list)
    skills: list[str] = field(default_factory=list)
    links: list[dict[str, str]] = field(default_factory=list)
    audience: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class CommentText:
    """One comment on a post, and the replies to it."""

    author: str
    text: str
    replies: list["CommentText"] = field(default_factory=list)


@dataclass(frozen=True, eq=False)
class PostText:
    """One post, and the comments on it."""

    author: str
    text: str = ""
    key: str = ""
    repost: str = ""
    audience: str = "members"
    mood: str = "like"
    former: str = ""
    pictures: list[dict[str, Any]] = field(default_factory=list)
    document: dict[str, Any] | None = None
    comments: list[CommentText] = field(default_factory=list)

    def all_comments(self) -> Iterator[CommentText]:
        """Yield every comment and reply, each reply right after its comment."""
        for comment in self.comments:
            yield comment
            yield from comment.replies


@dataclass(frozen=True, eq=False)
class ConversationText:
    """One conversation of content/conversations.toml; a line is [hours ago, author, text] and the attachments."""

    between: list[str]
    lines: list[list[Any]]
    title: str = ""
    unread: dict[str, int] = field(default_factory=dict)
    request: bool = False


@dataclass(frozen=True)
class ConnectionTexts:
    """The connections that are not random: per member, and the pending invitations."""

    by_member: dict[str, dict[str, list[str]]]
    invitations: list[dict[str, str]]


@cache
def load_members() -> dict[str, MemberText]:
    """Return all members by username."""
    return {
        username: MemberText(username, path.stem, **_strip_texts(values))
        for path in sorted((CONTENT / "members").glob("*.toml"))
        for username, values in _read_toml(path).items()
    }


@cache
def load_decks() -> list[list[PostText]]:
    """Return the decks: lists of posts, each in the order in which they were written."""
    return [
        [
            PostText(**_strip_texts(values) | {"comments": _read_comments(values.get("comments", []))})
            for path in sorted(deck.glob("*.toml"))
            for values in _read_toml(path)["post"]
        ]
        for deck in sorted((CONTENT / "posts").iterdir())
    ]


@cache
def load_conversations() -> list[ConversationText]:
    """Return all conversations."""
    return [
        ConversationText(**values) for values in _read_toml(CONTENT / "conversations.toml")["conversation"]
    ]


def load_posts() -> Iterator[PostText]:
    """Yield all posts, deck after deck."""
    return (post for deck in load_decks() for post in deck)


@cache
def load_connections() -> ConnectionTexts:
    """Return the connections that are not random."""
    values = _read_toml(CONTENT / "connections.toml")
    return ConnectionTexts(invitations=values.pop("invitations"), by_member=values)


def _read_toml(path: Path) -> dict[str, Any]:
    return tomllib.loads(path.read_text(encoding="utf-8"))


def _strip_texts(values: dict[str, Any]) -> dict[str, Any]:
    return {key: value.strip() if isinstance(value, str) else value for key, value in values.items()}


def _read_comments(rows: Iterable[list[Any]]) -> list[CommentText]:
    return [CommentText(author, text, _read_comments(replies)) for author, text, *replies in rows]
