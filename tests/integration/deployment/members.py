"""What members do, by the pages alone."""

import io

from django.test.client import BOUNDARY, MULTIPART_CONTENT, encode_multipart
from PIL import Image

from scripts.visitor import Response, Visitor
from tests.e2e.mailbox import Mailbox, link_in

PASSWORD = "a long sentence of the tests"


class Upload(io.BytesIO):
    """A file of a form."""

    def __init__(self, name: str, content: bytes, kind: str) -> None:
        super().__init__(content)
        self.name = name
        self.content_type = kind


def photo() -> Upload:
    """A JPEG as a camera would make it."""
    out = io.BytesIO()
    Image.new("RGB", (900, 600), "teal").save(out, "JPEG")
    return Upload("harbour.jpg", out.getvalue(), "image/jpeg")


def join(newcomer: Visitor, mailbox: Mailbox, name: str) -> None:
    """Sign up and confirm the address that the mail goes to."""
    address = f"{name}@example.org"
    signed_up = newcomer.submit_form(
        "/accounts/signup/", name=name.title(), username=name, email=address, password1=PASSWORD
    )
    assert signed_up.status == 302, signed_up.text[:2000]
    link = link_in(mailbox.wait_for(address), "/confirm-email/")
    assert link.startswith(newcomer.site.origin)
    assert newcomer.submit_form(link.removeprefix(newcomer.site.origin)).status == 302


def send_form(member: Visitor, form: str, path: str, **fields: object) -> Response:
    """Send a form of the page `form` to `path`, files among its fields or not."""
    body = encode_multipart(BOUNDARY, {"csrfmiddlewaretoken": member.get_csrf_token(form), **fields})
    headers = {"Content-Type": MULTIPART_CONTENT, "Referer": member.site.origin + form}
    return member.send_request("POST", path, body, headers)
