"""The key of an entry's HTML: all that it shows, and nothing else."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from django.template.loader import get_template
from django.utils import timezone

from core.database.lru_cache import clear_caches
from messaging import services
from messaging.display.entry_html import render_entry
from messaging.display.rendering import EntryForViewer, entries_for
from messaging.models import AttachmentView, Conversation, Entry, EntryView, Membership
from messaging.tests.factories import send
from network.services import block_member
from tests.view_changes import find_missed_changes
from users.models import MemberView, User

FILES = (AttachmentView(3, 1, True, "desk", 0, 800, 600), AttachmentView(3, 2, False, "cv.pdf", 1000, 0, 0))
# Fields that do not take any value, with another one.
OTHERS = {"kind": "joined"}


def entry_view(**values: Any) -> EntryView:
    """A message of another member, with everything that it can show."""
    message = EntryView(
        conversation=3,
        seq=4,
        kind="message",
        created_at=datetime(2026, 3, 4, 5, 6, tzinfo=UTC),
        author_id=5,
        author=MemberView("ann", "Ann", "photos/a"),
        subject=None,
        is_mine=False,
        is_hidden=False,
        is_edited=True,
        is_deleted=False,
        is_own_leave=False,
        client_id=None,
        title="",
        html="<p>Words</p>",
        attachments=FILES,
    )
    return message._replace(**values)


def html_of(view: EntryView, **on_page: bool | str) -> str:
    return get_template("messaging/_entry.html").render({"entry": view, **on_page})


def test_each_value_of_an_entry_is_in_its_key_and_is_shown() -> None:
    bob = MemberView("bob", "Bob", "photos/b")
    mine = entry_view(is_mine=True, author=None, client_id=UUID(int=9))
    left = entry_view(kind="left", subject=bob)
    renamed = entry_view(kind="renamed", title="Friends")
    same_key, same_html = find_missed_changes([entry_view(), mine, left, renamed], html_of, OTHERS)
    # Who came or went is named without link and photo; a picture shows no size in bytes, a file none in pixels.
    assert same_key == set()
    unseen = {"subject.username", "subject.photo", "subject.is_unnamed"}
    unseen |= {"attachments.0.size", "attachments.1.width", "attachments.1.height"}
    assert same_html == unseen


def test_a_message_looks_the_same_with_and_without_the_template() -> None:
    mine = entry_view(is_mine=True, author=None, client_id=UUID(int=9), attachments=())
    named = MemberView("eve", "<Eve> & 'Co' 100000000000000001", "")
    other = entry_view(author=named, attachments=())
    views = [mine, other, mine._replace(client_id=None), other._replace(author=None, author_id=None)]
    views += [view._replace(is_edited=False, html="<p>\\1 {} %s</p>", seq=10**18 - 1) for view in views]
    views += [view._replace(author_id=7, conversation=8, seq=9) for view in views]
    views += [
        view._replace(created_at=datetime(2025, 12, 31, 23, 59, 58, 123456, tzinfo=UTC)) for view in views
    ]
    views += [
        entry_view(),
        mine._replace(is_deleted=True, html=""),
        entry_view(kind="renamed", title="Friends"),
    ]
    pages: list[dict[str, bool | str]] = [
        {},
        {"follows": False, "mark": "", "is_found": False},
        {"follows": True, "mark": "delivered", "is_found": False},
        {"follows": False, "mark": "read", "is_found": True},
    ]
    for zone in ("UTC", "Asia/Kathmandu"):
        with timezone.override(zone):
            # The second time from what the first one has cut.
            differing = [
                (view, on_page)
                for on_page in pages
                for view in [*views, *views]
                if render_entry(view, **on_page) != html_of(view, **on_page)
            ]
            assert differing == []


def drawn(conversation: Conversation, viewer: User) -> list[EntryForViewer]:
    mine = Membership.objects.select_related("conversation").get(conversation=conversation, member=viewer)
    return entries_for(
        list(Entry.objects.lines().filter(conversation=conversation).order_by("seq")), mine, viewer
    )


@pytest.mark.django_db
def test_readers_share_an_entry_only_where_it_looks_the_same(
    group: Conversation, alice: User, bob: User, dora: User
) -> None:
    file = services.File(b"%PDF-1.4", "plan.pdf")
    for author in (alice, bob, dora):
        send(group, author, f"Words of {author}", files=[file])
    for author in (alice, bob, dora):
        services.edit_message(entry=send(group, author, "Befor"), by=author, text="Before")
    deleted = send(group, alice, "Gon")
    services.edit_message(entry=deleted, by=alice, text="Gone")
    services.delete_message(entry=deleted, by=alice)
    block_member(blocker=dora, blocked=bob)
    shown = [line for viewer in (alice, bob, dora) for line in drawn(group, viewer)]
    cached = [line.__html__() for line in shown]
    keys: dict[EntryView, str] = {}
    for line, html in zip(shown, cached, strict=True):
        clear_caches()
        assert line.__html__() == html
        assert keys.setdefault(line.view, html) == html
    assert len(shown) > len(keys) == len(set(keys.values()))
    hidden = [line.view for line in shown if line.is_hidden]
    assert {
        (view.html, view.author_id, view.author, view.attachments, view.is_edited) for view in hidden
    } == {("", None, None, (), False)}
    assert {line.view.is_edited for line in shown if line.view.is_deleted} == {False}
    # Nobody's own name is part of what the member's pages show.
    own = [line.view for line in shown if line.is_mine and line.view.is_message]
    assert {(view.author_id, view.author) for view in own} == {
        (pk, None) for pk in (alice.pk, bob.pk, dora.pk)
    }
