"""What production sends with every answer, through nginx and TLS: Observatory's score, and the other headers (R3)."""

import http.client
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import psycopg2
import pytest

from core.web.security_headers import DENIED_FEATURES
from scripts.stack import Stack
from scripts.visitor import Response, Visitor, create_ssl_context
from tests.http_observatory import compute_score, grade_headers, parse_policy

from .people import PASSWORD

# bar.md, security.
LEAST = 130


def headers_of(response: Response) -> dict[str, list[str]]:
    names = {name.lower() for name in response.headers}
    return {name: response.headers.get_list(name) for name in names}


@pytest.fixture(scope="module")
def member(stack: Stack) -> Iterator[Visitor]:
    """Alice, who signs in once: sign-ins from one address are limited."""
    with Visitor(stack) as visitor:
        visitor.sign_in("alice", PASSWORD)
        yield visitor


@contextmanager
def broken_table(stack: Stack, name: str) -> Iterator[None]:
    """A table that has gone, as a half-done deploy may leave it: pages that need it are a 500."""

    def rename(old: str, new: str) -> None:
        connection = psycopg2.connect(stack.environment["DATABASE_URL"])
        with connection, connection.cursor() as cursor:
            cursor.execute(f'ALTER TABLE "{old}" RENAME TO "{new}"')
        connection.close()

    rename(name, f"{name}_gone")
    try:
        yield
    finally:
        rename(f"{name}_gone", name)


def announce(visitor: Visitor, size: int) -> Response:
    """Say that a form of `size` bytes will come, and send none of it."""
    port = urlsplit(visitor.site.origin).port
    context = create_ssl_context(visitor.site)
    with closing(http.client.HTTPSConnection("localhost", port, context=context, timeout=20)) as connection:
        connection.request("POST", "/", headers={"Content-Length": str(size)})
        response = connection.getresponse()
        return Response(response.status, httpx.Headers(response.getheaders()), response.read(), 0)


Ask = Callable[[Visitor], Response]
PAGES: dict[str, tuple[int, Ask]] = {
    "home": (200, lambda visitor: visitor.get("/")),
    "sign-in": (200, lambda visitor: visitor.get("/accounts/login/")),
    "sign-up": (200, lambda visitor: visitor.get("/accounts/signup/")),
    "reset": (200, lambda visitor: visitor.get("/accounts/password/reset/")),
    "sign-in of the administration": (302, lambda visitor: visitor.get("/admin/login/")),
    "a refused sign-in": (
        200,
        lambda visitor: visitor.submit_form("/accounts/login/", login="x", password="y"),
    ),
    "sent to sign in": (302, lambda visitor: visitor.get("/members/")),
    "400": (400, lambda visitor: visitor.get("/?q=%00")),
    "403 without a token": (
        403,
        lambda visitor: visitor.send_request("POST", "/accounts/login/", b"login=x"),
    ),
    "404": (404, lambda visitor: visitor.get("/nowhere/")),
    "404 of an upload": (404, lambda visitor: visitor.get("/media/private/nothing.pdf")),
    "404 of a static file": (404, lambda visitor: visitor.get("/static/nothing.css")),
    "404 of a picture": (404, lambda visitor: visitor.get("/media/nothing.webp")),
    "a form sent to a file": (404, lambda visitor: visitor.send_request("POST", "/static/nothing.css", b"")),
    "413": (413, lambda visitor: announce(visitor, 200 * 1024**2)),
}
MEMBERS_PAGES = [
    "/", "/members/", "/members/alice/", "/network/", "/saved/", "/settings/profile/", "/settings/photo/",
    "/settings/privacy/", "/accounts/email/", "/accounts/password/change/", "/accounts/logout/",
]  # fmt: skip


def check(response: Response, status: int) -> None:
    assert response.status == status
    headers = headers_of(response)
    assert compute_score(headers, response.text) >= LEAST, grade_headers(headers, response.text)


@pytest.mark.parametrize(("status", "ask"), PAGES.values(), ids=PAGES.keys())
def test_a_page_for_visitors_scores(visitor: Visitor, status: int, ask: Ask) -> None:
    check(ask(visitor), status)


@pytest.mark.parametrize("path", MEMBERS_PAGES)
def test_a_page_for_members_scores(member: Visitor, path: str) -> None:
    check(member.get(path), 200)


def test_a_405_scores(member: Visitor) -> None:
    check(member.get("/posts/"), 405)


def test_a_500_scores_and_so_does_its_style(stack: Stack, member: Visitor) -> None:
    with broken_table(stack, "network_follow"):
        response = member.get("/network/following/")
    check(response, 500)
    assert "<style>" in response.text
    assert any(source.startswith("'sha256-") for source in policy_of(response)["style-src"])


def test_a_503_scores_whoever_says_it(stack: Stack) -> None:
    """LinkUp without its database, and nginx without LinkUp."""
    for server in (stack.postgres, stack.web):
        server.stop()
        try:
            with Visitor(stack) as visitor:
                response = visitor.get("/members/alice/")
        finally:
            server.start()
        check(response, 503)
        assert response.header("Retry-After") == "5"


def test_a_429_scores(stack: Stack) -> None:
    with Visitor(stack) as visitor:
        for _number in range(40):
            response = visitor.submit_form("/accounts/password/reset/", email="nobody@example.org")
            if response.status == 429:
                break
    check(response, 429)


def policy_of(response: Response) -> dict[str, set[str]]:
    return parse_policy(response.headers.get_list("Content-Security-Policy"))


def test_the_policy_lets_in_our_own_files_and_one_nonce(visitor: Visitor) -> None:
    first, second = policy_of(visitor.get("/")), policy_of(visitor.get("/"))
    assert first["default-src"] == {"'none'"}
    assert first["style-src"] == {"'self'"}
    assert {source for source in first["script-src"] if not source.startswith("'nonce-")} == {"'self'"}
    assert "'unsafe-" not in str(first)
    for directive in ("base-uri", "frame-ancestors"):
        assert first[directive] == {"'none'"}
    assert "upgrade-insecure-requests" in first
    nonces = [source for policy in (first, second) for source in policy["script-src"] if "nonce" in source]
    assert len(set(nonces)) == len(nonces)


@pytest.mark.parametrize(
    "path",
    ["/", "/nowhere/", "/?q=%00", "/members/", "/admin/login/", "/health/", "/health/db/", "/media/nothing"],
)
def test_every_answer_of_the_application_says_who_may_use_it(visitor: Visitor, path: str) -> None:
    response = visitor.get(path)
    assert response.header("Cross-Origin-Opener-Policy") == "same-origin"
    assert response.header("Cross-Origin-Resource-Policy") == "same-origin"
    assert response.header("Referrer-Policy") == "same-origin"
    assert response.header("X-Content-Type-Options") == "nosniff"
    assert response.header("X-Frame-Options") == "DENY"
    features = {part.strip() for part in response.header("Permissions-Policy").split(",")}
    assert features == {f"{feature}=()" for feature in DENIED_FEATURES}
    for name in ("Server", "X-Powered-By"):
        assert not any(char.isdigit() for char in response.header(name))


def test_an_upload_and_a_static_file_say_it_too(stack: Stack, visitor: Visitor) -> None:
    pictures = Path(stack.environment["DATA_DIR"]) / "media" / "photos"
    pictures.mkdir(parents=True, exist_ok=True)
    (pictures / "a.webp").write_bytes(b"RIFF")
    style = visitor.get("/").text.split('rel="stylesheet" href="')[1].partition('"')[0]
    for path in ("/media/photos/a.webp", style):
        response = visitor.get(path)
        assert response.status == 200
        assert response.header("X-Content-Type-Options") == "nosniff"
        assert response.header("Cross-Origin-Resource-Policy") == "same-origin"
        assert response.header("Strict-Transport-Security").startswith("max-age=31536000")
    assert "sandbox" in visitor.get("/media/photos/a.webp").header("Content-Security-Policy")


def test_cookies_are_closed_to_scripts_other_sites_and_plain_http(stack: Stack) -> None:
    with Visitor(stack) as visitor:
        page = visitor.get("/accounts/login/")
    cookies = page.headers.get_list("Set-Cookie")
    assert cookies
    for cookie in cookies:
        assert cookie.startswith("__Host-")
        for word in ("HttpOnly", "Secure", "SameSite=Lax", "Path=/"):
            assert word in cookie
        assert "Domain" not in cookie


def test_the_deploy_check_is_clean(stack: Stack) -> None:
    said = stack.run_manage_command("check", "--deploy", "--fail-level", "WARNING")
    assert "no issues" in said
