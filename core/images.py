"""Pictures that people send: checked by content, decoded within a budget, stored anew without their metadata."""

import io
import warnings
from dataclasses import dataclass
from typing import IO

from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _
from PIL import Image, ImageCms, ImageOps

FORMATS = ("JPEG", "PNG", "WEBP", "GIF")
ACCEPT = "image/jpeg,image/png,image/webp,image/gif"
LARGEST_BYTES = 10 * 1024 * 1024
LARGEST_PIXELS = 50_000_000
# A decoded picture takes four bytes for each pixel.
LONGEST = 4096
WEBP_QUALITY = 82

# The second wall: even a picture opened by mistake elsewhere is not decoded beyond this.
Image.MAX_IMAGE_PIXELS = LARGEST_PIXELS


@dataclass(frozen=True)
class Encoded:
    """A WebP file in memory and its size in pixels."""

    data: bytes
    width: int
    height: int


def open_image(file: IO[bytes], *, size: int, longest: int = LONGEST) -> Image.Image:
    """The decoded picture in `file` (`size` bytes), upright, in sRGB, at most `longest` pixels a side.

    Raises ValidationError with words for the member when it is too large in bytes or pixels, is no picture of an
    accepted format whatever its name says, or is damaged.
    """
    if size > LARGEST_BYTES:
        raise ValidationError(
            _("The picture is larger than 10 MB. Please choose a smaller one."), code="too_large"
        )
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            image: Image.Image = Image.open(file, formats=FORMATS)
    except Image.DecompressionBombError as error:
        raise _too_many_pixels() from error
    except Image.DecompressionBombWarning as error:
        raise _too_many_pixels() from error
    except Exception as error:
        raise ValidationError(
            _("This is not a picture that LinkUp can read. Please choose a JPEG, PNG, WebP or GIF file."),
            code="not_an_image",
        ) from error
    if image.width * image.height > LARGEST_PIXELS:
        raise _too_many_pixels()
    try:
        # JPEG decoders can shrink while they decode: a 50-megapixel photo then costs a fraction of its memory.
        image.draft("RGB", (longest, longest))
        image.load()
        image = ImageOps.exif_transpose(image)
        # As `fitted` scales, since this may be the size in which it is kept.
        image.thumbnail((longest, longest), Image.Resampling.LANCZOS)
        return _to_srgb(image)
    except Exception as error:
        raise ValidationError(
            _("The picture is damaged or was cut off on its way. Please send it again."), code="damaged"
        ) from error


def fitted(image: Image.Image, longest_side: int) -> Encoded:
    """`image` as WebP, scaled down so that its longer side is at most `longest_side` pixels."""
    copy = image.copy()
    copy.thumbnail((longest_side, longest_side), Image.Resampling.LANCZOS)
    return _encode(copy)


def cropped(image: Image.Image, width: int, height: int) -> Encoded:
    """`image` as WebP of exactly `width` × `height` pixels, cut around its centre, a little above for portraits."""
    return _encode(ImageOps.fit(image, (width, height), Image.Resampling.LANCZOS, centering=(0.5, 0.4)))


def _too_many_pixels() -> ValidationError:
    return ValidationError(
        _("The picture has more than 50 megapixels. Please choose a smaller one."), code="too_many_pixels"
    )


def _to_srgb(image: Image.Image) -> Image.Image:
    alpha = image.has_transparency_data
    profile = image.info.get("icc_profile")
    if image.mode.startswith("I;16"):
        image = image.point(lambda shade: shade / 256).convert(
            "L"
        )  # Pillow's own conversion cuts instead of scaling
    if profile and image.mode in {"RGB", "CMYK", "L"}:
        try:
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            converted = ImageCms.profileToProfile(
                image, source, ImageCms.createProfile("sRGB"), outputMode="RGB"
            )
            image = converted or image
        except (ImageCms.PyCMSError, OSError):
            pass  # a broken profile only costs colour accuracy
    return image.convert("RGBA" if alpha else "RGB")


def _encode(image: Image.Image) -> Encoded:
    # A new image holds pixels only: EXIF, XMP, comments and profiles stay behind.
    bare = Image.new(image.mode, image.size)
    bare.paste(image)
    out = io.BytesIO()
    bare.save(out, "WEBP", quality=WEBP_QUALITY, method=4)
    return Encoded(out.getvalue(), *bare.size)
