"""/health/ answers monitors first of all."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.test import Client, override_settings
from pytest_django.fixtures import Settings

from tests.cases import all_cases, rolled_back


# Property 14 (R15.1)
def test_it_is_well_however_it_is_asked() -> None:
    with all_cases() as case:
        with case("it is well while it can answer"):
            client = Client()
            answer = client.get("/health/")
            assert (answer.status_code, answer.json()) == (200, {"status": "ok"})
            assert answer["Content-Type"] == "application/json"
            assert answer["Cache-Control"] == "no-store"
        for host in ["evil.example", "10.0.0.7:8000", "not a host", "", "a" * 300]:
            with case(host):
                client = Client()
                assert client.get("/health/", headers={"host": host}).status_code == 200
        with case("another page does mind the host"):
            client = Client()
            assert client.get("/accounts/login/", headers={"host": "evil.example"}).status_code == 400
        with case("it answers before the redirect to https"):
            client = Client()
            with override_settings(SECURE_SSL_REDIRECT=True):
                assert Client().get("/health/").status_code == 200
                assert Client().get("/accounts/login/").status_code == 301
        with case("head is answered without a body"):
            client = Client()
            answer = client.head("/health/")
            assert (answer.status_code, answer.content) == (200, b"")
        with case("it sets no cookie"):
            client = Client()
            assert not client.get("/health/").cookies
        with case("a query changes nothing"):
            client = Client()
            assert client.get("/health/?page=abc").status_code == 200


@pytest.mark.django_db
def test_it_asks_no_database_and_other_methods_are_refused(
    client: Client, django_assert_num_queries: Callable[..., Any]
) -> None:
    with all_cases() as case:
        with case("it asks no database"), django_assert_num_queries(0):
            client.get("/health/")
        for method in ["post", "put", "patch", "delete"]:
            with case(method), rolled_back():
                client = Client()
                assert getattr(client, method)("/health/").status_code == 405


@pytest.mark.django_db
def test_an_answer_to_a_monitor_is_no_error_in_the_log(
    client: Client,
    caplog: pytest.LogCaptureFixture,
    settings: Settings,
    mailoutbox: list[Any],
    tmp_path: Path,
) -> None:
    settings.ADMINS = [("", "admin@example.org")]
    settings.DRAIN_FILE = str(tmp_path / "drain")
    (tmp_path / "drain").touch()
    assert client.get("/readiness/").status_code == 503
    assert not [record for record in caplog.records if record.name.startswith("django")]
    assert not mailoutbox
