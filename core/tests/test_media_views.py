"""Uploads over HTTP: what is shown, what is only handed out, and what is not there for anybody."""

import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.http import Http404, HttpRequest, HttpResponseBase
from django.test import Client, RequestFactory, override_settings

from core.files.storage import is_public
from core.web.media.views import deliver_file
from tests.cases import all_cases

from . import pictures
from .broken_disk import on_a_broken_disk

# The end of an answer looks after the connections to the database.
pytestmark = pytest.mark.django_db

PICTURE = b"RIFF" + bytes(range(256)) * 10
ACCEL = "/protected-media/"


@pytest.fixture(autouse=True)
def gzip() -> Iterator[None]:
    """As in production, where pages are compressed."""
    middleware = ["core.web.compression.CompressionMiddleware", *settings.MIDDLEWARE]
    with override_settings(MIDDLEWARE=middleware):
        yield


def stored(name: str, data: bytes = PICTURE) -> str:
    """Return the URL of a new file in a separate folder."""
    return settings.MEDIA_URL + default_storage.save(f"{uuid.uuid4().hex}/{name}", ContentFile(data))


def body_of(response: HttpResponseBase) -> bytes:
    body = b"".join(response)
    response.close()
    return body


def test_a_picture_of_ours_is_shown_uncompressed_and_for_looking_only() -> None:
    with all_cases() as case:
        for method, body in [("get", PICTURE), ("head", b"")]:
            with case(method):
                response = getattr(Client(), method)(stored("a.webp"))
                assert (response.status_code, body_of(response)) == (200, body)
                assert response["Content-Type"] == "image/webp"
                assert "Content-Disposition" not in response
                assert response["Content-Length"] == str(len(PICTURE))
                assert response["Cache-Control"] == "public, max-age=604800, immutable"
        for method in ["post", "put", "delete", "patch"]:
            with case(method):
                client = Client()
                assert getattr(client, method)(stored("a.webp")).status_code == 405
        for accepted in ["gzip", "gzip, br", "*"]:
            with case(accepted):
                client = Client()
                response = client.get(stored("a.webp", b"\0" * 5000), headers={"Accept-Encoding": accepted})
                assert "Content-Encoding" not in response
                assert (response["Content-Length"], len(body_of(response))) == ("5000", 5000)


KINDS = {
    "page.html": pictures.HTML,
    "page.xhtml": pictures.HTML,
    "drawing.svg": pictures.SVG,
    "script.js": b"alert(1)",
    "style.css": b"*{}",
    "paper.pdf": b"%PDF-1.7",
    "photo.jpg": pictures.jpeg(),
    "photo.WEBP": PICTURE,
    "archive.webp.html": pictures.HTML,
    "nothing": b"words",
}


def test_anything_else_is_a_download_without_a_type_and_nothing_can_run() -> None:
    with all_cases() as case:
        for name, data in KINDS.items():
            with case(name):
                client = Client()
                response = client.get(stored(name, data))
                assert body_of(response) == data
                assert response["Content-Type"] == "application/octet-stream"
                assert response["Content-Disposition"] == "attachment"
        for name in ["a.webp", "page.html"]:
            with case(name):
                client = Client()
                response = client.get(stored(name, pictures.HTML))
                body_of(response)
                assert response["X-Content-Type-Options"] == "nosniff"
                assert (
                    response["Content-Security-Policy"]
                    == "default-src 'none'; frame-ancestors 'none'; sandbox"
                )
                assert response["Cross-Origin-Resource-Policy"] == "same-origin"


def test_what_the_browser_has_is_not_sent_again_and_a_part_of_another_version_is_the_whole(
    client: Client,
) -> None:
    with all_cases() as case:
        with case("what the browser has is not sent again"):
            address = stored("a.webp")
            first = client.get(address)
            body_of(first)
            for header in ({"If-None-Match": first["ETag"]}, {"If-Modified-Since": first["Last-Modified"]}):
                again = client.get(address, headers=header)
                assert (again.status_code, body_of(again)) == (304, b"")
            other = client.get(address, headers={"If-None-Match": '"other"'})
            assert (other.status_code, body_of(other)) == (200, PICTURE)
        with case("a part of another version gets the whole"):
            address = stored("a.webp")
            whole = client.get(address, headers={"Range": "bytes=0-3", "If-Range": '"former"'})
            assert (whole.status_code, body_of(whole)) == (200, PICTURE)
            part = client.get(address, headers={"Range": "bytes=0-3", "If-Range": whole["ETag"]})
            assert (part.status_code, body_of(part)) == (206, b"RIFF")


LAST = len(PICTURE) - 1
# Of a Range: the first and the last byte of the answer.
PARTS = {
    "bytes=0-0": (0, 0),
    "bytes=10-19": (10, 19),
    "bytes=100-": (100, LAST),
    "bytes=-5": (LAST - 4, LAST),
    "bytes=0-999999": (0, LAST),
    "bytes=-999999": (0, LAST),
    "bytes = 3 - 4": (3, 4),
}
BEYOND_THE_END = (f"bytes={LAST + 1}-", "bytes=-0", "bytes=99999-999999")
NO_PARTS = (
    "bytes=0-1,5-6",
    "bytes=5-3",
    "bytes=a-b",
    "bytes=",
    "lines=1-2",
    "bytes=--1",
    "0-5",
    "bytes=1e3-",
    "bytes=²-",
)


def test_a_part_is_sent_when_a_part_is_asked_for() -> None:
    def answer(asked: str) -> Any:
        return Client().get(stored("a.webp"), headers={"Range": asked, "Accept-Encoding": "gzip"})

    with all_cases() as case:
        for asked, (start, end) in PARTS.items():
            with case(asked):
                response = answer(asked)
                assert (response.status_code, body_of(response)) == (206, PICTURE[start : end + 1])
                assert response["Content-Range"] == f"bytes {start}-{end}/{len(PICTURE)}"
                assert response["Content-Length"] == str(end - start + 1)
        for asked in BEYOND_THE_END:
            with case(asked):
                response = answer(asked)
                assert (response.status_code, response["Content-Range"]) == (416, f"bytes */{len(PICTURE)}")
        for asked in NO_PARTS:
            with case(asked):
                response = answer(asked)
                assert (response.status_code, body_of(response)) == (200, PICTURE)


SAME_AS_PRIVATE = ("PRIVATE", "Private", "\uff50rivate", "privat\u200be")


@pytest.fixture
def private() -> str:
    return default_storage.save(f"private/{uuid.uuid4().hex}/cv.pdf", ContentFile(b"%PDF-1.7 secret"))


def test_what_is_no_public_file_of_ours_is_not_there(client: Client, private: str) -> None:
    (Path(settings.MEDIA_ROOT) / "shown").mkdir(parents=True, exist_ok=True)
    (Path(settings.MEDIA_ROOT) / "shown" / ".secret.webp").write_bytes(PICTURE)
    below = private.removeprefix("private")
    cases = [
        "",
        "nowhere.webp",
        "photos",
        "photos/",
        "../manage.py",
        "photos/../../manage.py",
        "..%2f..%2fmanage.py",
        "%2e%2e/%2e%2e/etc/passwd",
        "/etc/passwd",
        "//etc/passwd",
        "..\\manage.py",
        "a.webp/",
        "./a.webp",
        "x" * 300 + ".webp",
        ("x/" * 3000) + "a.webp",
        "%ff%fe.webp",
        "a\u202e.webp",
        "\ud83d\ude00.webp".encode("utf-16", "surrogatepass").decode("utf-16"),
        "shown/.secret.webp",
        *(f"{before}{private}" for before in ("", "./", "a/../", "/", "%2e/")),
        *(f"{folder}{below}" for folder in SAME_AS_PRIVATE),
    ]
    with all_cases() as case:
        for path in cases:
            with case(path[:60].encode()):
                assert client.get(settings.MEDIA_URL + path).status_code == 404
        # On this disk these are other folders; on another they may be the same.
        for folder in SAME_AS_PRIVATE:
            with case(folder.encode()):
                assert not is_public(f"{folder}{below}")


def test_a_disk_that_fails_is_no_file_that_is_not_there(client: Client) -> None:
    # A 404 would be believed by everybody, and looked at by nobody.
    with on_a_broken_disk:
        address, name = stored("broken.webp"), default_storage.save("private/broken.pdf", ContentFile(b"x"))
        with pytest.raises(OSError, match="Input/output error"):
            client.get(address)
        with pytest.raises(OSError, match="Input/output error"):
            deliver_file(request(), name, filename="cv.pdf")


# -- Private files, after the view that asked for them has let the viewer pass -------------------


def request(**headers: str) -> HttpRequest:
    return RequestFactory().get("/somewhere/", headers=headers)


SAFE = {"X-Content-Type-Options": "nosniff"}
PDF = {"Content-Type": "application/pdf", "Cache-Control": "private, no-store", **SAFE}
WEBP = {"Content-Type": "image/webp", "Cache-Control": "private, no-cache", **SAFE}


def test_a_private_file_is_a_download_and_a_private_picture_is_shown_in_its_page(
    private: str, picture: str
) -> None:
    as_pdf = {**PDF, "Content-Disposition": 'attachment; filename="My CV.pdf"'}
    as_webp = {**WEBP, "Content-Disposition": 'inline; filename="Harbour.webp"'}
    cases: dict[str, tuple[str, str, int, bytes, dict[str, str]]] = {
        "a download": ("", "", 200, b"%PDF-1.7 secret", as_pdf),
        "a part": ("", "bytes=0-3", 206, b"%PDF", as_pdf),
        "sent by nginx": (ACCEL, "", 200, b"", {**as_pdf, "X-Accel-Redirect": f"{ACCEL}{private}"}),
        "a picture": ("", "", 200, PICTURE, as_webp),
        "a picture by nginx": (ACCEL, "", 200, b"", {**as_webp, "X-Accel-Redirect": f"{ACCEL}{picture}"}),
    }
    with all_cases() as case:
        for what, (prefix, part, status, body, headers) in cases.items():
            with case(what), override_settings(MEDIA_ACCEL_PREFIX=prefix):
                asked = request(Range=part) if part else request()
                if "picture" in what:
                    response = deliver_file(asked, picture, filename="Harbour.webp", shown=True)
                else:
                    response = deliver_file(asked, private, filename="My CV.pdf")
                assert (response.status_code, body_of(response)) == (status, body)
                assert {name: response[name] for name in headers} == headers
                assert "sandbox" in response["Content-Security-Policy"] or prefix


def test_a_private_file_has_a_harmless_name_exists_and_is_shown_only_as_our_own_picture(private: str) -> None:
    with all_cases() as case:
        for filename in ['a"; filename="x.html', "a\r\nSet-Cookie: x=y.pdf", "\u202efdp.exe", "é😀.pdf"]:
            with case(filename.encode()):
                response = deliver_file(request(), private, filename=filename, content_type="application/pdf")
                body_of(response)
                assert response["Content-Disposition"].startswith("attachment; filename")
                assert "\n" not in response["Content-Disposition"]
                assert not response.has_header("Set-Cookie")
        for prefix in ["", ACCEL]:
            with case(prefix), override_settings(MEDIA_ACCEL_PREFIX=prefix), pytest.raises(Http404):
                deliver_file(request(), "private/gone.pdf", filename="gone.pdf")
        for kind in ["text/html", "image/svg+xml", "application/pdf", ""]:
            with case(kind), pytest.raises(ValueError, match="never shown"):
                deliver_file(request(), private, filename="page.html", content_type=kind, shown=True)


# -- Private pictures, which are shown in pages --------------------------------------------------


@pytest.fixture
def picture() -> str:
    return default_storage.save(f"private/{uuid.uuid4().hex}/a.webp", ContentFile(PICTURE))


def test_a_browser_that_has_the_picture_asks_whether_it_still_may_show_it(picture: str) -> None:
    response = deliver_file(request(), picture, filename="a.webp", shown=True)
    body_of(response)
    assert response["Cache-Control"] == "private, no-cache"
    again = deliver_file(
        request(**{"If-None-Match": response["ETag"]}), picture, filename="a.webp", shown=True
    )
    assert (again.status_code, again["Cache-Control"]) == (304, "private, no-cache")


def test_a_picture_of_a_bucket_comes_from_this_host(picture: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def signed_address(name: str, **options: str) -> str:
        return f"https://bucket.example/{name}"

    monkeypatch.setattr(default_storage, "signed_address", signed_address, raising=False)
    with all_cases() as case:
        for prefix in ["", ACCEL]:
            with case(prefix):
                with override_settings(MEDIA_ACCEL_PREFIX=prefix):
                    shown = deliver_file(request(), picture, filename="a.webp", shown=True)
                    download = deliver_file(request(), picture, filename="a.webp")
                assert (shown.status_code, body_of(shown)) == (200, PICTURE)
                assert (download.status_code, download["Location"]) == (
                    302,
                    f"https://bucket.example/{picture}",
                )
