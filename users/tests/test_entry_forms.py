"""Invalid values of each field of each section: refused at the field, not stored, and kept in the form."""

import re
from itertools import product

import pytest
from django.test import Client

from tests.cases import all_cases, rolled_back
from users.forms import latest_today

from .factories import HONEST, MODELS, SCRIPTS, THIS_YEAR, TRICKS, form_data, refused_at

pytestmark = [pytest.mark.django_db, pytest.mark.slow]

LONG = "x" * 100_000
NEXT_MONTH = latest_today().month % 12 + 1
NEXT_MONTH_S_YEAR = THIS_YEAR + (NEXT_MONTH == 1)

# Section, field at which the form is refused, the invalid values.
BAD: list[tuple[str, str, dict[str, str]]] = [
    *[
        ("experience", name, {name: value})
        for name in ("title", "employer")
        for value in ("", "   ", LONG, *TRICKS)
    ],
    *[("experience", "location", {"location": value}) for value in (LONG, *TRICKS)],
    ("experience", "description", {"description": LONG}),
    ("experience", "start", {"start_0": "", "start_1": ""}),
    ("experience", "start", {"start_0": "", "start_1": "2019"}),
    ("experience", "start", {"start_0": "3", "start_1": ""}),
    ("experience", "start", {"start_0": "13"}),
    ("experience", "start", {"start_0": "0"}),
    ("experience", "start", {"start_0": "March"}),
    ("experience", "start", {"start_0": "-1"}),
    ("experience", "start", {"start_0": "3\x00"}),
    ("experience", "start", {"start_1": "19"}),
    ("experience", "start", {"start_1": "1899"}),
    ("experience", "start", {"start_1": "-2019"}),
    ("experience", "start", {"start_1": "2019.5"}),
    ("experience", "start", {"start_1": "two thousand"}),
    ("experience", "start", {"start_1": "20190"}),
    ("experience", "start", {"start_1": "9" * 30}),
    ("experience", "start", {"start_1": "9" * 5000}),
    ("experience", "start", {"start_1": str(THIS_YEAR + 1), "end_0": "", "end_1": ""}),
    (
        "experience",
        "start",
        {"start_0": str(NEXT_MONTH), "start_1": str(NEXT_MONTH_S_YEAR), "end_0": "", "end_1": ""},
    ),
    ("experience", "end", {"end_0": str(NEXT_MONTH), "end_1": str(NEXT_MONTH_S_YEAR)}),
    ("experience", "end", {"end_1": "9999"}),
    ("experience", "end", {"end_0": "", "end_1": "2021"}),
    ("experience", "end", {"end_0": "2", "end_1": "2019"}),
    ("experience", "end", {"end_0": "12", "end_1": "2018"}),
    ("experience", "end", {"end_0": "99"}),
    *[("education", "school", {"school": value}) for value in ("", "  ", LONG, *TRICKS)],
    *[("education", name, {name: value}) for name in ("degree", "field") for value in (LONG, *TRICKS)],
    ("education", "description", {"description": LONG}),
    *[
        ("education", "start_year", {"start_year": value, "end_year": ""})
        for value in ("", "abc", "1899", "-1", "2012.5", str(THIS_YEAR + 1), "9" * 30, "9" * 5000, "20\x0012")
    ],
    *[
        ("education", "end_year", {"end_year": value})
        for value in ("abc", "1899", "2011", str(THIS_YEAR + 11), "9" * 30, "2e3")
    ],
    *[("skills", "name", {"name": value}) for value in ("", " ", LONG, "x" * 61, *TRICKS)],
    *[("links", "label", {"label": value}) for value in ("", " ", LONG, *TRICKS)],
    *[
        ("links", "url", {"url": value})
        for value in (
            "",
            "javascript:alert(1)",
            "JaVaScRiPt:alert(1)",
            "javascript://example.org/%0aalert(1)",
            "data:text/html,<script>alert(1)</script>",
            "vbscript:x",
            "file:///etc/passwd",
            "ftp://example.org/",
            "mailto:a@example.org",
            "not an address",
            "https://",
            "https://exa mple.org",
            "https://example.org/\x00",
            "https://example.org/" + LONG,
            '"><script>alert(1)</script>',
        )
    ],
]


def test_a_bad_value_is_refused_at_its_field(as_alice: Client) -> None:
    with all_cases() as case:
        for section, field, values in BAD:
            with case(f"{section} {str(values)[:60]}"), rolled_back():
                response = as_alice.post(f"/settings/{section}/", form_data(section, **values))
                assert refused_at(response) == [field]
                assert not MODELS[section]._default_manager.exists()


def test_what_was_typed_is_still_there_after_a_refusal(as_alice: Client) -> None:
    with all_cases() as case:
        for section, spoiled in [("experience", "start_1"), ("education", "start_year"), ("links", "url")]:
            with case((section, spoiled)), rolled_back():
                typed = form_data(section, **{spoiled: "1" if spoiled != "url" else "javascript:x"})
                page = as_alice.post(f"/settings/{section}/", typed).content.decode().replace("\n", "\r\n")
                for name, value in typed.items():
                    if name.endswith("_0"):
                        assert re.search(rf'<option\s+value="{value}"\s+selected', page), name
                    elif name == "description":
                        assert value in page.replace("\r\r\n", "\r\n")
                    else:
                        assert f'value="{value}"' in page, name


def test_the_edges_of_what_is_allowed_are_allowed(as_alice: Client) -> None:
    with all_cases() as case:
        for section, values in [
            ("experience", {"end_0": "", "end_1": ""}),
            ("experience", {"end_0": "3", "end_1": "2019"}),
            ("experience", {"start_1": "1900"}),
            ("experience", {"location": "", "description": ""}),
            ("experience", {"end_0": str(latest_today().month), "end_1": str(THIS_YEAR)}),
            ("education", {"end_year": ""}),
            ("education", {"end_year": "2012"}),
            ("education", {"end_year": str(THIS_YEAR + 10)}),
            ("education", {"degree": "", "field": "", "description": ""}),
            ("links", {"url": "example.org"}),
            ("links", {"url": "http://localhost.example:8080/a?b=c#d"}),
            ("links", {"url": "https://пример.рф/"}),
            ("skills", {"name": "x" * 60}),
        ]:
            with case((section, values)), rolled_back():
                assert as_alice.post(f"/settings/{section}/", form_data(section, **values)).status_code == 302
                assert MODELS[section]._default_manager.count() == 1


TEXTS = [
    ("experience", "title"),
    ("experience", "employer"),
    ("experience", "location"),
    ("experience", "description"),
    ("education", "school"),
    ("education", "degree"),
    ("education", "field"),
    ("education", "description"),
    ("skills", "name"),
    ("links", "label"),
]


def test_honest_text_is_stored_unharmed(as_alice: Client) -> None:
    with all_cases() as case:
        for (section, field), text in product(TEXTS, HONEST):
            with case(f"{text} as {field} of {section}"), rolled_back():
                as_alice.post(f"/settings/{section}/", form_data(section, **{field: text}))
                assert getattr(MODELS[section]._default_manager.get(), field) == text


def test_script_in_a_text_is_inert_wherever_it_shows(as_alice: Client, as_charlie: Client) -> None:
    with all_cases() as case:
        for (section, field), script in product(TEXTS, SCRIPTS):
            with case(f"{script} as {field} of {section}"), rolled_back():
                check_shown_inertly(as_alice, as_charlie, section, field, script)


def check_shown_inertly(as_alice: Client, as_charlie: Client, section: str, field: str, script: str) -> None:
    as_alice.post(f"/settings/{section}/", form_data(section, **{field: script}))
    entry = MODELS[section]._default_manager.get()
    assert getattr(entry, field) == script
    pages = [
        as_alice.get(f"/settings/{section}/"),
        as_alice.get(f"/settings/{section}/{entry.pk}/"),
        as_alice.get("/members/alice/"),
        as_charlie.get("/members/alice/"),
    ]
    for page in pages:
        text = page.content.decode()
        assert page.status_code == 200
        assert script not in text
        assert "<img src=x" not in text
        assert "alert(1)" in text, "it is shown, as words"


def test_a_link_that_shows_carries_no_script(as_alice: Client) -> None:
    as_alice.post(
        "/settings/links/", form_data("links", url='https://example.org/?q="><script>alert(1)</script>')
    )
    assert "<script>alert" not in as_alice.get("/members/alice/").content.decode()


def test_a_skill_is_listed_once_whatever_its_case(as_alice: Client) -> None:
    with all_cases() as case:
        for again in ["Django", "django", "DJANGO", " Django ", "Dja\u006eGo"]:
            with case(again), rolled_back():
                as_alice.post("/settings/skills/", {"name": "Django"})
                assert refused_at(as_alice.post("/settings/skills/", {"name": again})) == ["name"]
                assert MODELS["skills"]._default_manager.count() == 1


def test_letters_whose_case_is_special_are_no_fault(as_alice: Client) -> None:
    """Python and the databases differ on which of these are equal; no difference may cause an error."""
    with all_cases() as case:
        for one, other in [("İş", "iş"), ("Straßenbau", "STRAẞENBAU"), ("ÉCRIRE", "écrire"), ("Σ", "ς")]:
            with case((one, other)), rolled_back():
                as_alice.post("/settings/skills/", {"name": one})
                assert as_alice.post("/settings/skills/", {"name": other}).status_code in {302, 422}
