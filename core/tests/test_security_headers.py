"""Who answers before Django's own SecurityMiddleware carries HSTS all the same (R3)."""

import pytest
from django.test import Client, override_settings

from tests.cases import all_cases
from tests.cast import client_of, make_member

TOO_LARGE = "200000000"


@pytest.mark.django_db
def test_every_answer_over_https_says_that_the_site_is_https_alone() -> None:
    with all_cases() as case:
        with case("every answer says that the site is https alone"):
            browser = client_of(make_member("alice"))
            with override_settings(SECURE_HSTS_SECONDS=31_536_000):
                answers = {
                    405: browser.get("/posts/", secure=True),
                    413: browser.post("/accounts/login/", secure=True, CONTENT_LENGTH=TOO_LARGE),
                }
            told = {
                status: (answer.status_code, "Strict-Transport-Security" in answer)
                for status, answer in answers.items()
            }
            assert told == {405: (405, True), 413: (413, True)}
        with case("plain http promises nothing"):
            with override_settings(SECURE_HSTS_SECONDS=31_536_000):
                answer = Client().get("/accounts/login/")
            assert "Strict-Transport-Security" not in answer
