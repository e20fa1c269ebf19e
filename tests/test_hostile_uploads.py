"""Every form that takes a file, against every hostile file: none runs, none is served as a page (bar.md, uploads).

A file is either refused with words at its field, and then nothing of it is stored; or it is accepted, and then what is
stored is either made again, pixel by pixel, or handed out as a download that no browser will run.
"""

import io
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import pytest
from django import forms
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import HttpResponseBase
from django.test import Client
from PIL import Image
from pytest_django.fixtures import Settings

from core.tests import pictures
from feed.forms import LARGEST_DOCUMENT
from messaging.models import Attachment
from messaging.services import start_direct
from users.models import User

from .cases import all_cases, rolled_back
from .cast import make_member

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("empty_media")]

SCRIPT = b"<script>alert(document.domain)</script>"
PDF = b"%PDF-1.7\n1 0 obj\n<< /Type /Catalog >>\nendobj\ntrailer\n<< /Root 1 0 R >>\n%%EOF\n"


@dataclass(frozen=True)
class Form:
    """A form that takes a file: where it is posted, the name of its field, and what else it wants."""

    address: str
    field: str
    rest: dict[str, str]


FORMS = {
    "photo": Form("/settings/photo/", "photo", {}),
    "cover": Form("/settings/cover/", "cover", {}),
    "pictures of a post": Form("/posts/", "images", {"text": "", "audience": "0"}),
    "document of a post": Form("/posts/", "document", {"text": "", "audience": "0"}),
    "pictures of a message": Form("/messages/{talk}/send/", "pictures", {"text": ""}),
    "files of a message": Form("/messages/{talk}/send/", "files", {"text": ""}),
}


def gif_that_is_a_script() -> bytes:
    """Valid as a GIF and as JavaScript: `GIF89a/*…*/=1;alert(…)`, the old way around script-src 'self'."""
    image = bytearray(pictures.encoded(Image.new("P", (10, 10)), "GIF"))
    image[6:8] = b"/*"  # the width, 10,799 pixels, opens a comment
    return bytes(image) + b"*/=1;alert(document.domain)//"


def jpeg_with_a_page_in_its_comment() -> bytes:
    return pictures.jpeg(comment=b"<!--" + b"-->" + pictures.HTML)


def png_with_a_page_in_its_text() -> bytes:
    data = pictures.png()
    end = data.index(b"IEND") - 4
    return data[:end] + pictures._chunk(b"tEXt", b"Comment\x00" + SCRIPT) + data[end:]


def zip_of(data: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("bomb", data)
    return out.getvalue()


# What is sent: its bytes, and whether a picture or a document is to be made of it.
FILES: dict[str, Callable[[], bytes]] = {
    "gif and script": gif_that_is_a_script,
    "gif and page": lambda: pictures.encoded(Image.new("P", (9, 9)), "GIF") + pictures.HTML,
    "jpeg and page behind it": lambda: pictures.jpeg() + pictures.HTML,
    "jpeg and page in its comment": jpeg_with_a_page_in_its_comment,
    "png and page in its text": png_with_a_page_in_its_text,
    "page before a jpeg": lambda: pictures.HTML + pictures.jpeg(),
    "svg": lambda: pictures.SVG,
    "svg behind a bom": lambda: b"\xef\xbb\xbf" + pictures.SVG,
    "html": lambda: pictures.HTML,
    "html behind a gif's first bytes": lambda: b"GIF89a" + pictures.HTML,
    "html behind a pdf's first bytes": lambda: b"%PDF-1.7\n" + pictures.HTML,
    "pdf and page": lambda: PDF + pictures.HTML,
    "page before a pdf": lambda: pictures.HTML + PDF,
    "pdf with a script": lambda: PDF.replace(
        b"/Catalog", b"/Catalog /OpenAction << /S /JavaScript /JS (app.alert(1)) >>"
    ),
    "pdf and archive": lambda: PDF + zip_of(b"x"),
    "archive bomb": lambda: zip_of(b"\x00" * 50_000_000),
    "picture bomb": pictures.png_bomb,
    "picture of a claimed size": lambda: pictures.png_claiming(60_000, 60_000),
    "script": lambda: b"#!/bin/sh\nrm -rf /\n",
    "php": lambda: b"<?php phpinfo(); ?>",
    "nothing": lambda: b"",
    "21 MB": lambda: PDF + b"\x00" * LARGEST_DOCUMENT,
}
NAMES = {
    "up and away": "../../../../etc/cron.d/evil.webp",
    "an absolute path": "/etc/passwd",
    "another system's path": "C:\\Windows\\evil.webp",
    "two endings": "photo.webp.html",
    "a page": "photo.html",
    "control characters": "a%0d%0aContent-Type: text/html\x1b[2J\x07\x7fb.pdf",
    "turned around": "annual-\u202efdp.exe",
    "invisible": "a\u200b\u2060\ufeff.pdf",
    "300 characters": "n" * 296 + ".pdf",
    "quotes and tags": '"><script>alert(1)</script>.pdf',
    "only an ending": ".pdf",
    "dots": "....pdf",
    "a device": "CON.pdf",
    "other letters": "Résumé 履歴書 😀.pdf",
}


@pytest.fixture
def empty_media(settings: Settings, tmp_path: Path) -> None:
    """A folder without the uploads of other tests, since each case lists all files in it."""
    settings.MEDIA_ROOT = str(tmp_path)


def files_below(folder: Path) -> set[Path]:
    return {path for path in folder.rglob("*") if path.is_file()}


def send(
    client: Client, form: Form, data: bytes, name: str, content_type: str = "image/webp"
) -> HttpResponseBase:
    upload = SimpleUploadedFile("x", data, content_type)
    upload.__dict__["_name"] = name  # as a hostile sender writes it; the parser of Django takes its last part
    talk = start_direct(by=User.objects.get(username="alice"), other=pen_friend()).pk
    return client.post(form.address.format(talk=talk), {form.field: upload, **form.rest})


def pen_friend() -> User:
    """Whom Alice writes to."""
    return User.objects.filter(username="pen").first() or make_member("pen")


def new_files(
    client: Client, form: Form, data: bytes, name: str, content_type: str = "image/webp"
) -> set[Path]:
    """What is stored when `data` is sent. Asserts that the answer is either a redirect or a refusal in words."""
    root = Path(settings.MEDIA_ROOT)
    before = files_below(root)
    answer = send(client, form, data, name, content_type)
    after = files_below(root)
    assert answer.status_code in {302, 422}
    if answer.status_code == 422:
        assert after == before
    return after - before


def is_picture_made_anew(path: Path) -> bool:
    """Whether it is a WebP of ours, with nothing of the sender's words in it."""
    data = path.read_bytes()
    image = Image.open(io.BytesIO(data))
    image.load()
    # The length that the container names is that of the file: nothing hangs behind it.
    whole = int.from_bytes(data[4:8], "little") + 8 == len(data)
    return image.format == "WEBP" and whole and b"script" not in data and b"alert" not in data


def check_served_harmlessly(response: HttpResponseBase) -> None:
    """Whatever its bytes are, a browser shows a picture or saves a file, and runs nothing."""
    assert response["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in response["Content-Security-Policy"]
    assert "default-src 'none'" in response["Content-Security-Policy"]
    disposition = response.headers.get("Content-Disposition", "inline")
    shown = response["Content-Type"] == "image/webp" and disposition.startswith("inline")
    saved = disposition.startswith("attachment")
    assert shown or saved
    assert "html" not in response["Content-Type"]


def check_stored_harmlessly(client: Client, paths: set[Path]) -> None:
    root = Path(settings.MEDIA_ROOT)
    for path in paths:
        name = path.relative_to(root).as_posix()
        public = client.get(settings.MEDIA_URL + name)
        b"".join(public)
        if name.startswith("private/"):
            assert public.status_code == 404
        else:
            assert is_picture_made_anew(path)
            check_served_harmlessly(public)
        if name.startswith("private/messages/") and name.endswith(".webp"):
            assert is_picture_made_anew(path)
    for attachment in Attachment.objects.all():
        handed_out = client.get(attachment.url)
        b"".join(handed_out)
        check_served_harmlessly(handed_out)


def good_file(form: Form) -> bytes:
    return PDF if form.field in {"document", "files"} else pictures.png()


def test_no_hostile_file_runs(as_alice: Client) -> None:
    with all_cases() as case:
        for file, make in FILES.items():
            data = make()
            for name, form in FORMS.items():
                with case(f"{file} as {name}"), rolled_back():
                    check_stored_harmlessly(as_alice, new_files(as_alice, form, data, "photo.webp"))


def test_the_type_that_the_sender_claims_counts_for_nothing(as_alice: Client) -> None:
    types = ("text/html", "image/svg+xml", "application/javascript", "a/b\r\nX: y", "")
    with all_cases() as case:
        for (name, form), content_type in product(FORMS.items(), types):
            with case(f"{name} as {content_type!r}"), rolled_back():
                stored = new_files(as_alice, form, good_file(form), "photo.webp", content_type)
                assert stored
                check_stored_harmlessly(as_alice, stored)


def test_no_name_of_a_file_gets_anywhere(as_alice: Client) -> None:
    with all_cases() as case:
        for (kind, form), (what, name) in product(FORMS.items(), NAMES.items()):
            with case(f"{kind} called {what}"), rolled_back():
                stored = new_files(as_alice, form, good_file(form), name)
                assert stored
                assert all(path.name.isascii() and len(path.name) < 50 for path in stored)
                assert all(path.suffix in {".webp", ".pdf", ".bin"} for path in stored)
                check_stored_harmlessly(as_alice, stored)


def test_a_document_is_handed_out_under_a_harmless_name(as_alice: Client) -> None:
    with all_cases() as case:
        for what, name in NAMES.items():
            with case(what), rolled_back():
                check_handed_out_harmlessly(as_alice, name)


def check_handed_out_harmlessly(as_alice: Client, name: str) -> None:
    send(as_alice, FORMS["document of a post"], PDF + pictures.HTML, name)
    page = as_alice.get("/").content.decode()
    assert "<script>alert(1)</script>" not in page
    address = page.split('/document/"')[0].rpartition('"')[2] + "/document/"
    response = as_alice.get(address)
    assert b"".join(response).startswith(b"%PDF-")
    check_served_harmlessly(response)
    assert response["Content-Type"] == "application/pdf"
    disposition = response["Content-Disposition"]
    assert disposition.isascii()
    assert disposition.isprintable()
    # RFC 6266: a quoted name, or one in UTF-8, percent-encoded; direction overrides are gone from both.
    assert "%E2%80%AE" not in disposition
    assert "exe" not in disposition
    assert disposition.rstrip('"').endswith(".pdf")
    assert len(disposition) < 1000


def test_every_field_that_takes_a_file_is_in_the_table() -> None:
    """A new form with a file must be added above; `MultiPartParser` sends files to any view, forms alone read them."""

    def subclasses(parent: type) -> set[type]:
        children: list[type] = parent.__subclasses__()
        return {parent, *(found for child in children for found in subclasses(child))}

    def ours(form: type) -> bool:
        package, *inside = form.__module__.split(".")
        # Forms of other tests are there too when their modules were loaded by the same process.
        return package not in {"django", "allauth", "tests"} and "tests" not in inside

    fields = {
        name
        for form in filter(ours, subclasses(forms.BaseForm))
        for name, field in getattr(form, "base_fields", {}).items()
        if isinstance(field, forms.FileField)
    }
    assert fields == {form.field for form in FORMS.values()}
