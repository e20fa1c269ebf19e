"""The harness itself: the site starts as a person starts it, and the browser sees what goes wrong."""

import smtplib

import pytest
from playwright.sync_api import Page, expect

from .browser import DARK, PHONE, Visitors, accessibility_faults, check_axe, picture
from .mailbox import Mailbox, link_in
from .site import Site


def test_the_sign_in_page_is_whole_and_accessible(page: Page) -> None:
    page.goto("/accounts/login/")
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    check_axe(page)
    picture(page, "sign-in-desktop")


def test_the_sign_in_page_fits_a_phone_in_the_dark(visitors: Visitors) -> None:
    page = visitors(viewport=PHONE, color_scheme=DARK)
    page.goto("/accounts/login/")
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE[0]
    picture(page, "sign-in-phone-dark")


def test_the_sign_in_page_works_without_javascript(visitors: Visitors) -> None:
    page = visitors(javascript=False)
    page.goto("/accounts/login/")
    expect(page.get_by_role("textbox").first).to_be_visible()


def test_axe_finds_a_picture_without_words(page: Page) -> None:
    page.goto("/accounts/login/")
    page.evaluate("document.body.append(document.createElement('img'))")
    assert "image-alt" in [fault["id"] for fault in accessibility_faults(page)]


@pytest.mark.parametrize(
    ("script", "complaint"),
    [
        ("console.error('broken')", "broken"),
        ("setTimeout(() => { throw new Error('thrown') })", "thrown"),
        ("fetch('/no-such-page/')", "answer 404"),
        ("fetch('https://elsewhere.example/').catch(() => {})", "CSP: connect-src"),
        (
            "document.body.append(Object.assign(document.createElement('script'), {text: '1'}))",
            "CSP: script-src",
        ),
    ],
)
def test_what_goes_wrong_on_a_page_is_noted(visitors: Visitors, script: str, complaint: str) -> None:
    page = visitors()
    visitors.complaints.allow(".*")
    page.goto("/accounts/login/")
    page.evaluate(f"() => {{ {script} }}")
    page.wait_for_timeout(300)
    assert any(complaint in line for line in visitors.complaints.found), visitors.complaints.found


def test_a_request_to_a_third_party_is_noted(visitors: Visitors) -> None:
    page = visitors()
    visitors.complaints.allow("third party", "failed request")
    page.route("https://elsewhere.example/**", lambda route: route.fulfill(body="hello"))
    page.goto("https://elsewhere.example/")
    assert any(line.startswith("third party") for line in visitors.complaints.found)


def test_the_mailbox_receives(mailbox: Mailbox) -> None:
    text = "Subject: Hello\r\nTo: ada@example.org\r\n\r\nSee http://localhost/confirm/abc/.\r\n"
    with smtplib.SMTP("127.0.0.1", mailbox.port) as client:
        client.sendmail("us@example.org", ["Ada@example.org"], text)
    message = mailbox.wait_for("ada@example.org", subject="hello")
    assert link_in(message, "/confirm/") == "http://localhost/confirm/abc/"


def test_the_site_says_that_it_is_well(page: Page, site: Site) -> None:
    answer = page.request.get("/health/")
    assert answer.status == 200
    assert site.url.startswith("http://localhost:")
