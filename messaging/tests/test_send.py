"""POST /messages/<id>/send/: what a program gets for what it sends."""

import json
import uuid
from datetime import timedelta
from time import process_time
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from core.tests import pictures
from messaging import services
from messaging.forms import LARGEST_FILE, LONGEST_MESSAGE
from messaging.models import Conversation, Entry
from messaging.services.send import RATE_LIMIT_MESSAGES, RATE_LIMIT_SECONDS
from messaging.tests.factories import JSON, PDF, post_json, post_send, send, upload
from network.services import block_member
from tests.cast import client_of
from users.models import User

pytestmark = pytest.mark.django_db


@pytest.fixture
def address(conversation: Conversation) -> str:
    return f"/messages/{conversation.pk}/send/"


def test_a_form_is_acknowledged_with_the_entry(
    as_alice: Client, conversation: Conversation, alice: User
) -> None:
    client_id = str(uuid.uuid4())
    response = post_send(as_alice, conversation, text="Hello *you*", client_id=client_id)
    assert response.status_code == 201
    told = json.loads(response.content)
    entry = told["entry"]
    assert told["conversation"] == conversation.pk
    assert (entry["seq"], entry["kind"], entry["author"], entry["target"]) == (1, "message", alice.pk, None)
    assert (entry["client_id"], entry["text"]) == (client_id, "Hello *you*")
    assert "<em>you</em>" in entry["html"]
    assert 'id="entry-1"' in entry["html"]
    assert entry["at"].endswith("Z")


def test_a_page_of_another_member_sends_nothing(
    as_alice: Client, address: str, alice: User, bob: User
) -> None:
    as_alice.defaults["HTTP_X_MEMBER"] = str(bob.pk)
    assert post_json(as_alice, address, {"text": "Not mine"}).status_code == 403
    cursors = as_alice.post(address.replace("send", "cursors"), {"read": 1})
    assert cursors.status_code == 403
    assert not Entry.objects.exists()
    as_alice.defaults["HTTP_X_MEMBER"] = str(alice.pk)
    assert post_json(as_alice, address, {"text": "Mine"}).status_code == 201


def test_a_json_body_is_read_like_a_form(as_alice: Client, address: str) -> None:
    client_id = str(uuid.uuid4())
    response = post_json(as_alice, address, {"text": "Hello", "client_id": client_id})
    assert response.status_code == 201
    assert Entry.objects.get().text == "Hello"


def test_the_same_again_is_200_and_nothing_new(as_alice: Client, address: str) -> None:
    body = {"text": "Hello", "client_id": str(uuid.uuid4())}
    first, again = post_json(as_alice, address, body), post_json(as_alice, address, body)
    assert (first.status_code, again.status_code) == (201, 200)
    assert json.loads(first.content) == json.loads(again.content)
    assert Entry.objects.count() == 1


def test_the_same_id_with_other_words_is_409(as_alice: Client, address: str) -> None:
    client_id = str(uuid.uuid4())
    post_json(as_alice, address, {"text": "Hello", "client_id": client_id})
    response = post_json(as_alice, address, {"text": "Goodbye", "client_id": client_id})
    assert (response.status_code, json.loads(response.content)["error"]) == (409, "client_id_taken")


def test_without_a_client_id_each_is_a_message(as_alice: Client, address: str) -> None:
    assert [post_json(as_alice, address, {"text": "Hello"}).status_code for _turn in range(2)] == [201, 201]


@pytest.mark.parametrize(
    "accept", ["text/html", "*/*", "text/html,application/xhtml+xml,application/json;q=0.9"]
)
def test_a_browser_is_sent_back_to_the_conversation(
    as_alice: Client, conversation: Conversation, accept: str
) -> None:
    response = as_alice.post(
        f"/messages/{conversation.pk}/send/", {"text": "Hello"}, headers={"Accept": accept}
    )
    assert (response.status_code, response["Location"]) == (302, f"/messages/{conversation.pk}/")


EMPTY = {
    "empty": "",
    "spaces": "  \n\t ",
    "invisible": "\u200b\u2060\u2800\ufeff",
    "control characters": "\x00\x07\x1b",
}


@pytest.mark.parametrize("text", EMPTY.values(), ids=EMPTY.keys())
def test_nothing_to_see_is_422(as_alice: Client, address: str, text: str) -> None:
    response = post_json(as_alice, address, {"text": text})
    assert response.status_code == 422
    told = json.loads(response.content)
    assert told["error"] == "invalid"
    assert list(told["errors"]) == ["text"]
    assert not Entry.objects.exists()


INVALID = {
    "60,000 characters": {"text": "x" * 60_000},
    "half a surrogate": {"text": "a\ud800b"},
    "a number": {"text": 5},
    "a list": {"text": ["Hello"]},
    "an object": {"text": {"a": 1}},
    "truth": {"text": True},
}


@pytest.mark.parametrize("body", INVALID.values(), ids=INVALID.keys())
def test_what_is_no_text_to_send_is_422(as_alice: Client, address: str, body: dict[str, object]) -> None:
    response = post_json(as_alice, address, body)
    assert response.status_code == 422
    assert list(json.loads(response.content)["errors"]) == ["text"]
    assert not Entry.objects.exists()


@pytest.mark.parametrize("client_id", ["x", "1", 5, {"a": 1}, "a\ud800", "z" * 36, "\x00"])
def test_a_malformed_client_id_is_422(as_alice: Client, address: str, client_id: object) -> None:
    response = post_json(as_alice, address, {"text": "Hello", "client_id": client_id})
    assert response.status_code == 422
    assert list(json.loads(response.content)["errors"]) == ["client_id"]


MALFORMED = {
    "nothing": b"",
    "no json": b"{",
    "invalid utf-8": b'{"text": "\xff\xfe"}',
    "a list": b'["Hello"]',
    "a text": b'"Hello"',
    "deep": b"[" * 60_000,
    "deep in an object": b'{"text": ' * 5000 + b"1" + b"}" * 5000,
    "a huge number": b'{"text": ' + b"9" * 5000 + b"}",
}


@pytest.mark.parametrize("body", MALFORMED.values(), ids=MALFORMED.keys())
def test_what_is_no_json_object_is_refused(as_alice: Client, address: str, body: bytes) -> None:
    assert post_json(as_alice, address, body).status_code in {400, 422}
    assert not Entry.objects.exists()


def test_what_is_nested_is_refused_however_deep(as_alice: Client, address: str) -> None:
    for depth in (1, 100, 300, 500, 700, 900):
        for name in ("text", "client_id"):
            body = f'{{"text": "Hello", "{name}": {"[" * depth}{"]" * depth}}}'.encode()
            assert post_json(as_alice, address, body).status_code in {400, 422}, (name, depth)
        body = f'{{"read": {"[" * depth}{"]" * depth}}}'.encode()
        assert post_json(as_alice, address.replace("send", "cursors"), body).status_code == 400, depth
    assert not Entry.objects.exists()


def test_nul_and_line_ends_are_cleaned(as_alice: Client, address: str) -> None:
    assert post_json(as_alice, address, {"text": "a\x00b\r\nc\n\n"}).status_code == 201
    assert Entry.objects.get().text == "ab\nc"


def test_the_longest_message_is_taken_and_quick(as_alice: Client, address: str) -> None:
    unit = "**b** *i* `c` ~~s~~ [l](https://example.org/a_b) @x #y\n> - 1. "
    text = (unit * 200)[:LONGEST_MESSAGE].strip()
    services.send.to_html(text)
    start = process_time()
    html = services.send.to_html(text)
    # 0.1 seconds on a quiet machine; this one may be busy with other tests.
    assert process_time() - start < 0.3
    assert "<script" not in html
    assert post_json(as_alice, address, {"text": text}).status_code == 201


XSS = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "[x](javascript:alert(1))",
    "<javascript:alert(1)>",
    '<a href="https://a.example" onclick="alert(1)">x</a>',
    "![x](https://a.example/x.png)",
    "`<svg onload=alert(1)>`",
    "[x](data:text/html;base64,PHNjcmlwdD4=)",
    '"><script>alert(1)</script>',
    "{{ request }}{% csrf_token %}",
]


@pytest.mark.parametrize("text", XSS)
def test_hostile_words_are_inert(as_alice: Client, address: str, text: str) -> None:
    html = json.loads(post_json(as_alice, address, {"text": text}).content)["entry"]["html"]
    body = html.partition("entry-body")[2].partition("entry-foot")[0].lower()
    assert body
    for hostile in (
        "<script",
        "<img",
        "<svg",
        'href="javascript',
        'href="data',
        "<a onclick",
        "csrfmiddleware",
    ):
        assert hostile not in body


def test_a_picture_and_a_file_come_along(as_alice: Client, conversation: Conversation) -> None:
    response = post_send(
        as_alice,
        conversation,
        pictures=[upload("Our harbour.png", pictures.png())],
        files=[upload("The plan.pdf", PDF)],
    )
    assert response.status_code == 201
    entry = Entry.objects.get()
    assert entry.attached == 2
    assert [attached.name for attached in entry.attachments.all()] == ["Our harbour", "The plan.pdf"]
    assert "The plan.pdf" in json.loads(response.content)["entry"]["html"]


@pytest.mark.parametrize(
    ("field", "name", "data"),
    [
        ("pictures", "a.png", pictures.HTML),
        ("files", "a.pdf", pictures.HTML),
        ("files", "a.exe", b"MZ\x90\x00" * 20),
        ("files", "a.txt", b""),
    ],
)
def test_a_file_that_is_not_taken_is_422_at_its_field(
    as_alice: Client, conversation: Conversation, field: str, name: str, data: bytes
) -> None:
    response = post_send(as_alice, conversation, text="Hello", **{field: [upload(name, data)]})
    assert response.status_code == 422
    assert list(json.loads(response.content)["errors"]) == [field]
    assert not Entry.objects.exists()


def test_more_than_five_files_are_422(as_alice: Client, conversation: Conversation) -> None:
    response = post_send(as_alice, conversation, files=[upload(f"{turn}.pdf", PDF) for turn in range(6)])
    assert list(json.loads(response.content)["errors"]) == ["files"]


def test_a_stranger_gets_404(as_charlie: Client, address: str) -> None:
    assert post_json(as_charlie, address, {"text": "Hello"}).status_code == 404
    assert post_json(as_charlie, "/messages/999999/send/", {"text": "Hello"}).status_code == 404


def test_a_visitor_is_asked_to_sign_in(client: Client, address: str) -> None:
    response = post_json(client, address, {"text": "Hello"})
    assert response.status_code == 302
    assert response["Location"].startswith("/accounts/login/")


def test_get_is_refused(as_alice: Client, address: str) -> None:
    assert as_alice.get(address).status_code == 405


def test_a_request_without_token_is_refused(alice: User, address: str) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(alice)
    assert post_json(client, address, {"text": "Hello"}).status_code == 403
    assert not Entry.objects.exists()


def test_after_a_block_it_is_403(as_alice: Client, alice: User, bob: User, address: str) -> None:
    block_member(blocker=bob, blocked=alice)
    response = post_json(as_alice, address, {"text": "Hello"})
    assert (response.status_code, json.loads(response.content)["error"]) == (403, "blocked")


@pytest.mark.parametrize("values", [{"suspended_at": timezone.now()}, {"is_active": False}])
def test_to_somebody_who_is_gone_it_is_403(
    as_alice: Client, bob: User, address: str, values: dict[str, object]
) -> None:
    User.objects.filter(pk=bob.pk).update(**values)
    response = post_json(as_alice, address, {"text": "Hello"})
    assert (response.status_code, json.loads(response.content)["error"]) == (403, "blocked")


def test_a_sixth_unanswered_message_is_403(alice: User, charlie: User) -> None:
    request = services.start_direct(by=charlie, other=alice)
    client = client_of(charlie)
    answers = [post_send(client, request, text=str(turn)) for turn in range(6)]
    assert [answer.status_code for answer in answers] == [201] * 5 + [403]
    assert json.loads(answers[-1].content)["error"] == "unanswered"


def reach_rate_limit(conversation: Conversation, author: User) -> None:
    """Store as many messages as a member may send in a minute."""
    Entry.objects.bulk_create(
        Entry(conversation=conversation, seq=turn, author=author, client_id=uuid.uuid4())
        for turn in range(1, RATE_LIMIT_MESSAGES + 1)
    )
    Conversation.objects.filter(pk=conversation.pk).update(last_seq=RATE_LIMIT_MESSAGES)


def test_too_many_in_a_minute_are_429_until_later(
    as_alice: Client, conversation: Conversation, alice: User, bob: User, address: str
) -> None:
    reach_rate_limit(conversation, alice)
    response = post_json(as_alice, address, {"text": "Hello"})
    assert (response.status_code, json.loads(response.content)["error"]) == (429, "too_fast")
    assert RATE_LIMIT_SECONDS - 1 <= int(response["Retry-After"]) <= RATE_LIMIT_SECONDS
    # Others write on, whoever of them signed up first.
    assert post_json(client_of(bob), address, {"text": "Hello"}).status_code == 201
    Entry.objects.filter(author=alice).update(author=bob)
    assert post_json(as_alice, address, {"text": "Hello"}).status_code == 201
    Entry.objects.filter(author=bob).update(author=alice)
    Entry.objects.update(created_at=timezone.now() - timedelta(seconds=RATE_LIMIT_SECONDS + 1))
    assert post_json(as_alice, address, {"text": "Hello"}).status_code == 201


def test_what_was_acknowledged_stays_so_above_the_rate_limit_and_after_a_block(
    as_alice: Client, conversation: Conversation, alice: User, bob: User, address: str
) -> None:
    body = {"text": "Hello", "client_id": str(uuid.uuid4())}
    assert post_json(as_alice, address, body).status_code == 201
    Entry.objects.filter(seq=1).update(created_at=timezone.now())
    for _turn in range(3):
        send(conversation, bob)
    Entry.objects.bulk_create(
        Entry(conversation=conversation, seq=turn, author=alice, client_id=uuid.uuid4())
        for turn in range(5, RATE_LIMIT_MESSAGES + 5)
    )
    assert post_json(as_alice, address, body).status_code == 200
    block_member(blocker=bob, blocked=alice)
    assert post_json(as_alice, address, body).status_code == 200


def test_refused_words_come_back_to_a_browser(as_alice: Client, alice: User, bob: User, address: str) -> None:
    block_member(blocker=bob, blocked=alice)
    response = as_alice.post(address, {"text": "My long words"}, headers={"Accept": "text/html"})
    assert response.status_code == 403
    assert JSON["Accept"] not in response["Content-Type"]


def test_a_file_of_more_than_20_mb_is_422(as_alice: Client, conversation: Conversation) -> None:
    response = post_send(as_alice, conversation, files=[upload("a.pdf", PDF + b"\x00" * LARGEST_FILE)])
    assert response.status_code == 422
    assert json.loads(response.content)["errors"] == {"files": ["a.pdf is larger than 20 MB."]}


@pytest.mark.parametrize("accept", ["application/json", "text/html"])
def test_who_is_taken_out_in_that_moment_gets_404(
    as_bob: Client, group: Conversation, alice: User, bob: User, accept: str
) -> None:
    gone: list[bool] = []

    def take_out(execute: Any, sql: str, *rest: Any) -> Any:
        if sql.startswith("UPDATE messaging_conversation") and not gone:
            gone.append(True)
            services.remove_member(conversation=group, by=alice, member=bob)
        return execute(sql, *rest)

    with connection.execute_wrapper(take_out):
        response = as_bob.post(f"/messages/{group.pk}/send/", {"text": "Hello"}, headers={"Accept": accept})
    assert (response.status_code, gone) == (404, [True])
    assert not Entry.objects.filter(author=bob).exists()
