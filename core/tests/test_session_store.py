"""The store of sessions loads what Django's own store loads, in one query."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.sessions.backends.db import SessionStore as DjangoStore
from django.contrib.sessions.models import Session
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from core.database.session_store import SessionStore
from tests.cases import all_cases, rolled_back

pytestmark = [pytest.mark.both, pytest.mark.django_db]

HELD = {"_auth_user_id": "7", "words": "Grüße, 你好", "list": [1, None, 2.5]}


def kept(**held: Any) -> str:
    """The key of a new session that holds this."""
    session = SessionStore()
    session.update(held)
    session.create()
    assert session.session_key
    return session.session_key


def both(key: str | None) -> tuple[tuple[dict[str, Any], str | None], ...]:
    """What each of the two stores finds under `key`, and the key that it goes on with."""
    stores = [Store(key) for Store in (SessionStore, DjangoStore)]
    return tuple((dict(store.items()), store.session_key) for store in stores)


def test_a_session_is_loaded_in_one_query(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    key = kept(**HELD)
    with django_assert_num_queries(1):
        store = SessionStore(key)
        assert dict(store.items()) == HELD
        assert store["words"] == HELD["words"]
    assert store.session_key == key
    ours, django = both(key)
    assert ours == django


def test_it_ends_at_its_time_and_not_before() -> None:
    with all_cases() as case:
        for seconds in [-86_400, -1, 60, 86_400]:
            with case(seconds), rolled_back():
                key = kept(**HELD)
                Session.objects.filter(pk=key).update(expire_date=timezone.now() + timedelta(seconds=seconds))
                ours, django = both(key)
                assert ours == django == ((HELD, key) if seconds > 0 else ({}, None))


def test_an_unknown_key_is_an_empty_session_that_gets_a_key_of_its_own() -> None:
    with all_cases() as case:
        for key in [
            None,
            "",
            "short",
            "unknown" * 5,
            "x" * 4000,
            "' OR 1=1 --",
            "%s%s%s%s",
            "ключ-ключ-ключ",
        ]:
            with case(key), rolled_back():
                kept(**HELD)
                ours, django = both(key)
                assert ours == django == ({}, None)
                store = SessionStore(key)
                store["words"] = "new"
                store.save()
                assert store.session_key not in {None, key}
                assert both(store.session_key)[1] == ({"words": "new"}, store.session_key)


def test_data_that_was_tampered_with_is_an_empty_session() -> None:
    key = kept(**HELD)
    session = Session.objects.get(pk=key)
    session.session_data = session.session_data[:-3] + "AAA"
    session.save()
    ours, django = both(key)
    assert ours == django == ({}, key)


def test_for_a_key_that_no_session_has_the_database_is_not_asked(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    with all_cases() as case:
        for key in [
            "a\x00" + "b" * 30,
            "A" * 32,
            "a" * 31,
            "a" * 33,
            "a" * 31 + "\n",
            "a" * 31 + "é",
            "a" * 31 + "٣",
            "\ud800" * 32,
        ]:
            with case(ascii(key)), django_assert_num_queries(0):
                store = SessionStore(key)
                assert dict(store.items()) == {}
                assert store.session_key is None
