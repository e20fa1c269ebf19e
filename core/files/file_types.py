"""What a file is, told by its content: only what is known and harmless to keep passes, under a name of its own kind.

The types in which files are handed out are a table of ours: /etc/mime.types differs from server to server.
"""

import codecs
import io
import re
import struct
import zipfile
from pathlib import PurePath

# Texts differ by their use alone: a name may say which of these one is, anything else is plain text.
TEXTS = {
    "txt": "text/plain",
    "log": "text/plain",
    "md": "text/markdown",
    "rst": "text/plain",
    "csv": "text/csv",
    "tsv": "text/tab-separated-values",
    "json": "application/json",
    "geojson": "application/geo+json",
    "yaml": "application/yaml",
    "yml": "application/yaml",
    "toml": "application/toml",
    "tex": "application/x-tex",
    "bib": "application/x-bibtex",
    "srt": "application/x-subrip",
    "po": "text/plain",
    "ics": "text/calendar",
    "vcf": "text/vcard",
}
# These say themselves what they are, whatever their name is.
TEXTS_BY_CONTENT = {"BEGIN:VCALENDAR": "ics", "BEGIN:VCARD": "vcf"}
OPEN_DOCUMENT = {
    f"application/vnd.oasis.opendocument.{kind}": ending
    for kind, ending in {
        "text": "odt",
        "text-template": "ott",
        "spreadsheet": "ods",
        "spreadsheet-template": "ots",
        "presentation": "odp",
        "presentation-template": "otp",
        "graphics": "odg",
    }.items()
}
_OFFICE = "application/vnd.openxmlformats-officedocument"
CONTENT_TYPES = {
    **TEXTS,
    **{ending: content_type for content_type, ending in OPEN_DOCUMENT.items()},
    "pdf": "application/pdf",
    "rtf": "application/rtf",
    "zip": "application/zip",
    "docx": f"{_OFFICE}.wordprocessingml.document",
    "xlsx": f"{_OFFICE}.spreadsheetml.sheet",
    "pptx": f"{_OFFICE}.presentationml.presentation",
    "webp": "image/webp",
}
DOWNLOAD = "application/octet-stream"
# What a browser or a shell would rather run than read, however the file is called.
RUNS = re.compile(r"\s*(#!|%!PS|<\?|<!|<(?:html|head|body|script|svg|iframe|x?ml|template)\b)", re.IGNORECASE)
CONTROLS = re.compile(r"[\x00-\x08\x0b\x0e-\x1f\x7f]")
# Where a PDF may begin, by the readers' own rule, and where it says that it ends.
PDF, PDF_BEGINS_WITHIN, PDF_ENDS_WITHIN = b"%PDF-", 1024, 2048

# Offices' files are archives: what lies in them tells which.
OOXML = {"word/": "docx", "xl/": "xlsx", "ppt/": "pptx"}
MACROS = "vbaproject.bin"
# The list of contents of an archive that somebody packed by hand is shorter; a longer one is not read.
LONGEST_CONTENTS = 512 * 1024
LONGEST_TYPE = 100
# Those of which Python unpacks as much as it is asked for. Of the others it unpacks whole blocks, whatever the archive
# says about their length: 300 bytes of bzip2 are 450 MB.
READABLE_PACKINGS = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}
END_OF_ARCHIVE, END_LENGTH, LONGEST_COMMENT = b"PK\x05\x06", 22, 65_535


def content_type_of(name: str) -> str:
    """The type in which the file `name` is handed out: that of its ending, or bytes of no known kind."""
    return CONTENT_TYPES.get(_ending(name), DOWNLOAD)


def kind_of(data: bytes, name: str) -> str | None:
    """The ending that belongs to the content `data`, or None for what is not taken.

    `name` decides between kinds of plain text alone. Nothing in the content is run, unpacked or followed.
    """
    if data.startswith(b"PK\x03\x04"):
        return _kind_of_archive(data)
    if is_pdf(data, name):
        return "pdf"
    if data.startswith(b"{\\rtf"):
        return "rtf"
    # The first letters of a text may be those of another kind: "BM" begins a bitmap as well as a price list.
    return _kind_of_text(data, name)


def is_pdf(data: bytes, name: str) -> bool:
    """Whether readers take it for a PDF: `%PDF-` stands within the first 1,024 bytes.

    Where other bytes come first, the name or the end must say so as well: a text or an archive may quote these letters.
    """
    if data.startswith(PDF):
        return True
    if PDF not in data[: PDF_BEGINS_WITHIN + len(PDF) - 1] or data.startswith(b"PK\x03\x04"):
        return False
    if RUNS.match(data[:PDF_BEGINS_WITHIN].decode("latin-1")):
        return False
    return _ending(name) == "pdf" or b"%%EOF" in data[-PDF_ENDS_WITHIN:]


def _ending(name: str) -> str:
    return PurePath(name).suffix.lower().lstrip(".")


def _kind_of_text(data: bytes, name: str) -> str | None:
    text = _read_text(data)
    if CONTROLS.search(text) or RUNS.match(text):
        return None
    beginning = text[:200].lstrip().upper()
    for words, ending in TEXTS_BY_CONTENT.items():
        if beginning.startswith(words):
            return ending
    ending = _ending(name)
    return ending if ending in TEXTS and ending not in TEXTS_BY_CONTENT.values() else "txt"


def _read_text(data: bytes) -> str:
    """The words of a text in UTF-8, in UTF-16 with its mark, or in an encoding of one byte a letter (cp1252, latin-1
    and their kin, which are told from other files by having no control characters)."""
    try:
        if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            return data.decode("utf-16")
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.removeprefix(codecs.BOM_UTF8).decode("latin-1")


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
    """The kind that an OpenDocument says it is, in a short file called `mimetype`, wherever that lies."""
    if "mimetype" not in archive.namelist():
        return None
    entry = archive.getinfo("mimetype")
    if entry.file_size > LONGEST_TYPE or entry.compress_type not in READABLE_PACKINGS:
        return None
    with archive.open(entry) as said:
        return OPEN_DOCUMENT.get(said.read(LONGEST_TYPE).decode("ascii", "replace").strip())


def _is_listed(data: bytes) -> bool:
    """Whether the archive has a list of contents, of a length that can be read at once."""
    end = data.rfind(END_OF_ARCHIVE, max(len(data) - END_LENGTH - LONGEST_COMMENT, 0))
    if end < 0 or end + END_LENGTH > len(data):
        return False
    (length,) = struct.unpack_from("<L", data, end + 12)
    return bool(length <= LONGEST_CONTENTS)
