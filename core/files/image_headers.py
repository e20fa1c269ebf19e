"""Reads the headers of picture files in bounded time, before a decoder parses them.

Decoders parse metadata in loops that a hostile file makes long: millions of empty segments, a comment of ten megabytes
that is joined byte by byte, a text that unpacks to gigabytes. Only the parts for pixels and colours are passed on.
"""

import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

END_OF_JPEG = b"\xff\xd9"
# A camera writes some twenty segments, a profile of 16 MB has 255.
MOST_SEGMENTS = 1000
# Progressive JPEGs have about ten; each is a pass over all pixels.
MOST_SCANS = 32
# PNG: 10 MB in pieces of 512 bytes.
MOST_CHUNKS = 20_000
MOST_BLOCKS = 50_000
# A colour profile, unpacked; an EXIF block. Larger ones are left out.
LARGEST_PROFILE = 1024 * 1024
LARGEST_EXIF = 64 * 1024

JPEG_METADATA_KEPT = {0xE0: b"JFIF", 0xE1: b"Exif\0\0", 0xE2: b"ICC_PROFILE\0", 0xEE: b"Adobe"}
PNG_KEPT = {b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS", b"sRGB", b"gAMA", b"cHRM"}


class UnreadableHeader(Exception):
    """The file is not a picture of an accepted format, or its structure is malformed or abusive."""


@dataclass(frozen=True)
class Header:
    """Format and size of a picture; `parts` are the slices of the file that decoding needs."""

    format: str
    width: int
    height: int
    parts: tuple[slice, ...]
    is_progressive: bool = False

    @property
    def pixels(self) -> int:
        return self.width * self.height

    def strip_metadata(self, data: bytes) -> bytes:
        """Return the file without the parts that decoding does not need."""
        return b"".join(data[part] for part in self.parts)


def read_header(data: bytes) -> Header:
    """Return the header of the picture file `data`. Raises UnreadableHeader."""
    for signature, reader in READERS.items():
        if data.startswith(signature):
            try:
                header = reader(data)
            except IndexError as error:
                raise UnreadableHeader("cut off") from error
            if not header.pixels:
                raise UnreadableHeader("no pixels")
            return header
    raise UnreadableHeader("unknown format")


def _read_jpeg(data: bytes) -> Header:
    parts, frame = [slice(0, 2)], None
    for code, offset, end in _iterate_segments(data):
        if code == 0xDA:
            mark = data.find(END_OF_JPEG, offset)
            scan = slice(offset, len(data) if mark < 0 else mark + 2)
            scans = data.count(b"\xff\xda", scan.start, scan.stop)
            if frame is None or scans > MOST_SCANS:
                raise UnreadableHeader("no frame, or too many scans")
            kind, width, height = frame
            # Unless it is baseline in one scan, decoders keep the coefficients of all pixels, and scale later.
            is_progressive = kind not in {0xC0, 0xC1} or scans > 1
            return Header("JPEG", width, height, (*parts, scan), is_progressive)
        if 0xC0 <= code <= 0xCF and code not in {0xC4, 0xC8, 0xCC}:
            if frame:
                break
            frame = (code, _read_number(data, offset + 7, 2), _read_number(data, offset + 5, 2))
        # Without comments, and without application data but orientation and colour profile.
        is_metadata = code == 0xFE or 0xE0 <= code <= 0xEF
        wanted = JPEG_METADATA_KEPT.get(code)
        if not is_metadata or (wanted is not None and data.startswith(wanted, offset + 4)):
            parts.append(slice(offset, end))
    raise UnreadableHeader("no scan, or two frames")


def _iterate_segments(data: bytes) -> Iterator[tuple[int, int, int]]:
    """Yield code, start and end of each segment of a JPEG, up to the end mark; skip bytes between segments."""
    offset = 2
    for _ in range(MOST_SEGMENTS):
        # The end of the data when no marker follows.
        offset = data.find(b"\xff", offset) % (len(data) + 1)
        code = data[offset + 1]
        if code == 0xFF:
            offset += 1
        elif code in {0x00, 0x01, *range(0xD0, 0xD9)}:
            offset += 2
        else:
            end = offset + 2 + _read_number(data, offset + 2, 2)
            if code == 0xD9 or end < offset + 4:
                return
            yield code, offset, end
            offset = end


def _read_png(data: bytes) -> Header:
    parts, offset, seen = [slice(0, 8)], 8, set[bytes]()
    if data[12:16] != b"IHDR":
        raise UnreadableHeader("no IHDR")
    for _chunk in range(MOST_CHUNKS):
        kind, end = data[offset + 4 : offset + 8], offset + 12 + _read_number(data, offset, 4)
        wanted = kind in PNG_KEPT
        if kind in {b"iCCP", b"eXIf"} and kind not in seen:
            wanted = _is_small_chunk(kind, data[offset + 8 : end - 4])
        seen.add(kind)
        if wanted and parts[-1].stop == offset:
            parts[-1] = slice(parts[-1].start, end)
        elif wanted:
            parts.append(slice(offset, end))
        offset = end
        if kind == b"IEND" or offset + 8 > len(data):
            return Header("PNG", _read_number(data, 16, 4), _read_number(data, 20, 4), tuple(parts))
    raise UnreadableHeader("too many chunks")


def _is_small_chunk(kind: bytes, content: bytes) -> bool:
    if kind == b"eXIf":
        return len(content) <= LARGEST_EXIF
    try:
        packed = content[content.index(b"\0") + 2 :]
        return len(zlib.decompressobj().decompress(packed, LARGEST_PROFILE + 1)) <= LARGEST_PROFILE
    except (ValueError, zlib.error):
        return False


def _read_gif(data: bytes) -> Header:
    """Read the header of a GIF's first picture, with its colours and transparency."""
    width, height = _read_number(data, 6, 2, "little"), _read_number(data, 8, 2, "little")
    flags = data[10]
    # A colour table follows the header where the highest bit is set.
    offset = 13 + (3 << ((flags & 7) + 1) if flags & 0x80 else 0)
    parts, control, blocks = [slice(0, offset)], None, 0
    while data[offset] == 0x21:
        begin, label = offset, data[offset + 1]
        offset += 2
        while length := data[offset]:
            offset, blocks = offset + 1 + length, blocks + 1
            if blocks > MOST_BLOCKS:
                raise UnreadableHeader("too many blocks")
        offset, blocks = offset + 1, blocks + 1
        if label == 0xF9:
            control = slice(begin, offset)
    if data[offset] != 0x2C:
        raise UnreadableHeader("no picture")
    left, top, wide, high = (_read_number(data, offset + 1 + 2 * n, 2, "little") for n in range(4))
    kept = (*parts, *([control] if control else []), slice(offset, len(data)))
    return Header("GIF", max(width, left + wide), max(height, top + high), kept)


def _read_webp(data: bytes) -> Header:
    kind, parts = data[12:16], (slice(0, len(data)),)
    if data[8:12] != b"WEBP":
        raise UnreadableHeader("no WebP")
    if kind == b"VP8X":
        width, height = (_read_number(data, offset, 3, "little") + 1 for offset in (24, 27))
        return Header("WEBP", width, height, parts)
    if kind == b"VP8L":
        bits = _read_number(data, 21, 4, "little")
        return Header("WEBP", (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1, parts)
    if kind == b"VP8 ":
        width, height = (_read_number(data, offset, 2, "little") & 0x3FFF for offset in (26, 28))
        return Header("WEBP", width, height, parts)
    raise UnreadableHeader("no WebP")


def _read_number(data: bytes, offset: int, length: int, order: str = "big") -> int:
    """Return the unsigned number in `length` bytes. Raises IndexError past the end."""
    if offset + length > len(data):
        raise IndexError(offset)
    return int.from_bytes(data[offset : offset + length], "little" if order == "little" else "big")


READERS: dict[bytes, Callable[[bytes], Header]] = {
    b"\xff\xd8\xff": _read_jpeg,
    b"\x89PNG\r\n\x1a\n": _read_png,
    b"GIF87a": _read_gif,
    b"GIF89a": _read_gif,
    b"RIFF": _read_webp,
}
