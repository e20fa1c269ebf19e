"""Model fields for uploads: a column names, stores, addresses and deletes its files.

A file or picture is a name in a text column (decisions 6 and 40). core.files.row_files finds all such columns and
deletes the files of deleted rows.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any, Self, cast

from django.core.files.storage import default_storage
from django.db import models, transaction
from django.urls import reverse

from . import images, storage

# As in unreferenced_files.OURS.
FOLDER = re.compile(r"[a-z]+")


@dataclass(frozen=True)
class StoredPicture:
    """A picture whose files are stored: the `value` for its column; width, height and bytes of its first size."""

    value: str
    width: int
    height: int
    length: int


class StoredFileField(models.CharField):  # type: ignore[type-arg]
    """The name of a stored file; "" where there is none.

    New names begin with `folder`. A private file lies below `private/` and is served by the view `view` (a URL name),
    whose arguments are the row's attributes `view_args`; a view and privacy come together. `length_field` is the column
    that holds how many bytes the file has (of a picture: its first size).
    """

    def __init__(
        self,
        *args: Any,
        folder: str,
        private: bool = False,
        view: str = "",
        view_args: tuple[str, ...] = ("pk",),
        length_field: str = "",
        **options: Any,
    ) -> None:
        if private != bool(view):
            raise ValueError("a private file is served by a view, a public one by the storage")
        if not FOLDER.fullmatch(folder) or folder == storage.PRIVATE:
            raise ValueError(
                "a folder name consists of lowercase letters, by which tidy_uploads recognises the files"
            )
        if options.get("null"):
            raise ValueError('a column without a file holds ""')
        self.folder, self.private, self.length_field = folder, private, length_field
        self.view, self.view_args = view, view_args
        super().__init__(*args, **{"max_length": 120, "editable": False, **options})

    def deconstruct(self) -> Any:
        """Describe the field to migrations as a plain text column."""
        name, _path, arguments, options = super().deconstruct()
        return name, "django.db.models.CharField", arguments, options

    def clone(self) -> Self:
        """Return a copy outside any model, with the options that `deconstruct` leaves out."""
        _name, _path, arguments, options = self.deconstruct()
        same: Any = type(self)
        return cast(Self, same(*arguments, **options, **self.file_options()))

    def file_options(self) -> dict[str, Any]:
        """Return the options that a text column has not."""
        return {
            "folder": self.folder,
            "private": self.private,
            "view": self.view,
            "view_args": self.view_args,
            "length_field": self.length_field,
        }

    def files_of(self, value: str) -> list[str]:
        """Return the names of the files that a row with `value` has."""
        return [value] if value else []

    def new_name(self, extension: str) -> str:
        """Return a new, unguessable name for a file of this column."""
        return (storage.new_private_name if self.private else storage.new_name)(self.folder, extension)

    def store_file(self, data: bytes, extension: str) -> str:
        """Store a file and return the value for the column.

        Call it within storage.removed_on_failure, before the transaction. Raises CannotStore.
        """
        return storage.store_file(self.new_name(extension), data)

    def url_for(self, row: models.Model) -> str:
        """Return the URL of the row's file, or "". Only the view of a private file checks the viewer."""
        value = self.value_from_object(row)
        if not value:
            return ""
        return self._view_url(row) if self.private else default_storage.url(value)

    def _view_url(self, row: models.Model) -> str:
        return reverse(self.view, args=[attrgetter(path)(row) for path in self.view_args])

    def replace_value(self, pk: Any, value: str) -> None:
        """Set the column of the row `pk`, and delete the files of its former value once that has committed.

        The row is locked: of two uploads at once, the later one deletes the files of the earlier one.
        """
        rows = self.model._base_manager.filter(pk=pk)
        with transaction.atomic():
            former = rows.select_for_update(no_key=True).values_list(self.attname, flat=True).get()
            rows.update(**{self.attname: value})
            storage.delete_on_commit(*self.files_of(former))


class PictureField(StoredFileField):
    """The name of a picture without the ends of its sizes: its files are `<value>-<size>.webp`.

    A size is the longer side in pixels, the largest first; with `ratio` (width, height) the picture is cut to that
    shape, and a size is its width. `default_size` (else the first) is that of a URL without a size. A value with an
    ending names another file (store_file), for a column that takes both.
    """

    def __init__(
        self,
        *args: Any,
        sizes: tuple[int, ...],
        ratio: tuple[int, int] | None = None,
        default_size: int = 0,
        **options: Any,
    ) -> None:
        self.sizes, self.ratio, self.default_size = sizes, ratio, default_size or sizes[0]
        super().__init__(*args, **options)

    def file_options(self) -> dict[str, Any]:
        own = {"sizes": self.sizes, "ratio": self.ratio, "default_size": self.default_size}
        return super().file_options() | own

    @staticmethod
    def is_picture(value: str) -> bool:
        """Return whether `value` names a picture: the name of any other file has an ending."""
        return bool(value) and "." not in value.rpartition("/")[2]

    def files_of(self, value: str) -> list[str]:
        if not self.is_picture(value):
            return super().files_of(value)
        return [self.name_of(value, size) for size in self.sizes]

    def name_of(self, value: str, size: int) -> str:
        """Return the name of the file that holds the picture `value` in that size."""
        if size not in self.sizes:
            raise ValueError(f"{self.name} has no size {size}")
        return picture_name(value, size)

    def encode_picture(self, image: images.Source) -> list[images.Encoded]:
        """Return `image` as WebP in each size.

        Raises ValidationError, with words for the member, for a picture that is damaged or cannot be worked on now.
        """
        if self.ratio is None:
            return images.encode_image(image, *(images.Fit(size) for size in self.sizes))
        width, height = self.ratio
        return images.encode_image(
            image, *(images.Crop(size, round(size * height / width)) for size in self.sizes)
        )

    def store_encoded(self, encoded: Sequence[images.Encoded]) -> StoredPicture:
        """Store a picture in each size, as encode_picture returns them. Raises CannotStore; see store_file."""
        value = self.new_name("webp").removesuffix(".webp")
        for size, variant in zip(self.sizes, encoded, strict=True):
            storage.store_file(self.name_of(value, size), variant.data)
        return StoredPicture(value, encoded[0].width, encoded[0].height, len(encoded[0].data))

    def store_picture(self, image: images.Source) -> StoredPicture:
        """Encode and store `image`. Raises ValidationError and CannotStore; see encode_picture and store_file."""
        return self.store_encoded(self.encode_picture(image))

    def url_for(self, row: models.Model, size: int = 0) -> str:
        """Return the URL of the row's picture in that size, or ""; see StoredFileField.url_for."""
        value = self.value_from_object(row)
        if not self.is_picture(value):
            return super().url_for(row)
        size = size or self.default_size
        name = self.name_of(value, size)
        if not self.private:
            return default_storage.url(name)
        address = self._view_url(row)
        return address if size == self.default_size else sized_url(address, size)


def picture_name(value: str, size: int) -> str:
    """Return the name of the file that holds the picture `value` (as in its column) in that size."""
    return f"{value}-{size}.webp"


def picture_url(value: str, size: int) -> str:
    """Return the URL of the public picture `value` in that size, or "" where there is none: for views without a row."""
    return default_storage.url(picture_name(value, size)) if value else ""


def sized_url(address: str, size: int) -> str:
    """Return the URL of a private picture in another size than its default; `address` is that of its view."""
    return f"{address}?size={size}"
