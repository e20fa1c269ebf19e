"""Pictures and files of messages, on their way into the storage."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from core.files import images

from ..models import Attachment


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


def store_attachments(pictures: Sequence[Picture], files: Sequence[File]) -> list[Attachment]:
    """Store the files; return attachments that do not belong to a message yet.

    Raises CannotStore, and ValidationError for a picture that is damaged or cannot be worked on now
    (core.files.images). Call it within storage.removed_on_failure.
    """
    field, attachments = Attachment.stored.field, []
    for picture in pictures:
        stored = field.store_picture(picture.image)
        attachments.append(
            Attachment(
                kind=Attachment.Kind.PICTURE,
                stored=stored.value,
                name=picture.name,
                size=stored.length,
                width=stored.width,
                height=stored.height,
            )
        )
    for file in files:
        value = field.store_file(file.data, "bin")
        attachments.append(
            Attachment(kind=Attachment.Kind.FILE, stored=value, name=file.name, size=len(file.data))
        )
    return attachments
