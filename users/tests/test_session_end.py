"""Open tabs are signed out at once when their session ends, and only then."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from core.database.thread_pool import in_database
from core.sockets import heartbeat
from core.tests.socket_client import SocketClient, until_up
from tests.cast import PASSWORD, client_of
from users.models import User

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("no_heartbeat")]


@pytest.fixture
def no_heartbeat(monkeypatch: pytest.MonkeyPatch) -> None:
    """Disables the heartbeat, so that only events can sign a tab out."""
    monkeypatch.setattr(heartbeat, "HEARTBEAT", 1000.0)
    monkeypatch.setattr(heartbeat, "HEARTBEAT_ALONE", 1000.0)


def browser_of(tab: SocketClient) -> Client:
    """Return an HTTP client with the session of the tab."""
    name, _, value = tab.cookie.partition("=")
    client = Client()
    client.cookies[name] = value
    return client


def sign_out(tab: SocketClient, member: User) -> None:
    assert browser_of(tab).post("/accounts/logout/").status_code == 302


def change_password(tab: SocketClient, member: User) -> None:
    new = "another-long-password"
    form = {"oldpassword": PASSWORD, "password1": new, "password2": new}
    assert browser_of(tab).post("/accounts/password/change/", form).status_code == 302


def deactivate(tab: SocketClient, member: User) -> None:
    member.is_active = False
    member.save(update_fields=["is_active"])


def suspend(tab: SocketClient, member: User) -> None:
    member.suspended_at = timezone.now()
    member.save()


def delete(tab: SocketClient, member: User) -> None:
    User.objects.get(pk=member.pk).delete()


Act = Callable[[SocketClient, User], None]


@pytest.mark.parametrize("act", [change_password, deactivate, suspend, delete])
async def test_what_ends_all_sessions_closes_all_tabs(alice: User, charlie: User, act: Act) -> None:
    one, two = await SocketClient.of(alice), await SocketClient.of(alice)
    other = await SocketClient.of(charlie)
    await until_up()
    await in_database(act, one, alice)
    assert await one.closed(3) == 4401
    assert await two.closed(3) == 4401
    assert await other.was_left_alone()


async def test_signing_out_closes_the_tabs_of_that_browser_alone(alice: User) -> None:
    one, two = await SocketClient.of(alice), await SocketClient.of(alice)
    await until_up()
    await in_database(sign_out, one, alice)
    assert await one.closed(3) == 4401
    assert await two.was_left_alone()


async def test_what_changes_nothing_about_sessions_says_nothing(alice: User) -> None:
    tab = await SocketClient.of(alice)
    await until_up()

    def edit() -> None:
        alice.headline = "Engineer"
        alice.save(update_fields=["headline"])
        client_of(alice)  # last_login

    await in_database(edit)
    assert await tab.was_left_alone()


def test_who_was_not_signed_in_signs_out_of_nothing(client: Any) -> None:
    assert client.post("/accounts/logout/").status_code == 302
