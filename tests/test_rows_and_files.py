"""Files end with the rows that name them, and who may not read the row does not get the file."""

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from django.conf import settings
from django.core.cache import cache
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import transaction
from django.test import Client
from django.utils import timezone
from PIL import Image

from core.files import row_files, storage
from core.tests.pictures import jpeg, png
from feed import services as feed
from feed.events import post_published
from feed.models import Post, PostImage
from messaging import services as messaging
from messaging.models import Attachment
from network.models import Member
from network.services import block_member, remove_connection
from users import services as users
from users.audience import Audience
from users.models import Profile, User

from .cast import connect, make_member

pytestmark = pytest.mark.both

PDF = b"%PDF-1.4\ntrailer\n%%EOF\n"


@pytest.fixture(autouse=True)
def _fresh_limits() -> None:
    cache.clear()


def stored() -> set[str]:
    root = Path(settings.MEDIA_ROOT)
    return {path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file()}


def picture() -> Image.Image:
    return Image.new("RGB", (40, 30), "teal")


def post_of(author: User, audience: int = Audience.CONNECTIONS) -> Post:
    document = feed.Document(PDF, "a.pdf")
    return feed.publish_post(
        author=author, text="Look", audience=audience, pictures=[feed.Picture(picture())], document=document
    )


def network_of(member: User) -> None:
    """Whatever a member can leave behind."""
    post_of(member)
    users.set_photo(user=member, image=picture())
    users.set_cover(user=member, image=picture())


@pytest.fixture
def dora(transactional_db: None) -> User:
    return make_member("dora")


class Broken(Exception):
    """What goes wrong after the files are stored."""


def status(browser: Client, address: str) -> int:
    answer = browser.get(address)
    b"".join(answer)
    return answer.status_code


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    "delete",
    [
        lambda dora: dora.delete(),
        lambda dora: Member.objects.get(pk=dora.pk).delete(),
        lambda dora: User.objects.filter(pk=dora.pk).delete(),
    ],
    ids=["row", "proxy", "rows"],
)
def test_a_member_who_is_deleted_takes_all_files_along(dora: User, delete: Callable[[User], object]) -> None:
    before = stored()
    network_of(dora)
    assert len(stored() - before) == 2 + 1 + 3 + 1
    with suppress(Broken), transaction.atomic():
        delete(dora)
        raise Broken
    dora = User.objects.get(username="dora")
    assert len(stored() - before) == 7
    delete(dora)
    assert stored() == before


@pytest.mark.django_db(transaction=True)
def test_what_staff_delete_in_the_admin_takes_its_files_along(dora: User, client: Client) -> None:
    before = stored()
    network_of(dora)
    staff = make_member("stella", is_staff=True, is_superuser=True)
    client.force_login(staff)
    answer = client.post(
        "/admin/users/user/",
        {"action": "delete_selected", "_selected_action": [dora.pk], "post": "yes"},
    )
    assert answer.status_code == 302
    assert not User.objects.filter(username="dora").exists()
    assert stored() == before


@pytest.mark.django_db(transaction=True)
def test_a_request_that_fails_leaves_no_file(dora: User) -> None:
    """Whatever breaks after the file is stored; messages' own refusals are tested where they are made."""
    before = stored()

    def broken(**_values: object) -> None:
        raise Broken

    post_published.connect(broken, weak=False)
    try:
        with pytest.raises(Broken):
            post_of(dora)
    finally:
        post_published.disconnect(broken)
    with suppress(Broken), storage.removed_on_failure(), transaction.atomic():
        network_of(dora)
        raise Broken
    assert (stored(), Post.objects.count()) == (before, 0)


@pytest.mark.django_db(transaction=True)
def test_a_second_picture_that_is_damaged_leaves_nothing_of_the_first(dora: User, client: Client) -> None:
    client.force_login(dora)
    before = stored()
    files = [SimpleUploadedFile("good.png", png()), SimpleUploadedFile("bad.png", png()[:-30])]
    friend = make_member("friend")
    talk = messaging.start_direct(by=dora, other=friend)
    for address, field in (("/posts/", "images"), (f"/messages/{talk.pk}/send/", "pictures")):
        for file in files:
            file.seek(0)
        answer = client.post(address, {"text": "Words", "audience": "1", field: files})
        assert answer.status_code == 422
        assert "bad.png is damaged" in answer.content.decode()
        assert "Words" in answer.content.decode()
    assert stored() == before


@pytest.mark.django_db
def test_pictures_and_documents_of_posts_are_for_those_who_may_read_the_post(
    alice: User, bob: User, charlie: User, client: Client
) -> None:
    post = post_of(alice)
    image = post.images.get()

    def readers() -> list[int]:
        """What a visitor, a stranger and a connection are answered at both sizes and the document."""
        answers = []
        for member in (None, charlie, bob):
            browser = Client()
            if member:
                browser.force_login(member)
            addresses = (image.url, image.full_url, f"{post.get_absolute_url()}document/")
            codes = {status(browser, address) for address in addresses}
            answers.append(codes.pop() if len(codes) == 1 else 0)
        return answers

    assert readers() == [404, 404, 200]
    feed.edit_post(post=post, text="Look", audience=Audience.MEMBERS)
    assert readers() == [404, 200, 200]
    feed.edit_post(post=post, text="Look", audience=Audience.CONNECTIONS)
    assert readers() == [404, 404, 200]
    Post.objects.filter(pk=post.pk).update(hidden_at=timezone.now())
    assert readers() == [404, 404, 404]
    Post.objects.filter(pk=post.pk).update(hidden_at=None)
    remove_connection(member=alice, other=bob)
    assert readers() == [404, 404, 404]
    connect(alice, bob)
    assert readers() == [404, 404, 200]
    block_member(blocker=bob, blocked=alice)
    assert readers() == [404, 404, 404]
    for name in row_files.files_of_row(image):
        assert name.startswith("private/")
        assert status(client, default_storage.url(name)) == 404


@pytest.mark.django_db
def test_a_picture_is_asked_for_again_and_not_sent_again(as_alice: Client, alice: User) -> None:
    image = post_of(alice).images.get()
    first = as_alice.get(image.url)
    assert first["Cache-Control"] == "private, no-cache"
    assert first["Content-Disposition"].startswith("inline")
    assert b"".join(first).startswith(b"RIFF")
    again = as_alice.get(image.url, headers={"If-None-Match": first["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert as_alice.get(f"{image.full_url}?size=7").status_code == 404


@pytest.mark.django_db
def test_a_picture_costs_the_quota_of_uploads_before_it_is_decoded(
    as_alice: Client, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    talk = messaging.start_direct(by=alice, other=make_member("pen")).pk
    doors = {
        "/posts/": ("images", {"text": "", "audience": "1"}),
        f"/messages/{talk}/send/": ("pictures", {"text": ""}),
        "/settings/photo/": ("photo", {}),
        "/settings/cover/": ("cover", {}),
    }
    monkeypatch.setitem(settings.MEMBER_LIMITS, "upload", ((1, 86_400),))
    for address, (field, rest) in doors.items():
        cache.clear()
        answers = [
            as_alice.post(address, {field: SimpleUploadedFile("a.jpg", jpeg()), **rest}).status_code
            for _time in range(2)
        ]
        assert answers == [302, 429], address
        # A form that is refused for another reason costs nothing.
        cache.clear()
        refused = as_alice.post(address, {field: SimpleUploadedFile("a.svg", b"<svg/>"), **rest})
        assert refused.status_code == 422
        assert as_alice.post(address, {field: SimpleUploadedFile("a.jpg", jpeg()), **rest}).status_code == 302


def test_every_field_that_names_files_is_registered() -> None:
    fields = {(field.model, field.name) for field in row_files.file_fields()}
    assert fields == {
        (Post, "document"),
        (PostImage, "file"),
        (Attachment, "stored"),
        (Profile, "cover"),
        (User, "photo"),
    }
