"""Reports of failed delivery and complaints, as mail servers and providers write them."""

import base64
from collections.abc import Sequence

from core.bounces.envelope import envelope_sender

DOMAIN = "bounce.example.org"


def failure_report(
    address: str,
    *,
    status: str = "5.1.1",
    action: str = "failed",
    diagnostic: str = "smtp; 550 5.1.1 no such user",
    original: str = "",
    encoding: str = "",
) -> bytes:
    """A report by RFC 3464 about one recipient."""
    lines = [f"Final-Recipient: rfc822; {address}", f"Action: {action}", f"Status: {status}"]
    if original:
        lines.insert(0, f"Original-Recipient: rfc822;{original}")
    if diagnostic:
        lines.append(f"Diagnostic-Code: {diagnostic}")
    fields = "Reporting-MTA: dns; mx.example.net\n\n" + "\n".join(lines) + "\n"
    head = "Content-Type: message/delivery-status\n"
    if encoding == "base64":
        head += "Content-Transfer-Encoding: base64\n"
        fields = base64.encodebytes(fields.encode()).decode()
    return multipart("delivery-status", f"{head}\n{fields}")


def complaint(address: str, *, sender: str = "", kind: str = "abuse") -> bytes:
    """A complaint by RFC 5965 about a mail with this envelope sender."""
    fields = [f"Feedback-Type: {kind}", "Version: 1", f"Original-Rcpt-To: <{address}>"]
    if sender:
        fields.append(f"Original-Mail-From: <{sender}>")
    return multipart(
        "feedback-report", "Content-Type: message/feedback-report\n\n" + "\n".join(fields) + "\n"
    )


def multipart(kind: str, part: str, texts: Sequence[str] = ("The mail could not be delivered.",)) -> bytes:
    """A multipart/report with a text, the part for programs and the headers of the returned message."""
    first = "".join(f"--b\nContent-Type: text/plain\n\n{text}\n" for text in texts)
    returned = "Content-Type: message/rfc822\n\nFrom: net@example.org\nSubject: hello\n\ntext\n"
    head = f'Content-Type: multipart/report; report-type={kind}; boundary="b"'
    return (
        f"From: postmaster@example.net\nSubject: Report\nMIME-Version: 1.0\n{head}\n\n"
        f"{first}--b\n{part}\n--b\n{returned}\n--b--\n"
    ).encode()


def sender_for(address: str) -> str:
    """The envelope sender of mail to `address`."""
    return envelope_sender(address)
