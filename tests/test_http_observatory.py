"""The measure itself: the chart's own examples get what the chart says they are worth."""

import pytest

from .cases import all_cases
from .http_observatory import compute_score, grade_headers

pytestmark = pytest.mark.night

GOOD = {
    "content-security-policy": [
        "default-src 'none'; script-src 'self' 'nonce-abc'; form-action 'self'; frame-ancestors 'none'"
    ],
    "strict-transport-security": ["max-age=31536000; includeSubDomains"],
    "referrer-policy": ["same-origin"],
    "x-content-type-options": ["nosniff"],
    "cross-origin-resource-policy": ["same-origin"],
}


def test_a_bare_answer_fails() -> None:
    assert compute_score({}) == 100 - 25 - 20 - 5 - 20


def test_good_headers_reach_130() -> None:
    assert compute_score(GOOD) == 130


def test_good_cookies_win_five_points() -> None:
    cookie = "__Host-session=x; Secure; HttpOnly; SameSite=Lax; Path=/"
    assert compute_score({**GOOD, "set-cookie": [cookie]}) == 135


def test_each_finding_is_worth_what_the_chart_says() -> None:
    cases = [
        ("content-security-policy", "default-src 'self'", 5),
        ("content-security-policy", "default-src 'none'; script-src 'unsafe-inline'", -20),
        ("content-security-policy", "default-src 'none'; script-src data:", -20),
        ("content-security-policy", "script-src 'self'", -20),
        ("content-security-policy", "default-src 'none'; script-src 'self' 'unsafe-eval'", -10),
        ("content-security-policy", "default-src 'none'; connect-src http://a.example", -20),
        ("content-security-policy", "default-src 'none'; img-src http:", -10),
        ("content-security-policy", "default-src 'none'; style-src 'unsafe-inline'", 0),
        ("content-security-policy", "default-src 'none'", 5),
        ("content-security-policy", "default-src 'none'; form-action 'none'", 10),
        ("strict-transport-security", "max-age=3600", -10),
        ("strict-transport-security", "includeSubDomains", -20),
        ("referrer-policy", "unsafe-url", -5),
        ("referrer-policy", "nonsense", -5),
        ("x-content-type-options", "sniff", -5),
        ("x-frame-options", "ALLOWALL", -20),
        ("x-frame-options", "DENY", 0),
        ("cross-origin-resource-policy", "nonsense", -5),
        ("set-cookie", "sessionid=x; Secure; SameSite=Lax", -30),
        ("set-cookie", "sessionid=x; HttpOnly; SameSite=Lax", -40),
        ("set-cookie", "csrftoken=x; Secure", -20),
        ("set-cookie", "colour=x; SameSite=Lax", -20),
        ("set-cookie", "colour=x; Secure", 0),
    ]
    with all_cases() as case:
        for name, value, points in cases:
            with case(f"{name} {value}"):
                test = "cookies" if name == "set-cookie" else name
                assert grade_headers({name: [value]})[test] == points


def test_scripts_of_other_sites_cost_points() -> None:
    assert grade_headers({}, '<script src="/a.js"></script>')["subresource-integrity"] == 0
    assert grade_headers({}, '<script src="https://b.example/a.js"></script>')["subresource-integrity"] == -5
    assert grade_headers({}, '<script defer src="//b.example/a.js"></script>')["subresource-integrity"] == -50
