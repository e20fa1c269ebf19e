"""Mails errors to the administrators, with the traceback but without data of the request (R9.7)."""

import logging
import sys
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from threading import Lock, Thread

from django.conf import settings
from django.core.mail import EmailMessage, get_connection
from django.utils.log import AdminEmailHandler

from ..mail_headers import AUTOMATIC
from .log_files import QuietHandler
from .log_lines import LineFormatter, message_of

MAILS_PER_MINUTE = 10
MINUTE = 60.0
LONGEST_SUBJECT = 150


class MailLimit:
    """Allows `most` mails a minute from this process, and one a minute for the same error."""

    def __init__(self, most: int = MAILS_PER_MINUTE, clock: Callable[[], float] = time.monotonic) -> None:
        self.most = most
        self._clock = clock
        self._sent: deque[tuple[float, object]] = deque()
        self._suppressed = 0
        self._lock = Lock()

    def admit_mail(self, error_key: object) -> int | None:
        """Return how many errors were suppressed since the last mail; None when this one is suppressed, too."""
        with self._lock:
            now = self._clock()
            while self._sent and self._sent[0][0] <= now - MINUTE:
                self._sent.popleft()
            if len(self._sent) >= self.most or any(sent == error_key for _, sent in self._sent):
                self._suppressed += 1
                return None
            self._sent.append((now, error_key))
            suppressed, self._suppressed = self._suppressed, 0
            return suppressed


def send_to_admins(subject: str, text: str) -> None:
    """Send a mail to ADMINS now, as one that needs no automatic reply (RFC 3834); errors of the server are ignored."""
    EmailMessage(
        f"{settings.EMAIL_SUBJECT_PREFIX}{subject}",
        text,
        settings.SERVER_EMAIL,
        [address for _name, address in map(tuple, settings.ADMINS)],
        connection=get_connection(fail_silently=True),
        headers=AUTOMATIC,
    ).send(fail_silently=True)


class AdminMail(QuietHandler, AdminEmailHandler):
    """Mails the log line and its trace, without the settings, cookies and form data that Django's handler includes.

    It does not use core.mail, which waits for a commit: the transaction, or the database itself, may have failed. A
    thread sends the mail, so that a hanging mail server (EMAIL_TIMEOUT) delays no request.
    """

    def __init__(self) -> None:
        super().__init__(include_html=False)
        self.limit = MailLimit()
        self.setFormatter(
            LineFormatter("{asctime} {levelname} {name} {module} {process:d} {request_id}\n\n{message}")
        )

    def emit(self, record: logging.LogRecord) -> None:
        def send_or_report() -> None:
            try:
                send_to_admins(subject, text)
            except Exception as error:  # noqa: BLE001 -- logging it would send the next mail
                with suppress(OSError, ValueError, AttributeError):
                    sys.stderr.write(f"Mail to ADMINS failed ({type(error).__name__})\n")

        try:
            # Two records of the same error share logger, message, and where which exception was raised.
            kind, _, trace = record.exc_info or (None, None, None)
            while trace is not None and trace.tb_next is not None:
                trace = trace.tb_next
            raised_at = (trace.tb_frame.f_code.co_filename, trace.tb_lineno) if trace else None
            error_key = (record.name, str(record.msg), kind, raised_at)
            suppressed = self.limit.admit_mail(error_key) if settings.ADMINS else None
            if suppressed is None:
                return
            text = self.format(record)
            if suppressed:
                text = f"{text}\n\n{suppressed} more since the last mail; see the logs."
            subject = f"{record.levelname}: {message_of(record)}"[:LONGEST_SUBJECT]
            Thread(target=send_or_report, name="mail_admins").start()
        except Exception:  # noqa: BLE001 -- a log line never breaks its caller
            self.handleError(record)

    @property
    def target_name(self) -> str:
        return "Mail to ADMINS"
