"""A storage that takes no more: the upload says so at the field, what was typed is kept, nothing half done stays."""

import resource
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from pytest_django.fixtures import Settings

from core.files.storage import CannotStore, new_name, store_file
from core.tests.pictures import jpeg
from feed.models import Post
from users.models import User


def upload() -> SimpleUploadedFile:
    return SimpleUploadedFile("photo.jpg", jpeg(), "image/jpeg")


@pytest.fixture
def full_disk(settings: Settings, tmp_path: Path) -> None:
    """Uploads would go where nothing can be written: below a file."""
    blocked = tmp_path / "media"
    blocked.write_text("not a folder")
    settings.MEDIA_ROOT = str(blocked)


@pytest.fixture
def no_byte_more() -> Iterator[None]:
    """The kernel lets no file of this process grow beyond a hundred bytes."""
    former = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, hard))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    signal.signal(signal.SIGXFSZ, former)


def test_a_file_that_finds_no_room_is_told_in_words(no_byte_more: None) -> None:
    with pytest.raises(CannotStore, match="cannot store files"):
        store_file(new_name("posts", "webp"), b"x" * 10_000)


@pytest.mark.usefixtures("full_disk")
def test_a_post_whose_pictures_find_no_room_keeps_its_words(as_alice: Client) -> None:
    refused = as_alice.post("/posts/", {"text": "Kept words", "audience": 1, "images": [upload()]})
    assert refused.status_code == 422
    assert "cannot store files" in refused.content.decode()
    assert "Kept words" in refused.content.decode()
    assert not Post.objects.exists()


@pytest.mark.usefixtures("full_disk")
@pytest.mark.parametrize("field", ["photo", "cover"])
def test_a_photo_that_finds_no_room_leaves_the_old_one(as_alice: Client, alice: User, field: str) -> None:
    refused = as_alice.post(f"/settings/{field}/", {field: upload()})
    assert refused.status_code == 422
    assert "cannot store files" in refused.content.decode()
    alice.refresh_from_db()
    assert (alice.photo, alice.profile.cover) == ("", "")
