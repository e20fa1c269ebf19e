"""`manage.py tidy_uploads`: what no row names goes, when it is asked for; what is public by its age is moved away."""

import os
import time
from collections.abc import Iterator
from io import StringIO
from pathlib import Path

import pytest
from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client, override_settings
from django.test.utils import CaptureQueriesContext
from PIL import Image

from core.files import unreferenced_files
from core.files.row_files import files_of_row
from core.files.storage import new_name, new_private_name
from feed import services as feed
from feed.models import Post, PostImage
from messaging import services as messaging
from messaging.models import Attachment
from messaging.services import start_direct
from users import services as users
from users.audience import Audience
from users.models import User

pytestmark = [pytest.mark.both, pytest.mark.django_db]

DAY = 86_400


def picture() -> Image.Image:
    return Image.new("RGB", (40, 30), "teal")


def age(days: float = 3) -> None:
    """All that is stored was stored so long ago."""
    then = time.time() - days * DAY
    for path in Path(settings.MEDIA_ROOT).rglob("*"):
        os.utime(path, (then, then))


def stored() -> set[str]:
    return set(unreferenced_files.list_stored_names())


def say(*arguments: str) -> str:
    out = StringIO()
    call_command("tidy_uploads", *arguments, stdout=out)
    return out.getvalue()


@pytest.fixture(autouse=True)
def _own_media(tmp_path: Path) -> Iterator[None]:
    """A folder without the files of other tests."""
    with override_settings(MEDIA_ROOT=str(tmp_path)):
        yield


@pytest.fixture
def named(alice: User, bob: User) -> set[str]:
    """Files of every kind that rows name."""
    before = stored()
    users.set_photo(user=alice, image=picture())
    users.set_cover(user=alice, image=picture())
    document = feed.Document(b"%PDF-1.4\n%%EOF", "a.pdf")
    feed.publish_post(author=alice, text="", pictures=[feed.Picture(picture())], document=document)
    talk = start_direct(by=alice, other=bob)
    messaging.send_message(
        conversation=talk,
        author=alice,
        client_id="7b0ff0c6-5a6f-4f4c-8a1a-2b9d8f6f0001",  # type: ignore[arg-type]
        text="",
        pictures=[messaging.Picture(picture(), "a")],
        files=[messaging.File(b"Hello", "a.txt")],
    )
    return stored() - before


@pytest.fixture
def unnamed() -> set[str]:
    """What broken requests and copies left."""
    names = {new_name("photos", "webp").replace(".webp", "-512.webp"), new_private_name("messages", "bin")}
    names |= {new_private_name("documents", "pdf"), new_private_name("posts", "webp").replace(".", "-800.")}
    names |= {f"{new_name('covers', 'webp')}.linkup-part"}
    for name in names:
        default_storage.save(name, ContentFile(b"half"))
    return names


def test_what_no_row_names_is_shown_and_deleted_when_asked(named: set[str], unnamed: set[str]) -> None:
    stranger = default_storage.save("logo/our-logo.png", ContentFile(b"the operator's own"))
    age()
    assert len(named) == 3 + 1 + 2 + 1 + 2 + 1
    shown = say()
    missed = [name for name in unnamed if f"unreferenced: {name} (4 bytes" not in shown]
    assert missed == [], shown
    assert not any(name in shown for name in named)
    assert "Found 5 files (20 bytes) that no row references." in shown
    assert shown.endswith("Run it again with --delete.\n")
    assert unnamed <= stored()
    assert "Deleted 5 files (20 bytes)" in say("--delete")
    assert not unnamed & stored()
    assert named <= stored()
    assert stranger in stored()
    assert "Deleted 0 files" in say("--delete")


def test_files_of_a_request_under_way_stay(named: set[str], unnamed: set[str]) -> None:
    age(days=0.5)
    say("--delete")
    assert unnamed <= stored()
    say("--delete", "--older-than", "6")
    assert not unnamed & stored()
    with pytest.raises(CommandError, match="at least 1 hour"):
        say("--delete", "--older-than", "0")


def test_the_wrong_database_deletes_nothing(unnamed: set[str]) -> None:
    age()
    with pytest.raises(CommandError, match="is this the right database"):
        say("--delete")
    assert unnamed <= stored()


def test_a_thousand_files_are_few_queries(named: set[str]) -> None:
    for _number in range(2 * unreferenced_files.BATCH):
        default_storage.save(new_name("photos", "webp"), ContentFile(b"x"))
    age()
    with CaptureQueriesContext(
        connection,
    ) as asked:
        say()
    assert len(asked) < 40


def make_public(post: Post) -> PostImage:
    """As posts' pictures lay before."""
    image = post.images.get()
    public = image.file.removeprefix("private/")
    for name in files_of_row(image):
        with default_storage.open(name) as file:
            default_storage.save(name.removeprefix("private/"), ContentFile(file.read()))
        default_storage.delete(name)
    PostImage.objects.filter(pk=image.pk).update(file=public)
    image.refresh_from_db()
    return image


def test_pictures_that_lie_in_public_are_moved_and_shown_all_the_while(as_alice: Client, alice: User) -> None:
    post = feed.publish_post(
        author=alice, text="", audience=Audience.CONNECTIONS, pictures=[feed.Picture(picture())]
    )
    image = make_public(post)
    address, former = image.url, files_of_row(image)

    def answers() -> tuple[int, int]:
        found = []
        for browser, wanted in ((as_alice, address), (Client(), default_storage.url(former[0]))):
            answer = browser.get(wanted)
            b"".join(answer)
            found.append(answer.status_code)
        return found[0], found[1]

    assert answers() == (200, 200)
    assert f"public: feed.postimage {image.pk}: {', '.join(former)}" in say()
    assert answers() == (200, 200)
    # It broke off after the first copy.
    default_storage.save(f"private/{former[0]}", ContentFile(b"half"))
    assert "Moved the files of 1 rows to private names; the files of 0 rows are missing." in say("--delete")
    assert answers() == (200, 404)
    image.refresh_from_db()
    assert image.file.startswith("private/posts/")
    assert not set(former) & stored()
    assert "Moved" not in say("--delete")


def test_a_row_that_names_what_is_not_there_or_not_ours_is_left(alice: User) -> None:
    post = feed.publish_post(author=alice, text="Words")
    for name in ("posts/aa/" + "0" * 32, "/etc/passwd", "../../etc/passwd"):
        PostImage.objects.create(post=post, file=name, width=1, height=1)
    assert "Moved the files of 0 rows to private names; the files of 1 rows are missing." in say("--delete")
    assert not Attachment.objects.exists()
