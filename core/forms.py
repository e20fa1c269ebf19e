"""Form fields for what people write."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.core.validators import MaxLengthValidator
from PIL import Image

from .images import ACCEPT, LONGEST, open_image
from .text import clean_block, clean_line, refuse_invisible, says_something

# What is typed may be longer than what is stored: two characters end a line, three make a letter before they are one.
RAW_LENGTH = 4
RAW_BLANKS = 100


def refuse_long(text: str, max_length: int | None) -> str:
    """`text`, as it came; ValidationError where no cleaning would make it short enough. The first thing to ask."""
    if max_length is not None and len(text) > RAW_LENGTH * max_length + RAW_BLANKS:
        MaxLengthValidator(max_length)(text)
    return text


class LineField(forms.CharField):
    """One line of text, normalised, without invisible characters."""

    def to_python(self, value: Any) -> str:
        return clean_line(refuse_long(super().to_python(value) or "", self.max_length))

    def run_validators(self, value: Any) -> None:
        super().run_validators(value)
        if value:
            refuse_invisible(value)


class BlockField(forms.CharField):
    """A text of many lines; counted after line ends are made one character, as the browser counts them."""

    widget = forms.Textarea

    def __init__(self, **options: Any) -> None:
        options.setdefault("strip", False)
        super().__init__(**options)

    def to_python(self, value: Any) -> str:
        text = clean_block(refuse_long(super().to_python(value) or "", self.max_length))
        return text if says_something(text) else ""


class ImageField(forms.FileField):
    """A picture, checked by its content; cleans to the decoded image (see core.images.open_image)."""

    widget = forms.FileInput
    # A decoded picture is no larger, in pixels a side.
    longest = LONGEST

    def widget_attrs(self, widget: forms.Widget) -> dict[str, Any]:
        return {**super().widget_attrs(widget), "accept": ACCEPT}

    def clean(self, data: Any, initial: Any = None) -> Image.Image | None:
        upload = super().clean(data, initial)
        if not isinstance(upload, UploadedFile):
            return None
        return open_image(upload, size=upload.size or 0, longest=self.longest)


class ManyFilesInput(forms.FileInput):
    allow_multiple_selected = True


class ManyImagesField(ImageField):
    """Up to `most` pictures in one input; cleans to the list of decoded images, none larger than `longest` pixels a
    side: the largest size in which they are kept, since all of them are in memory together."""

    widget = ManyFilesInput

    def __init__(self, *, most: int, too_many: Any, longest: int, **options: Any) -> None:
        self.most = most
        self.longest = longest
        self.too_many = too_many
        super().__init__(**options)

    def clean(self, data: Any, initial: Any = None) -> list[Image.Image]:  # type: ignore[override]
        uploads = [upload for upload in data or [] if upload]
        if len(uploads) > self.most:
            raise ValidationError(self.too_many, code="too_many")
        pictures = (super(ManyImagesField, self).clean(upload, initial) for upload in uploads)
        return [picture for picture in pictures if picture is not None]
