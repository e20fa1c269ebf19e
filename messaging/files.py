"""What a file is, told by its content: only what is known and harmless to keep passes, under a name of its own kind."""

import io
import re
import struct
import zipfile
from pathlib import PurePath

import filetype

from core.text import clean_line

LONGEST_NAME = 100
# Texts differ by their use alone: a name may say which of these one is, anything else is plain text.
TEXTS = ("txt", "csv", "md", "ics")
# What a browser or a shell would rather run than read, however the file is called.
RUNS = re.compile(r"\s*(#!|%!PS|<\?|<!|<(?:html|head|body|script|svg|iframe|x?ml|template)\b)", re.IGNORECASE)
CONTROLS = re.compile(r"[\x00-\x08\x0b\x0e-\x1f\x7f]")

# Offices' files are archives: what lies in them tells which.
OOXML = {"word/": "docx", "xl/": "xlsx", "ppt/": "pptx"}
MACROS = "vbaproject.bin"
OPEN_DOCUMENT = {
    b"application/vnd.oasis.opendocument.text": "odt",
    b"application/vnd.oasis.opendocument.spreadsheet": "ods",
    b"application/vnd.oasis.opendocument.presentation": "odp",
}
# The list of contents of an archive that somebody packed by hand is shorter; a longer one is not read.
LONGEST_CONTENTS = 512 * 1024
END_OF_ARCHIVE, END_LENGTH, LONGEST_COMMENT = b"PK\x05\x06", 22, 65_535


def kind_of(data: bytes, name: str) -> str | None:
    """The ending that belongs to the content `data`, or None for what is not taken.

    `name` decides between kinds of plain text alone. Nothing in the content is run, unpacked or followed.
    """
    guess = filetype.guess(data[:8192])
    if guess is not None and guess.extension in {"pdf", "rtf"}:
        return str(guess.extension)
    if data.startswith(b"PK\x03\x04"):
        return _kind_of_archive(data)
    # The first letters of a text may be those of another kind: "BM" begins a bitmap as well as a price list.
    return _kind_of_text(data, name)


def safe_name(name: str, kind: str) -> str:
    """`name` without folders, invisible characters and its own ending, then the ending `kind`: up to 100 characters."""
    stem = safe_stem(name)[: LONGEST_NAME - len(kind) - 1].strip()
    return f"{stem or 'file'}.{kind}"


def safe_stem(name: str) -> str:
    """What a file is called, in one printable line, without folders and ending; "" where nothing is left."""
    last = PurePath(name.replace("\\", "/")).name
    printable = "".join(char for char in clean_line(last) if char.isprintable())
    return clean_line(PurePath(printable).stem.strip(". "))[:LONGEST_NAME]


def _kind_of_text(data: bytes, name: str) -> str | None:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return None
    if CONTROLS.search(text) or RUNS.match(text):
        return None
    if text.lstrip().upper().startswith("BEGIN:VCALENDAR"):
        return "ics"
    ending = PurePath(name).suffix.lower().lstrip(".")
    return ending if ending in TEXTS and ending != "ics" else "txt"


def _kind_of_archive(data: bytes) -> str | None:
    """The kind of office document, or "zip"; None where a document holds macros, or nothing can be read at all."""
    if not _is_listed(data):
        return None
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            names = [name.lower() for name in archive.namelist()]
            if any(name.endswith(MACROS) for name in names):
                return None
            kinds = {kind for folder, kind in OOXML.items() if any(name.startswith(folder) for name in names)}
            if "[content_types].xml" in names and len(kinds) == 1:
                return kinds.pop()
            return _open_document(archive) or "zip"
    except (zipfile.BadZipFile, ValueError, NotImplementedError, RuntimeError, EOFError, OSError):
        return None


def _open_document(archive: zipfile.ZipFile) -> str | None:
    """The kind that an OpenDocument says it is, in its first file, which is not packed."""
    first = archive.infolist()[0] if archive.infolist() else None
    if first is None or first.filename != "mimetype" or first.compress_type != zipfile.ZIP_STORED:
        return None
    with archive.open(first) as said:
        return OPEN_DOCUMENT.get(said.read(100))


def _is_listed(data: bytes) -> bool:
    """Whether the archive has a list of contents, of a length that can be read at once."""
    end = data.rfind(END_OF_ARCHIVE, max(len(data) - END_LENGTH - LONGEST_COMMENT, 0))
    if end < 0 or end + END_LENGTH > len(data):
        return False
    (length,) = struct.unpack_from("<L", data, end + 12)
    return bool(length <= LONGEST_CONTENTS)
