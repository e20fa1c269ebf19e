"""Form fields for text and pictures of members."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

from django import forms
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.core.validators import MaxLengthValidator
from django.utils.safestring import SafeString

from core.files.images import ACCEPT, ImageUpload, read_upload
from core.text.cleaning import clean_block, clean_line, has_visible_text, refuse_invisible
from core.text.file_names import printable_name
from core.web.fragments import FragmentStore

Cleaned = TypeVar("Cleaned")
# Typed text may be longer than stored text: a line end has two characters, a decomposed letter three.
RAW_LENGTH = 4
RAW_BLANKS = 100
# Empty forms as HTML, some kilobytes each.
MAX_EMPTY_FORMS = 200

_empty_forms = FragmentStore(MAX_EMPTY_FORMS)


class CachedForm(forms.BaseForm):
    """A form that is rendered once for the same initial values; with what somebody sent, each time.

    Its subclasses can be made from `initial` alone, and show nothing else: no choices or labels of one instance.
    """

    def render(self, *args: Any, **options: Any) -> SafeString:
        """Return the form as HTML, like Django's method."""
        if self.is_bound or args or options or self.prefix or self.auto_id != "id_%s":
            return super().render(*args, **options)
        initial = {name: self.get_initial_for_field(field, name) for name, field in self.fields.items()}
        return _empty_forms.get_or_render((type(self), *initial.items()), initial, self._render_initial)

    def _render_initial(self, initial: Mapping[str, Any]) -> str:
        # A new form, so that the HTML cannot depend on anything that the key does not contain.
        return super(CachedForm, type(self)(initial=dict(initial))).render()

    __str__ = render
    __html__ = render


def refuse_long(text: str, max_length: int | None) -> str:
    """Return `text` unchanged; raise ValidationError when it is too long even after cleaning. Call it first."""
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
    """A text of many lines, whose line ends count as one character, as in browsers."""

    widget = forms.Textarea

    def __init__(self, **options: Any) -> None:
        options.setdefault("strip", False)
        super().__init__(**options)

    def to_python(self, value: Any) -> str:
        text = clean_block(refuse_long(super().to_python(value) or "", self.max_length))
        return text if has_visible_text(text) else ""


class ImageField(forms.FileField):
    """A picture, checked by its header; cleans to an ImageUpload, which is not decoded (see core.files.images)."""

    widget = forms.FileInput

    def widget_attrs(self, widget: forms.Widget) -> dict[str, Any]:
        return {**super().widget_attrs(widget), "accept": ACCEPT}

    def clean(self, data: Any, initial: Any = None) -> ImageUpload | None:
        upload = super().clean(data, initial)
        if not isinstance(upload, UploadedFile):
            return None
        return read_upload(upload, printable_name(upload.name or ""))


class ManyFilesInput(forms.FileInput):
    allow_multiple_selected = True


class ManyImagesField(ImageField):
    """Up to `most` pictures in one input; cleans to a list of ImageUpload. Errors name each refused picture."""

    widget = ManyFilesInput

    def __init__(self, *, most: int, too_many: Any, **options: Any) -> None:
        self.most = most
        self.too_many = too_many
        super().__init__(**options)

    def clean(self, data: Any, initial: Any = None) -> list[ImageUpload]:  # type: ignore[override]
        uploads = [upload for upload in data or [] if upload]
        if len(uploads) > self.most:
            raise ValidationError(self.too_many, code="too_many")
        single = super().clean
        pictures = clean_each(uploads, lambda upload: single(upload, initial))
        return [picture for picture in pictures if picture is not None]


def clean_each(uploads: Iterable[UploadedFile], clean: Callable[[UploadedFile], Cleaned]) -> list[Cleaned]:
    """Return the result of `clean` for each upload; raise the ValidationErrors of all uploads together."""
    cleaned, refusals = [], []
    for upload in uploads:
        try:
            cleaned.append(clean(upload))
        except ValidationError as error:
            refusals.append(error)
    if refusals:
        raise ValidationError(refusals)
    return cleaned
