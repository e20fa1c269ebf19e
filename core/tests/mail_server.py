"""A real SMTP server whose answers a test chooses."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage
from threading import Event
from typing import Any

from aiosmtpd.controller import Controller
from django.test import override_settings

from scripts.servers import find_free_port

OK = "250 OK"


class MailServer:
    """Responds to each command as configured; stores the subjects of accepted mail, and waits in DATA while `held`."""

    def __init__(self) -> None:
        self.to_sender = self.to_recipient = self.to_data = OK
        # Recipients at whose name the server drops the connection.
        self.hangs_up_at: set[str] = set()
        self.subjects: list[str] = []
        self.message_ids: list[str] = []
        self.recipients: list[str] = []
        self.messages: list[EmailMessage] = []
        self.contents: list[bytes] = []
        # The senders of envelopes, and the Message-ID of each message that was offered, accepted or not.
        self.senders: list[str] = []
        self.offered_ids: list[str] = []
        self.reached = Event()
        self.released = Event()
        self.released.set()

    def hold(self) -> None:
        """From now on take no message until `released` is set; `reached` says that one has come."""
        self.released.clear()
        self.reached.clear()

    async def handle_MAIL(  # noqa: N802 -- aiosmtpd's name
        self, server: Any, session: Any, envelope: Any, address: str, options: list[str]
    ) -> str:
        """The answer to MAIL FROM."""
        if self.to_sender == OK:
            envelope.mail_from = address
        return self.to_sender

    async def handle_RCPT(  # noqa: N802
        self, server: Any, session: Any, envelope: Any, address: str, options: list[str]
    ) -> str:
        """The answer to RCPT TO."""
        if address in self.hangs_up_at:
            server.transport.close()
        if self.to_recipient == OK:
            envelope.rcpt_tos.append(address)
        return self.to_recipient

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        """The answer to the message itself."""
        self.reached.set()
        await asyncio.get_running_loop().run_in_executor(None, self.released.wait)
        message = message_from_bytes(envelope.content, policy=policy.default)
        self.senders.append(envelope.mail_from)
        self.offered_ids.append(str(message["Message-ID"]))
        if self.to_data == OK:
            self.messages.append(message)
            self.contents.append(envelope.original_content)
            self.subjects.append(str(message["Subject"]))
            self.message_ids.append(str(message["Message-ID"]))
            self.recipients += envelope.rcpt_tos
        return self.to_data


@contextmanager
def mail_server() -> Iterator[MailServer]:
    """A mail server for the time of the block, and settings that send to it."""
    server = MailServer()
    controller = Controller(server, hostname="127.0.0.1", port=find_free_port())
    controller.start()
    try:
        with mail_goes_to(controller.port):
            yield server
    finally:
        server.released.set()
        controller.stop()


def mail_goes_to(port: int) -> override_settings:
    """Settings that hand mail to this port by SMTP."""
    backend = "django.core.mail.backends.smtp.EmailBackend"
    return override_settings(EMAIL_BACKEND=backend, EMAIL_HOST="127.0.0.1", EMAIL_PORT=port, EMAIL_TIMEOUT=5)
