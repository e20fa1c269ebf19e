"""security.txt, robots.txt, the icon and the way to the password, as programs ask for them."""

import io
import urllib.robotparser
from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client
from PIL import Image

from core.web import security_contacts
from tests.cases import all_cases

PUBLIC = "public, max-age=86400"


def fields(client: Client) -> dict[str, list[str]]:
    """security.txt as RFC 9116 reads it: field by field."""
    answer = client.get("/.well-known/security.txt")
    assert (answer.status_code, answer["Content-Type"]) == (200, "text/plain; charset=utf-8")
    assert answer["Cache-Control"] == PUBLIC
    found: dict[str, list[str]] = {}
    for line in answer.content.decode().splitlines():
        name, _, value = line.partition(": ")
        found.setdefault(name, []).append(value)
    return found


def test_security_txt_has_a_contact(client: Client, settings: object) -> None:
    with all_cases() as case:
        with case("security txt has a contact"):
            settings.SECURITY_CONTACT = ["it@example.org", "https://example.org/security"]  # type: ignore[attr-defined]
            settings.SITE_URL = "https://network.example.org"  # type: ignore[attr-defined]
            said = fields(client)
            assert said["Contact"] == ["mailto:it@example.org", "https://example.org/security"]
            assert said["Canonical"] == ["https://network.example.org/.well-known/security.txt"]
            assert said["Preferred-Languages"] == ["en"]
            (expires,) = said["Expires"]
            left = datetime.fromisoformat(expires) - datetime.now(UTC)
            assert timedelta(days=1) < left < timedelta(days=365)
        with case("without a contact it is the administrators and then the site"):
            settings.SITE_URL = "https://network.example.org"  # type: ignore[attr-defined]
            cases = [
                ([], [], "mailto:security@network.example.org"),
                ([], [("", "root@example.org")], "mailto:root@example.org"),
                # An invalid contact never becomes a separate line.
                (["a@b.org\nContact: mailto:thief@example.org"], [], "mailto:security@network.example.org"),
            ]
            for given, administrators, expected in cases:
                settings.SECURITY_CONTACT = given  # type: ignore[attr-defined]
                settings.ADMINS = administrators  # type: ignore[attr-defined]
                assert fields(client)["Contact"] == [expected]
        for entry, uri in [
            ("a@b.org", "mailto:a@b.org"),
            ("mailto:a@b.org", "mailto:a@b.org"),
            ("tel:+49-30-1", "tel:+49-30-1"),
            ("https://b.org/x", "https://b.org/x"),
            ("http://b.org/x", ""),
            ("javascript:alert(1)", ""),
            ("a@b.org\r\nX: y", ""),
            ("nobody", ""),
        ]:
            with case((entry, uri)):
                assert security_contacts.as_uri(entry) == uri


def test_robots_icon_and_the_way_to_the_password_are_found(client: Client) -> None:
    with all_cases() as case:
        with case("robots read the door and no member"):
            answer = client.get("/robots.txt")
            assert (answer.status_code, answer["Cache-Control"]) == (200, PUBLIC)
            parser = urllib.robotparser.RobotFileParser()
            parser.parse(answer.content.decode().splitlines())
            asked = (
                "/accounts/login/",
                "/.well-known/security.txt",
                "/posts/1/",
                "/people/alice/",
                "/media/photos/a.webp",
            )
            assert [path for path in asked if parser.can_fetch("anything", path)] == list(asked[:2])
        with case("the icon is one"):
            answer = client.get("/favicon.ico")
            assert (answer.status_code, answer["Content-Type"], answer["Cache-Control"]) == (
                200,
                "image/x-icon",
                PUBLIC,
            )
            with Image.open(io.BytesIO(answer.content)) as icon:
                assert icon.format == "ICO"
                assert icon.info["sizes"] == {(16, 16), (32, 32), (48, 48)}
            assert len(answer.content) < 8_000
        with case("a password manager is led to the password"):
            answer = client.get("/.well-known/change-password")
            assert (answer.status_code, answer["Location"]) == (302, "/accounts/password/change/")
            # How it finds out whether a site answers 200 for what is not there.
            nothing = "/.well-known/resource-that-should-not-exist-whose-status-code-should-not-be-200"
            assert client.get(nothing).status_code == 404


@pytest.mark.django_db
def test_they_ask_neither_the_database_nor_for_a_session(
    client: Client, django_assert_num_queries: object
) -> None:
    for path in ("/.well-known/security.txt", "/.well-known/change-password", "/robots.txt", "/favicon.ico"):
        with django_assert_num_queries(0):  # type: ignore[operator]
            answer = client.get(path)
        assert not answer.cookies
        assert "Cookie" not in answer.get("Vary", "")
