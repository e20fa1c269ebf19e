"""The id of a request: who may bring one, and where it is found again (R9.3)."""

import asyncio
import logging
from typing import Any

import pytest
from django.conf import settings as project
from django.http import HttpRequest, HttpResponse
from django.test import AsyncClient, Client, RequestFactory
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import Settings

from core.observability.request_id import (
    UNKNOWN,
    RequestContext,
    RequestInfo,
    current_request,
    is_valid_request_id,
    logging_request,
    new_request_id,
)
from core.web.middleware import RequestId
from tests.cases import all_cases

PROXY = "10.0.0.9"


@pytest.fixture(autouse=True)
def _one_proxy(settings: Settings) -> None:
    settings.TRUSTED_PROXIES = [PROXY]


def id_of(response: Any) -> str:
    return str(response["X-Request-ID"])


@pytest.mark.django_db
def test_each_response_has_an_id_which_only_a_trusted_proxy_may_bring(client: Client) -> None:
    with all_cases() as case:
        with case("each response has an id"):
            ids = {id_of(client.get("/health/")) for _ in range(5)}
            assert len(ids) == 5
            assert len({new_request_id() for _ in range(100)}) == 100
            assert all(len(value) == 32 and is_valid_request_id(value) for value in ids)
        for path in ["/", "/nowhere/", "/accounts/login/", "/health/", "/static/none.css", "/%00"]:
            with case(path):
                client = Client()
                assert is_valid_request_id(id_of(client.get(path)))
        brought = "0123456789abcdef"
        for peer, is_taken in [(PROXY, True), ("203.0.113.5", False)]:
            with case(peer):
                answer = client.get("/health/", headers={"x-request-id": brought}, REMOTE_ADDR=peer)
                assert (id_of(answer) == brought) is is_taken
        with case("it comes from the first of all middleware"):
            assert project.MIDDLEWARE[0] == "core.web.middleware.RequestId"


@given(st.text(max_size=80) | st.from_regex(r"[A-Za-z0-9-]{1,70}[\n\r]?", fullmatch=True))
def test_what_a_proxy_passes_on_is_taken_only_when_it_looks_like_an_id(value: str) -> None:
    request = RequestFactory().get("/", REMOTE_ADDR=PROXY)
    request.META["HTTP_X_REQUEST_ID"] = value
    answer = RequestId(lambda _: HttpResponse())(request)
    assert isinstance(answer, HttpResponse)
    given_id = id_of(answer)
    good = 8 <= len(value) <= 64 and value.isascii() and value.replace("-", "").isalnum()
    good = good and not value.startswith("-") and not value.endswith("-")
    assert (given_id == value) is good
    assert is_valid_request_id(given_id)


def record() -> logging.LogRecord:
    return logging.LogRecord("core", logging.INFO, __file__, 1, "x", (), None)


def filtered(line: logging.LogRecord) -> RequestInfo:
    RequestContext().filter(line)
    return RequestInfo(line.__dict__["request_id"], line.__dict__["client"])


def test_lines_logged_meanwhile_have_it_and_lines_after_do_not() -> None:
    with all_cases() as case:
        with case("lines logged meanwhile have it and lines after do not"):
            seen: list[RequestInfo] = []

            def view(request: HttpRequest) -> HttpResponse:
                seen.append(filtered(record()))
                return HttpResponse()

            answer = RequestId(view)(RequestFactory().get("/", REMOTE_ADDR="203.0.113.5"))
            assert isinstance(answer, HttpResponse)
            assert seen == [RequestInfo(id_of(answer), "203.0.113.5")]
            assert filtered(record()) == current_request() == RequestInfo(UNKNOWN, UNKNOWN)
        with case("a peer without address is a dash"):
            request = RequestFactory().get("/", REMOTE_ADDR="")
            with logging_request(RequestInfo("outer-id", "-")):
                RequestId(lambda _: HttpResponse(filtered(record()).client))(request)
            assert UNKNOWN == "-"


def test_a_line_that_django_writes_afterwards_has_it_from_the_request(
    client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    answer = client.get("/nowhere/", headers={"x-forwarded-for": "198.51.100.3"}, REMOTE_ADDR=PROXY)
    (line,) = [line for line in caplog.records if line.name == "django.request"]
    assert filtered(line) == RequestInfo(id_of(answer), "198.51.100.3")


async def test_it_holds_across_awaits_and_does_not_mix_between_requests() -> None:
    async def view(request: HttpRequest) -> HttpResponse:
        await asyncio.sleep(0.01)
        return HttpResponse(filtered(record()).request_id)

    middleware = RequestId(view)
    answers = await asyncio.gather(*[_asked(middleware) for _ in range(20)])
    assert all(answer.content.decode() == id_of(answer) for answer in answers)
    assert len({id_of(answer) for answer in answers}) == 20


async def _asked(middleware: RequestId) -> HttpResponse:
    answer = middleware(RequestFactory().get("/"))
    assert not isinstance(answer, HttpResponse)
    return await answer


async def test_answers_through_asgi_have_it() -> None:
    answer = await AsyncClient().get("/health/")
    assert is_valid_request_id(id_of(answer))
