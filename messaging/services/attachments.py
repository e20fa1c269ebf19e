"""Pictures and files of messages, on their way into the storage."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from core.files import images, storage

from ..models import Attachment
from ..models.entry_view import PICTURE_SIZES


@dataclass(frozen=True)
class Picture:
    """A picture to send, and the name that its sender gave it."""

    image: images.Source
    name: str = ""


@dataclass(frozen=True)
class File:
    """A checked file to send: its bytes, and a name that is safe to offer."""

    data: bytes = field(repr=False)
    name: str


def stored(pictures: Sequence[Picture], files: Sequence[File]) -> list[Attachment]:
    """Attachments without a message so far, whose files are stored.

    Raises CannotStore, and ValidationError for a picture that is damaged or cannot be worked on now
    (core.files.images). To be called within storage.removed_on_failure.
    """
    return [*(_stored_picture(picture) for picture in pictures), *(_stored_file(file) for file in files)]


def _stored_picture(picture: Picture) -> Attachment:
    stored = storage.new_private_name("messages", "webp").removesuffix(".webp")
    encoded = images.encode(picture.image, *(images.Fit(size) for size in PICTURE_SIZES))
    for size, variant in zip(PICTURE_SIZES, encoded, strict=True):
        storage.store(Attachment.variant(stored, size), variant.data)
    return Attachment(
        kind=Attachment.Kind.PICTURE,
        stored=stored,
        name=picture.name,
        size=len(encoded[0].data),
        width=encoded[0].width,
        height=encoded[0].height,
    )


def _stored_file(file: File) -> Attachment:
    stored = storage.store(storage.new_private_name("messages", "bin"), file.data)
    return Attachment(kind=Attachment.Kind.FILE, stored=stored, name=file.name, size=len(file.data))
