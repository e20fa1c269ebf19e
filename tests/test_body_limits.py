"""How much may be sent where: every address, every kind of body, with and without a length, and nginx beside it."""

import logging
import re
from collections.abc import Iterator
from io import BytesIO
from typing import Any

import pytest
from django.conf import settings
from django.http import HttpResponseBase
from django.test import Client
from django.urls import resolve
from django.utils import timezone

from scripts.nginx import SITE_CONFIG
from users.models import User

from .cast import client_of, make_member
from .sample_urls import list_sample_urls

pytestmark = pytest.mark.django_db

FORM = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data; boundary=limit"
# Batches of mail providers, with the limit of other forms.
JSON_ADDRESSES = {"mail_reports_mailgun", "mail_reports_sendgrid"}
FILE_ADDRESSES = {"feed:publish", "users:photo", "users:cover", "messaging:send"}


def fields(size: int) -> bytes:
    return b"text=" + b"x" * (size - 5)


def multipart(size: int, *, name: str = "unknown") -> bytes:
    head = f'--limit\r\nContent-Disposition: form-data; name="{name}"; filename="a.bin"\r\n\r\n'.encode()
    return head + b"x" * (size - len(head) - 13) + b"\r\n--limit--\r\n"


UPLOADS_OF_MEMBERS = {(name, "multipart", "member") for name in FILE_ADDRESSES}
BODIES = {
    "form": (FORM, fields(settings.REQUEST_MAX_FORM + 1)),
    "nothing known": ("image/png", fields(settings.REQUEST_MAX_FORM + 1)),
    "JSON": ("application/json; charset=utf-8", b"[" * (settings.REQUEST_MAX_JSON + 1)),
    "multipart": (MULTIPART, multipart(settings.REQUEST_MAX_FORM + 1)),
}


class Unread:
    """A body that nobody may touch."""

    def read(self, *size: int) -> bytes:
        raise AssertionError("the body was read")

    readline = read


def unread(content_type: str, size: int) -> dict[str, Any]:
    """What a request without content lacks in the test client, and a body that says to be of this size."""
    return {"CONTENT_TYPE": content_type, "CONTENT_LENGTH": str(size), "wsgi.input": Unread()}


def post(
    client: Client, path: str, content_type: str, body: bytes, *, way: str = "in full"
) -> HttpResponseBase:
    """A POST; perhaps without a length, as gunicorn hands it over, or such as breaks when its body is read."""
    extra: dict[str, Any] = {}
    if way == "chunked":
        extra = {
            "CONTENT_LENGTH": "",
            "HTTP_TRANSFER_ENCODING": "chunked",
            "wsgi.input": BytesIO(body),
            "wsgi.input_terminated": True,
        }
    elif way == "unread":
        extra, body = unread(content_type, len(body)), b""
    return client.generic("POST", path, body, content_type, **extra)


@pytest.fixture
def _quiet() -> Iterator[None]:
    """A thousand refusals write nothing down."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


def visitors(member: User) -> dict[str, Client]:
    """Those who are not signed in in some way, and a member."""
    forged, suspended = Client(), client_of(make_member("sam", suspended_at=timezone.now()))
    forged.cookies[settings.SESSION_COOKIE_NAME] = "a" * 32
    return {"anonymous": Client(), "forged": forged, "suspended": suspended, "member": client_of(member)}


@pytest.mark.usefixtures("_quiet")
@pytest.mark.parametrize("way", ["unread", "chunked"])
def test_every_address_refuses_what_is_too_large_unless_a_member_uploads(alice: User, way: str) -> None:
    clients = visitors(alice)
    addresses = list_sample_urls()
    found = {
        (name, kind, visitor): post(client, path, *body, way=way).status_code
        for name, path in addresses.items()
        for kind, body in BODIES.items()
        if (name, kind) not in {(address, "JSON") for address in JSON_ADDRESSES}
        for visitor, client in clients.items()
        if (visitor in {"anonymous", "member"} or name in FILE_ADDRESSES)
        and (name, kind, visitor) not in UPLOADS_OF_MEMBERS
    }
    large = ("application/json", b"[" * (settings.REQUEST_MAX_FORM + 1))
    for name in JSON_ADDRESSES:
        answer = post(clients["anonymous"], addresses[name], *large, way=way)
        found[name, "large JSON", "anonymous"] = answer.status_code
    assert {case: status for case, status in found.items() if status != 413} == {}
    assert len(addresses) > 150


def test_members_upload_at_addresses_that_take_files(alice: User) -> None:
    addresses, member = list_sample_urls(), client_of(alice)
    for name, kind, _visitor in UPLOADS_OF_MEMBERS:
        for way in ("in full", "chunked"):
            answer = post(member, addresses[name], *BODIES[kind], way=way)
            assert answer.status_code in {404, 422}, (name, way)


@pytest.mark.parametrize("way", ["in full", "chunked"])
def test_what_is_just_small_enough_is_taken(alice: User, way: str) -> None:
    body = fields(settings.REQUEST_MAX_FORM)
    found = {
        visitor: post(client, "/accounts/login/", FORM, body, way=way).status_code
        for visitor, client in visitors(alice).items()
    }
    assert found == {"anonymous": 200, "forged": 200, "suspended": 200, "member": 302}


def test_a_form_without_a_length_is_read_like_any_other(alice: User) -> None:
    answer = post(client_of(alice), "/posts/", FORM, b"text=Hello&audience=1", way="chunked")
    assert answer.status_code == 302


def test_a_body_with_a_length_is_refused_before_the_token_is_judged() -> None:
    client = Client(enforce_csrf_checks=True)
    for size in (settings.REQUEST_MAX_FORM + 1, settings.REQUEST_MAX_BODY + 1, 10**30):
        for content_type in (FORM, MULTIPART):
            answer = client.generic("POST", "/posts/", b"", **unread(content_type, size))
            assert answer.status_code == 413


def test_no_member_may_send_more_than_the_largest_upload(alice: User) -> None:
    client = client_of(alice)
    answer = client.generic("POST", "/posts/", b"", **unread(MULTIPART, settings.REQUEST_MAX_BODY + 1))
    assert answer.status_code == 413


def test_a_refusal_has_the_headers_of_every_page(client: Client) -> None:
    answer = post(client, "/accounts/login/", *BODIES["form"])
    page = client.get("/accounts/login/")
    assert {"X-Request-ID", "Content-Security-Policy", "X-Frame-Options"} <= set(answer.headers)
    assert (
        answer["Content-Security-Policy"].partition("'nonce")[0]
        == page["Content-Security-Policy"].partition("'nonce")[0]
    )


# -- Within an upload ---------------------------------------------------------------------------
def part(headers: bytes, content: bytes = b"") -> bytes:
    return b"--limit\r\n" + headers + b"\r\n\r\n" + content + b"\r\n"


NAMED = b'Content-Disposition: form-data; name="%s"'
LARGE = 2 * settings.REQUEST_MAX_FORM
UPLOADS = {
    "a field that is large": part(NAMED % b"text", b"x" * LARGE),
    "a name that is large": part(NAMED % (b"n" * LARGE), b"x"),
    "headers that are large": part(NAMED % b"text" + b"\r\nX-Filler: " + b"x" * LARGE),
    "a part without a name": part(b"X-Nothing: 1", b"x" * LARGE),
    "a file without a name": part(NAMED % b"images" + b'; filename=""', b"x" * LARGE),
    "words before the first part": b"x" * LARGE + b"\r\n" + part(NAMED % b"text", b"x"),
    "a file of blanks in base64": part(
        NAMED % b"images" + b'; filename="a"\r\nContent-Transfer-Encoding: base64', b" " * LARGE
    ),
    "many parts without a name": part(b"X-Nothing: 1") * 2000,
    "many fields": part(NAMED % b"text", b"x") * 2000,
    "many files": part(NAMED % b"images" + b'; filename="a"', b"x") * 2000,
    "many files without a name": part(NAMED % b"images" + b'; filename=""', b"x") * 2000,
}


def test_beside_its_files_an_upload_is_bounded_too(alice: User) -> None:
    """Django itself bounds named fields and named files, but no headers and no parts without a name."""
    client = client_of(alice)
    found = {
        what: post(client, "/posts/", MULTIPART, body + b"--limit--\r\n").status_code
        for what, body in UPLOADS.items()
    }
    assert {what: status for what, status in found.items() if status not in {400, 413}} == {}


def test_files_do_not_count_as_fields(alice: User) -> None:
    body = part(NAMED % b"text", b"Hello") + part(NAMED % b"audience", b"1")
    body += part(NAMED % b"document" + b'; filename="a.pdf"', b"%PDF-1.4\n" + b"x" * LARGE)
    assert post(client_of(alice), "/posts/", MULTIPART, body + b"--limit--\r\n").status_code == 302


def test_a_form_has_few_fields(client: Client) -> None:
    assert post(client, "/accounts/login/", FORM, b"a=&" * 600).status_code == 400


# -- nginx ---------------------------------------------------------------------------------------
def nginx_location_of_uploads() -> str:
    """The regular expression of the one location of nginx that takes large bodies."""
    text = SITE_CONFIG.read_text()
    megabytes = settings.REQUEST_MAX_BODY // 2**20
    (found,) = re.findall(rf"location ~ (\S+) \{{\n +client_max_body_size {megabytes}m;", text)
    return str(found)


def test_views_that_take_files_are_those_that_nginx_knows() -> None:
    pattern = re.compile(nginx_location_of_uploads())
    addresses = list_sample_urls()
    of_nginx = {name for name, path in addresses.items() if pattern.search(path)}
    of_linkup = {
        name for name, path in addresses.items() if getattr(resolve(path).func, "accepts_files", False)
    }
    assert of_nginx == of_linkup == FILE_ADDRESSES


def test_everywhere_else_nginx_takes_what_linkup_takes() -> None:
    sizes = re.findall(r"client_max_body_size (\w+);", SITE_CONFIG.read_text())
    assert sizes.count("128m") == 1
    assert set(sizes) - {"128m"} <= {"1m", "1k"}
    assert (settings.REQUEST_MAX_BODY, settings.REQUEST_MAX_FORM) == (128 * 2**20, 2**20)
