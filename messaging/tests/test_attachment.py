"""GET /messages/<id>/files/<pk>/: for those who may read the message, and for nobody else."""

import io
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.conf import settings
from django.core.files.storage import default_storage
from django.test import Client, override_settings
from PIL import Image

from core.files.row_files import files_of_row
from core.files.storage import CannotStore
from core.tests import pictures
from messaging import services
from messaging.errors import NotReachable
from messaging.models import Attachment, Conversation, Entry
from messaging.services import File, Picture
from messaging.services import attachments as carried
from messaging.tests.factories import PDF, send
from network.services import block_member
from tests.cast import client_of
from users.models import User

pytestmark = [pytest.mark.django_db, pytest.mark.slow]


def carry(conversation: Conversation, author: User) -> Entry:
    """A message with a picture and a file."""
    image = Image.new("RGB", (2000, 1000), "teal")
    return send(
        conversation,
        author,
        pictures=[Picture(image, "Harbour")],
        files=[File(PDF, "The plan.pdf")],
    )


def addresses(entry: Entry) -> list[str]:
    return [attached.url for attached in entry.attachments.all()]


def statuses(client: Client, entry_addresses: list[str]) -> list[int]:
    found = []
    for address in entry_addresses:
        response = client.get(address)
        b"".join(response)
        found.append(response.status_code)
    return found


def stored_files() -> set[Path]:
    return {path for path in (Path(settings.MEDIA_ROOT) / "private/messages").rglob("*") if path.is_file()}


@pytest.mark.parametrize(
    ("query", "size"), [("", (800, 400)), ("?size=800", (800, 400)), ("?size=1600", (1600, 800))]
)
def test_a_picture_is_shown_in_two_sizes(
    as_bob: Client, conversation: Conversation, alice: User, query: str, size: tuple[int, int]
) -> None:
    picture, _file = addresses(carry(conversation, alice))
    response = as_bob.get(picture + query)
    assert Image.open(io.BytesIO(b"".join(response))).size == size
    assert response["Content-Type"] == "image/webp"
    assert response["Content-Disposition"] == 'inline; filename="Harbour.webp"'
    assert response["Cache-Control"] == "private, no-cache"
    assert response["X-Content-Type-Options"] == "nosniff"


def test_a_picture_that_the_browser_has_is_asked_for_and_not_sent_again(
    as_bob: Client, conversation: Conversation, alice: User, bob: User
) -> None:
    picture, _file = addresses(carry(conversation, alice))
    first = as_bob.get(picture)
    b"".join(first)
    held = {"If-None-Match": first["ETag"]}
    assert as_bob.get(picture, headers=held).status_code == 304
    services.delete_message(entry=Entry.objects.get(), by=alice)
    assert as_bob.get(picture, headers=held).status_code == 404


@pytest.mark.parametrize("size", ["1", "0", "-800", "801", "x", "99999999999999999999"])
def test_another_size_is_not_there(
    as_bob: Client, conversation: Conversation, alice: User, size: str
) -> None:
    picture, _file = addresses(carry(conversation, alice))
    assert as_bob.get(f"{picture}?size={size}").status_code == 404


def test_a_file_is_a_download(as_bob: Client, conversation: Conversation, alice: User) -> None:
    _picture, file = addresses(carry(conversation, alice))
    response = as_bob.get(file)
    assert b"".join(response) == PDF
    assert response["Content-Type"] == "application/pdf"
    assert response["Content-Disposition"] == 'attachment; filename="The plan.pdf"'
    assert response["Cache-Control"] == "private, no-store"


def test_behind_nginx_it_is_nginx_that_sends_both(
    as_bob: Client, conversation: Conversation, alice: User
) -> None:
    with override_settings(MEDIA_ACCEL_PREFIX="/protected-media/"):
        answers = [as_bob.get(address) for address in addresses(carry(conversation, alice))]
    assert all(
        answer["X-Accel-Redirect"].startswith("/protected-media/private/messages/") for answer in answers
    )
    assert [answer.content for answer in answers] == [b"", b""]
    assert answers[0]["Content-Type"] == "image/webp"


def test_only_those_in_the_conversation_get_them(
    as_alice: Client,
    as_bob: Client,
    as_charlie: Client,
    client: Client,
    conversation: Conversation,
    alice: User,
) -> None:
    found = addresses(carry(conversation, alice))
    assert statuses(as_alice, found) == statuses(as_bob, found) == [200, 200]
    assert statuses(as_charlie, found) == [404, 404]
    assert statuses(client, found) == [302, 302]
    assert as_bob.post(found[0]).status_code == 405


def test_only_under_the_address_of_its_conversation(
    as_alice: Client, conversation: Conversation, group: Conversation, alice: User
) -> None:
    carry(conversation, alice)
    for attached in Attachment.objects.all():
        assert as_alice.get(f"/messages/{group.pk}/files/{attached.pk}/").status_code == 404
    assert as_alice.get(f"/messages/{conversation.pk}/files/999999/").status_code == 404


def test_those_of_a_deleted_message_are_gone_with_their_files(
    as_bob: Client, conversation: Conversation, alice: User, django_capture_on_commit_callbacks: object
) -> None:
    entry = carry(conversation, alice)
    found, before = addresses(entry), stored_files()
    assert len(before) >= 3
    with django_capture_on_commit_callbacks(execute=True):  # type: ignore[operator]
        services.delete_message(entry=entry, by=alice)
    assert statuses(as_bob, found) == [404, 404]
    assert len(before - stored_files()) == 3


def test_who_came_later_or_has_gone_gets_nothing_of_it(
    group: Conversation, alice: User, bob: User, erin: User
) -> None:
    found = addresses(carry(group, alice))
    services.add_members(conversation=group, by=alice, members=[erin])
    services.remove_member(conversation=group, by=alice, member=bob)
    assert statuses(client_of(erin), found) == statuses(client_of(bob), found) == [404, 404]
    services.add_members(conversation=group, by=alice, members=[bob])
    assert statuses(client_of(bob), found) == [404, 404]
    assert statuses(client_of(bob), addresses(carry(group, alice))) == [200, 200]


def test_those_of_a_blocked_author_are_hidden_in_a_group_and_stay_between_two(
    as_bob: Client,
    as_alice: Client,
    group: Conversation,
    conversation: Conversation,
    alice: User,
    bob: User,
    dora: User,
) -> None:
    in_group, between_two = addresses(carry(group, dora)), addresses(carry(conversation, alice))
    block_member(blocker=bob, blocked=dora)
    block_member(blocker=bob, blocked=alice)
    assert statuses(as_bob, in_group) == [404, 404]
    assert statuses(as_alice, in_group) == [200, 200]
    assert statuses(as_bob, between_two) == [200, 200]


def test_those_of_a_deleted_account_stay(as_bob: Client, group: Conversation, dora: User, bob: User) -> None:
    found = addresses(carry(group, dora))
    dora.delete()
    assert statuses(as_bob, found) == [200, 200]


def test_a_file_that_was_lost_is_not_found(as_bob: Client, conversation: Conversation, alice: User) -> None:
    entry = carry(conversation, alice)
    for attached in entry.attachments.all():
        for name in files_of_row(attached):
            default_storage.delete(name)
    assert statuses(as_bob, addresses(entry)) == [404, 404]


def test_a_refused_message_leaves_no_file(
    conversation: Conversation,
    alice: User,
    bob: User,
    monkeypatch: pytest.MonkeyPatch,
    django_capture_on_commit_callbacks: object,
) -> None:
    block_member(blocker=bob, blocked=alice)
    before = stored_files()
    asked: list[object] = []
    monkeypatch.setattr(default_storage, "save", lambda *arguments: asked.append(arguments))
    with (
        django_capture_on_commit_callbacks(execute=True),  # type: ignore[operator]
        pytest.raises(NotReachable),
    ):
        carry(conversation, alice)
    assert (stored_files(), asked) == (before, []), "nothing was worked on in vain"


def test_a_picture_or_a_file_alone_is_a_message(conversation: Conversation, alice: User) -> None:
    image = Image.new("RGB", (20, 10), "teal")
    alone: dict[str, dict[str, Any]] = {
        "picture": {"pictures": [Picture(image, "Harbour")]},
        "file": {"files": [File(PDF, "The plan.pdf")]},
    }
    for kind, values in alone.items():
        entry = send(conversation, alice, "", **values)
        assert (entry.attached, [each.kind for each in entry.attachments.all()]) == (1, [kind])


def test_the_same_picture_twice_at_the_same_moment_leaves_the_files_of_one(
    conversation: Conversation,
    alice: User,
    monkeypatch: pytest.MonkeyPatch,
    django_capture_on_commit_callbacks: object,
) -> None:
    client_id, before, save = uuid4(), stored_files(), default_storage.save
    begun: list[str] = []
    sent: list[Entry] = []

    def send_it() -> Entry:
        return send(conversation, alice, client_id=client_id, pictures=[Picture(pictures.halves(), "a")])

    def be_quicker(name: str, content: Any) -> str:
        if not begun:
            begun.append(name)
            sent.append(send_it())
        return save(name, content)

    monkeypatch.setattr(default_storage, "save", be_quicker)
    with django_capture_on_commit_callbacks(execute=True):  # type: ignore[operator]
        sent.append(send_it())
    assert sent[0] == sent[1]
    assert stored_files() - before == {
        Path(settings.MEDIA_ROOT) / name for name in files_of_row(sent[0].attachments.get())
    }


def test_where_there_is_no_room_nothing_is_left(
    conversation: Conversation,
    alice: User,
    monkeypatch: pytest.MonkeyPatch,
    django_capture_on_commit_callbacks: object,
) -> None:
    before = stored_files()

    def full(name: str, content: object) -> str:
        if name.endswith(".bin"):
            raise OSError(28, "No space left on device")
        return save(name, content)  # type: ignore[arg-type]

    save = default_storage.save
    monkeypatch.setattr(default_storage, "save", full)
    with (
        django_capture_on_commit_callbacks(execute=True),  # type: ignore[operator]
        pytest.raises(CannotStore),
    ):
        carry(conversation, alice)
    assert stored_files() == before
    assert not Entry.objects.exists()


def test_the_same_picture_again_is_the_same_message(conversation: Conversation, alice: User) -> None:
    client_id, picture = uuid4(), Picture(pictures.halves(), "a")
    first = send(conversation, alice, client_id=client_id, pictures=[picture])
    before = stored_files()
    assert send(conversation, alice, client_id=client_id, pictures=[Picture(pictures.halves(), "b")]) == first
    assert stored_files() == before
    assert first.attachments.get().name == "a"
    assert first.attachments.get().full_url.endswith("?size=1600")


def test_nothing_is_stored_for_nothing() -> None:
    assert carried.store_attachments([], []) == []
