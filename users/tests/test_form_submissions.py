"""A form that is sent again because the response was lost creates no second row and gets the same response."""

import re
import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any, cast

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db.models import Model
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from feed.models import Comment, Post
from feed.tests.factories import HTMX, jpeg, run_concurrently, say
from messaging.models import Conversation, Entry
from network.models import Connection
from notifications.models import Notification
from tests.cast import client_of, make_member
from users.models import Education, Experience, FormSubmission, Link, Skill, User

pytestmark = pytest.mark.slow

BAD_IDS = [
    "",
    "x",
    "0",
    "-1",
    "null",
    "x" * 10_000,
    "\x00",
    str(uuid.uuid4()) + "\n",
    "{" + str(uuid.uuid4()) + "}",
]
GROUP = {"to": ["bob"], "title": "Us", "text": "Hi"}
POSITION = {"title": "Baker", "employer": "Bakery", "start_0": "3", "start_1": "2019"}


@dataclass(frozen=True)
class Form:
    """A page with a form that creates a row, and the data of the form."""

    page: str
    address: str
    typed: dict[str, Any]
    makes: type[Model]
    field: str = "submission_id"

    def shown_id(self, client: Client, **headers: str) -> str:
        """Return the submission id of the form on its page."""
        page = client.get(self.page, headers=headers).content.decode()
        pattern = rf'<form[^>]*>(?:(?!</form>).)*name="{self.field}" [^>]*value="([^"]+)"'
        form = re.search(pattern, page, re.DOTALL)
        assert form, f"no {self.field} on {self.page}"
        return form[1]

    def send(self, client: Client, submission_id: str, **more: Any) -> HttpResponse:
        typed = {**self.typed, self.field: submission_id}
        return cast(HttpResponse, client.post(self.address, typed, **more))


@pytest.fixture
def forms(alice: User, bob: User, charlie: User) -> list[Form]:
    """Every form that creates a row; Alice submits them."""
    post = say(bob, "To all", audience=0)
    here = f"/posts/{post.pk}/"
    return [
        Form("/", "/posts/", {"text": "Hello", "audience": 1}, Post),
        Form(here, f"{here}comment/", {"text": "Well said"}, Comment),
        Form(f"{here}repost/", f"{here}repost/", {"text": "Look", "audience": 1}, Post),
        Form(f"{here}repost/", f"{here}repost/", {"text": "", "audience": 1}, Post),
        Form("/members/charlie/invite/", "/members/charlie/invite/", {"note": "We met"}, Connection),
        Form("/settings/experience/", "/settings/experience/", POSITION, Experience),
        Form("/settings/education/", "/settings/education/", {"school": "FEUP", "start_year": 2001}, Education),
        Form("/settings/skills/", "/settings/skills/", {"name": "Bread"}, Skill),
        Form("/settings/links/", "/settings/links/", {"label": "Me", "url": "https://example.org"}, Link),
        Form("/messages/new/", "/messages/new/", GROUP, Conversation, "client_id"),
        Form("/messages/to/bob/", "/messages/to/bob/", {"text": "Hi, Bob"}, Entry, "client_id"),
    ]  # fmt: skip


def rows() -> dict[str, int]:
    """Count the rows that forms create, and the notifications about them."""
    made = (Post, Comment, Connection, Experience, Education, Skill, Link, Conversation, Entry, Notification)
    return {model.__name__: model._default_manager.count() for model in made}


def summary_of(response: HttpResponse) -> tuple[int, str]:
    return response.status_code, response.headers.get("Location", "")


def deviations(checks: Iterable[tuple[str, object, object]]) -> list[str]:
    return [f"{name}: {found} instead of {expected}" for name, found, expected in checks if found != expected]


@pytest.mark.django_db
def test_each_form_sent_again_is_answered_as_before_and_makes_nothing(
    forms: list[Form], as_alice: Client
) -> None:
    checks: list[tuple[str, object, object]] = []
    for form in forms:
        sent = form.shown_id(as_alice)
        before = form.makes._default_manager.count()
        first = form.send(as_alice, sent)
        after = rows()
        again = form.send(as_alice, sent)
        checks.append((f"{form.address} makes one", form.makes._default_manager.count() - before, 1))
        checks.append((f"{form.address} responses", summary_of(again), summary_of(first)))
        checks.append((f"{form.address} leaves", rows(), after))
        checks.append((f"{form.address} is sent", first.status_code, 302))
    assert deviations(checks) == []


@pytest.mark.django_db
def test_htmx_gets_the_same_part_again_and_a_form_with_another_id(alice: User, as_alice: Client) -> None:
    post = say(alice, "Before")
    for form in (
        Form("/", "/posts/", {"text": "Hello", "audience": 1}, Post),
        Form(f"/posts/{post.pk}/", f"/posts/{post.pk}/comment/", {"text": "Well said"}, Comment),
    ):
        sent = form.shown_id(as_alice)
        responses = [form.send(as_alice, sent, headers=HTMX).content.decode() for _time in range(2)]
        found = [re.findall(r'name="submission_id" value="([^"]+)"', response) for response in responses]
        assert all(form.typed["text"] in response for response in responses)
        assert sent not in [*found[0], *found[1]]
        assert found[0][0] != found[1][0]
    assert (Post.objects.count(), Comment.objects.count()) == (2, 1)


@pytest.mark.django_db
def test_pictures_are_part_of_what_was_sent(as_alice: Client) -> None:
    form = Form("/", "/posts/", {"text": "", "audience": 1}, Post)
    sent = form.shown_id(as_alice)

    def send(name: str) -> int:
        picture = SimpleUploadedFile(name, jpeg(), "image/jpeg")
        return as_alice.post(
            "/posts/", {**form.typed, "images": [picture], "submission_id": sent}
        ).status_code

    assert [send("one.jpg"), send("one.jpg"), send("two.jpg")] == [302, 302, 422]
    assert Post.objects.get().images.count() == 1


@pytest.mark.django_db
def test_other_words_under_the_same_id_are_neither_lost_nor_added_unasked(as_alice: Client) -> None:
    """After going back to a page whose form was sent: the text stays, and the next submission adds it."""
    form = Form("/", "/posts/", {"text": "Hello", "audience": 1}, Post)
    sent = form.shown_id(as_alice)
    form.send(as_alice, sent)
    for headers in ({}, HTMX):
        response = as_alice.post(
            "/posts/", {"text": "Changed", "audience": 1, "submission_id": sent}, headers=headers
        )
        page = response.content.decode()
        assert response.status_code == 422
        assert "You changed a form that was already sent" in page
        assert "Changed</textarea>" in page
        assert sent not in page
    fresh = re.search(r'name="submission_id" value="([^"]+)"', page)
    assert fresh
    as_alice.post("/posts/", {"text": "Changed", "audience": 1, "submission_id": fresh[1]})
    assert set(Post.objects.values_list("text", flat=True)) == {"Hello", "Changed"}


@pytest.mark.django_db
def test_what_was_refused_may_be_sent_again(as_alice: Client, settings: Settings) -> None:
    sent = str(uuid.uuid4())
    typed = {"text": "Hello", "audience": 1, "submission_id": sent}
    assert as_alice.post("/posts/", {**typed, "text": ""}).status_code == 422
    settings.MEMBER_LIMITS = {**settings.MEMBER_LIMITS, "post": ((1, 60),)}
    assert as_alice.post("/posts/", {**typed, "submission_id": str(uuid.uuid4())}).status_code == 302
    assert as_alice.post("/posts/", typed).status_code == 429
    settings.MEMBER_LIMITS_FACTOR = 0
    assert as_alice.post("/posts/", typed).status_code == 302
    assert Post.objects.count() == 2


@pytest.mark.django_db
def test_a_send_that_makes_nothing_more_is_not_counted(as_alice: Client, settings: Settings) -> None:
    settings.MEMBER_LIMITS = {**settings.MEMBER_LIMITS, "post": ((1, 60),)}
    typed = {"text": "Hello", "audience": 1, "submission_id": str(uuid.uuid4())}
    assert {as_alice.post("/posts/", typed).status_code for _time in range(5)} == {302}


@pytest.mark.django_db
def test_an_id_that_is_none_of_ours_stores_what_was_written(as_alice: Client, as_bob: Client) -> None:
    for bad in BAD_IDS:
        response = as_alice.post("/posts/", {"text": "Hello", "audience": 1, "submission_id": bad})
        assert response.status_code == 302, bad
    assert Post.objects.count() == len(BAD_IDS)
    assert not FormSubmission.objects.exists()
    # The id of another member's form is independent and reveals nothing.
    theirs = {"text": "Hello", "audience": 1, "submission_id": str(uuid.uuid4())}
    for client in (as_alice, as_bob):
        assert client.post("/posts/", theirs).status_code == 302
    assert Post.objects.count() == len(BAD_IDS) + 2
    # The id of one form is not valid for another form.
    post = Post.objects.latest("pk")
    response = as_bob.post(
        f"/posts/{post.pk}/comment/", {"text": "Hello", "submission_id": theirs["submission_id"]}
    )
    assert (response.status_code, Comment.objects.count()) == (422, 0)


@pytest.mark.django_db
def test_what_was_deleted_meanwhile_does_not_come_back(as_alice: Client) -> None:
    typed = {"text": "Hello", "audience": 1, "submission_id": str(uuid.uuid4())}
    as_alice.post("/posts/", typed)
    Post.objects.all().delete()
    assert as_alice.post("/posts/", typed).status_code == 302
    assert as_alice.post("/posts/", typed, headers=HTMX).status_code == 404
    assert not Post.objects.exists()


@pytest.mark.django_db
def test_forms_are_forgotten_after_a_week(alice: User, as_alice: Client) -> None:
    old = timezone.now() - timedelta(days=8)
    for member in (alice, make_member("other")):
        FormSubmission.objects.create(member=member, submission_id=uuid.uuid4(), created_at=old)
    as_alice.post("/posts/", {"text": "Hello", "audience": 1, "submission_id": str(uuid.uuid4())})
    assert FormSubmission.objects.filter(member=alice).count() == 1
    assert FormSubmission.objects.count() == 2


@pytest.mark.django_db(transaction=True)
def test_sent_many_times_at_once_it_is_made_once(forms: list[Form], alice: User) -> None:
    checks: list[tuple[str, object, object]] = []
    for form in forms:
        sent, before = form.shown_id(client_of(alice)), form.makes._default_manager.count()
        clients = [client_of(alice) for _time in range(4)]
        sends: list[Callable[[], HttpResponse]] = [partial(form.send, client, sent) for client in clients]
        responses = run_concurrently(*sends)
        found = {
            summary_of(response) if isinstance(response, HttpResponse) else repr(response)
            for response in responses
        }
        checks.append((f"{form.address} responses", len(found), 1))
        checks.append((f"{form.address} makes one", form.makes._default_manager.count() - before, 1))
    assert deviations(checks) == []
