"""Every mail of the product as a real SMTP server receives it: headers, parts, sizes, styles and links."""

import re
from collections.abc import Iterator
from email.message import EmailMessage
from html.parser import HTMLParser
from itertools import pairwise

import pytest
from django.core.cache import cache
from django.test import override_settings

from core.mail import MailClass
from core.mail_headers import LONGEST_SUBJECT, class_of_mail
from core.tests.mail_server import MailServer, mail_server
from tests.cases import all_cases
from tests.mail_samples import sample_senders
from users.models import User

pytestmark = [pytest.mark.both, pytest.mark.django_db(transaction=True)]

LARGEST_HTML = 30 * 1024
LINK = re.compile(r"https?://[^\s<>\"]+")
# Between the elements of the body; what mail programs drop or distrust.
UNWANTED = re.compile(r"<(img|script|iframe|form|link|object)\b|url\(|@import|javascript:", re.IGNORECASE)
# Styled elements with a class, such as a link without its colour, would be blue on dark green.
UNSTYLED = re.compile(
    r'<(?:a|p|td)\b(?=[^>]*class="(?:link|ink|muted|card|button|on-button|foot)\b)(?![^>]*style=)'
)


class Words(HTMLParser):
    """The text of the body that is shown, and the preview that is hidden."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.shown: list[str] = []
        self.preview: list[str] = []
        self._target = self.shown
        self.feed(html.partition("<body")[2].partition(">")[2])

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if "preview" in (dict(attrs).get("class") or "").split():
            self._target = self.preview

    def handle_endtag(self, tag: str) -> None:
        if tag == "div":
            self._target = self.shown

    def handle_data(self, data: str) -> None:
        self._target.append(data)


@pytest.fixture
def server() -> Iterator[MailServer]:
    with mail_server() as running:
        yield running


def part_of(message: EmailMessage, subtype: str) -> str:
    """The text of one part."""
    part = message.get_body((subtype,))
    assert part
    return str(part.get_content())


def check_envelope(message: EmailMessage, mail_class: MailClass) -> None:
    assert not message.defects
    assert [address.display_name for address in message["From"].addresses] == ["Alumni, Köln"]
    assert len(message["To"].addresses) == 1
    assert message["Message-ID"].strip().endswith("@network.example.org>")
    assert message["Auto-Submitted"] in {"auto-generated", "auto-replied"}
    assert 0 < len(message["Subject"]) <= LONGEST_SUBJECT
    assert ("List-Unsubscribe" in message) == (mail_class is not MailClass.TRANSACTIONAL)
    assert message.get_content_type() == "multipart/alternative"
    assert [part.get_content_type() for part in message.iter_parts()] == ["text/plain", "text/html"]


def check_html(html: str, subject: str) -> None:
    assert len(html.encode()) <= LARGEST_HTML
    assert re.search(r'<html lang="en" dir="ltr"', html)
    assert f"<title>{subject}</title>" in html
    head, _sep, body = html.partition("</head>")
    assert '<meta name="color-scheme" content="light dark">' in head
    assert re.findall(r"<style>(@media \(prefers-color-scheme: ?dark\))", head)
    assert "<style" not in body
    assert not UNWANTED.search(body)
    assert not UNSTYLED.search(body)
    assert "{{" not in html
    assert "{%" not in html
    words = Words(html)
    assert "".join(words.preview).partition("\u034f")[0].strip()
    assert "Alumni Köln" in "".join(words.shown)


def check_text(text: str, html: str) -> None:
    """Each link of the text stands below a line that says what it opens, and is a link of the HTML part, too."""
    lines = [line for line in text.splitlines() if line.strip()]
    for before, line in pairwise(lines):
        if LINK.fullmatch(line):
            assert before.endswith(":"), before
    links = LINK.findall(text)
    assert links
    assert set(links) <= {link.replace("&amp;", "&") for link in re.findall(r'href="([^"]*)"', html)}
    assert "<" not in text
    assert "Alumni Köln" in text


def test_each_mail_arrives_whole_and_readable(server: MailServer, alice: User, charlie: User) -> None:
    with (
        override_settings(
            SITE_URL="https://network.example.org",
            NETWORK_NAME="Alumni Köln",
            DEFAULT_FROM_EMAIL='"Alumni, Köln" <net@example.org>',
            MAIL_ENVELOPE_SENDER="bounces@example.org",
            REPLY_DOMAIN="reply.example.org",
        ),
        all_cases() as case,
    ):
        for template, senders in sample_senders(alice, charlie).items():
            for number, send in enumerate(senders):
                cache.clear()  # the limits of mail to one mailbox
                server.messages.clear()
                send()
                (message,) = [sent for sent in server.messages if charlie.email not in str(sent["To"])]
                with case(f"{template} {number}"):
                    html = part_of(message, "html")
                    check_envelope(message, class_of_mail(template))
                    # Where one encoded word fills the line, it is on the next one: Python keeps the blank before it.
                    check_html(html, str(message["Subject"]).strip())
                    check_text(part_of(message, "plain"), html)
    assert set(server.senders) == {"bounces@example.org"}
