"""Marking one notification and all notifications read."""

import pytest
from django.test import Client

from feed.tests.factories import HTMX, react, say
from notifications.display.badge import unread_of
from notifications.models import Notification
from tests.cast import client_of
from users.models import User

pytestmark = [pytest.mark.both, pytest.mark.django_db]


@pytest.fixture
def three(alice: User, charlie: User) -> list[Notification]:
    """Alice's unread notifications, the oldest first."""
    for number in range(3):
        react(say(alice, f"Post {number}"), charlie)
    return list(Notification.objects.order_by("sort_key"))


def test_one_is_read(three: list[Notification], as_alice: Client) -> None:
    response = as_alice.post(f"/notifications/{three[0].pk}/read/", {"next": "/notifications/?show=unread"})
    assert (response.status_code, response["Location"]) == (302, "/notifications/?show=unread")
    assert unread_of(three[0].recipient_id) == 2


def test_htmx_gets_the_row_as_read(three: list[Notification], as_alice: Client) -> None:
    for _time in range(2):
        html = as_alice.post(f"/notifications/{three[0].pk}/read/", headers=HTMX).content.decode()
        assert f'id="notification-{three[0].pk}"' in html
        assert "notification-unread" not in html
        assert "<html" not in html


def test_those_of_others_are_a_404(three: list[Notification], as_charlie: Client) -> None:
    assert as_charlie.post(f"/notifications/{three[0].pk}/read/").status_code == 404
    assert as_charlie.post("/notifications/read/").status_code == 302
    assert unread_of(three[0].recipient_id) == 3


def test_all_are_read(three: list[Notification], as_alice: Client) -> None:
    assert as_alice.post("/notifications/read/").status_code == 302
    assert unread_of(three[0].recipient_id) == 0


def test_what_came_after_the_page_was_drawn_stays_unread(three: list[Notification], as_alice: Client) -> None:
    as_alice.post("/notifications/read/", {"up_to": three[1].sort_key})
    assert [row.is_unread for row in Notification.objects.order_by("sort_key")] == [False, False, True]


@pytest.mark.parametrize("up_to", ["x", "-1", "9" * 30])
def test_an_invalid_sort_key_is_a_400(three: list[Notification], as_alice: Client, up_to: str) -> None:
    assert as_alice.post("/notifications/read/", {"up_to": up_to}).status_code == 400
    assert unread_of(three[0].recipient_id) == 3


@pytest.mark.parametrize("address", ["/notifications/read/", "/notifications/{pk}/read/"])
def test_reading_needs_a_post_and_a_token(three: list[Notification], alice: User, address: str) -> None:
    address = address.format(pk=three[0].pk)
    assert client_of(alice).get(address).status_code == 405
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(alice)
    assert strict.post(address).status_code == 403
    assert unread_of(alice.pk) == 3


def test_reading_needs_a_member(three: list[Notification], client: Client) -> None:
    for address in ("/notifications/read/", f"/notifications/{three[0].pk}/read/"):
        assert client.post(address)["Location"].startswith("/accounts/login/")


def test_a_mail_that_waited_is_not_needed_any_more(three: list[Notification], as_alice: Client) -> None:
    Notification.objects.update(mail_due_at="2100-01-01T00:00Z")
    as_alice.post(f"/notifications/{three[0].pk}/read/")
    assert Notification.objects.exclude(mail_due_at=None).count() == 2
    as_alice.post("/notifications/read/")
    assert not Notification.objects.exclude(mail_due_at=None).exists()
