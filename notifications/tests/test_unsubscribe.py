"""Turning mail off by the link of a mail (RFC 8058)."""

import pytest
from django.core.signing import Signer
from django.test import Client
from django.urls import reverse

from notifications.kinds import Channel, Kind
from notifications.models import Notification, Preference
from notifications.preferences.deliveries import wanted_deliveries
from notifications.preferences.unsubscribe_tokens import read_token, token_for
from tests.cases import all_cases, rolled_back
from users.models import User

pytestmark = pytest.mark.django_db

ONE_CLICK = {"List-Unsubscribe": "One-Click"}


def address(token: str) -> str:
    return reverse("notifications:unsubscribe", args=[token])


def mailed(member: User) -> set[Kind]:
    """The kinds that the member wants by mail."""
    return {
        kind
        for _member, kind, channel in wanted_deliveries([member.pk], list(Kind))
        if channel is Channel.MAIL
    }


def test_looking_changes_nothing(alice: User, client: Client) -> None:
    before = mailed(alice)
    response = client.get(address(token_for(alice.pk, Kind.COMMENT)))
    assert response.status_code == 200
    assert "Comments" in response.content.decode()
    assert "no-store" in response["Cache-Control"]
    assert client.head(address(token_for(alice.pk, Kind.COMMENT))).status_code == 200
    assert mailed(alice) == before
    assert not Preference.objects.exists()


def test_one_click_without_cookies_and_token_of_a_form_turns_the_kind_off(alice: User) -> None:
    before = mailed(alice)
    program = Client(enforce_csrf_checks=True)
    for _time in range(2):
        response = program.post(address(token_for(alice.pk, Kind.COMMENT)), ONE_CLICK)
        assert response.status_code == 200  # RFC 8058: no redirect
        assert mailed(alice) == before - {Kind.COMMENT}
    assert "sessionid" not in response.cookies


def test_the_page_stays_as_it_is(alice: User, client: Client) -> None:
    client.post(address(token_for(alice.pk, Kind.COMMENT)), ONE_CLICK)
    assert (alice.pk, Kind.COMMENT, Channel.PAGE) in wanted_deliveries([alice.pk], [Kind.COMMENT])


def test_the_link_of_a_mail_about_several_kinds_turns_all_off(alice: User, client: Client) -> None:
    client.post(address(token_for(alice.pk, None)), ONE_CLICK)
    assert mailed(alice) == set()


def test_waiting_mail_is_not_sent(alice: User, client: Client) -> None:
    Notification.objects.create(recipient=alice, kind="comment", key="a", mail_due_at="2100-01-01T00:00Z")
    Notification.objects.create(recipient=alice, kind="reply", key="a", mail_due_at="2100-01-01T00:00Z")
    client.post(address(token_for(alice.pk, Kind.COMMENT)), ONE_CLICK)
    assert Notification.objects.exclude(mail_due_at=None).get().kind == "reply"


def forged(member: int) -> list[str]:
    good = token_for(member, Kind.COMMENT)
    return [
        good[:-1],
        good[:-1] + ("A" if good[-1] != "A" else "B"),
        good.replace(f"{member}-", f"{member + 1}-", 1),
        good.replace("comment", "mention"),
        good.replace("comment", "all"),
        Signer(sep=".").sign(f"{member}-comment"),
        Signer(sep=".", key="another", salt="notifications.unsubscribe").sign(f"{member}-comment"),
        f"{member}-comment",
        "x",
        ".",
    ]


def test_a_token_that_we_did_not_make_is_a_404(alice: User) -> None:
    with all_cases() as case:
        for number in range(10):
            with case(number), rolled_back():
                client = Client()
                token = forged(alice.pk)[number]
                assert read_token(token) is None
                assert client.get(address(token)).status_code == 404
                assert client.post(address(token), ONE_CLICK).status_code == 404
                assert not Preference.objects.exists()


def test_what_cannot_be_a_token_is_a_404() -> None:
    with all_cases() as case:
        for tail in ["a b", "%00", "a" * 151, "../x", "<script>"]:
            with case(tail), rolled_back():
                client = Client()
                assert client.post(f"/notifications/unsubscribe/{tail}/").status_code in {400, 404}


def test_a_deactivated_member_is_a_404(alice: User, client: Client) -> None:
    token = token_for(alice.pk, Kind.COMMENT)
    alice.delete()
    assert client.post(address(token), ONE_CLICK).status_code == 404


def test_a_token_contains_only_the_member_and_the_kind(alice: User) -> None:
    token = token_for(alice.pk, Kind.COMMENT)
    assert token.rpartition(".")[0] == f"{alice.pk}-comment"
    assert read_token(token) == (alice.pk, [Kind.COMMENT])
    assert token == token_for(alice.pk, Kind.COMMENT)


def test_a_token_changes_only_one_member(alice: User, charlie: User, as_charlie: Client) -> None:
    before = mailed(charlie)
    as_charlie.post(address(token_for(alice.pk, None)), ONE_CLICK)
    assert mailed(charlie) == before


def test_the_page_has_a_button_that_works_without_scripts(alice: User, client: Client) -> None:
    html = client.get(address(token_for(alice.pk, Kind.REPLY))).content.decode()
    assert '<form method="post">' in html
    assert 'name="List-Unsubscribe" value="One-Click"' in html
