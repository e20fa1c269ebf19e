"""Abandoned accounts and expired sessions are deleted, and no others."""

import datetime
from io import StringIO
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.contrib.auth.models import Group
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session
from django.core.management import call_command
from django.db import connection
from django.test import override_settings
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from feed.models import Post
from tests.cast import make_member
from users.accounts import abandoned_accounts
from users.models import FormerAddress, Skill, User

from .accounts import make_unconfirmed

pytestmark = [pytest.mark.both, pytest.mark.django_db]

NOW = timezone.now()
EIGHT_DAYS_AGO = NOW - datetime.timedelta(days=8)


def abandoned(username: str, **values: Any) -> User:
    return make_unconfirmed(username, date_joined=EIGHT_DAYS_AGO, **values)


def run(*options: str) -> str:
    out = StringIO()
    call_command("tidy_accounts", *options, stdout=out)
    return out.getvalue()


def names() -> set[str]:
    return set(User.objects.values_list("username", flat=True))


def test_an_abandoned_account_is_deleted_and_its_name_is_free() -> None:
    abandoned("una")
    fresh = make_unconfirmed("fresh", date_joined=NOW - datetime.timedelta(days=6, hours=23))
    # Rows of other accounts do not keep this one.
    type(fresh.profile).objects.filter(user=fresh).update(cover="covers/x")
    EmailAddress.objects.filter(user=fresh).update(verified=True)
    Skill.objects.create(user=fresh, name="Sailing")
    Post.objects.create(author=fresh, text="Hello", html="<p>Hello</p>")
    fresh.groups.add(Group.objects.create(name="helpers"))
    assert run().startswith("1 unconfirmed accounts")
    assert names() == {"fresh"}
    make_member("una")
    assert run().startswith("0 unconfirmed accounts"), "a second run finds nothing"


def test_any_sign_of_use_keeps_an_account() -> None:
    make_member("joined", date_joined=EIGHT_DAYS_AGO)
    EmailAddress.objects.filter(user=make_member("unlisted", date_joined=EIGHT_DAYS_AGO)).delete()
    abandoned("staff", is_staff=True)
    abandoned("boss", is_superuser=True)
    abandoned("seen", last_login=EIGHT_DAYS_AGO)
    abandoned("pictured", photo="photos/x")
    EmailAddress.objects.filter(user=abandoned("confirmed")).update(verified=True)
    type(covered := abandoned("covered").profile).objects.filter(pk=covered.pk).update(cover="covers/x")
    Post.objects.create(author=abandoned("author"), text="Hello", html="<p>Hello</p>")
    Skill.objects.create(user=abandoned("skilled"), name="Sailing")
    abandoned("grouped").groups.add(Group.objects.create(name="helpers"))
    everybody = names()
    run()
    assert everybody - names() == set()


def test_more_than_a_batch_goes_in_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(abandoned_accounts, "BATCH", 2)
    for number in range(5):
        abandoned(f"una{number}")
        SessionStore().create()
    Session.objects.update(expire_date=EIGHT_DAYS_AGO)
    lasting = SessionStore()
    lasting.create()
    with CaptureQueriesContext(connection) as queries:
        assert run().startswith("5 unconfirmed accounts, 5 expired sessions")
    asked = [query["sql"] for query in queries if query["sql"].startswith("DELETE")]
    for table in ("users_user", "django_session"):
        assert sum(f'FROM "{table}" ' in sql for sql in asked) == 3, table
    assert list(Session.objects.values_list("pk", flat=True)) == [lasting.session_key]


def test_ten_accounts_ask_the_database_as_often_as_two() -> None:
    """Strangers can create twenty accounts a minute, so the cost per account matters."""
    asked = []
    for number in (2, 10):
        for each in range(number):
            abandoned(f"una{number}-{each}")
        with CaptureQueriesContext(connection) as queries:
            assert abandoned_accounts.delete_abandoned_accounts() == number
        asked.append(len(queries))
    assert asked[0] == asked[1]


def test_a_dry_run_names_them_and_removes_none() -> None:
    abandoned("una")
    assert run("--dry-run").splitlines() == ["una", "1 accounts would be removed."]
    assert names() == {"una"}


@override_settings(UNCONFIRMED_ACCOUNT_DAYS=30)
def test_the_days_are_a_setting() -> None:
    abandoned("una")
    run()
    assert names() == {"una"}


def test_former_addresses_go_when_they_cannot_be_restored_any_more(alice: User) -> None:
    FormerAddress.objects.create(user=alice, email="a@example.org", replaced_at=EIGHT_DAYS_AGO)
    FormerAddress.objects.create(user=alice, email="b@example.org")
    assert "1 former addresses" in run()
    assert [former.email for former in FormerAddress.objects.all()] == ["b@example.org"]
