"""Mails as a browser shows them: on a phone and on a desktop, light and dark. The pictures are in test-results/mail."""

import pytest
from django.core import mail
from django.core.cache import cache
from django.core.mail import EmailMultiAlternatives
from django.test import override_settings
from playwright.sync_api import Browser, sync_playwright

from tests.e2e.browser import RESULTS, running_browser
from tests.mail_samples import sample_senders
from users.models import User

pytestmark = pytest.mark.django_db(transaction=True)

WIDTHS = (390, 700)
SCHEMES = ("light", "dark")
# The name of the picture, the template, and which of its samples.
CHOSEN = {
    "welcome": ("account/email/email_confirmation_signup", 0),
    "new-sign-in": ("account/email/new_sign_in", 0),
    "changed-address": ("account/email/email_changed", 0),
    "message": ("notifications/mail/notifications", -2),
    "several": ("notifications/mail/notifications", -1),
    "answer-not-posted": ("notifications/mail/reply_refused", 0),
    "digest": ("notifications/mail/digest", 0),
}
# The darkest colour of each link and paragraph against what is behind it: 4.5 : 1 is what WCAG wants for text.
MEASURE = """() => {
  const parts = color => color.match(/[\\d.]+/g).map(Number);
  const light = color => parts(color).slice(0, 3).map(value => value / 255)
    .map(value => value <= 0.03928 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4)
    .reduce((sum, value, index) => sum + value * [0.2126, 0.7152, 0.0722][index], 0);
  const behind = element => {
    const color = getComputedStyle(element).backgroundColor;
    return parts(color)[3] === 0 && element.parentElement ? behind(element.parentElement) : color;
  };
  return [...document.querySelectorAll("a, h2, p, td, strong, bdi")]
    .filter(element => [...element.childNodes].some(node => node.nodeType === 3 && node.data.trim()))
    .map(element => {
      const [one, two] = [light(getComputedStyle(element).color), light(behind(element))].sort((a, b) => b - a);
      return [(one + 0.05) / (two + 0.05), element.textContent.trim().slice(0, 40)];
    });
}"""


def take_pictures(browser: Browser, name: str, html: str) -> list[str]:
    """Take the pictures of one mail, and return what cannot be read or is wider than the window."""
    problems = []
    for width in WIDTHS:
        for scheme in SCHEMES:
            page = browser.new_page(viewport={"width": width, "height": 600})
            page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
            page.set_content(html)
            where = f"{name}-{width}-{scheme}"
            if page.evaluate("document.documentElement.scrollWidth") > width:
                problems.append(f"{where}: wider than the window")
            measured = page.evaluate(MEASURE)
            assert measured
            problems += [f"{where}: {ratio:.1f} : 1 for {text}" for ratio, text in measured if ratio < 4.5]
            page.screenshot(path=RESULTS / "mail" / f"{where}.png", full_page=True)
            page.close()
    return problems


def test_mails_fit_and_can_be_read_on_phone_and_desktop_light_and_dark(alice: User, charlie: User) -> None:
    User.objects.filter(pk=charlie.pk).update(name="Maximiliana-Alexandrina von Hohenlohe-Waldenburg")
    charlie.refresh_from_db()
    samples = sample_senders(alice, charlie)
    pages = {}
    for name, (template, number) in CHOSEN.items():
        cache.clear()
        mail.outbox.clear()
        with override_settings(REPLY_DOMAIN="reply.example.org"):
            samples[template][number]()
        (message,) = [sent for sent in mail.outbox if sent.to != [charlie.email]]
        assert isinstance(message, EmailMultiAlternatives)
        pages[name] = str(message.alternatives[0][0])
    (RESULTS / "mail").mkdir(parents=True, exist_ok=True)
    # The browser comes last: its event loop keeps Django from querying.
    with sync_playwright() as playwright, running_browser(playwright) as browser:
        problems = [found for name, html in pages.items() for found in take_pictures(browser, name, html)]
    assert problems == []
