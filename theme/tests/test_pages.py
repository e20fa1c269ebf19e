import re
from pathlib import Path

import pytest
from django.template.loader import get_template, render_to_string
from django.test import RequestFactory

from tests.cases import all_cases
from theme.views import gallery

pytestmark = pytest.mark.both

ROOT = Path(__file__).resolve().parents[2]
ERRORS = ["400", "403", "403_csrf", "404", "405", "413", "429", "500", "503"]
HANDLER = re.compile(r"<[^>]*\s(?:style|on\w+)\s*=", re.IGNORECASE)


def test_an_error_page_comes_up_with_no_context_at_all() -> None:
    with all_cases() as case:
        for name in ERRORS:
            with case(name):
                html = get_template(f"{name}.html").render()
                assert html.count("<h1") == 1
                assert 'href="/"' in html


def test_the_worst_pages_need_nothing_but_themselves() -> None:
    with all_cases() as case:
        for name in ["500", "503"]:
            with case(name):
                source = (ROOT / "templates" / f"{name}.html").read_text(encoding="utf-8")
                assert "{%" not in source
                assert "{{" not in source
                assert not re.search(r"(?:src|href)=\"(?!/\")", source)


def test_the_gallery_draws_every_part() -> None:
    html = gallery(RequestFactory().get("/theme/")).content.decode()
    assert html.count("<h1") == 1
    for word in (
        "avatar-xl",
        "images-9",
        "error-summary",
        "skeleton",
        "toast-danger",
        "<dialog",
        'aria-busy="true"',
    ):
        assert word in html
    assert not HANDLER.search(html)


def test_no_template_breaks_the_content_policy() -> None:
    # Mail programs do not apply the content security policy and support few styles.
    drawn = [*ROOT.glob("*/templates/**/*.html"), *ROOT.glob("templates/*.html")]
    pages = [page for page in drawn if page.parent.name != "mail"]
    assert len(pages) > 40
    for page in pages:
        source = page.read_text(encoding="utf-8")
        assert not HANDLER.search(source), page
        assert page.name in {"500.html", "503.html"} or "<style" not in source, page
        # Django's {# #} ends with its line, so a comment over several lines would be rendered.
        assert all("#}" in line for line in source.splitlines() if "{#" in line), page


def test_a_narrow_page_and_a_plain_page_have_the_same_furniture() -> None:
    for base in ("base.html", "base_narrow.html"):
        html = render_to_string(base)
        assert 'id="main"' in html
        assert 'class="skip-link"' in html
        assert '"allowEval": false' in html
        assert '"includeIndicatorStyles": false' in html
