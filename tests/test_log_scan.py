"""The scan of the run's own log lines finds what it should, so that its silence means something."""

import logging
from collections.abc import Iterator

import pytest
from django.contrib.auth.tokens import default_token_generator
from django.core import signing
from django.middleware.csrf import get_token
from django.test import Client, RequestFactory

from feed.services import publish_post
from users.models import User

from .cast import PASSWORD
from .log_scan import SecretScanner

pytestmark = pytest.mark.night


@pytest.fixture
def unread(log_scan: SecretScanner) -> Iterator[SecretScanner]:
    """The scan of the run; what it finds during this test does not fail the run."""
    told = log_scan.leaks
    log_scan.leaks = []
    yield log_scan
    log_scan.leaks = told


def test_a_line_with_the_password_of_the_cast_is_found(unread: SecretScanner) -> None:
    logging.getLogger("feed").warning("signed in with %s", PASSWORD)
    (line,) = unread.leaks
    assert "test_a_line_with_the_password_of_the_cast_is_found" in line


def test_a_trace_with_it_is_found(unread: SecretScanner) -> None:
    try:
        raise ValueError(PASSWORD)
    except ValueError:
        logging.getLogger("feed").exception("failed")
    assert len(unread.leaks) == 1


def test_an_ordinary_line_is_not(unread: SecretScanner) -> None:
    before = unread.lines
    logging.getLogger("feed").warning("Not Found: %s", "/members/alice/")
    assert (unread.leaks, unread.lines) == ([], before + 1)


def test_a_password_that_was_tried_is_known(unread: SecretScanner, client: Client, alice: User) -> None:
    client.post("/accounts/login/", {"login": "alice", "password": "my-other-secret-phrase"})
    assert unread.find_secrets("with my-other-secret-phrase") == {"my-other-secret-phrase"}


def test_session_keys_are_known(unread: SecretScanner, as_alice: Client) -> None:
    key = as_alice.cookies["sessionid"].value
    assert unread.find_secrets(f"session {key}") == {key}


def test_csrf_tokens_are_known(unread: SecretScanner) -> None:
    request = RequestFactory().get("/")
    token = get_token(request)
    assert unread.find_secrets(f"token {token}") == {token}
    assert unread.find_secrets(f"secret {request.META['CSRF_COOKIE']}") == {request.META["CSRF_COOKIE"]}


def test_links_that_sign_in_or_confirm_are_known(unread: SecretScanner, alice: User) -> None:
    assert unread.find_secrets(f"/key/1-{default_token_generator.make_token(alice)}/")
    assert unread.find_secrets(f"/confirm-email/{signing.dumps(alice.pk, salt='x')}/")


def test_what_members_wrote_is_known(unread: SecretScanner, alice: User) -> None:
    publish_post(author=alice, text="Something only for those who may read it.")
    assert unread.find_secrets("post: Something only for those who may read it.")


def test_what_was_learned_is_masked_by_production_where_it_has_a_name(
    unread: SecretScanner, as_alice: Client
) -> None:
    logging.getLogger("feed").warning("sessionid=%s", as_alice.cookies["sessionid"].value)
    assert unread.leaks == []
