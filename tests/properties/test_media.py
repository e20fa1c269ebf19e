"""Property 11: what is uploaded is stored under MEDIA_ROOT and reachable at MEDIA_URL; nothing else is."""

import io
import math
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

import pytest
from django.conf import settings
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client, override_settings
from hypothesis import HealthCheck, assume, given
from hypothesis import settings as hypothesis
from hypothesis import strategies as st
from PIL import Image

from core.files import storage
from core.files.row_files import files_of_row
from feed.models import Post, PostImage
from tests.cast import client_of
from tests.hypothesis_settings import property_settings
from users.models import User

pytestmark = pytest.mark.slow

SECRET = b"nobody may read this over /media/"
# Pieces of which names are made that try to leave their folder.
PIECES = [
    "..",
    ".",
    "/",
    "//",
    "\\",
    "private",
    "Private",
    "%2e%2e",
    "%2f",
    "secret.txt",
    "a.webp",
    "\u202e",
    "~",
    "\u200b",
    " ",
]
folders = st.sampled_from(["photos", "covers", "posts", "files"])
extensions = st.sampled_from(["webp", "pdf", "bin", "html", "svg", "txt"])


@pytest.fixture(autouse=True)
def _members_without_limits() -> Iterator[None]:
    """Each example is another post of the same member."""
    with override_settings(MEMBER_LIMITS_FACTOR=0):
        yield


def fetched(client: Client, address: str, **headers: str) -> tuple[int, bytes]:
    response = client.get(address, headers=headers)
    return response.status_code, b"".join(response)


# Property 11 (R4.7)
@given(data=st.binary(max_size=4096), folder=folders, extension=extensions)
@property_settings
def test_any_file_comes_back_byte_for_byte(data: bytes, folder: str, extension: str) -> None:
    name = storage.store_file(storage.new_name(folder, extension), data)
    lies_at = (Path(settings.MEDIA_ROOT) / name).resolve()
    assert lies_at.is_relative_to(Path(settings.MEDIA_ROOT).resolve())
    assert lies_at.read_bytes() == data
    address = default_storage.url(name)
    assert address.startswith(settings.MEDIA_URL)
    assert fetched(Client(), address) == (200, data)


# Property 11 (R4.7)
@given(data=st.binary(min_size=1, max_size=2048), start=st.integers(0, 3000), length=st.integers(1, 3000))
@property_settings
def test_any_part_is_that_part(data: bytes, start: int, length: int) -> None:
    address = default_storage.url(storage.store_file(storage.new_name("files", "bin"), data))
    status, part = fetched(Client(), address, Range=f"bytes={start}-{start + length - 1}")
    expected = data[start : start + length]
    assert (status, part) == ((206, expected) if expected else (416, b""))


# Property 11 (R4.7)
@given(parts=st.lists(st.sampled_from(PIECES) | st.text(max_size=3), min_size=1, max_size=8))
@property_settings
def test_no_name_reaches_a_private_file_or_one_outside(parts: list[str]) -> None:
    root = Path(settings.MEDIA_ROOT)
    (root / "private").mkdir(parents=True, exist_ok=True)
    for place in (root / "private" / "secret.txt", root.parent / "secret.txt"):
        place.write_bytes(SECRET)
    name = "".join(parts)
    # Refused as malformed before any view: core/tests/test_url_converters.py.
    assume("\x00" not in unquote(name))
    status, body = fetched(Client(), settings.MEDIA_URL + name)
    assert SECRET not in body
    assert status in {200, 302, 404}
    assert not storage.is_public(f"private/{name}")


def picture(width: int, height: int, kind: str, colour: tuple[int, int, int]) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (width, height), colour).save(out, kind)
    return out.getvalue()


# Property 11 (R4.7), where what is stored is made again
@pytest.mark.django_db
@given(
    width=st.integers(1, 300),
    height=st.integers(1, 300),
    kind=st.sampled_from(["JPEG", "PNG", "GIF", "WEBP"]),
    colour=st.tuples(*[st.integers(0, 255)] * 3),
)
@hypothesis(property_settings, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_picture_of_a_post_is_stored_and_shown(
    alice: User, width: int, height: int, kind: str, colour: tuple[int, int, int]
) -> None:
    upload = SimpleUploadedFile(f"me.{kind.lower()}", picture(width, height, kind, colour))
    client = client_of(alice)
    assert client.post("/posts/", {"text": "", "audience": "1", "images": upload}).status_code == 302
    image = PostImage.objects.latest("pk")
    for name, address in zip(reversed(files_of_row(image)), (image.url, image.full_url), strict=True):
        status, body = fetched(client, address)
        assert (status, body) == (200, (Path(settings.MEDIA_ROOT) / name).read_bytes())
        shown = Image.open(io.BytesIO(body))
        assert (shown.format, shown.size) == ("WEBP", (width, height))
        red, green, blue = shown.convert("RGB").getpixel((width // 2, height // 2))  # type: ignore[misc]
        assert math.dist((red, green, blue), colour) < 30


# Property 11 (R4.7), for what only some may have
@pytest.mark.django_db
@given(rest=st.binary(max_size=2000))
@hypothesis(property_settings, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_document_reaches_its_readers_and_has_no_public_address(alice: User, rest: bytes) -> None:
    data = b"%PDF-1.7\n" + rest
    client = client_of(alice)
    form = {"text": "", "audience": "2", "document": SimpleUploadedFile("plan.pdf", data)}
    assert client.post("/posts/", form).status_code == 302
    post = Post.objects.latest("pk")
    assert (Path(settings.MEDIA_ROOT) / post.document).read_bytes() == data
    assert fetched(client, f"/posts/{post.pk}/document/") == (200, data)
    assert fetched(Client(), settings.MEDIA_URL + post.document)[0] == 404
