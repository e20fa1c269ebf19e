"""The texts of the demo network as they stand in content/ (see its README)."""

import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

CONTENT = Path(__file__).parent


@dataclass(frozen=True, eq=False)
class MemberText:
    """What stands on one member's page; `world` is the name of the file: engineering, health …."""

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
    """What one member says about a post, and the replies to it."""

    author: str
    text: str
    replies: list["CommentText"] = field(default_factory=list)


@dataclass(frozen=True, eq=False)
class PostText:
    """What one member posts, and what comes back."""

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

    def voices(self) -> Iterator[CommentText]:
        """Every comment and reply, each reply right after the comment that it answers."""
        for comment in self.comments:
            yield comment
            yield from comment.replies


@dataclass(frozen=True, eq=False)
class TalkText:
    """One conversation, told by content/conversations.toml; a line is [hours ago, author, text] and what it carries."""

    between: list[str]
    lines: list[list[Any]]
    title: str = ""
    unread: dict[str, int] = field(default_factory=dict)
    request: bool = False


@dataclass(frozen=True)
class TieTexts:
    """The ties that are not left to chance: per member, and the invitations that wait for an answer."""

    of: dict[str, dict[str, list[str]]]
    invitations: list[dict[str, str]]


@cache
def members() -> dict[str, MemberText]:
    """All members by username."""
    return {
        username: MemberText(username, path.stem, **_stripped(values))
        for path in sorted((CONTENT / "members").glob("*.toml"))
        for username, values in _read(path).items()
    }


@cache
def decks() -> list[list[PostText]]:
    """The threads of life in the network; the posts of each in the order in which they were written."""
    return [
        [_post(values) for path in sorted(deck.glob("*.toml")) for values in _read(path)["post"]]
        for deck in sorted((CONTENT / "posts").iterdir())
    ]


@cache
def talks() -> list[TalkText]:
    """What members write to each other alone."""
    return [TalkText(**values) for values in _read(CONTENT / "conversations.toml")["conversation"]]


def posts() -> Iterator[PostText]:
    """All posts, deck after deck."""
    return (post for deck in decks() for post in deck)


@cache
def ties() -> TieTexts:
    """The ties that are not left to chance."""
    values = _read(CONTENT / "ties.toml")
    return TieTexts(invitations=values.pop("invitations"), of=values)


def _read(path: Path) -> dict[str, Any]:
    return tomllib.loads(path.read_text(encoding="utf-8"))


def _stripped(values: dict[str, Any]) -> dict[str, Any]:
    return {key: value.strip() if isinstance(value, str) else value for key, value in values.items()}


def _post(values: dict[str, Any]) -> PostText:
    return PostText(**_stripped(values) | {"comments": _comments(values.get("comments", []))})


def _comments(rows: Iterable[list[Any]]) -> list[CommentText]:
    return [CommentText(author, text, _comments(replies)) for author, text, *replies in rows]
