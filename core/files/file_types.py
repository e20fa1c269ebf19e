"""Detects file types by content and accepts only known, harmless ones, each with the right extension.

Content types of downloads come from a fixed table: /etc/mime.types differs between servers.
"""

import codecs
import io
import re
import struct
import zipfile
from pathlib import PurePath

# Text formats cannot be told apart by content: the name decides between these, anything else is plain text.
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
# These are recognised by their first line, whatever their name is.
TEXTS_BY_CONTENT = {"BEGIN:VCALENDAR": "ics", "BEGIN:VCARD": "vcf"}
OPEN_DOCUMENT = {
    f"application/vnd.oasis.opendocument.{kind}": extension
    for kind, extension in {
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
    **{extension: content_type for content_type, extension in OPEN_DOCUMENT.items()},
    "pdf": "application/pdf",
    "rtf": "application/rtf",
    "zip": "application/zip",
    "docx": f"{_OFFICE}.wordprocessingml.document",
    "xlsx": f"{_OFFICE}.spreadsheetml.sheet",
    "pptx": f"{_OFFICE}.presentationml.presentation",
    "webp": "image/webp",
}
DOWNLOAD = "application/octet-stream"
# Content that a browser or a shell may execute, whatever the name of the file.
RUNS = re.compile(r"\s*(#!|%!PS|<\?|<!|<(?:html|head|body|script|svg|iframe|x?ml|template)\b)", re.IGNORECASE)
CONTROLS = re.compile(r"[\x00-\x08\x0b\x0e-\x1f\x7f]")
# Where a PDF may begin, as PDF readers accept it, and where its end mark is expected.
PDF, PDF_BEGINS_WITHIN, PDF_ENDS_WITHIN = b"%PDF-", 1024, 2048

# Office documents are archives; their folders show the kind.
OOXML = {"word/": "docx", "xl/": "xlsx", "ppt/": "pptx"}
MACROS = "vbaproject.bin"
# Archives made by people have shorter directories; longer ones are not read.
LONGEST_CONTENTS = 512 * 1024
LONGEST_TYPE = 100
# Compression methods of which Python unpacks only the requested bytes. Of the others it unpacks whole blocks, whatever
# length the archive declares: 300 bytes of bzip2 are 450 MB.
READABLE_PACKINGS = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}
END_OF_ARCHIVE, END_LENGTH, LONGEST_COMMENT = b"PK\x05\x06", 22, 65_535


def content_type_of(name: str) -> str:
    """Return the content type for the extension of `name`, or that of unknown bytes."""
    return CONTENT_TYPES.get(_file_extension(name), DOWNLOAD)


def kind_of(data: bytes, name: str) -> str | None:
    """Return the extension for the content `data`, or None for a type that is not accepted.

    `name` only decides between kinds of plain text. Nothing in the content is executed, unpacked or followed.
    """
    if data.startswith(b"PK\x03\x04"):
        return _kind_of_archive(data)
    if is_pdf(data, name):
        return "pdf"
    if data.startswith(b"{\\rtf"):
        return "rtf"
    # A text may begin with the signature of another type: "BM" starts a bitmap as well as a price list.
    # UTF-8, UTF-16 with a byte order mark, or a single-byte encoding (cp1252, latin-1) without control characters.
    try:
        is_utf_16 = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
        text = data.decode("utf-16" if is_utf_16 else "utf-8-sig")
    except UnicodeDecodeError:
        text = data.removeprefix(codecs.BOM_UTF8).decode("latin-1")
    if CONTROLS.search(text) or RUNS.match(text):
        return None
    first_line = text[:200].lstrip().upper()
    for signature, extension in TEXTS_BY_CONTENT.items():
        if first_line.startswith(signature):
            return extension
    extension = _file_extension(name)
    return extension if extension in TEXTS and extension not in TEXTS_BY_CONTENT.values() else "txt"


def is_pdf(data: bytes, name: str) -> bool:
    """Return whether PDF readers accept it: `%PDF-` occurs within the first 1,024 bytes.

    When other bytes come first, the name or the end mark must confirm it: a text or an archive may quote the signature.
    """
    if data.startswith(PDF):
        return True
    if PDF not in data[: PDF_BEGINS_WITHIN + len(PDF) - 1] or data.startswith(b"PK\x03\x04"):
        return False
    if RUNS.match(data[:PDF_BEGINS_WITHIN].decode("latin-1")):
        return False
    return _file_extension(name) == "pdf" or b"%%EOF" in data[-PDF_ENDS_WITHIN:]


def _file_extension(name: str) -> str:
    return PurePath(name).suffix.lower().lstrip(".")


def _kind_of_archive(data: bytes) -> str | None:
    """Return the kind of office document, or "zip"; None for documents with macros and unreadable archives."""
    # An archive ends with a directory, which must be short enough to read.
    end = data.rfind(END_OF_ARCHIVE, max(len(data) - END_LENGTH - LONGEST_COMMENT, 0))
    is_whole = 0 <= end <= len(data) - END_LENGTH
    if not is_whole or struct.unpack_from("<L", data, end + 12)[0] > LONGEST_CONTENTS:
        return None
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            names = [name.lower() for name in archive.namelist()]
            if any(name.endswith(MACROS) for name in names):
                return None
            kinds = {kind for folder, kind in OOXML.items() if any(name.startswith(folder) for name in names)}
            if "[content_types].xml" in names and len(kinds) == 1:
                return kinds.pop()
            if "mimetype" in archive.namelist():
                # The kind that an OpenDocument declares in this short file.
                entry = archive.getinfo("mimetype")
                if entry.file_size <= LONGEST_TYPE and entry.compress_type in READABLE_PACKINGS:
                    with archive.open(entry) as file:
                        declared = file.read(LONGEST_TYPE).decode("ascii", "replace").strip()
                    return OPEN_DOCUMENT.get(declared, "zip")
            return "zip"
    except (zipfile.BadZipFile, ValueError, NotImplementedError, RuntimeError, EOFError, OSError):
        return None
