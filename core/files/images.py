"""Pictures that people send: told by their header, decoded within a budget, stored anew without their metadata.

A form reads headers alone (read_upload). What costs, decoding and scaling, is done by `encode`, when the member may do
what the picture is for.
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
# What is decoded: four bytes for each pixel, and three times as much again in the decoder of WebP.
LARGEST_PIXELS = 24_000_000
# Decoders shrink a JPEG while they read it: phones take 8,192 × 6,144.
LARGEST_JPEG_PIXELS = 52_000_000
WEBP_QUALITY = 82
# Memory is what pictures take; the processors are as many as the processes.
DECODINGS_AT_ONCE = 1
# Others wait for their turn so many seconds, and so many of them: the other threads are for pages.
LONGEST_WAIT = 10
MOST_WAITING = 2
# A JPEG that was cut off is shown when no more of its height than this is missing.
MOST_MISSING = 1 / 8

# What decoders of JPEG put where nothing was sent.
GREY: dict[str, int | tuple[int, int, int]] = {"L": 128, "RGB": (128, 128, 128)}
# A colour profile of a press has 2 MB.
LARGEST_PROFILE = 4 * 1024 * 1024
# EXIF's orientation, and what turns the picture upright.
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

# The second wall: even a picture opened by mistake elsewhere is not decoded beyond this.
Image.MAX_IMAGE_PIXELS = LARGEST_JPEG_PIXELS

_turns = BoundedSemaphore(DECODINGS_AT_ONCE)
_places = BoundedSemaphore(DECODINGS_AT_ONCE + MOST_WAITING)


@dataclass(frozen=True)
class Encoded:
    """A WebP file in memory and its size in pixels."""

    data: bytes
    width: int
    height: int


@dataclass(frozen=True)
class Fit:
    """Scaled down so that the longer side is at most `longest` pixels."""

    longest: int

    def needs(self, width: int, height: int) -> tuple[int, int]:
        """The size from which the wanted one can be made without loss."""
        factor = min(1.0, self.longest / max(width, height))
        return max(1, round(width * factor)), max(1, round(height * factor))

    def apply(self, image: Image.Image) -> Image.Image:
        return image.resize(self.needs(*image.size), Image.Resampling.LANCZOS)


@dataclass(frozen=True)
class Crop:
    """Exactly `width` × `height` pixels, cut around the centre, a little above for portraits."""

    width: int
    height: int

    def needs(self, width: int, height: int) -> tuple[int, int]:
        """The size from which the wanted one can be made without loss."""
        factor = min(1.0, max(self.width / width, self.height / height))
        return max(1, round(width * factor)), max(1, round(height * factor))

    def apply(self, image: Image.Image) -> Image.Image:
        size = (self.width, self.height)
        return ImageOps.fit(image, size, Image.Resampling.LANCZOS, centering=(0.5, 0.4))


@dataclass(frozen=True)
class ImageUpload:
    """A picture file that somebody sent, known by its header; nothing of it is decoded."""

    file: "UploadedFile[Any]"
    header: Header
    name: str

    def read(self) -> bytes:
        self.file.seek(0)
        return bytes(self.file.read())


# What is made into files: what somebody sent, or what a program of ours has drawn.
Source = ImageUpload | Image.Image


def read_upload(file: "UploadedFile[Any]", name: str) -> ImageUpload:
    """The picture in `file`, by its header; `name` is what refusals call it.

    Raises ValidationError with words for the member when it is too large in bytes or pixels, or is no picture of an
    accepted format whatever its name says.
    """
    if (file.size or 0) > LARGEST_BYTES:
        raise _refusal(
            _("%(name)s is larger than 10 MB. Please choose a smaller picture."), "too_large", name
        )
    file.seek(0)
    try:
        header = read_header(file.read())
    except UnreadableHeader as error:
        words = _(
            "%(name)s is not a picture that LinkUp can read. Please choose a JPEG, PNG, WebP or GIF file."
        )
        raise _refusal(words, "not_an_image", name) from error
    _refuse_pixels(header, name)
    return ImageUpload(file, header, name)


def encode(source: Source, *shapes: Fit | Crop) -> list[Encoded]:
    """`source` as WebP, upright, in sRGB, in each of the shapes.

    One picture at a time is decoded in a process. Raises ValidationError with words for the member when it is damaged,
    or when too many others wait for their turn.
    """
    with _turn():
        image = source if isinstance(source, Image.Image) else _decoded(source, shapes)
        return [_encode(shape.apply(image)) for shape in shapes]


def digest_of(source: Source) -> str:
    """What tells this picture from any other: 64 hexadecimal digits, without decoding it."""
    data = source.tobytes() if isinstance(source, Image.Image) else source.read()
    return hashlib.sha256(data).hexdigest()


def _refusal(words: Any, code: str, name: str) -> ValidationError:
    return ValidationError(words, code=code, params={"name": name})


def _refuse_pixels(header: Header, name: str) -> None:
    if header.format == "JPEG" and not header.is_progressive:
        if header.pixels > LARGEST_JPEG_PIXELS:
            words = _("%(name)s has more than 50 megapixels. Please choose a smaller picture.")
            raise _refusal(words, "too_many_pixels", name)
    elif header.pixels > LARGEST_PIXELS:
        words = _(
            "%(name)s has more than 24 megapixels. Please choose a smaller picture, or an ordinary JPEG."
        )
        raise _refusal(words, "too_many_pixels", name)


@contextmanager
def _turn() -> Iterator[None]:
    """Wait for one's turn to decode. Raises ValidationError when it does not come soon."""
    words = _(
        "LinkUp has many pictures to work on at the moment. Try again in a moment; what you typed stays here."
    )
    if not _places.acquire(blocking=False):
        raise ValidationError(words, code="busy")
    try:
        if not _turns.acquire(timeout=LONGEST_WAIT):
            raise ValidationError(words, code="busy")
        try:
            yield
        finally:
            _turns.release()
    finally:
        _places.release()


def _decoded(upload: ImageUpload, shapes: tuple[Fit | Crop, ...]) -> Image.Image:
    """The picture, upright, in sRGB, no larger than the shapes need."""
    try:
        data = upload.header.lean(upload.read())
        # A JPEG that was cut off gets an end: what is missing is grey, as in a browser.
        is_cut = upload.header.format == "JPEG" and not data.endswith(END_OF_JPEG)
        image = Image.open(io.BytesIO(data + END_OF_JPEG * is_cut), formats=(upload.header.format,))
        return _prepared(image, shapes, is_cut=is_cut)
    except Exception as error:
        words = _("%(name)s is damaged or was cut off on its way. Please send it again.")
        raise _refusal(words, "damaged", upload.name) from error


def _prepared(image: Image.Image, shapes: tuple[Fit | Crop, ...], *, is_cut: bool) -> Image.Image:
    orientation = image.getexif().get(ExifTags.Base.Orientation, 1) if "exif" in image.info else 1
    size = _needed(image.size, shapes, is_sideways=orientation in SIDEWAYS)
    image.draft("RGB", size)
    if image.width * image.height > LARGEST_PIXELS:
        raise ValueError("too many pixels to decode")
    image.load()
    if is_cut:
        _refuse_missing(image)
    profile = image.info.get("icc_profile")
    # Only the pixels: what the decoder keeps besides them goes.
    image = _smooth(image)
    image = _to_srgb(image.resize(size, Image.Resampling.LANCZOS, reducing_gap=3.0), profile)
    return image.transpose(TURNS[orientation]) if orientation in TURNS else image


def _needed(size: tuple[int, int], shapes: tuple[Fit | Crop, ...], *, is_sideways: bool) -> tuple[int, int]:
    """The size, as the picture lies in the file, from which all shapes can be made."""
    sizes = [shape.needs(*(size[::-1] if is_sideways else size)) for shape in shapes]
    width, height = max(width for width, _height in sizes), max(height for _width, height in sizes)
    return (height, width) if is_sideways else (width, height)


def _refuse_missing(image: Image.Image) -> None:
    """Raise ValueError where a large part of a picture that was cut off is the grey that stands for nothing."""
    if image.mode not in GREY:
        return
    grey = Image.new(image.mode, image.size, GREY[image.mode])
    box = ImageChops.difference(image, grey).getbbox()
    if box is None or box[3] < image.height * (1 - MOST_MISSING):
        raise ValueError("too much is missing")


def _smooth(image: Image.Image) -> Image.Image:
    """The same pixels in a mode that scaling can mix: grey, RGB or CMYK, with transparency where there is some."""
    if image.mode.startswith("I;16"):
        # The upper byte of each shade: Pillow's own conversion cuts instead of scaling.
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
    """The picture in sRGB: RGB, or RGBA where it has transparency."""
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


def _encode(image: Image.Image) -> Encoded:
    # A new image holds pixels only: EXIF, XMP, comments and profiles stay behind.
    bare = Image.new(image.mode, image.size)
    bare.paste(image)
    out = io.BytesIO()
    bare.save(out, "WEBP", quality=WEBP_QUALITY, method=4)
    return Encoded(out.getvalue(), *bare.size)
