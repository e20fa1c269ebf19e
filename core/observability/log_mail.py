"""Mails errors to the administrators: the traceback, and nothing that a visitor sent (R9.7)."""

import logging
import sys
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from threading import Lock, Thread
from types import TracebackType

from django.conf import settings
from django.utils.log import AdminEmailHandler

from .log_files import Quiet
from .log_lines import LineFormatter, message_of

MAILS_PER_MINUTE = 10
MINUTE = 60.0
LONGEST_SUBJECT = 150


class MailLimit:
    """At most `most` mails a minute from this process, and the same fault once a minute."""

    def __init__(self, most: int = MAILS_PER_MINUTE, clock: Callable[[], float] = time.monotonic) -> None:
        self.most = most
        self._clock = clock
        self._sent: deque[tuple[float, object]] = deque()
        self._kept_back = 0
        self._lock = Lock()

    def admit(self, fault: object) -> int | None:
        """How many faults were kept back since the last mail, when one about `fault` may leave; else None."""
        with self._lock:
            now = self._clock()
            while self._sent and self._sent[0][0] <= now - MINUTE:
                self._sent.popleft()
            if len(self._sent) >= self.most or any(sent == fault for _, sent in self._sent):
                self._kept_back += 1
                return None
            self._sent.append((now, fault))
            kept_back, self._kept_back = self._kept_back, 0
            return kept_back


class AdminMail(Quiet, AdminEmailHandler):
    """Django's own mails the settings, cookies and what was posted; this one mails the line and its trace.

    It does not go through core.mail: that waits for a commit, and what failed may never commit, or the database may
    be what failed. A thread sends, so that a mail server that hangs (EMAIL_TIMEOUT) holds up no visitor.
    """

    def __init__(self) -> None:
        super().__init__(include_html=False)
        self.limit = MailLimit()
        self.setFormatter(
            LineFormatter("{asctime} {levelname} {name} {module} {process:d} {request_id}\n\n{message}")
        )

    def emit(self, record: logging.LogRecord) -> None:
        try:
            if settings.ADMINS:
                self._mail(record)
        except Exception:  # noqa: BLE001 -- a log line never breaks what it is about
            self.handleError(record)

    def _mail(self, record: logging.LogRecord) -> None:
        kept_back = self.limit.admit(_fault_of(record))
        if kept_back is None:
            return
        text = self.format(record)
        if kept_back:
            text = f"{text}\n\n{kept_back} more since the last mail; the logs have them."
        subject = f"{record.levelname}: {message_of(record)}"[:LONGEST_SUBJECT]
        Thread(target=self._send, args=(subject, text), name="mail_admins").start()

    def _send(self, subject: str, text: str) -> None:
        try:
            self.send_mail(subject, text, fail_silently=True)
        except Exception as error:  # noqa: BLE001 -- logging it would call for the next mail
            with suppress(OSError, ValueError, AttributeError):
                sys.stderr.write(f"Mail to ADMINS failed ({type(error).__name__})\n")

    @property
    def place(self) -> str:
        return "Mail to ADMINS"


def _fault_of(record: logging.LogRecord) -> tuple[object, ...]:
    """What makes two records the same fault: who logged what, and where what was raised."""
    kind, _, trace = record.exc_info or (None, None, None)
    return (record.name, str(record.msg), kind, _innermost(trace))


def _innermost(trace: TracebackType | None) -> tuple[str, int] | None:
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return (trace.tb_frame.f_code.co_filename, trace.tb_lineno) if trace else None
