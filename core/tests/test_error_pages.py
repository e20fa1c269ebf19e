"""What visitors, programs and others are answered when something went wrong (R10)."""

import re
from typing import Any

import pytest
from django.conf import settings as project
from django.core.exceptions import RequestDataTooBig
from django.http import HttpResponse
from django.test import AsyncClient, Client, RequestFactory, override_settings
from django.urls import path
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import Settings

from core.web import error_pages
from core.web.error_pages import AWAY, BROKEN, FixedPage
from core.web.middleware import LimitBody
from tests.cases import all_cases
from users.models import User

HTML, JSON, TEXT = "text/html; charset=utf-8", "application/json", "text/plain; charset=utf-8"
MEGABYTE = 1024 * 1024


def test_each_asker_gets_its_own_kind(client: Client) -> None:
    cases = [
        (None, HTML),
        ("*/*", HTML),
        ("text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8", HTML),
        ("TEXT/HTML", HTML),
        ("application/json", JSON),
        ("application/json, text/plain, */*", JSON),
        ("application/json;q=0.9,text/html;q=0.5", JSON),
        ("application/json;q=0.5,text/html", HTML),
        ("application/json;q=0,text/html;q=0", HTML),
        ("text/plain", TEXT),
        ("image/avif,image/webp,*/*;q=0.8", TEXT),
        ("", HTML),
        (";;q=x,,", HTML),
        ("text/html;q=nan,application/json", JSON),
        ("x" * 100_000, TEXT),
    ]
    with all_cases() as case:
        for accept, kind in cases:
            with case(f"{accept!r:.60}"):
                headers = {} if accept is None else {"accept": accept}
                answer = client.get("/nowhere/", headers=headers)
                assert (answer.status_code, answer["Content-Type"]) == (404, kind)
                assert "Accept" in answer["Vary"]
        for kind, body in ((JSON, '{"error": "Page not found"}'), ("image/png", "Page not found.\n")):
            with case(f"the body for {kind}"):
                assert client.get("/nowhere/", headers={"accept": kind}).content.decode() == body


@given(st.text(st.characters(codec="latin-1"), max_size=100) | st.text("texhml/json;q=0.1,* ", max_size=60))
def test_no_accept_header_breaks_the_answer(accept: str) -> None:
    request = RequestFactory().get("/", headers={"accept": accept})
    for answer in (error_pages.not_found(request, ValueError()), error_pages.server_error(request)):
        assert answer["Content-Type"] in {HTML, JSON, TEXT}


def test_each_refusal_has_its_page(client: Client) -> None:
    with all_cases() as case:
        for path_, status, words in [
            ("/nowhere/", 404, "Page not found"),
            ("/?x=%00", 400, "Invalid request"),
        ]:
            with case((path_, status, words)):
                client = Client()
                answer = client.get(path_)
                assert answer.status_code == status
                assert f"<title>{words} · LinkUp</title>" in re.sub(
                    r">\s+", ">", re.sub(r"\s+", " ", answer.content.decode())
                )
                assert answer["Cache-Control"] == "no-store"
        with case("an unknown host gets the page of 400"):
            answer = client.get("/health/", headers={"host": "evil.example"})
            assert answer.status_code == 200
            answer = client.get("/nowhere/", headers={"host": "evil.example"})
            assert answer.status_code == 400
            assert "evil.example" not in answer.content.decode()


@pytest.mark.django_db
def test_a_form_without_token_and_a_limit_of_allauth_get_their_pages(alice: User, client: Client) -> None:
    with all_cases() as case:
        with case("a form without token gets the page of csrf"):
            strict = Client(enforce_csrf_checks=True)
            strict.force_login(alice)
            answer = strict.post("/accounts/logout/")
            assert answer.status_code == 403
            assert "This form has expired" in answer.content.decode()
            assert "CSRF" not in answer.content.decode()
            assert strict.post("/accounts/logout/", headers={"accept": JSON}).json() == {
                "error": "You cannot do this"
            }
        with case("a limit of allauth gets the page of 429"):
            with override_settings(ACCOUNT_RATE_LIMITS={"reset_password": "1/m/ip"}):
                client.post("/accounts/password/reset/", {"email": "one@example.org"})
                answer = client.post("/accounts/password/reset/", {"email": "two@example.org"})
            assert answer.status_code == 429
            assert "Too many requests" in answer.content.decode()
            assert int(answer["Retry-After"]) > 0


# -- 413 --------------------------------------------------------------------------------------


def test_a_body_larger_than_the_limit_gets_413_before_it_is_read() -> None:
    with all_cases() as case:
        for length in ["1048577", "134217729", "9" * 10_000, "0001048577"]:
            with case(length):
                client = Client()
                answer = client.post("/accounts/login/", {"login": "x"}, CONTENT_LENGTH=length)
                assert answer.status_code == 413
                assert "That is too large" in answer.content.decode()
        for length, status in [
            *((length, 200) for length in ("", "0", "1048576", "00005", "-1", "ten", "١٢٣٤٥٦٧٨٩٠")),
            ("1048577", 413),
        ]:
            with case((length, status)):
                request = RequestFactory().generic("POST", "/", CONTENT_LENGTH=length)
                assert LimitBody(lambda _: HttpResponse())(request).status_code == status
        with case("every form of the product fits the limit"):
            # Nine pictures of 10 MB, and a document of 20 MB.
            assert project.REQUEST_MAX_BODY >= (9 * 10 + 20) * MEGABYTE
            assert project.REQUEST_MAX_BODY > project.DATA_UPLOAD_MAX_MEMORY_SIZE


@pytest.mark.django_db
def test_more_fields_than_fit_memory_get_413(settings: Settings, as_alice: Client) -> None:
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 1000
    answer = as_alice.post("/accounts/logout/", {"x": "y" * 2000})
    assert answer.status_code == 413
    assert error_pages.bad_request(RequestFactory().get("/"), RequestDataTooBig()).status_code == 413


# -- 500 --------------------------------------------------------------------------------------


def broken(request: Any) -> HttpResponse:
    raise RuntimeError("a secret detail")


urlpatterns = [path("broken/", broken)]
handler500 = "core.web.error_pages.server_error"
handler404 = "core.web.error_pages.not_found"


@pytest.fixture
def visitor() -> Client:
    """A browser for which errors are answered, not raised in the test."""
    return Client(raise_request_exception=False)


@pytest.mark.urls(__name__)
def test_the_page_of_500_shows_the_id_to_quote_and_no_detail_and_carries_every_security_header(
    visitor: Client,
) -> None:
    with all_cases() as case:
        with case("a fault of ours shows the id to quote and no detail"):
            answer = visitor.get("/broken/")
            assert answer.status_code == 500
            assert f"<code>{answer['X-Request-ID']}</code>" in answer.content.decode()
            assert "secret" not in answer.content.decode()
            program = visitor.get("/broken/", headers={"accept": JSON})
            assert program.json() == {"error": "Something went wrong", "request_id": program["X-Request-ID"]}
            other = visitor.get("/broken/", headers={"accept": "image/png"})
            assert other.content.decode() == f"Something went wrong. ({other['X-Request-ID']})\n"
        for headers in [{}, {"accept": JSON}]:
            with case(headers):
                visitor = Client(raise_request_exception=False)
                fault, page = visitor.get("/broken/", headers=headers), visitor.get("/health/")
                missing = set(page.headers) - set(fault.headers) - {"Content-Length"}
                assert missing == set()
                assert fault["X-Frame-Options"] == "DENY"
                assert "'unsafe" not in fault["Content-Security-Policy"]
        with case("the policy of 500 allows exactly its style"):
            policy = visitor.get("/broken/")["Content-Security-Policy"]
            (styles,) = re.findall(r"style-src ([^;]*)", policy)
            assert set(styles.split()) == {"'self'", *BROKEN.hashes}


@pytest.mark.urls(__name__)
async def test_a_fault_of_ours_through_asgi_shows_the_id_too() -> None:
    answer = await AsyncClient(raise_request_exception=False).get("/broken/")
    assert answer.status_code == 500
    assert answer["X-Request-ID"] in answer.content.decode()


@pytest.mark.urls(__name__)
def test_the_page_of_500_comes_up_without_templates_cache_database_or_static_files(
    visitor: Client, settings: Settings
) -> None:
    # No django_db mark: any query fails.
    settings.TEMPLATES = [{"BACKEND": "django.template.backends.django.DjangoTemplates", "DIRS": ["/none"]}]
    settings.CACHES = {"default": {"BACKEND": "no.such.Cache"}}
    settings.STORAGES = {**settings.STORAGES, "staticfiles": {"BACKEND": "no.such.Storage"}}
    settings.SESSION_ENGINE = "django.contrib.sessions.backends.cache"
    answer = visitor.get("/broken/")
    assert answer.status_code == 500
    assert "Something went wrong" in answer.content.decode()
    assert visitor.get("/nowhere/").status_code == 500  # its own page needs the templates that are gone


def test_a_fixed_page_asks_for_nothing_and_has_no_style_but_the_hashed_one() -> None:
    with all_cases() as case:
        for page in [BROKEN, AWAY]:
            with case(page):
                text = page.text_for("abc")
                assert len(page.hashes) == 1
                assert not re.search(r"<script|<link|<img|\bsrc=|style=|url\(|\{%|\{\{|\{#", text)
                assert re.findall(r'href="([^"]*)"', text) == ["/"]
                assert text.startswith("<!DOCTYPE html>")
        with case("the hash is that of the style element"):
            # echo -n 'body{}' | openssl dgst -sha256 -binary | base64
            fixed = FixedPage("{# x #}\n<style>body{}</style>")
            assert fixed.hashes == ["'sha256-fJgEClQWV1hGkK4qHMO0KotTsVnMYMXTq7/suurGyUo='"]
            assert fixed.text_for("x") == "<style>body{}</style>"
        with case("an id in the page cannot be markup"):
            assert FixedPage("<code>-</code>").text_for("<b>") == "<code>&lt;b&gt;</code>"
