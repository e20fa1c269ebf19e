"""Names of files as senders wrote them, made safe to show and to hand out."""

from pathlib import PurePath

from .cleaning import clean_line

LONGEST_NAME = 100


def whole_name(name: str) -> str:
    """How refusals call a file: its name with its ending, in one printable line without folders."""
    last = PurePath(name.replace("\\", "/")).name[:255]
    return clean_line("".join(char for char in last if char.isprintable())) or "file"


def safe_name(name: str, kind: str) -> str:
    """`name` without folders, invisible characters and its own ending, then the ending `kind`: up to 100 characters."""
    stem = safe_stem(name)[: LONGEST_NAME - len(kind) - 1].strip()
    return f"{stem or 'file'}.{kind}"


def safe_stem(name: str) -> str:
    """What a file is called, in one printable line, without folders and ending; "" where nothing is left."""
    last = PurePath(name.replace("\\", "/")).name
    printable = "".join(char for char in clean_line(last) if char.isprintable())
    return clean_line(PurePath(printable).stem.strip(". "))[:LONGEST_NAME]
