"""What is checked of a message, a group and its title."""

from typing import Any, cast

from django import forms
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext_lazy as _

from core.files.file_types import CONTENT_TYPES, kind_of
from core.text.file_names import printable_name, safe_name, safe_stem
from core.web.forms import BlockField, LineField, ManyFilesInput, ManyImagesField, clean_each

from .services import File, Picture

LONGEST_MESSAGE = 10_000
MOST_PICTURES = 9
MOST_FILES = 5
LARGEST_FILE = 20 * 1024 * 1024
# What the browser offers to choose from; what is taken, the content decides.
ACCEPT_FILES = ",".join(f".{ending}" for ending in CONTENT_TYPES if ending != "webp")


class WordsField(BlockField):
    """A text of many lines. A program may send anything as JSON: what is no text, or none that can be stored, is
    refused."""

    def to_python(self, value: Any) -> str:
        if value is not None and not isinstance(value, str):
            raise ValidationError(_("This is not a text."), code="invalid")
        if any("\ud800" <= char <= "\udfff" for char in value or ""):
            raise ValidationError(_("This holds half a character. Please type it again."), code="invalid")
        return super().to_python(value)


class ManyFilesField(forms.FileField):
    """Up to five files, known by their content (core.files.file_types); cleans to a list of File."""

    widget = ManyFilesInput(attrs={"accept": ACCEPT_FILES})

    def clean(self, data: Any, initial: Any = None) -> list[File]:
        clean_upload = super().clean

        def clean_file(upload: UploadedFile) -> File:
            upload = clean_upload(upload, initial)
            name = upload.name or ""
            named = {"name": printable_name(name)}
            if (upload.size or 0) > LARGEST_FILE:
                raise ValidationError(_("%(name)s is larger than 20 MB."), code="too_large", params=named)
            data = upload.read()
            kind = kind_of(data, name)
            if kind is None:
                raise ValidationError(
                    _("%(name)s cannot be sent. Choose a PDF, an office document, a text or a ZIP archive."),
                    code="unknown",
                    params=named,
                )
            return File(data, safe_name(name, kind))

        uploads = [upload for upload in data or [] if upload]
        if len(uploads) > MOST_FILES:
            raise ValidationError(_("A message holds at most five files."), code="too_many")
        return clean_each(uploads, clean_file)


class MessageForm(forms.Form):
    """A message; the service says when nothing was said at all."""

    text = WordsField(label=_("Message"), max_length=LONGEST_MESSAGE, required=False)
    client_id = forms.UUIDField(required=False, widget=forms.HiddenInput)
    pictures = ManyImagesField(
        label=_("Pictures"),
        most=MOST_PICTURES,
        too_many=_("A message holds at most nine pictures."),
        required=False,
    )
    # Programs know it by this name; what was uploaded is `self.files` all the same, as in any form.
    files = ManyFilesField(label=_("Files"), required=False)  # type: ignore[assignment]

    def named_pictures(self) -> list[Picture]:
        """The pictures of a valid form; what they are called stands in for them where they are not seen."""
        uploads: list[UploadedFile] = cast(Any, self.files).getlist("pictures")
        names = [safe_stem(upload.name or "") for upload in uploads if upload]
        pictures = self.cleaned_data["pictures"]
        return [Picture(image, name) for image, name in zip(pictures, names, strict=True)]


class WordsForm(forms.Form):
    """Words alone: the first ones to somebody, or those that a message is changed to."""

    text = BlockField(label=_("Message"), max_length=LONGEST_MESSAGE)


class FirstWordsForm(WordsForm):
    client_id = forms.UUIDField(required=False, widget=forms.HiddenInput)


class GroupForm(FirstWordsForm):
    """A conversation that begins; who it is with is chosen beside it."""

    title = LineField(
        label=_("Title"), max_length=120, required=False, help_text=_("For a group. Everybody in it sees it.")
    )
    field_order = ("title", "text")


class TitleForm(forms.Form):
    title = LineField(label=_("Title"), max_length=120)
