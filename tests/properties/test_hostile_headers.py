"""Whatever a browser may send in cookies, headers and the query, no page breaks."""

from typing import Any

import pytest
from django.conf import settings as project
from django.core.handlers.wsgi import WSGIHandler
from django.test import Client, RequestFactory
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from core.web.content_type import ParsableContentType
from users.models import User

pytestmark = [pytest.mark.django_db, pytest.mark.slow]

ADDRESSES = (
    "/",
    "/accounts/login/",
    "/members/",
    "/notifications/",
    "/tags/circle/",
    "/health/",
    "/nowhere/",
)
COOKIES = (project.SESSION_COOKIE_NAME, project.CSRF_COOKIE_NAME, "messages", "theme", "django_language")
HEADERS = (
    "ACCEPT",
    "ACCEPT_ENCODING",
    "ACCEPT_LANGUAGE",
    "COOKIE",
    "FORWARDED",
    "HX_BOOSTED",
    "HX_CURRENT_URL",
    "HX_CURRENT_URL_URI_AUTOENCODED",
    "HX_PROMPT",
    "HX_PROMPT_URI_AUTOENCODED",
    "HX_REQUEST",
    "HX_TARGET",
    "HX_TARGET_URI_AUTOENCODED",
    "HX_TRIGGERING_EVENT",
    "IF_MODIFIED_SINCE",
    "IF_NONE_MATCH",
    "ORIGIN",
    "RANGE",
    "REFERER",
    "USER_AGENT",
    "X_CSRFTOKEN",
    "X_FORWARDED_FOR",
    "X_FORWARDED_HOST",
    "X_FORWARDED_PROTO",
    "X_REQUEST_ID",
    "X_REQUESTED_WITH",
)
# What a header may hold on the wire: any byte but the ends of a line; servers hand it over as latin-1.
ON_THE_WIRE = st.text(st.characters(max_codepoint=255, exclude_characters="\r\n"), max_size=60)
ATOMS = [*"ab=;, \"'\\%:[]{}/#", "\\000", "\\777", '\\"', "http://[", "\x00", "é", "=?"]
ESCAPED = st.lists(st.sampled_from(ATOMS), max_size=12)
IN_QUERIES = [b"q=", b"%ed%a0%80", b"%00", b"\xff", b"&", b"=", b"%", b"%ff", b"before=", b"\xed\xa0\x80"]
VALUES = ON_THE_WIRE | ESCAPED.map("".join) | ESCAPED.map(lambda parts: f'"{"".join(parts)}"')
EXAMPLES = settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])


def statuses(client: Client, **extra: Any) -> set[int]:
    """What each address answers; a fault of ours is raised in the test."""
    answers = [client.get(address, **extra) for address in ADDRESSES]
    answers.append(client.post("/accounts/login/", {"login": "x", "password": "y"}, **extra))
    return {answer.status_code for answer in answers}


APPLICATION = ParsableContentType(WSGIHandler())
FINE = {200, 302, 304, 400, 403, 404, 405, 422, 429, 503}


@given(name=st.sampled_from(COOKIES), value=VALUES)
@example(name=project.SESSION_COOKIE_NAME, value='"aaaaaaaa\\000bbbb"')
@example(name=project.SESSION_COOKIE_NAME, value='"' + "a" * 31 + '\\000"')
@example(name=project.CSRF_COOKIE_NAME, value='"' + "a" * 31 + '\\000"')
@example(name="messages", value='"\\000:\\000:\\000"')
@EXAMPLES
def test_no_cookie_breaks_a_page(client: Client, name: str, value: str) -> None:
    client.cookies.clear()
    assert statuses(client, HTTP_COOKIE=f"{name}={value}") <= FINE


@given(name=st.sampled_from(HEADERS), value=VALUES)
@example(name="HX_CURRENT_URL", value="http://[")
@example(name="REFERER", value="https://[")
@example(name="ORIGIN", value="https://[")
@example(name="IF_MODIFIED_SINCE", value="Mon, 01 Jan 0000 99:99:99 GMT")
@example(name="RANGE", value="bytes=" + "9" * 50 + "-")
@EXAMPLES
def test_no_header_breaks_a_page(as_alice: Client, alice: User, name: str, value: str) -> None:
    extra: dict[str, Any] = {f"HTTP_{name}": value}
    extra.setdefault("HTTP_HX_REQUEST", "true")
    if name == "COOKIE":
        as_alice = Client()
    assert statuses(as_alice, **extra) <= FINE


@given(st.binary(max_size=30) | st.lists(st.sampled_from(IN_QUERIES), max_size=8).map(b"".join))
@example(b"q=%ed%a0%80")
@example(b"q=%00")
@EXAMPLES
def test_no_query_breaks_a_page(as_alice: Client, alice: User, query: bytes) -> None:
    assert statuses(as_alice, QUERY_STRING=query.decode("latin-1")) <= FINE


@given(st.binary(max_size=20))
@example(b"\xed\xa0\x80")
@example(b"\x00")
@example(b"nope''x")
@example(b"utf-8''%00")
@EXAMPLES
def test_no_content_type_breaks_a_page(junk: bytes) -> None:
    text = junk.decode("latin-1")
    kinds = [text, *(f"text/plain; {name}={text}" for name in ("charset", "charset*", "charset*0*"))]
    kinds += [f"multipart/form-data; {name}={text}" for name in ("boundary", "boundary*", "x")]
    found = set()
    for kind in kinds:
        environ = {**RequestFactory().generic("POST", "/nowhere/", b"login=x").environ, "CONTENT_TYPE": kind}
        APPLICATION(environ, lambda status, headers: found.add(int(status[:3])))
    assert found <= FINE
