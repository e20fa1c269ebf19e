"""Static files without nginx in front: hashed, compressed, kept for ever, modules too (R4, R11; tasks 5.1, 16.1)."""

import gzip
import http.client
import json
import re
from pathlib import Path
from urllib.parse import urljoin

import pytest

from scripts.servers import HOST
from scripts.stack import Stack

HASHED = re.compile(r".*\.[0-9a-f]{12}(\.\w+)?")
IMPORT = re.compile(r"""(?:\bfrom\s*|\bimport\s*\(?\s*)["']([^"']+)["']""")


@pytest.fixture
def root(stack: Stack) -> Path:
    """What `collectstatic` has made."""
    return Path(stack.environment["DATA_DIR"]) / "staticfiles"


@pytest.fixture
def names(root: Path) -> dict[str, str]:
    """The hashed name of each file, by its plain one."""
    paths: dict[str, str] = json.loads((root / "staticfiles.json").read_text())["paths"]
    return paths


def ask(stack: Stack, path: str, **headers: str) -> tuple[http.client.HTTPResponse, bytes]:
    """A request to gunicorn itself, as a platform's router sends it."""
    connection = http.client.HTTPConnection(HOST, stack.site.web_port, timeout=10)
    connection.request("GET", path, headers={"Host": "localhost", "X-Forwarded-Proto": "https", **headers})
    response = connection.getresponse()
    body = response.read()
    connection.close()
    return response, body


def test_every_file_has_a_hashed_name(root: Path, names: dict[str, str]) -> None:
    assert len(names) > 100
    assert [name for name in names.values() if not HASHED.fullmatch(name)] == []
    assert [name for name in names.values() if not (root / name).is_file()] == []


def test_what_can_be_compressed_is_there_in_gzip_and_brotli(root: Path, names: dict[str, str]) -> None:
    for name in ("theme/app.css", "theme/js/app.js", "django_htmx/htmx-2.min.js", "theme/favicon.svg"):
        plain = root / names[name]
        if plain.stat().st_size > 500:
            for ending in (".gz", ".br"):
                packed = plain.with_name(plain.name + ending)
                assert packed.stat().st_size < plain.stat().st_size, packed


def test_bundles_import_each_other_by_hashed_names(root: Path, names: dict[str, str]) -> None:
    """Without this, a browser would keep a bundle for ever whose imports have changed."""
    bundles = [name for name in names if name.startswith("bundles/")]
    imports = 0
    for name in bundles:
        stored = names[name]
        for target in IMPORT.findall((root / stored).read_text()):
            imports += 1
            resolved = urljoin(f"/static/{stored}", target).removeprefix("/static/")
            assert resolved in names.values(), (name, target)
    assert imports >= len(bundles) - 1 > 2


def test_styles_name_their_files_by_hashed_names(root: Path, names: dict[str, str]) -> None:
    stored = names["theme/app.css"]
    targets = re.findall(r"url\([\"']?([^)\"']+)", (root / stored).read_text())
    own = [target for target in targets if not target.startswith(("data:", "#"))]
    assert own
    for target in own:
        assert urljoin(f"/static/{stored}", target).removeprefix("/static/") in names.values()


@pytest.mark.parametrize(("accepted", "encoding"), [("br, gzip", "br"), ("gzip", "gzip"), ("identity", "")])
def test_a_hashed_file_is_kept_for_ever(
    stack: Stack, names: dict[str, str], accepted: str, encoding: str
) -> None:
    response, body = ask(stack, f"/static/{names['theme/app.css']}", **{"Accept-Encoding": accepted})
    assert (response.status, response.getheader("Content-Encoding", "")) == (200, encoding)
    assert response.getheader("Cache-Control") == "max-age=315360000, public, immutable"
    assert "Accept-Encoding" in response.getheader("Vary", "")
    assert body


def test_a_file_by_its_plain_name_is_asked_for_again(stack: Stack) -> None:
    response, _body = ask(stack, "/static/theme/app.css")
    assert response.getheader("Cache-Control") == "max-age=3600, public"


def test_a_static_file_carries_the_headers_of_every_answer(stack: Stack, names: dict[str, str]) -> None:
    response, _body = ask(stack, f"/static/{names['theme/favicon.svg']}")
    for name, value in {
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Referrer-Policy": "same-origin",
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
    }.items():
        assert response.getheader(name) == value
    assert "camera=()" in response.getheader("Permissions-Policy", "")
    assert "default-src 'none'" in response.getheader("Content-Security-Policy", "")
    assert response.getheader("Strict-Transport-Security", "").startswith("max-age=31536000")
    assert response.getheader("Access-Control-Allow-Origin") is None


def test_pages_are_compressed_and_never_twice_the_same(stack: Stack) -> None:
    """A name of random length in the gzip header keeps what a page weighs from telling what it says (BREACH)."""
    lengths = set()
    for _number in range(8):
        response, body = ask(stack, "/accounts/login/", **{"Accept-Encoding": "gzip"})
        assert response.getheader("Content-Encoding") == "gzip"
        assert b"</html>" in gzip.decompress(body)
        lengths.add(len(body))
    assert len(lengths) > 1
