"""Builds replies as mail programs write them: transfer encodings, charsets, parts, and the quotation of our mail."""

import base64
import quopri
from functools import cache
from html import escape
from types import SimpleNamespace

from core.mail import render_mail
from notifications.mailing import TEMPLATE, MailItem
from notifications.replies.cutting import MARK

ADDRESS = "reply+5d2qaaba4wq3jv7kzc3yhx2m6o4rlf@reply.example.org"
SENDER = f"LinkUp <{ADDRESS}>"
EXCERPT = (
    "I think that we should meet in the morning, since the room is taken from noon on and the train leaves at four. "
    "What do you think?"
)


@cache
def original(*, is_marked: bool = True) -> tuple[str, str]:
    """The text and the HTML of the mail that is answered."""
    link = "http://localhost:8000/notifications/12/"
    item = MailItem(
        text="Bob commented on your post",
        html="<strong>Bob</strong> commented on your post",
        excerpt=EXCERPT,
        url=link,
        action_label="Read the comment",
    )
    context = {
        "member": SimpleNamespace(display_name="Alice"),
        "reply_mark": MARK if is_marked else "",
        "items": [item],
        "subject": "Bob commented on your post",
        "preview": EXCERPT,
        "count": 1,
        "kind": "Comments",
        "stop_url": f"{link}stop/",
        "page_url": f"{link}page/",
        "preferences_url": f"{link}preferences/",
    }
    _subject, text, html = render_mail(TEMPLATE, context)
    return text, html


def quoted(text: str = "", *, first: int | None = None, last: int | None = None) -> str:
    """Lines of our mail, or of `text`, behind ">"."""
    lines = (text or original()[0]).splitlines()[first:last]
    return "\n".join(f">{line}" if line.startswith(">") or not line else f"> {line}" for line in lines)


def mail(
    body: str,
    *,
    kind: str = "plain",
    charset: str = "utf-8",
    codec: str = "",
    encoding: str = "8bit",
    parameters: str = "",
) -> bytes:
    """A mail of one part; `codec` encodes it where the charset that it names is another."""
    data = body.replace("\n", "\r\n").encode(codec or charset or "utf-8")
    if encoding == "base64":
        data = base64.encodebytes(data)
    elif encoding == "quoted-printable":
        data = quopri.encodestring(data)
    named = f"; charset={charset}" if charset else ""
    head = (
        "From: Alice <alice@example.org>\r\nTo: LinkUp\r\nSubject: Re: Bob commented on your post\r\n"
        f"Message-ID: <a1@example.org>\r\nMIME-Version: 1.0\r\nContent-Type: text/{kind}{named}{parameters}\r\n"
        f"Content-Transfer-Encoding: {encoding}\r\n\r\n"
    )
    return head.encode() + data


def alternative(text: bytes, html: bytes) -> bytes:
    """A mail with both parts, each made by `mail`."""
    parts = [part[part.index(b"MIME-Version") :].partition(b"\r\n")[2] for part in (text, html)]
    head = (
        text[: text.index(b"Content-Type")] + b'Content-Type: multipart/alternative; boundary="=_x1"\r\n\r\n'
    )
    return head + b"".join(b"--=_x1\r\n" + part + b"\r\n" for part in parts) + b"--=_x1--\r\n"


def html_body(words: str, quotation: str) -> str:
    """HTML of a reply: lines as <div>, then the quotation."""
    lines = "".join(f"<div>{escape(line) or '<br>'}</div>" for line in words.split("\n"))
    style = "<style>p{margin:0cm;font-family:Calibri}</style>"
    return f"<html><head>{style}</head><body>{lines}{quotation}</body></html>"


def inner_html() -> str:
    """The body of our HTML mail."""
    html = original()[1]
    return html[html.index(">", html.index("<body")) + 1 : html.index("</body>")]
