"""Receives the mail that a mail server has put into a Maildir."""

import fcntl
import logging
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from errno import ENOENT
from pathlib import Path
from stat import S_ISREG

from .outcomes import NO_SUCH_ADDRESS, TRY_LATER, Outcome
from .receive import MAX_BYTES, check_recipient, receive_message

logger = logging.getLogger(__name__)

# Added by mail servers at the top of the message when they deliver it (Postfix, Exim, qmail).
RECIPIENT_HEADERS = re.compile(
    rb"^(?:X-Original-To|Delivered-To|Envelope-To):[ \t]*<?([^\s<>]{3,254})>?[ \t]*\r?$",
    re.MULTILINE | re.IGNORECASE,
)
HEAD = 32 * 1024
# A read message, as mail programs mark it.
SEEN = ":2,S"


def receive_maildir(path: Path, recipient: str = "") -> dict[str, int]:
    """Receive each message of `new/`, move it to `cur/`, and return how many were accepted, refused and left.

    A message stays in `new/` when it should be tried again later. Without `recipient`, it is the first valid address
    in the headers that the mail server has added. While another process receives the same Maildir, nothing happens.
    Raises FileNotFoundError when `path` is no Maildir.
    """
    counts = {"accepted": 0, "refused": 0, "left": 0}
    if not (path / "cur").is_dir():
        raise FileNotFoundError(ENOENT, os.strerror(ENOENT), str(path / "cur"))
    with _only_process(path / "new") as is_only:
        for file in sorted((path / "new").glob("[!.]*")) if is_only else ():
            outcome = _receive_file(file, recipient)
            if outcome is None or outcome.is_temporary:
                counts["left"] += 1
                continue
            counts["accepted" if outcome.is_accepted else "refused"] += 1
            file.rename(path / "cur" / f"{file.name.partition(':')[0]}{SEEN}")
    return counts


@contextmanager
def _only_process(folder: Path) -> Iterator[bool]:
    """Lock the folder, and yield whether no other process has it."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        yield False
    else:
        yield True
    finally:
        os.close(descriptor)


def _receive_file(path: Path, recipient: str) -> Outcome | None:
    """Receive one file; None when it is no message that can be read."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        with os.fdopen(descriptor, "rb") as file:
            if not S_ISREG(os.fstat(descriptor).st_mode):
                return None
            content = file.read(MAX_BYTES + 1)
    except OSError as error:
        logger.warning("a message of the Maildir cannot be opened: %s", error.strerror)
        return TRY_LATER
    return receive_message(recipient=recipient or _find_recipient(content) or "", content=content)


def _find_recipient(content: bytes) -> str | None:
    """Return the first address of the delivery headers that this server has signed, else the first one."""
    head = re.split(rb"\r?\n\r?\n", content[:HEAD], maxsplit=1)[0]
    found = [match.decode("ascii", "replace") for match in RECIPIENT_HEADERS.findall(head)[:10]]
    valid = (address for address in found if check_recipient(address) is not NO_SUCH_ADDRESS)
    return next(valid, found[0] if found else None)
