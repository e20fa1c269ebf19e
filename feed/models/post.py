"""Posts with their pictures, tags and revisions."""

from collections.abc import Iterable
from datetime import datetime
from typing import ClassVar

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.db import models
from django.db.models import Exists, OuterRef, Prefetch, Q, Subquery
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from core.files.fields import PictureField, StoredFileField
from network.models import Member, Viewer, available_to
from theme.templatetags.theme import measure_age
from users.audience import Audience
from users.models import User

from .post_view import IMAGE_SIZES, PictureView, PostActionsView, PostConstants, PostView, post_address
from .reaction import Reaction, SavedPost
from .visibility import post_readable_at, post_readable_by

# Lists truncate texts with more characters or lines than this.
LONG_TEXT, LONG_LINES = 700, 9


class PostQuerySet(models.QuerySet["Post"]):
    """Posts as their readers may see them."""

    def visible_to(self, viewer: Viewer) -> "PostQuerySet":
        """Posts that the viewer may read."""
        return self.filter(post_readable_by(viewer))

    def by(self, member: User) -> "PostQuerySet":
        """Posts that the viewer may read of a member who was fetched for the viewer (visible_to and for_display).

        The member's closeness is known, so the query needs only the index on the author.
        """
        return self.filter(post_readable_at(member.closeness), author_id=member.pk)

    def for_display(self, viewer: Viewer) -> "PostQuerySet":
        """Prefetch all that _post.html shows; the number of queries does not depend on the number of posts."""
        originals = Prefetch("original", Post.objects.visible_to(viewer).with_card(viewer))
        return self.with_card(viewer).prefetch_related(originals)

    def with_card(self, viewer: Viewer) -> "PostQuerySet":
        """The same without the originals of reposts."""
        return self.with_people_and_pictures(viewer).with_viewer_state(viewer)

    def with_viewer_state(self, viewer: Viewer) -> "PostQuerySet":
        """Annotate the viewer's reaction (`my_reaction`) and whether the viewer saved the post (`is_saved`)."""
        if isinstance(viewer, AnonymousUser):
            return self
        mine = Reaction.objects.filter(post=OuterRef("pk"), member=viewer)
        saved = SavedPost.objects.filter(post=OuterRef("pk"), member=viewer)
        # As a dict, because the class declares both names with the defaults for rows fetched otherwise.
        mine_first = Subquery(mine.values("kind")[:1])
        return self.annotate(**{"my_reaction": mine_first, "is_saved": Exists(saved)})  # noqa: PIE804

    def with_people_and_pictures(self, viewer: Viewer) -> "PostQuerySet":
        """Prefetch authors as the viewer may see them, and pictures; three queries in all."""
        return self.prefetch_related(Prefetch("author", Member.objects.for_display(viewer)), "images")


class Post(models.Model):
    """A member's post, or a repost of another post (`is_repost`), with or without a text.

    The row stores counts of comments, reposts and reactions; services update them under the row's lock.
    """

    AUDIENCES = Audience.choices[:3]

    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+", db_index=False
    )
    text = models.TextField(_("text"), max_length=10_000, blank=True)
    html = models.TextField(editable=False, blank=True)
    audience = models.PositiveSmallIntegerField(
        _("who may see it"), choices=AUDIENCES, default=Audience.MEMBERS
    )
    is_repost = models.BooleanField(default=False, editable=False)
    original = models.ForeignKey(
        "self", on_delete=models.SET_NULL, null=True, blank=True, editable=False, related_name="reposts"
    )
    document = StoredFileField(
        folder="documents", private=True, view="feed:document", length_field="document_size", blank=True
    )
    document_name = models.CharField(max_length=120, blank=True, editable=False)
    document_size = models.PositiveIntegerField(default=0, editable=False)

    comment_count = models.PositiveIntegerField(default=0, editable=False)
    repost_count = models.PositiveIntegerField(default=0, editable=False)
    like_count = models.PositiveIntegerField(default=0, editable=False)
    celebrate_count = models.PositiveIntegerField(default=0, editable=False)
    support_count = models.PositiveIntegerField(default=0, editable=False)
    insightful_count = models.PositiveIntegerField(default=0, editable=False)
    curious_count = models.PositiveIntegerField(default=0, editable=False)

    created_at = models.DateTimeField(default=timezone.now, editable=False)
    edited_at = models.DateTimeField(null=True, blank=True, editable=False)
    hidden_at = models.DateTimeField(_("hidden"), null=True, blank=True)

    objects: ClassVar[PostQuerySet] = PostQuerySet.as_manager()  # type: ignore[assignment]

    # The state of the viewer for whom this row was fetched; see PostQuerySet.with_viewer_state.
    my_reaction: str | None = None
    is_saved: bool = False

    class Meta:
        verbose_name = _("post")
        verbose_name_plural = _("posts")
        indexes = [
            # The home feed takes the newest few of each author (feed.timeline), from the index alone.
            models.Index(fields=["author", "-id", "audience", "hidden_at"], name="feed_post_of_author"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["author", "original"],
                condition=Q(is_repost=True, text=""),
                name="feed_plain_repost_once",
            ),
            models.CheckConstraint(
                condition=Q(audience__lte=Audience.CONNECTIONS), name="feed_post_has_audience"
            ),
        ]

    def __str__(self) -> str:
        return f"post {self.pk}"

    def get_absolute_url(self) -> str:
        return post_address(self.pk)

    def cache_key(self, now: datetime) -> PostView:
        """What a card shows of the post at `now`, for the viewer for whom this row was fetched."""
        text, author = self.text, self.author.cache_key()
        return PostView(
            self.pk,
            author,
            "" if author.is_unnamed else self.author.headline,
            self.html,
            len(text) > LONG_TEXT or text.count("\n") > LONG_LINES,
            self.audience,
            measure_age(self.created_at, now),
            self.edited_at is not None,
        )

    def card_constants(self) -> PostConstants:
        """What a card shows besides `cache_key`. Values that can change belong in `cache_key`."""
        return PostConstants(
            self.created_at,
            bool(self.document),
            self.document_name,
            self.document_size,
            tuple(image.cache_key() for image in self.images.all()),
        )

    def actions_cache_key(self) -> PostActionsView:
        """What a card shows of the post's counts and of the viewer's state."""
        return PostActionsView(
            self.pk,
            (
                self.like_count,
                self.celebrate_count,
                self.support_count,
                self.insightful_count,
                self.curious_count,
            ),
            self.comment_count,
            self.repost_count,
            self.my_reaction,
            self.is_saved,
            self.may_be_reposted,
        )

    @property
    def document_url(self) -> str:
        return Post.document.field.url_for(self)

    @property
    def reaction_count(self) -> int:
        return self.actions_cache_key().reaction_count

    @property
    def has_content(self) -> bool:
        """Whether there is something to show: a plain repost whose original the viewer may not read is empty."""
        return not self.is_repost or bool(self.text or self.original)

    @property
    def is_plain_repost(self) -> bool:
        """Whether it is a repost without a text: its comments and reactions belong to the original."""
        return self.is_repost and not self.text

    @property
    def may_be_reposted(self) -> bool:
        """Whether all members may read it; a plain repost is not reposted itself, its original is."""
        return self.audience <= Audience.MEMBERS and not self.is_plain_repost


def readers_among(member_ids: Iterable[int], *, post: Post, actor: User) -> list[Member]:
    """The members besides `actor` that are available to `actor` and may read the stored post. One query."""
    others = set(member_ids) - {actor.pk}
    if not others:
        return []
    may_read = Exists(Post.objects.filter(post_readable_by(OuterRef(OuterRef("pk"))), pk=post.pk))
    return list(Member.objects.filter(available_to(actor), may_read, pk__in=others))


class PostImage(models.Model):
    """A picture of a post (WebP in two sizes), for readers of the post: see feed.views.pictures."""

    post = models.ForeignKey(Post, on_delete=models.CASCADE, related_name="images")
    file = PictureField(
        folder="posts", sizes=IMAGE_SIZES, private=True, view="feed:picture", view_args=("post_id", "pk")
    )
    width = models.PositiveIntegerField(editable=False)
    height = models.PositiveIntegerField(editable=False)
    alt = models.CharField(_("description"), max_length=300, blank=True)

    class Meta:
        verbose_name = _("picture")
        verbose_name_plural = _("pictures")
        ordering = ["pk"]

    def __str__(self) -> str:
        return str(self.file)

    def cache_key(self) -> PictureView:
        """What a card shows of the picture."""
        return PictureView(self.post_id, self.pk, self.width, self.height, self.alt)

    @property
    def url(self) -> str:
        return self.cache_key().url

    @property
    def full_url(self) -> str:
        return self.cache_key().full_url


class PostRevisionQuerySet(models.QuerySet["PostRevision"]):
    """Revisions as readers may see them."""

    def open_to_reader_of(self, post: Post) -> "PostRevisionQuerySet":
        """Revisions of `post`, fetched for the viewer (for_display), whose own audience includes the viewer.

        The audience may have been narrower before than it is now.
        """
        return self.filter(post=post, audience__lte=post.author.closeness)


class PostRevision(models.Model):
    """A former text of a post, with its audience, until `replaced_at`.

    The default is the narrowest audience: revisions stored without an audience are shown to connections only.
    """

    post = models.ForeignKey(Post, on_delete=models.CASCADE, related_name="revisions")
    html = models.TextField()
    text = models.TextField()
    audience = models.SmallIntegerField(
        _("who could see it"),
        choices=Post.AUDIENCES,
        default=Audience.CONNECTIONS,
        db_default=int(Audience.CONNECTIONS),
    )
    replaced_at = models.DateTimeField(default=timezone.now)

    objects: ClassVar[PostRevisionQuerySet] = PostRevisionQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        verbose_name = _("former wording")
        verbose_name_plural = _("former wordings")
        ordering = ["-pk"]

    def __str__(self) -> str:
        return f"revision of post {self.post_id} until {self.replaced_at:%Y-%m-%d %H:%M}"


class Tag(models.Model):
    """A hashtag, case folded, without `#`."""

    name = models.CharField(max_length=64, unique=True)

    class Meta:
        verbose_name = _("tag")
        verbose_name_plural = _("tags")

    def __str__(self) -> str:
        return self.name


class PostTag(models.Model):
    """A tag of a post."""

    post = models.ForeignKey(Post, on_delete=models.CASCADE, related_name="+")
    tag = models.ForeignKey(Tag, on_delete=models.CASCADE, related_name="+", db_index=False)

    class Meta:
        verbose_name = _("tag of a post")
        verbose_name_plural = _("tags of posts")
        constraints = [models.UniqueConstraint(fields=["tag", "post"], name="feed_tag_once_per_post")]

    def __str__(self) -> str:
        return f"{self.tag_id} on {self.post_id}"
