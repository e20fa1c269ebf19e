"""Templates, styles and scripts of an app name nothing of an app above it: what import-linter cannot see."""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings
from django.template.loader import get_template
from django.urls import Resolver404, get_resolver, resolve

from scripts.programs import ROOT

# The contract of import-linter, from the lowest layer to the highest; apps of one layer do not know each other.
LAYERS = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"][0][
    "layers"
]
LEVELS = [set(re.findall(r"\w+", layer)) for layer in reversed(LAYERS)]
LEVEL_OF = {app: number for number, level in enumerate(LEVELS) for app in level}
# The theme draws no socket, but its scripts may use core's.
SAME_LEVEL = {("core", "theme"), ("theme", "core")}
TAG = re.compile(r"\{%-?\s*(?:include|extends|static|asset|url|active|load)\s(.*?)%\}", re.DOTALL)
QUOTED = re.compile(r"""(["'`])([^"'`\n]+)\1""")
# Named in scripts: a module beside or below, or an address of the site.
RELATIVE = re.compile(r"^(?:\.\./)+(\w+)/")


def app_of_url_name(name: str) -> str | None:
    """The app that answers the URL `name`; allauth's pages are those of users."""
    namespace, colon, _rest = name.partition(":")
    if colon:
        return namespace
    return "users" if name.startswith(("account_", "socialaccount_", "mfa_")) else None


def app_of_address(path: str) -> str | None:
    """The app that answers the address `path`, or None where nothing does."""
    try:
        return resolve(path).func.__module__.partition(".")[0]
    except Resolver404:
        return None


def references_of_template(source: str) -> Iterator[str | None]:
    """The apps that the tags of a template name."""
    for tag in TAG.finditer(source):
        for _quote, word in QUOTED.findall(tag.group(1)):
            folder, slash, _rest = word.partition("/")
            yield folder if slash else app_of_url_name(word)


def references_of_script(source: str) -> Iterator[str | None]:
    """The apps that the imports and addresses of a script, or the imports of a stylesheet, name."""
    for _quote, word in QUOTED.findall(source):
        if relative := RELATIVE.match(word):
            yield relative.group(1)
        elif word.startswith("/") and word != "/":  # the home page is the site's, whoever answers it
            yield app_of_address(word)


def references_of(path: Path) -> Iterator[str | None]:
    source = path.read_text(encoding="utf-8")
    yield from (references_of_script if path.suffix in {".js", ".css"} else references_of_template)(source)


def pages_of(app: str) -> list[Path]:
    """The templates, stylesheets and scripts of an app, without what is built."""
    folders = [ROOT / app / name for name in ("templates", "assets", "static")]
    paths = [
        path
        for folder in folders
        for path in folder.rglob("*")
        if path.suffix in {".html", ".txt", ".css", ".js"}
    ]
    return [path for path in paths if path.name != "app.css" or "assets" in path.parts]


def is_upward(app: str, other: str | None) -> bool:
    if other is None or other == app or other not in LEVEL_OF or (app, other) in SAME_LEVEL:
        return False
    return LEVEL_OF[other] >= LEVEL_OF[app]


def test_no_page_names_an_app_above_its_own() -> None:
    found = [
        f"{path.relative_to(ROOT)}: {other}"
        for app in LEVEL_OF
        for path in pages_of(app)
        for other in references_of(path)
        if is_upward(app, other)
    ]
    assert found == []


@pytest.mark.parametrize(
    ("suffix", "source", "app"),
    [
        (".html", '{% include "feed/_post.html" with post=post only %}', "feed"),
        (".html", "{% extends 'feed/page.html' %}", "feed"),
        (".html", '<script src="{% static "feed/js/feed.js" %}"></script>', "feed"),
        (".html", '<a href="{% url "feed:home" %}" {% active "x" %}>', "feed"),
        (".html", '{% url "account_login" as address %}', "users"),
        (".js", 'import { post } from "../../feed/js/post.js";', "feed"),
        (".js", "fetch('/notifications/unread/')", "notifications"),
        (".css", '@import "../../feed/assets/posts.css";', "feed"),
    ],
)
def test_every_kind_of_reference_is_seen(tmp_path: Path, suffix: str, source: str, app: str) -> None:
    page = tmp_path / f"page{suffix}"
    page.write_text(source)
    assert app in set(references_of(page))
    assert is_upward("theme", app)


def test_every_app_has_a_level() -> None:
    assert {path.parent.name for path in ROOT.glob("*/apps.py")} | {"professional_network"} <= set(LEVEL_OF)
    spaces = set(get_resolver().namespace_dict) - {"admin"}
    assert spaces <= set(LEVEL_OF)


def test_what_fills_the_slots_is_there() -> None:
    slots = {
        name
        for app in LEVEL_OF
        for path in pages_of(app)
        for name in re.findall(r'\{% slot "(\w+)"', path.read_text())
    }
    assert slots == set(settings.TEMPLATE_SLOTS)
    for templates in settings.TEMPLATE_SLOTS.values():
        for name in templates:
            get_template(name)
