"""Plain values that the card of a post shows; they are the card's cache key."""

from datetime import datetime
from typing import NamedTuple

from core.files.fields import sized_url
from core.web.address_formats import AddressFormat
from users.models import MemberView

from .reaction import Reaction

IMAGE_SIZES = (1600, 800)

post_address = AddressFormat("feed:post")
picture_address = AddressFormat("feed:picture")


class PictureView(NamedTuple):
    """A picture of a post."""

    post: int
    pk: int
    width: int
    height: int
    alt: str

    @property
    def url(self) -> str:
        return sized_url(self.full_url, IMAGE_SIZES[-1])

    @property
    def full_url(self) -> str:
        return picture_address(self.post, self.pk)


class PostConstants(NamedTuple):
    """What never changes after a post is published: its id determines it, so it is in no cache key."""

    created_at: datetime
    has_document: bool
    document_name: str
    document_size: int
    pictures: tuple[PictureView, ...]


class PostView(NamedTuple):
    """Everything of a post that can change: author, text, audience, age."""

    pk: int
    author: MemberView
    headline: str
    html: str
    is_long: bool
    audience: int
    # Its age, by theme.templatetags.theme.measure_age.
    age: tuple[str, int]
    is_edited: bool

    def get_absolute_url(self) -> str:
        """The address of the post's page."""
        return post_address(self.pk)


class PostActionsView(NamedTuple):
    """A post's counts, the viewer's state and what the viewer may do."""

    pk: int
    # The number of reactions of each kind, in the order of Reaction.Kind.
    counts: tuple[int, ...]
    comment_count: int
    repost_count: int
    my_reaction: str | None
    is_saved: bool
    may_be_reposted: bool

    def get_absolute_url(self) -> str:
        """The address of the post's page."""
        return post_address(self.pk)

    @property
    def reaction_count(self) -> int:
        return sum(self.counts)

    @property
    def reaction_counts(self) -> list[tuple[Reaction.Kind, int]]:
        """The number of reactions of each kind that has any, the most frequent first."""
        counts = zip(Reaction.Kind, self.counts, strict=True)
        return sorted(((kind, count) for kind, count in counts if count), key=lambda pair: -pair[1])

    @property
    def my_kind(self) -> Reaction.Kind | None:
        return Reaction.Kind(self.my_reaction) if self.my_reaction else None
