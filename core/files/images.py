"""Uploaded pictures: checked by their header, decoded within limits, re-encoded without metadata.

Forms read headers only (read_upload). Decoding and scaling, which cost time, happen in `encode_image`, after the
permission check.
"""

import hashlib
import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import BoundedSemaphore
from typing import Any

from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext_lazy as _
from PIL import ExifTags, Image, ImageChops, ImageCms, ImageOps

from .image_headers import END_OF_JPEG, Header, UnreadableHeader, read_header

FORMATS = ("JPEG", "PNG", "WEBP", "GIF")
ACCEPT = "image/jpeg,image/png,image/webp,image/gif"
LARGEST_BYTES = 10 * 1024 * 1024
# Decoding takes four bytes per pixel, and three times as much again in the decoder of WebP.
LARGEST_PIXELS = 24_000_000
# JPEG decoders scale down while they read: phones take pictures of 8,192 × 6,144 pixels.
LARGEST_JPEG_PIXELS = 52_000_000
WEBP_QUALITY = 82
# Per process: decoding takes memory, and there are as many processes as cores.
DECODINGS_AT_ONCE = 1
# The longest wait in seconds, and the most threads that wait: the other threads serve pages.
LONGEST_WAIT = 10
MOST_WAITING = 2
# A truncated JPEG is accepted when no more of its height than this is missing.
MOST_MISSING = 1 / 8

# The colour of missing pixels in a truncated JPEG.
GREY: dict[str, int | tuple[int, int, int]] = {"L": 128, "RGB": (128, 128, 128)}
# A colour profile of a press has 2 MB.
LARGEST_PROFILE = 4 * 1024 * 1024
# EXIF orientation, and the operation that turns the picture upright.
TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
SIDEWAYS = {5, 6, 7, 8}

# A second line of defence: Pillow refuses larger pictures, wherever they are opened.
Image.MAX_IMAGE_PIXELS = LARGEST_JPEG_PIXELS

_decoding = BoundedSemaphore(DECODINGS_AT_ONCE)
_queue = BoundedSemaphore(DECODINGS_AT_ONCE + MOST_WAITING)


@dataclass(frozen=True)
class Encoded:
    """A WebP file in memory and its size in pixels."""

    data: bytes
    width: int
    height: int


@dataclass(frozen=True)
class Fit:
    """Scale down so that the longer side is at most `longest` pixels."""

    longest: int

    def scaled_size(self, width: int, height: int) -> tuple[int, int]:
        """Return the smallest size from which the result can be made without loss."""
        factor = min(1.0, self.longest / max(width, height))
        return max(1, round(width * factor)), max(1, round(height * factor))

    def apply(self, image: Image.Image) -> Image.Image:
        return image.resize(self.scaled_size(*image.size), Image.Resampling.LANCZOS)


@dataclass(frozen=True)
class Crop:
    """Crop to exactly `width` × `height` pixels around the centre, or a little above it in portraits."""

    width: int
    height: int

    def scaled_size(self, width: int, height: int) -> tuple[int, int]:
        """Return the smallest size from which the result can be made without loss."""
        factor = min(1.0, max(self.width / width, self.height / height))
        return max(1, round(width * factor)), max(1, round(height * factor))

    def apply(self, image: Image.Image) -> Image.Image:
        size = (self.width, self.height)
        return ImageOps.fit(image, size, Image.Resampling.LANCZOS, centering=(0.5, 0.4))


@dataclass(frozen=True)
class ImageUpload:
    """An uploaded picture file with its header; nothing is decoded yet."""

    file: "UploadedFile[Any]"
    header: Header
    name: str

    def read(self) -> bytes:
        self.file.seek(0)
        return bytes(self.file.read())


# What can be encoded: an upload, or an image that our own code has drawn.
Source = ImageUpload | Image.Image


def read_upload(file: "UploadedFile[Any]", name: str) -> ImageUpload:
    """Return the picture in `file` by its header; `name` is used in error messages.

    Raises ValidationError, with a message for the member, when the file is too large in bytes or pixels, or is not a
    picture of an accepted format.
    """
    if (file.size or 0) > LARGEST_BYTES:
        raise _invalid_picture(
            _("%(name)s is larger than 10 MB. Please choose a smaller picture."), "too_large", name
        )
    file.seek(0)
    try:
        header = read_header(file.read())
    except UnreadableHeader as error:
        message = _(
            "%(name)s is not a picture that LinkUp can read. Please choose a JPEG, PNG, WebP or GIF file."
        )
        raise _invalid_picture(message, "not_an_image", name) from error
    if header.format == "JPEG" and not header.is_progressive:
        if header.pixels > LARGEST_JPEG_PIXELS:
            message = _("%(name)s has more than 50 megapixels. Please choose a smaller picture.")
            raise _invalid_picture(message, "too_many_pixels", name)
    elif header.pixels > LARGEST_PIXELS:
        message = _(
            "%(name)s has more than 24 megapixels. Please choose a smaller picture, or an ordinary JPEG."
        )
        raise _invalid_picture(message, "too_many_pixels", name)
    return ImageUpload(file, header, name)


def encode_image(source: Source, *shapes: Fit | Crop) -> list[Encoded]:
    """Return `source` as WebP, upright, in sRGB, in each of the shapes.

    A process decodes one picture at a time. Raises ValidationError, with a message for the member, when the picture is
    damaged, or when too many others wait.
    """
    with _decoding_slot():
        image = source if isinstance(source, Image.Image) else _decode(source, shapes)
        encoded = []
        for shape in shapes:
            shaped = shape.apply(image)
            # A new image contains pixels only, without EXIF, XMP, comments and profiles.
            bare = Image.new(shaped.mode, shaped.size)
            bare.paste(shaped)
            out = io.BytesIO()
            bare.save(out, "WEBP", quality=WEBP_QUALITY, method=4)
            encoded.append(Encoded(out.getvalue(), *bare.size))
        return encoded


def digest_of(source: Source) -> str:
    """Return the SHA-256 of the picture, without decoding it."""
    data = source.tobytes() if isinstance(source, Image.Image) else source.read()
    return hashlib.sha256(data).hexdigest()


def _invalid_picture(message: Any, code: str, name: str) -> ValidationError:
    return ValidationError(message, code=code, params={"name": name})


@contextmanager
def _decoding_slot() -> Iterator[None]:
    """Wait until this thread may decode. Raises ValidationError after LONGEST_WAIT, or when the queue is full."""
    message = _("LinkUp is processing many pictures. Try again in a moment; what you typed stays here.")
    if not _queue.acquire(blocking=False):
        raise ValidationError(message, code="busy")
    try:
        if not _decoding.acquire(timeout=LONGEST_WAIT):
            raise ValidationError(message, code="busy")
        try:
            yield
        finally:
            _decoding.release()
    finally:
        _queue.release()


def _decode(upload: ImageUpload, shapes: tuple[Fit | Crop, ...]) -> Image.Image:
    """Return the picture upright, in sRGB, no larger than the shapes need."""
    try:
        data = upload.header.strip_metadata(upload.read())
        # A truncated JPEG gets an end mark: missing pixels are grey, as in a browser.
        is_cut = upload.header.format == "JPEG" and not data.endswith(END_OF_JPEG)
        image = Image.open(io.BytesIO(data + END_OF_JPEG * is_cut), formats=(upload.header.format,))
        orientation = image.getexif().get(ExifTags.Base.Orientation, 1) if "exif" in image.info else 1
        is_sideways = orientation in SIDEWAYS
        # The size, as stored in the file, from which all shapes can be made.
        sizes = [shape.scaled_size(*(image.size[::-1] if is_sideways else image.size)) for shape in shapes]
        size = (max(width for width, _height in sizes), max(height for _width, height in sizes))
        size = size[::-1] if is_sideways else size
        image.draft("RGB", size)
        if image.width * image.height > LARGEST_PIXELS:
            raise ValueError("too many pixels to decode")
        image.load()
        if is_cut and image.mode in GREY:
            # Decoders fill the missing part with grey.
            box = ImageChops.difference(image, Image.new(image.mode, image.size, GREY[image.mode])).getbbox()
            if box is None or box[3] < image.height * (1 - MOST_MISSING):
                raise ValueError("too much is missing")
        profile = image.info.get("icc_profile")
        # Keep only the pixels, without the other data of the decoder.
        pixels = _to_scalable_mode(image).resize(size, Image.Resampling.LANCZOS, reducing_gap=3.0)
        pixels = _to_srgb(pixels, profile)
        return pixels.transpose(TURNS[orientation]) if orientation in TURNS else pixels
    except Exception as error:
        message = _("%(name)s is damaged or incomplete. Please send it again.")
        raise _invalid_picture(message, "damaged", upload.name) from error


def _to_scalable_mode(image: Image.Image) -> Image.Image:
    """Return the pixels in a mode that can be scaled: grey, RGB or CMYK, with transparency if there is any."""
    if image.mode.startswith("I;16"):
        # The upper byte of each value: Pillow's own conversion clips instead of scaling.
        upper = image.tobytes()[0 if image.mode == "I;16B" else 1 :: 2]
        return Image.frombytes("L", image.size, upper)
    clear = image.has_transparency_data
    if image.mode in {"1", "L", "I"}:
        mode = "LA" if clear else "L"
    elif image.mode in {"CMYK", "LA", "RGBA"}:
        mode = image.mode
    else:
        mode = "RGBA" if clear else "RGB"
    return image.convert(mode) if mode != image.mode else image._new(image.im)  # noqa: SLF001 -- a copy would cost


def _to_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    """Return the picture in sRGB: RGB, or RGBA if it has transparency."""
    alpha = image.getchannel("A") if image.mode in {"LA", "RGBA"} else None
    if alpha is not None:
        image = image.convert(image.mode.removesuffix("A"))
    if profile and len(profile) <= LARGEST_PROFILE:
        try:
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            target = ImageCms.createProfile("sRGB")
            image = ImageCms.profileToProfile(image, source, target, outputMode="RGB") or image
        except (ImageCms.PyCMSError, OSError):
            pass  # a broken profile only costs colour accuracy
    image = image.convert("RGB")
    if alpha is not None:
        image.putalpha(alpha)
    return image
