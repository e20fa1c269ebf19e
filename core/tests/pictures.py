"""Pictures for tests, made as they are needed: honest ones of every kind, and hostile ones."""

import io
import struct
import zlib
from typing import Any

from PIL import Image, ImageCms

from core.files.images import Crop, Encoded, Fit, encode_image

RED, GREEN, BLUE, WHITE = (255, 0, 0), (0, 128, 0), (0, 0, 255), (255, 255, 255)
RIGHTS = "© Somebody, 52°31'N 13°24'E"


def encoded(image: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def halves(
    size: tuple[int, int] = (80, 40), left: Any = RED, right: Any = BLUE, mode: str = "RGB"
) -> Image.Image:
    """A picture whose left half has one colour and whose right half has another."""
    image = Image.new(mode, size, left)
    image.paste(right, (size[0] // 2, 0, size[0], size[1]))
    return image


def png(size: tuple[int, int] = (80, 40)) -> bytes:
    return encoded(halves(size))


def jpeg(size: tuple[int, int] = (80, 40), **options: Any) -> bytes:
    return encoded(halves(size), "JPEG", quality=95, **options)


def exif(**tags: Any) -> Image.Exif:
    """EXIF as a camera writes it: who, where, and which way up."""
    data = Image.Exif()
    data[0x010F] = "CameraMaker"
    data[0x8298] = RIGHTS.encode("ascii", "replace").decode()
    data[0x0112] = tags.get("orientation", 1)
    gps = data.get_ifd(0x8825)
    gps[1], gps[2] = "N", (52.0, 31.0, 12.0)
    gps[3], gps[4] = "E", (13.0, 24.0, 18.0)
    return data


XMP = (
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF><dc:creator>CameraOwner</dc:creator></rdf:RDF></x:xmpmeta>'
)


def srgb_profile() -> bytes:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def swapped_profile() -> bytes:
    """A space whose red and blue have changed places."""
    swapped = bytearray(srgb_profile())
    red, blue = swapped.index(b"rXYZ"), swapped.index(b"bXYZ")
    swapped[red : red + 4], swapped[blue : blue + 4] = b"bXYZ", b"rXYZ"
    return bytes(swapped)


def png_with(kind: bytes, content: bytes) -> bytes:
    """A PNG with one more chunk behind its header."""
    data = png()
    return data[:33] + _chunk(kind, content) + data[33:]


def jpeg_claiming(width: int, height: int) -> bytes:
    """The header of a JPEG that says it has so many pixels, and none of them."""
    data = jpeg((16, 16))
    frame, scan = data.index(b"\xff\xc0"), data.index(b"\xff\xda")
    return data[: frame + 5] + struct.pack(">HH", height, width) + data[frame + 9 : scan + 20]


def jpeg_in_scans(width: int, height: int) -> bytes:
    """A grey baseline JPEG with one scan for each of its three colours."""
    parts = [b"\xff\xd8", _segment(0xDB, b"\0" + b"\1" * 64)]
    colours = b"".join(bytes((number, 0x11, 0)) for number in (1, 2, 3))
    parts.append(_segment(0xC0, struct.pack(">BHHB", 8, height, width, 3) + colours))
    parts += [_segment(0xC4, bytes((table, 1, *[0] * 15, 0))) for table in (0x00, 0x10)]
    blocks = -(-width // 8) * -(-height // 8)
    for number in (1, 2, 3):
        parts += [_segment(0xDA, bytes((1, number, 0, 0, 63, 0))), bytes(blocks // 4 + 1)]
    return b"".join([*parts, b"\xff\xd9"])


def _segment(code: int, content: bytes) -> bytes:
    return bytes((0xFF, code)) + struct.pack(">H", len(content) + 2) + content


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _png_of_bits(width: int, height: int, data: bytes) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + _chunk(b"IDAT", data) + _chunk(b"IEND", b"")


def png_bomb(width: int = 10_000, height: int = 10_000) -> bytes:
    """A PNG of a few kilobytes that unpacks to `width` × `height` pixels, one bit each."""
    row = b"\x00" * (1 + (width + 7) // 8)
    packer = zlib.compressobj(9)
    data = b"".join(packer.compress(row) for _row in range(height)) + packer.flush()
    return _png_of_bits(width, height, data)


def png_claiming(width: int, height: int) -> bytes:
    """A PNG that says it has `width` × `height` pixels, and holds none."""
    return _png_of_bits(width, height, zlib.compress(b""))


SVG = b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"><script>alert(1)</script></svg>'
HTML = b"<!doctype html><html><body><script>alert(1)</script></body></html>"
NO_PICTURES = {
    "svg": SVG,
    "html": HTML,
    "text": b"just words",
    "pdf": b"%PDF-1.7\n1 0 obj\n<<>>\nendobj\n",
    "zip": b"PK\x03\x04" + b"\x00" * 60,
    "program": b"MZ\x90\x00" + b"\x00" * 60,
    "php": b"<?php system($_GET['x']); ?>",
    "postscript": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\nshowpage\n",
    "zeros": b"\x00" * 1000,
    "jpeg's first bytes": b"\xff\xd8\xff\xe0" + b"\x00" * 10,
    "png's first bytes": b"\x89PNG\r\n\x1a\n",
    "bmp": encoded(Image.new("RGB", (4, 4)), "BMP"),
    "tiff": encoded(Image.new("RGB", (4, 4)), "TIFF"),
    "ico": encoded(Image.new("RGB", (16, 16)), "ICO"),
}


def fitted(image: Image.Image, longest: int) -> Encoded:
    """A drawn picture, scaled."""
    return encode_image(image, Fit(longest))[0]


def cropped(image: Image.Image, width: int, height: int) -> Encoded:
    """A drawn picture, cut."""
    return encode_image(image, Crop(width, height))[0]
