"""What the card of a post shows: plain values, which are the key by which the card is cached."""

from datetime import datetime
from typing import NamedTuple

from django.urls import reverse

from core.files.fields import sized_url
from users.models import MemberView

from .response import Reaction

IMAGE_SIZES = (1600, 800)


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
        return reverse("feed:picture", args=[self.post, self.pk])


class PostConstants(NamedTuple):
    """What never changes after a post is published: determined by its id, so no key needs it."""

    created_at: datetime
    has_document: bool
    document_name: str
    document_size: int
    pictures: tuple[PictureView, ...]


class PostView(NamedTuple):
    """Who says what, when and to whom: all that changes of it."""

    pk: int
    author: MemberView
    headline: str
    html: str
    is_long: bool
    audience: int
    # How old it is, as theme.templatetags.theme.measure_age gives it.
    age: tuple[str, int]
    is_edited: bool

    def get_absolute_url(self) -> str:
        """The address of the post's page."""
        return reverse("feed:post", args=[self.pk])


class PostActionsView(NamedTuple):
    """The counts of a post, what the viewer did with it and may do."""

    pk: int
    # How many reacted, in the order of Reaction.Kind.
    counts: tuple[int, ...]
    comment_count: int
    repost_count: int
    my_reaction: str | None
    is_saved: bool
    may_be_reposted: bool

    def get_absolute_url(self) -> str:
        """The address of the post's page."""
        return reverse("feed:post", args=[self.pk])

    @property
    def reaction_count(self) -> int:
        return sum(self.counts)

    @property
    def reaction_counts(self) -> list[tuple[Reaction.Kind, int]]:
        """How many reacted in which way, the most frequent first, kinds without any left out."""
        counts = zip(Reaction.Kind, self.counts, strict=True)
        return sorted(((kind, count) for kind, count in counts if count), key=lambda pair: -pair[1])

    @property
    def my_kind(self) -> Reaction.Kind | None:
        return Reaction.Kind(self.my_reaction) if self.my_reaction else None

    @property
    def kinds(self) -> list[Reaction.Kind]:
        """The reactions from which the viewer may choose."""
        return list(Reaction.Kind)
