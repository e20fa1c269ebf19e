"""Property 13: whoever meets a 404, 500 or 403 gets the page of the house, and nothing that is not theirs (R10)."""

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest
from django.conf import settings as project
from django.core.exceptions import ImproperlyConfigured
from django.test import Client
from hypothesis import example, given
from hypothesis import strategies as st

from core.web.error_pages import AWAY, BROKEN
from scripts.programs import ROOT
from tests.hypothesis_settings import property_settings

from .faults import Fault

pytestmark = pytest.mark.urls("tests.properties.faults")

TITLES = {403: "You cannot do this", 404: "Page not found", 500: "Something went wrong"}
SENSITIVE = (
    "Traceback",
    "Exception",
    "zqx",
    str(ROOT),
    project.SECRET_KEY,
    "SECRET_KEY",
    "DATABASES",
    "settings",
    "site-packages",
    "Django",
    "faults",
    "urlpatterns",
    "sqlite",
)

details = st.text(max_size=60)
errors: st.SearchStrategy[Callable[[str], Exception]] = st.sampled_from(
    [RuntimeError, KeyError, ImproperlyConfigured, lambda text: OSError(2, text, f"{ROOT}/db.sqlite3")]
)
accepts = st.sampled_from(
    ["text/html", "*/*", "text/html,*/*;q=0.8", "application/json", "image/webp", "text/plain", ""]
) | st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=60)


def words_of(answer: Any) -> str:
    return re.sub(r"\s+", " ", answer.content.decode())


def assert_is_of_the_house(answer: Any, status: int) -> None:
    assert answer.status_code == status
    text = words_of(answer)
    assert TITLES[status] in text
    assert [word for word in SENSITIVE if word in text] == []
    if answer["Content-Type"].startswith("text/html"):
        assert text.startswith("<!DOCTYPE html>")
        assert "· LinkUp</title>" in text
        assert "<a" in text
        assert 'href="/"' in text
    else:
        assert len(text) < 200
    assert answer["X-Frame-Options"] == "DENY"
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert "default-src 'none'" in answer["Content-Security-Policy"]
    assert answer["Cache-Control"] == "no-store"


@property_settings
@given(path=st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=60), accept=accepts)
@example(path="<script>alert(1)</script>", accept="text/html")
@example(path="../../etc/passwd", accept="*/*")
@example(path="{{ request_id }}{% debug %}", accept="text/html")
def test_404(path: str, accept: str) -> None:
    # Property 13 (R10)
    answer = Client().get(f"/no-such-place/zqx{quote(path, safe='')}", headers={"accept": accept})
    assert_is_of_the_house(answer, 404)


@property_settings
@given(detail=details, accept=accepts)
def test_403(detail: str, accept: str) -> None:
    # Property 13 (R10)
    Fault.error = RuntimeError(f"zqx{detail}")
    assert_is_of_the_house(Client().get("/deny/", headers={"accept": accept}), 403)


@property_settings
@given(error=errors, detail=details, accept=accepts)
def test_500(error: Callable[[str], Exception], detail: str, accept: str) -> None:
    # Property 13 (R10)
    Fault.error = error(f"zqx{detail}")
    answer = Client(raise_request_exception=False).get("/fall/?zqx=zqx", headers={"accept": accept})
    assert_is_of_the_house(answer, 500)
    assert answer["X-Request-ID"] in answer.content.decode()


def test_the_two_fixed_pages_look_alike() -> None:
    # R10: in the application's look, on 500 without touching database or cache.
    styles = [page.text_for("x").split("<style>")[1].split("</style>")[0] for page in (BROKEN, AWAY)]
    colours = [set(re.findall(r"#[0-9a-f]{3,6}", style)) for style in styles]
    assert colours[0] == colours[1]
