"""Receives the site's mail for real: an SMTP server of the test's own."""

import re
import time
from email import message_from_bytes, policy
from email.message import EmailMessage
from threading import Condition
from typing import Any

from aiosmtpd.controller import Controller

from scripts.servers import find_free_port

LINK = re.compile(r"https?://[^\s<>\"')\]]+")


class Mailbox:
    """Every message that the site sent, in the order of arrival."""

    def __init__(self, port: int = 0) -> None:
        self.messages: list[EmailMessage] = []
        self._arrived = Condition()
        self._controller = Controller(self, hostname="127.0.0.1", port=port or find_free_port())

    @property
    def port(self) -> int:
        """Where the mail server listens."""
        return int(self._controller.port)

    def start(self) -> None:
        """Begin to listen."""
        self._controller.start()

    def stop(self) -> None:
        """Stop listening."""
        self._controller.stop()

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802 -- aiosmtpd's name
        """Take one message in."""
        message = message_from_bytes(envelope.content, policy=policy.default)
        message["X-Envelope-To"] = ", ".join(envelope.rcpt_tos)
        message["X-Envelope-From"] = envelope.mail_from
        with self._arrived:
            self.messages.append(message)
            self._arrived.notify_all()
        return "250 OK"

    def sent_to(self, address: str) -> list[EmailMessage]:
        """What has arrived for this address so far."""
        wanted = address.lower()
        return [m for m in self.messages if wanted in str(m["X-Envelope-To"]).lower().split(", ")]

    def wait_for(
        self, address: str, *, subject: str = "", count: int = 1, seconds: float = 10
    ) -> EmailMessage:
        """The newest message to `address` whose subject contains `subject`, once there are `count` of them."""
        deadline = time.monotonic() + seconds
        with self._arrived:
            while True:
                found = [m for m in self.sent_to(address) if subject.lower() in str(m["Subject"]).lower()]
                if len(found) >= count:
                    return found[-1]
                left = deadline - time.monotonic()
                if left <= 0:
                    seen = [(str(m["X-Envelope-To"]), str(m["Subject"])) for m in self.messages]
                    raise AssertionError(f"No such mail to {address} in {seconds} s. Arrived: {seen}")
                self._arrived.wait(left)


def text_of(message: EmailMessage) -> str:
    """The plain text of a message."""
    body = message.get_body(("plain", "html"))
    return str(body.get_content()) if body else ""


def links_in(message: EmailMessage, containing: str = "") -> list[str]:
    """The addresses in a message's text, those that contain `containing`."""
    return [link.rstrip(".,") for link in LINK.findall(text_of(message)) if containing in link]


def link_in(message: EmailMessage, containing: str = "") -> str:
    """The first such address; an AssertionError when there is none."""
    links = links_in(message, containing)
    assert links, f"No link with {containing!r} in:\n{text_of(message)}"
    return links[0]
