"""Photo and cover: accepted and refused uploads, and their files."""

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.files.storage import default_storage
from django.test import Client
from PIL import Image

from core.files.row_files import files_of_row
from core.tests import pictures
from tests.cases import all_cases, rolled_back
from users.models import Profile, User

from .conftest import Browser
from .factories import refused_at, upload

pytestmark = pytest.mark.django_db

KINDS = ["photo", "cover"]
kinds = pytest.mark.parametrize("kind", KINDS)


@pytest.fixture
def as_alice(alice: User) -> Client:
    browser = Browser()
    browser.force_login(alice)
    return browser


def send(client: Client, kind: str, data: bytes | None, name: str = "me.jpg") -> Any:
    return client.post(f"/settings/{kind}/", {} if data is None else {kind: upload(data, name)})


def stored(kind: str) -> list[str]:
    """Return the names of the files that the row refers to."""
    return files_of_row(User.objects.get() if kind == "photo" else Profile.objects.get())


def files(kind: str) -> set[str]:
    """Return the files in the folder of this kind of picture."""
    folder = Path(settings.MEDIA_ROOT)
    return {str(path.relative_to(folder)) for path in (folder / f"{kind}s").rglob("*") if path.is_file()}


def test_a_photo_is_stored_in_three_sizes(as_alice: Client) -> None:
    with all_cases() as case:
        for format_ in ["JPEG", "PNG", "WEBP", "GIF"]:
            with case(format_), rolled_back():
                response = send(as_alice, "photo", pictures.encoded(pictures.halves((900, 600)), format_))
                assert (response.status_code, response["Location"]) == (302, "/settings/photo/")
                sizes = []
                for name in stored("photo"):
                    with default_storage.open(name) as file:
                        image = Image.open(io.BytesIO(file.read()))
                        sizes.append((image.format, image.size))
                assert sizes == [("WEBP", (side, side)) for side in (512, 192, 64)]


def test_a_cover_is_stored_wide(as_alice: Client) -> None:
    assert send(as_alice, "cover", pictures.jpeg((900, 600)))["Location"] == "/settings/photo/"
    (name,) = stored("cover")
    with default_storage.open(name) as file:
        assert Image.open(io.BytesIO(file.read())).size == (1500, 375)


def test_the_photo_shows_where_the_member_shows(as_alice: Client, as_charlie: Client) -> None:
    send(as_alice, "photo", pictures.jpeg())
    small, large = (
        User.objects.get(username="alice").photo_small,
        User.objects.get(username="alice").photo_large,
    )
    assert large in as_alice.get("/settings/photo/").content.decode()
    assert large in as_charlie.get("/members/alice/").content.decode()
    assert small in as_charlie.get("/members/").content.decode()


@kinds
def test_nothing_of_the_sender_s_file_is_left(as_alice: Client, kind: str) -> None:
    send(
        as_alice,
        kind,
        pictures.jpeg(exif=pictures.exif(), comment=pictures.HTML) + pictures.HTML,
        "alice@home.jpg",
    )
    for name in stored(kind):
        assert "alice" not in name
        with default_storage.open(name) as file:
            data = file.read()
        assert not [trace for trace in (b"Camera", b"script", b"EXIF") if trace in data]


HOSTILE = {
    **pictures.NO_PICTURES,
    "svg with a name of a jpeg": pictures.SVG,
    "truncated jpeg": pictures.jpeg((600, 400))[:2000],
    "100 megapixels": pictures.png_bomb(),
    "20 MB": pictures.png() + b"\x00" * (20 * 1024 * 1024),
    "nothing": b"",
}


@kinds
def test_a_hostile_file_is_refused_at_its_field_and_stored_nowhere(as_alice: Client, kind: str) -> None:
    with all_cases() as case:
        for what, data in HOSTILE.items():
            with case(what), rolled_back():
                before = files(kind)
                response = send(as_alice, kind, data)
                assert refused_at(response, f"{kind}_form") == [kind]
                assert stored(kind) == []
                assert files(kind) == before


@kinds
def test_without_a_file_it_is_refused_at_its_field(as_alice: Client, kind: str) -> None:
    assert refused_at(send(as_alice, kind, None), f"{kind}_form") == [kind]


@kinds
@pytest.mark.parametrize(
    "name", ["../../etc/passwd", "a.svg", "x" * 250 + ".jpg", "\u202egpj.exe", "<script>.jpg", ".jpg"]
)
def test_the_name_of_the_file_does_not_matter(as_alice: Client, kind: str, name: str) -> None:
    assert send(as_alice, kind, pictures.jpeg(), name).status_code == 302
    assert all(file.startswith(f"{kind}s/") for file in stored(kind))


@kinds
def test_a_refused_picture_leaves_the_former_one(as_alice: Client, kind: str) -> None:
    send(as_alice, kind, pictures.jpeg())
    former = stored(kind)
    send(as_alice, kind, pictures.SVG)
    assert stored(kind) == former
    assert all(default_storage.exists(name) for name in former)


@kinds
def test_a_new_picture_replaces_the_former_one_and_deletes_its_files(as_alice: Client, kind: str) -> None:
    send(as_alice, kind, pictures.jpeg())
    former = stored(kind)
    send(as_alice, kind, pictures.png())
    assert not set(former) & set(stored(kind))
    assert not any(default_storage.exists(name) for name in former)
    assert all(default_storage.exists(name) for name in stored(kind))


@kinds
def test_a_picture_is_removed_with_its_files(as_alice: Client, kind: str) -> None:
    send(as_alice, kind, pictures.jpeg())
    former = stored(kind)
    assert as_alice.post(f"/settings/{kind}/remove/")["Location"] == "/settings/photo/"
    assert stored(kind) == []
    assert not any(default_storage.exists(name) for name in former)
    assert as_alice.get("/settings/photo/").status_code == 200


@kinds
def test_removing_twice_is_once(as_alice: Client, kind: str) -> None:
    for _number in range(2):
        assert as_alice.post(f"/settings/{kind}/remove/").status_code == 302
    assert stored(kind) == []


@kinds
def test_removing_takes_a_post(as_alice: Client, kind: str) -> None:
    send(as_alice, kind, pictures.jpeg())
    assert as_alice.get(f"/settings/{kind}/remove/").status_code == 405
    assert stored(kind) != []


def test_a_visitor_is_asked_to_sign_in() -> None:
    with all_cases() as case:
        for path in ["photo/", "photo/remove/", "cover/", "cover/remove/"]:
            with case(path), rolled_back():
                client = Browser()
                assert (
                    client.post(f"/settings/{path}")["Location"] == f"/accounts/login/?next=/settings/{path}"
                )


def test_the_page_is_for_looking_and_the_cover_s_address_is_not(as_alice: Client) -> None:
    assert as_alice.get("/settings/photo/").status_code == 200
    assert as_alice.get("/settings/cover/").status_code == 405


def test_without_the_token_of_the_page_nothing_happens(alice: User) -> None:
    with all_cases() as case:
        for path in ["photo/remove/", "cover/remove/", "photo/"]:
            with case(path), rolled_back():
                client = Client(enforce_csrf_checks=True)
                client.force_login(alice)
                assert client.post(f"/settings/{path}").status_code == 403


@pytest.mark.parametrize("kind", KINDS)
def test_a_failed_transaction_keeps_the_former_files(
    as_alice: Client, kind: str, django_capture_on_commit_callbacks: Callable[..., Any]
) -> None:
    """Files are deleted after the commit, so a rollback keeps them."""
    send(as_alice, kind, pictures.jpeg())
    former = stored(kind)
    plain = Client()
    plain.force_login(User.objects.get())
    with django_capture_on_commit_callbacks(execute=False):
        send(plain, kind, pictures.png())
    assert all(default_storage.exists(name) for name in former)
