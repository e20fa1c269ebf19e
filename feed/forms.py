"""Forms of posts, comments, reposts and reactions."""

from functools import cache
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext_lazy as _

from core.files.file_types import is_pdf
from core.text.cleaning import clean_parameter
from core.text.file_names import printable_name, safe_stem
from core.web.forms import BlockField, ManyImagesField
from users.audience import Audience

from .models import Post, PostImage, Reaction
from .services import WIDENING_REFUSED, Document, Picture, is_answered

MOST_PICTURES = 9
LARGEST_DOCUMENT = 20 * 1024 * 1024
LONGEST_POST = 10_000
LONGEST_COMMENT = 3_000


class AudienceField(forms.TypedChoiceField):
    """The choice of who may see a post."""

    def __init__(self, **options: Any) -> None:
        help_text = _("Visitors who are not signed in see your name only if your page is for everyone.")
        options = {"help_text": help_text, **options}
        super().__init__(label=_("Who may see it"), choices=Post.AUDIENCES, coerce=int, **options)


class DocumentField(forms.FileField):
    """An upload that must be a PDF by its content; cleans to a Document."""

    widget = forms.FileInput(attrs={"accept": "application/pdf"})

    def clean(self, data: Any, initial: Any = None) -> Document | None:
        upload = super().clean(data, initial)
        if not isinstance(upload, UploadedFile):
            return None
        name = upload.name or ""
        named = {"name": printable_name(name)}
        if (upload.size or 0) > LARGEST_DOCUMENT:
            raise ValidationError(_("%(name)s is larger than 20 MB."), code="too_large", params=named)
        content = upload.read()
        if not is_pdf(content, name):
            raise ValidationError(_("%(name)s is not a PDF document."), code="not_a_pdf", params=named)
        return Document(content, f"{safe_stem(name) or 'document'}.pdf")


class EmptyPostForm(tuple[int]):
    """Cache key of an empty post form: its audience. Its properties are the bound fields that the template shows."""

    __slots__ = ()

    @property
    def chosen_audience(self) -> int:
        return self[0]

    @property
    def text(self) -> forms.BoundField:
        return PostForm.empty(self.chosen_audience)["text"]

    @property
    def images(self) -> forms.BoundField:
        return PostForm.empty(self.chosen_audience)["images"]

    @property
    def document(self) -> forms.BoundField:
        return PostForm.empty(self.chosen_audience)["document"]

    @property
    def audience(self) -> forms.BoundField:
        return PostForm.empty(self.chosen_audience)["audience"]


class PostForm(forms.Form):
    text = BlockField(
        label=_("What do you want to say?"),
        max_length=LONGEST_POST,
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
    )
    images = ManyImagesField(
        label=_("Pictures"),
        most=MOST_PICTURES,
        too_many=_("A post holds at most nine pictures."),
        required=False,
    )
    document = DocumentField(label=_("PDF document"), required=False)
    audience = AudienceField()

    @classmethod
    @cache
    def empty(cls, audience: int = Audience.MEMBERS) -> "PostForm":
        """An unbound form. It is cached and shared, so callers must not change it."""
        return cls(initial={"audience": int(audience)})

    def cache_key(self) -> EmptyPostForm | None:
        """The key by which `{% remember %}` caches the form; a bound form is not cached."""
        return None if self.is_bound else EmptyPostForm((self.initial["audience"],))

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if not self.errors and not (data.get("text") or data.get("images") or data.get("document")):
            self.add_error("text", _("Write something, or add a picture or a document."))
        return data

    def described_pictures(self) -> list[Picture]:
        """The pictures with their descriptions, which the page sends as one `image_alt` per picture, in order."""
        getlist = getattr(self.data, "getlist", None)
        alts = getlist("image_alt")[:MOST_PICTURES] if getlist else []
        longest = PostImage._meta.get_field("alt").max_length or 0
        described = [clean_parameter(alt, longest) for alt in alts]
        images = self.cleaned_data["images"]
        described += [""] * (len(images) - len(described))
        return [Picture(image, alt) for image, alt in zip(images, described, strict=False)]


class EditPostForm(forms.Form):
    text = BlockField(label=_("Text"), max_length=LONGEST_POST, required=False)
    audience = AudienceField()

    def __init__(self, data: Any = None, *, post: Post) -> None:
        """Offer no wider audience once others have answered (services.edit_post), and explain it."""
        super().__init__(data, initial={"text": post.text, "audience": post.audience})
        if is_answered(post):
            field = self.fields["audience"]
            field.choices = [choice for choice in Post.AUDIENCES if choice[0] >= post.audience]  # type: ignore[attr-defined]
            field.help_text = field.error_messages["invalid_choice"] = WIDENING_REFUSED


class RepostForm(forms.Form):
    text = BlockField(
        label=_("Your words"),
        max_length=LONGEST_POST,
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("Optional."),
    )
    audience = AudienceField()


class CommentForm(forms.Form):
    text = BlockField(
        label=_("Comment"), max_length=LONGEST_COMMENT, widget=forms.Textarea(attrs={"rows": 2})
    )


class NewCommentForm(CommentForm):
    """A comment with the post's audience when the page was loaded (services.comment_on_post)."""

    audience_seen = forms.TypedChoiceField(
        choices=Post.AUDIENCES, coerce=int, required=False, empty_value=None, widget=forms.HiddenInput
    )


class ReactionForm(forms.Form):
    kind = forms.TypedChoiceField(choices=Reaction.Kind.choices, coerce=Reaction.Kind)
