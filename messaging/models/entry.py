"""What happened in a conversation, one entry for each number."""

from typing import ClassVar

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.db import models
from django.db.models import Exists, F, OuterRef, Q
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from core.files.fields import PictureField
from core.text.folding import search_key
from network.models import Member, Viewer, available_to

from .conversation import Conversation, Membership
from .entry_view import PICTURE_SIZES, AttachmentView, EntryView

# So many words of a search are looked for.
MOST_WORDS = 6


class EntryQuerySet(models.QuerySet["Entry"]):
    """Entries as those who are in the conversation may see them."""

    def visible_to(self, viewer: Viewer) -> "EntryQuerySet":
        """Entries of conversations that the viewer is in, from the viewer's coming on."""
        if isinstance(viewer, AnonymousUser):
            return self.none()
        mine = Membership.objects.of(viewer).filter(
            conversation=OuterRef("conversation"), first_seq__lte=OuterRef("seq")
        )
        return self.filter(Exists(mine))

    def shown_to(self, viewer: Viewer) -> "EntryQuerySet":
        """The same as far as a page says whose they are: in a group, not those of members who do not exist for the
        viewer."""
        in_pair, of_nobody = Q(conversation__pair__isnull=False), Q(author=None)
        return self.visible_to(viewer).filter(in_pair | of_nobody | available_to(viewer, "author"))

    def readable_by(self, viewer: Viewer) -> "EntryQuerySet":
        """Messages whose words and files the viewer may have: not deleted, and in a group of nobody who does not exist
        for the viewer. In a conversation of two, what was said stays readable whatever became of the other."""
        return self.shown_to(viewer).messages().filter(deleted_at=None)

    def with_words(self, words: str) -> "EntryQuerySet":
        """Those that hold each of `words` somewhere, regardless of case and accents."""
        found = self
        keys = search_key(words).split()[:MOST_WORDS]
        if words and not keys:
            return self.none()
        for word in keys:
            found = found.filter(search_text__contains=word)
        return found

    def messages(self) -> "EntryQuerySet":
        return self.filter(kind=Entry.Kind.MESSAGE)

    def lines(self) -> "EntryQuerySet":
        """What a conversation shows as entries: no edits and deletions of messages."""
        return self.exclude(kind__in=[Entry.Kind.EDIT, Entry.Kind.DELETION])


class Entry(models.Model):
    """A message, the change of one, or somebody's coming and going.

    `target` is the message that an EDIT or DELETION changed; that row itself holds the present words. `digest` tells
    what was sent at first, so that the same `client_id` with other words is recognised after an edit too.
    """

    class Kind(models.TextChoices):
        MESSAGE = "message", _("message")
        EDIT = "edit", _("edit")
        DELETION = "deletion", _("deletion")
        JOINED = "joined", _("joined")
        LEFT = "left", _("left")
        RENAMED = "renamed", _("renamed")

    conversation = models.ForeignKey(
        Conversation, on_delete=models.CASCADE, related_name="entries", db_index=False
    )
    seq = models.BigIntegerField(editable=False)
    kind = models.CharField(max_length=8, choices=Kind.choices, default=Kind.MESSAGE, editable=False)
    # The numbers stay without gap when an account is deleted.
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+", db_index=False
    )
    client_id = models.UUIDField(null=True, blank=True, editable=False)
    digest = models.CharField(max_length=64, blank=True, editable=False)
    text = models.TextField(_("text"), max_length=10_000, blank=True)
    html = models.TextField(blank=True, editable=False)
    # The words as a search compares them (core.text.folding.search_key).
    search_text = models.TextField(blank=True, editable=False)
    target = models.ForeignKey(
        "self", on_delete=models.SET_NULL, null=True, editable=False, related_name="+", db_index=False
    )
    # How many attachments it had when it was sent: most have none, and need not be asked.
    attached = models.PositiveSmallIntegerField(default=0, editable=False)
    # Who came or went; the author is who did it.
    subject = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, editable=False, related_name="+"
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    edited_at = models.DateTimeField(null=True, blank=True, editable=False)
    deleted_at = models.DateTimeField(null=True, blank=True, editable=False)

    objects: ClassVar[EntryQuerySet] = EntryQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        verbose_name = _("entry")
        verbose_name_plural = _("entries")
        constraints = [
            models.UniqueConstraint(fields=["conversation", "seq"], name="messaging_one_entry_per_number"),
            models.UniqueConstraint(fields=["author", "client_id"], name="messaging_sent_once"),
            models.CheckConstraint(condition=Q(seq__gte=1), name="messaging_numbers_from_one"),
            models.CheckConstraint(
                condition=Q(target__isnull=True) | ~Q(target=F("id")), name="messaging_target_is_another"
            ),
        ]
        indexes = [
            # How quickly a member writes (services.send), and whose rows to keep when an account goes.
            models.Index(fields=["author", "-id"], name="messaging_latest_of_author"),
            models.Index(fields=["target"], name="messaging_changes", condition=Q(target__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.seq} of conversation {self.conversation_id}"

    def get_absolute_url(self) -> str:
        return f"{reverse('messaging:conversation', args=[self.conversation_id])}?around={self.seq}#entry-{self.seq}"

    @property
    def is_message(self) -> bool:
        return self.kind == self.Kind.MESSAGE

    def cache_key(
        self, author: Member | None, subject: Member | None, *, is_mine: bool, is_hidden: bool
    ) -> EntryView:
        """What a conversation shows of the entry to the viewer, for whom `author` and `subject` were fetched."""
        is_deleted = self.deleted_at is not None
        has_content = not is_deleted and not is_hidden
        return EntryView(
            self.conversation_id,
            self.seq,
            self.kind,
            self.created_at,
            self.author_id if is_mine or author else None,
            author.cache_key() if author and not is_mine else None,
            subject.cache_key() if subject else None,
            is_mine,
            is_hidden,
            self.edited_at is not None and has_content,
            is_deleted,
            self.kind == self.Kind.LEFT and self.author_id == self.subject_id,
            self.client_id if is_mine else None,
            self.text if self.kind == self.Kind.RENAMED else "",
            self.html if has_content else "",
            tuple(attachment.cache_key() for attachment in self.attachments.all())
            if has_content and self.attached
            else (),
        )

    @property
    def changes_another(self) -> bool:
        return self.kind in {self.Kind.EDIT, self.Kind.DELETION}


class AttachmentQuerySet(models.QuerySet["Attachment"]):
    """What hangs on messages."""

    def readable_by(self, viewer: Viewer) -> "AttachmentQuerySet":
        """Those of messages that the viewer may read."""
        return self.filter(entry__in=Entry.objects.readable_by(viewer))


class Attachment(models.Model):
    """A picture (WebP in two sizes) or another file of a message; private: see messaging.views.attachments."""

    class Kind(models.TextChoices):
        PICTURE = "picture", _("picture")
        FILE = "file", _("file")

    entry = models.ForeignKey(Entry, on_delete=models.CASCADE, related_name="attachments")
    kind = models.CharField(max_length=7, choices=Kind.choices, editable=False)
    stored = PictureField(
        folder="messages",
        sizes=PICTURE_SIZES,
        default_size=PICTURE_SIZES[-1],
        private=True,
        view="messaging:attachment",
        view_args=("entry.conversation_id", "pk"),
        length_field="size",
    )
    name = models.CharField(_("name"), max_length=120, editable=False)
    size = models.PositiveIntegerField(default=0, editable=False)
    width = models.PositiveIntegerField(default=0, editable=False)
    height = models.PositiveIntegerField(default=0, editable=False)

    objects: ClassVar[AttachmentQuerySet] = AttachmentQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        verbose_name = _("attachment")
        verbose_name_plural = _("attachments")
        ordering = ["pk"]

    def __str__(self) -> str:
        # Not its name: that is part of what was said, and staff see this.
        return f"{self.kind} {self.pk} of entry {self.entry_id}"

    @property
    def is_picture(self) -> bool:
        return self.kind == self.Kind.PICTURE

    def cache_key(self) -> AttachmentView:
        """What its entry shows of it."""
        conversation = self.entry.conversation_id
        return AttachmentView(
            conversation, self.pk, self.is_picture, self.name, self.size, self.width, self.height
        )

    @property
    def url(self) -> str:
        return self.cache_key().url

    @property
    def full_url(self) -> str:
        return self.cache_key().full_url
