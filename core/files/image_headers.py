"""Reads what a picture file says of itself, in bounded time, before a decoder sees it.

Decoders parse metadata in loops that a hostile file makes long: millions of empty segments, a comment of ten
megabytes that is joined byte by byte, a text that unpacks to gigabytes. Only what pixels and colours need is passed on.
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

PNG_KEPT = {b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS", b"sRGB", b"gAMA", b"cHRM"}


class UnreadableHeader(Exception):
    """The file is no picture of an accepted format, or is built in a way that no honest program builds it."""


@dataclass(frozen=True)
class Header:
    """Format and size of a picture; `parts` are the places in the file that decoding needs."""

    format: str
    width: int
    height: int
    parts: tuple[slice, ...]
    is_progressive: bool = False

    @property
    def pixels(self) -> int:
        return self.width * self.height

    def lean(self, data: bytes) -> bytes:
        """The file without the parts that decoding does not need."""
        return b"".join(data[part] for part in self.parts)


def read_header(data: bytes) -> Header:
    """The header of the picture file `data`. Raises UnreadableHeader."""
    for beginning, reader in READERS.items():
        if data.startswith(beginning):
            try:
                header = reader(data)
            except IndexError as error:
                raise UnreadableHeader("cut off") from error
            if not header.pixels:
                raise UnreadableHeader("no pixels")
            return header
    raise UnreadableHeader("unknown format")


def _jpeg(data: bytes) -> Header:
    parts, frame = [slice(0, 2)], None
    for code, place, end in _segments(data):
        if code == 0xDA:
            return _jpeg_of(data, place, parts, frame)
        if 0xC0 <= code <= 0xCF and code not in {0xC4, 0xC8, 0xCC}:
            if frame:
                break
            frame = (code, _number(data, place + 7, 2), _number(data, place + 5, 2))
        if _is_needed(code, data[place + 4 : place + 18]):
            parts.append(slice(place, end))
    raise UnreadableHeader("no scan, or two frames")


def _segments(data: bytes) -> Iterator[tuple[int, int, int]]:
    """Code, beginning and end of each segment of a JPEG, up to the end mark; bytes between them are passed over."""
    place = 2
    for _step in range(MOST_SEGMENTS):
        # Where no mark follows: the end.
        place = data.find(b"\xff", place) % (len(data) + 1)
        code = data[place + 1]
        if code == 0xFF:
            place += 1
        elif code in {0x00, 0x01, *range(0xD0, 0xD9)}:
            place += 2
        else:
            end = place + 2 + _number(data, place + 2, 2)
            if code == 0xD9 or end < place + 4:
                return
            yield code, place, end
            place = end


def _jpeg_of(data: bytes, scan: int, parts: list[slice], frame: tuple[int, int, int] | None) -> Header:
    end = data.find(END_OF_JPEG, scan)
    end = len(data) if end < 0 else end + 2
    scans = data.count(b"\xff\xda", scan, end)
    if frame is None or scans > MOST_SCANS:
        raise UnreadableHeader("no frame, or too many scans")
    code, width, height = frame
    # Others than baseline in one scan keep the coefficients of all pixels in memory, and shrink only afterwards.
    is_progressive = code not in {0xC0, 0xC1} or scans > 1
    return Header("JPEG", width, height, (*parts, slice(scan, end)), is_progressive)


def _is_needed(code: int, beginning: bytes) -> bool:
    """Whether a JPEG segment is a table, the frame, the orientation, or a colour profile."""
    if code == 0xFE or 0xE0 <= code <= 0xEF:
        wanted = {0xE0: b"JFIF", 0xE1: b"Exif\0\0", 0xE2: b"ICC_PROFILE\0", 0xEE: b"Adobe"}.get(code)
        return wanted is not None and beginning.startswith(wanted)
    return True


def _png(data: bytes) -> Header:
    parts, place, seen = [slice(0, 8)], 8, set[bytes]()
    if data[12:16] != b"IHDR":
        raise UnreadableHeader("no IHDR")
    for _chunk in range(MOST_CHUNKS):
        kind, end = data[place + 4 : place + 8], place + 12 + _number(data, place, 4)
        wanted = kind in PNG_KEPT
        if kind in {b"iCCP", b"eXIf"} and kind not in seen:
            wanted = _is_small(kind, data[place + 8 : end - 4])
        seen.add(kind)
        if wanted and parts[-1].stop == place:
            parts[-1] = slice(parts[-1].start, end)
        elif wanted:
            parts.append(slice(place, end))
        place = end
        if kind == b"IEND" or place + 8 > len(data):
            return Header("PNG", _number(data, 16, 4), _number(data, 20, 4), tuple(parts))
    raise UnreadableHeader("too many chunks")


def _is_small(kind: bytes, content: bytes) -> bool:
    if kind == b"eXIf":
        return len(content) <= LARGEST_EXIF
    try:
        packed = content[content.index(b"\0") + 2 :]
        return len(zlib.decompressobj().decompress(packed, LARGEST_PROFILE + 1)) <= LARGEST_PROFILE
    except (ValueError, zlib.error):
        return False


def _gif(data: bytes) -> Header:
    """The first picture of a GIF, with what its colours and its transparency need."""
    width, height = _number(data, 6, 2, "little"), _number(data, 8, 2, "little")
    place = 13 + _colours(data[10])
    parts, control, blocks = [slice(0, place)], None, 0
    while data[place] == 0x21:
        begin, label = place, data[place + 1]
        place += 2
        while length := data[place]:
            place, blocks = place + 1 + length, blocks + 1
            if blocks > MOST_BLOCKS:
                raise UnreadableHeader("too many blocks")
        place, blocks = place + 1, blocks + 1
        if label == 0xF9:
            control = slice(begin, place)
    if data[place] != 0x2C:
        raise UnreadableHeader("no picture")
    left, top, wide, high = (_number(data, place + 1 + 2 * n, 2, "little") for n in range(4))
    kept = (*parts, *([control] if control else []), slice(place, len(data)))
    return Header("GIF", max(width, left + wide), max(height, top + high), kept)


def _colours(flags: int) -> int:
    """The bytes of the colour table that follows these flags."""
    return 3 << ((flags & 7) + 1) if flags & 0x80 else 0


def _webp(data: bytes) -> Header:
    kind, whole = data[12:16], (slice(0, len(data)),)
    if data[8:12] != b"WEBP":
        raise UnreadableHeader("no WebP")
    if kind == b"VP8X":
        return Header("WEBP", _number(data, 24, 3, "little") + 1, _number(data, 27, 3, "little") + 1, whole)
    if kind == b"VP8L":
        bits = _number(data, 21, 4, "little")
        return Header("WEBP", (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1, whole)
    if kind == b"VP8 ":
        width, height = (_number(data, place, 2, "little") & 0x3FFF for place in (26, 28))
        return Header("WEBP", width, height, whole)
    raise UnreadableHeader("no WebP")


def _number(data: bytes, place: int, length: int, order: str = "big") -> int:
    """The unsigned number in `length` bytes. Raises IndexError past the end."""
    if place + length > len(data):
        raise IndexError(place)
    return int.from_bytes(data[place : place + length], "little" if order == "little" else "big")


READERS: dict[bytes, Callable[[bytes], Header]] = {
    b"\xff\xd8\xff": _jpeg,
    b"\x89PNG\r\n\x1a\n": _png,
    b"GIF87a": _gif,
    b"GIF89a": _gif,
    b"RIFF": _webp,
}
