"""Makes the file names of uploads safe to show and to use in downloads."""

from pathlib import PurePath

from .cleaning import clean_line

LONGEST_NAME = 100


def printable_name(name: str) -> str:
    """Return the name for error messages: one printable line with the extension, without folders."""
    last = PurePath(name.replace("\\", "/")).name[:255]
    return clean_line("".join(char for char in last if char.isprintable())) or "file"


def safe_name(name: str, kind: str) -> str:
    """Return `name` without folders and invisible characters, with the extension `kind`, up to 100 characters."""
    stem = safe_stem(name)[: LONGEST_NAME - len(kind) - 1].strip()
    return f"{stem or 'file'}.{kind}"


def safe_stem(name: str) -> str:
    """Return the name in one printable line, without folders and extension; "" when nothing is left."""
    last = PurePath(name.replace("\\", "/")).name
    printable = "".join(char for char in clean_line(last) if char.isprintable())
    return clean_line(PurePath(printable).stem.strip(". "))[:LONGEST_NAME]
