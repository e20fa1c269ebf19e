"""Uploads in a bucket, against a real S3 server of the test's own: moto's, over HTTP."""

import urllib.request
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import boto3
import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.management import call_command
from django.test import Client, override_settings
from django.utils import timezone
from moto.server import ThreadedMotoServer

from core.cleaning_tasks import DELETE_TASK
from core.files import exposed_files, storage, unreferenced_files
from core.files.row_files import files_of_row
from core.models import QueuedTask
from core.tasks.execution import execute_task
from core.tests import pictures
from feed.models import Post, PostImage
from feed.tests.factories import PDF, upload
from network.models import Member
from scripts.servers import HOST, find_free_port
from tests.cast import client_of, make_member
from tests.properties.loading import COMPLETE, load
from users.models import User

BUCKET = "linkup-uploads"
KEY, SECRET = "key-of-the-test", "secret-of-the-test"


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """The address of an S3 server with an empty bucket."""
    running = ThreadedMotoServer(ip_address=HOST, port=find_free_port(), verbose=False)
    running.start()
    address = f"http://{HOST}:{running._port}"
    boto3.client(
        "s3",
        endpoint_url=address,
        aws_access_key_id=KEY,
        aws_secret_access_key=SECRET,
        region_name="us-east-1",
    ).create_bucket(Bucket=BUCKET)
    yield address
    running.stop()


def settings_of(server: str, **variables: str) -> Any:
    """The storages of production with the bucket's variables set."""
    environ = {
        **COMPLETE,
        "AWS_STORAGE_BUCKET_NAME": BUCKET,
        "AWS_S3_ENDPOINT_URL": server,
        "AWS_S3_REGION_NAME": "us-east-1",
        "AWS_ACCESS_KEY_ID": KEY,
        "AWS_SECRET_ACCESS_KEY": SECRET,
        **variables,
    }
    found = load("production", environ)
    return override_settings(STORAGES={**found["STORAGES"], "staticfiles": TEST_STATIC})


TEST_STATIC = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}


@pytest.fixture
def bucket(server: str) -> Iterator[str]:
    """The bucket as the default storage."""
    with settings_of(server):
        yield server


def body_of(response: Any) -> bytes:
    return b"".join(response)


@pytest.mark.usefixtures("bucket")
def test_what_is_stored_is_there_and_goes_again() -> None:
    name = storage.store_file(storage.new_name("photos", "webp"), b"RIFF\x00\xff")
    with default_storage.open(name) as file:
        assert file.read() == b"RIFF\x00\xff"
    assert default_storage.exists(name)
    default_storage.delete(name)
    assert not default_storage.exists(name)


@pytest.mark.django_db
@pytest.mark.usefixtures("bucket")
def test_a_photo_is_shown_from_a_bucket_that_is_closed(member: User) -> None:
    browser = client_of(member)
    response = browser.post("/settings/photo/", {"photo": upload("me.jpg", pictures.jpeg((600, 400)))})
    assert response.status_code == 302
    shown_to_herself = Member.objects.for_display(member).get(pk=member.pk)
    assert all(default_storage.exists(name) for name in files_of_row(shown_to_herself))
    assert shown_to_herself.photo_large.startswith("/media/photos/")
    shown = Client().get(shown_to_herself.photo_large)
    assert (shown.status_code, shown["Content-Type"]) == (200, "image/webp")
    data = body_of(shown)
    assert data.startswith(b"RIFF")
    again = Client().get(shown_to_herself.photo_large, headers={"If-None-Match": shown["ETag"]})
    assert again.status_code == 304
    part = Client().get(shown_to_herself.photo_large, headers={"Range": "bytes=8-11"})
    assert (part.status_code, body_of(part)) == (206, b"WEBP")


@pytest.mark.usefixtures("bucket")
@pytest.mark.parametrize("path", ["photos/nothing.webp", "private/nothing.pdf", "../x", "nothing"])
def test_what_is_not_in_the_bucket_is_not_there(path: str) -> None:
    assert Client().get(f"/media/{path}").status_code == 404


@pytest.fixture
def member(db: None) -> User:
    """Alice, here in the database of the test; the fixture of that name is a visitor of the stack."""
    return make_member("alice")


@pytest.fixture
def document(member: User, bucket: str) -> Post:
    """A post of Alice with a document."""
    form = {"text": "", "audience": "1", "document": upload("The plan.pdf", PDF, "application/pdf")}
    assert client_of(member).post("/posts/", form).status_code == 302
    return Post.objects.get()


@pytest.mark.django_db
def test_a_document_leaves_through_an_address_that_ends_soon(
    member: User, document: Post, bucket: str
) -> None:
    response = client_of(member).get(f"/posts/{document.pk}/document/")
    assert response.status_code == 302
    assert response["Cache-Control"] == "private, no-store"
    address = response["Location"]
    assert address.startswith(f"{bucket}/{BUCKET}/private/documents/")
    for part in ("X-Amz-Algorithm=AWS4-HMAC-SHA256", "X-Amz-Expires=60", "X-Amz-Signature="):
        assert part in address
    with urllib.request.urlopen(address, timeout=5) as fetched:  # noqa: S310 -- our own http address
        assert fetched.read() == PDF
        assert fetched.headers["Content-Type"] == "application/pdf"
        assert fetched.headers["Content-Disposition"] == 'attachment; filename="The plan.pdf"'
        assert fetched.headers["Cache-Control"] == "private, no-store"


@pytest.mark.django_db
def test_a_private_file_has_no_public_address(document: Post) -> None:
    assert default_storage.url(document.document).startswith("/media/private/")
    assert Client().get(default_storage.url(document.document)).status_code == 404
    assert Client().get(f"/posts/{document.pk}/document/").status_code == 404


@pytest.mark.django_db
def test_a_document_that_has_gone_is_not_found(member: User, document: Post) -> None:
    default_storage.delete(document.document)
    assert client_of(member).get(f"/posts/{document.pk}/document/").status_code == 404


def test_behind_a_cdn_pictures_have_its_address_and_private_files_do_not(server: str) -> None:
    with settings_of(server, AWS_S3_CUSTOM_DOMAIN="pictures.example.org"):
        assert default_storage.url("photos/aa/x.webp") == "https://pictures.example.org/photos/aa/x.webp"
        assert default_storage.url("private/aa/x.pdf") == "/media/private/aa/x.pdf"
        sign: Callable[..., str] = default_storage.signed_address  # type: ignore[attr-defined]
        signed = sign("private/x.pdf", content_type="a/b", disposition="c")
        assert signed.startswith(f"{server}/{BUCKET}/private/x.pdf?")


def test_pictures_may_be_kept_by_browsers_and_private_files_may_not(server: str) -> None:
    with settings_of(server):
        for name, kept in (
            ("photos/a.webp", "public, max-age=604800, immutable"),
            ("private/a.pdf", "private, no-store"),
        ):
            stored = storage.store_file(name, b"x")
            client = boto3.client(
                "s3",
                endpoint_url=server,
                aws_access_key_id=KEY,
                aws_secret_access_key=SECRET,
                region_name="us-east-1",
            )
            assert client.head_object(Bucket=BUCKET, Key=stored)["CacheControl"] == kept


@pytest.mark.django_db
def test_unreferenced_files_are_found_in_a_bucket_as_on_a_disk(member: User, bucket: str) -> None:
    """A file of no row goes, those of rows stay, a picture that lies in public is moved; served all the while."""
    form = {"text": "", "audience": "1", "images": upload("desk.jpg", pictures.jpeg())}
    assert client_of(member).post("/posts/", form).status_code == 302
    image = PostImage.objects.get()
    public = image.file.removeprefix("private/")
    for name in files_of_row(image):
        with default_storage.open(name) as file:
            default_storage.save(name.removeprefix("private/"), ContentFile(file.read()))
        default_storage.delete(name)
    PostImage.objects.update(file=public)
    image.refresh_from_db()
    lost = storage.store_file(storage.new_private_name("messages", "bin"), b"half")
    # As the command does it, without the day that it waits.
    unnamed = {
        found.name
        for found in unreferenced_files.find_unreferenced_files(timezone.now() + timedelta(hours=1))
    }
    assert lost in unnamed
    assert not unnamed & set(files_of_row(image))
    storage.delete_files([lost])
    assert [exposed_files.move_to_private(row) for row in exposed_files.find_exposed_rows()] == [True]
    call_command("tidy_uploads", "--delete")
    image.refresh_from_db()
    assert (image.file, default_storage.exists(lost)) == (f"private/{public}", False)
    shown = client_of(member).get(image.url)
    assert body_of(shown).startswith(b"RIFF")
    assert shown["Cache-Control"] == "private, no-cache"


def test_files_of_a_deleted_row_leave_the_bucket_by_a_task_that_is_repeated(
    member: User, bucket: str
) -> None:
    form = {"text": "", "audience": "1", "images": upload("desk.jpg", pictures.jpeg())}
    assert client_of(member).post("/posts/", form).status_code == 302
    image = PostImage.objects.get()
    names = files_of_row(image)
    with settings_of("http://127.0.0.1:9"):  # nothing listens there
        image.delete()
        row = QueuedTask.objects.get(name=DELETE_TASK)
        execute_task(row.pk)
    row.refresh_from_db()
    assert (row.state, row.attempts) == (QueuedTask.State.WAITING, 1)
    assert [default_storage.exists(name) for name in names] == [True] * len(names)
    QueuedTask.objects.update(due_at=timezone.now())
    execute_task(row.pk)
    assert [default_storage.exists(name) for name in names] == [False] * len(names)
    assert not QueuedTask.objects.exists()
