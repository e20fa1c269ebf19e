"""core.mail: what is sent, when, and with a broken mail server."""

import logging
from pathlib import Path

import pytest
from django.core import mail as outgoing
from django.core.mail import EmailMultiAlternatives
from django.db import transaction
from django.template.exceptions import TemplateDoesNotExist
from pytest_django import Settings

from core import mail
from tests.cases import all_cases

WHOLE = "<html><head></head><body><p>{}</p></body></html>"
PLAIN = mail.MailClass.TRANSACTIONAL

pytestmark = pytest.mark.django_db(transaction=True)


def only_mail() -> EmailMultiAlternatives:
    (message,) = outgoing.outbox
    assert isinstance(message, EmailMultiAlternatives)
    return message


def headers_on_the_wire(message: EmailMultiAlternatives) -> list[tuple[str, str]]:
    return list(message.message().items())


def html_of(message: EmailMultiAlternatives) -> list[tuple[str, str]]:
    return [(str(content), str(mimetype)) for content, mimetype in message.alternatives]


def test_a_message_leaves_after_the_commit_and_not_after_a_rollback() -> None:
    with all_cases() as case:
        with case("a message leaves after the commit"):
            outgoing.outbox.clear()
            with transaction.atomic():
                mail.send_mail(to="bob@example.org", subject="Hello", text="How are you?", mail_class=PLAIN)
                assert outgoing.outbox == []
            assert (only_mail().to, only_mail().subject, only_mail().body) == (
                ["bob@example.org"],
                "Hello",
                "How are you?",
            )
        with case("no message leaves after a rollback"):
            outgoing.outbox.clear()
            with transaction.atomic():
                mail.send_mail(to="bob@example.org", subject="Hello", text="How are you?", mail_class=PLAIN)
                transaction.set_rollback(True)
            assert outgoing.outbox == []


def test_a_message_holds_what_it_was_given(settings: Settings) -> None:
    with all_cases() as case:
        with case("it comes from the address of the settings"):
            outgoing.outbox.clear()
            settings.DEFAULT_FROM_EMAIL = "Alumni <alumni@example.org>"
            settings.MAIL_ENVELOPE_SENDER = "bounces@example.org"
            mail.send_mail(to="bob@example.org", subject="Hello", text="Text", mail_class=PLAIN)
            assert dict(headers_on_the_wire(only_mail()))["From"] == "Alumni <alumni@example.org>"
            assert only_mail().from_email == "bounces@example.org"
        with case("html is an alternative to the text"):
            outgoing.outbox.clear()
            mail.send_mail(
                to="bob@example.org", subject="Hello", text="plain", html="<p>rich</p>", mail_class=PLAIN
            )
            assert only_mail().body == "plain"
            assert html_of(only_mail()) == [("<p>rich</p>", "text/html")]
        with case("without html there is no alternative"):
            outgoing.outbox.clear()
            mail.send_mail(to="bob@example.org", subject="Hello", text="plain", mail_class=PLAIN)
            assert only_mail().alternatives == []
        with case("headers travel along"):
            outgoing.outbox.clear()
            mail.send_mail(
                to="bob@example.org",
                subject="Hello",
                text="x",
                mail_class=PLAIN,
                headers={"X-Kind": "hello"},
            )
            assert ("X-Kind", "hello") in headers_on_the_wire(only_mail())
        for text in ["Zażółć gęślą jaźń", "مرحبا", "👩‍👩‍👧", "O'Brien & Söhne", "delete from orders"]:
            with case(text):
                outgoing.outbox.clear()
                mail.send_mail(to="bob@example.org", subject=text, text=text, mail_class=PLAIN)
                assert (only_mail().subject, only_mail().body) == (text, text)


def test_a_line_break_in_the_subject_adds_no_header() -> None:
    with all_cases() as case:
        for line_break in ["\n", "\r\n", "\r", "\x0b", "\x0c", "\x85", "\u2028", "\n\n"]:
            with case(line_break.encode()):
                outgoing.outbox.clear()
                mail.send_mail(
                    to="bob@example.org",
                    subject=f"Hi{line_break}Bcc: everyone@example.org",
                    text="x",
                    mail_class=PLAIN,
                )
                assert only_mail().subject == "Hi Bcc: everyone@example.org"
                assert "Bcc" not in dict(headers_on_the_wire(only_mail()))
                assert only_mail().recipients() == ["bob@example.org"]


def test_a_line_break_in_a_header_sends_nothing_and_does_not_fail_the_caller(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.ERROR, "core.outgoing_mail"):
        mail.send_mail(
            to="bob@example.org",
            subject="x",
            text="x",
            mail_class=PLAIN,
            headers={"X-Kind": "a\nBcc: all@example.org"},
        )
    assert outgoing.outbox == []
    assert "was not sent, and is not tried again" in caplog.text


def test_a_mail_has_one_recipient() -> None:
    with all_cases() as case:
        for to in [
            "",
            "bob@example.org, eve@example.org",
            "bob@example.org;eve@example.org",
            "Bob <bob@example.org>",
            "Bob\nBcc: eve@example.org <bob@example.org>",
            "bob@example.org\r\nBcc: eve@example.org",
            "friends: bob@example.org, eve@example.org;",
            "b" * 300 + "@example.org",
        ]:
            with case(to), pytest.raises(ValueError, match="one recipient"):
                mail.send_mail(to=to, subject="x", text="x", mail_class=PLAIN)
        for to in [
            "bob@example.org",
            "bob@xn--kln-sna.example",
            '"a,b"@example.org',
            "o'brien+x@example.org",
        ]:
            with case(to):
                outgoing.outbox.clear()
                mail.send_mail(to=to, subject="x", text="x", mail_class=PLAIN)
                assert only_mail().recipients() == [to]


@pytest.fixture
def templates(tmp_path: Path, settings: Settings) -> Path:
    """A folder whose files are templates."""
    engine = {**settings.TEMPLATES[0], "DIRS": [str(tmp_path)]}
    settings.TEMPLATES = [engine]
    mail.declare_mail("hello", PLAIN)
    return tmp_path


def test_a_template_gives_subject_text_and_html(templates: Path) -> None:
    (templates / "hello_subject.txt").write_text("Hello\n{{ name }}\n")
    (templates / "hello_message.txt").write_text("Dear {{ name }}")
    (templates / "hello_message.html").write_text("<p>{{ name }}</p>")
    mail.send_template(to="bob@example.org", template="hello", context={"name": "Bob"})
    assert (only_mail().subject, only_mail().body) == ("Hello Bob", "Dear Bob")
    assert html_of(only_mail()) == [(WHOLE.format("Bob"), "text/html")]


def test_a_template_without_html_gives_text_alone(templates: Path) -> None:
    (templates / "hello_subject.txt").write_text("Hello")
    (templates / "hello_message.txt").write_text("Dear {{ name }}")
    mail.send_template(to="bob@example.org", template="hello", context={"name": "Bob"})
    assert only_mail().alternatives == []


def test_markup_in_a_value_stays_text_in_html(templates: Path) -> None:
    (templates / "hello_subject.txt").write_text("Hello")
    (templates / "hello_message.txt").write_text("Dear you")
    (templates / "hello_message.html").write_text("<p>{{ name }}</p>")
    mail.send_template(to="bob@example.org", template="hello", context={"name": "<script>x</script>"})
    assert html_of(only_mail()) == [(WHOLE.format("&lt;script&gt;x&lt;/script&gt;"), "text/html")]


@pytest.mark.parametrize("missing", ["hello_subject.txt", "hello_message.txt"])
def test_a_missing_template_is_an_error_at_the_call(templates: Path, missing: str) -> None:
    for name in {"hello_subject.txt", "hello_message.txt"} - {missing}:
        (templates / name).write_text("x")
    with pytest.raises(TemplateDoesNotExist, match=missing):
        mail.send_template(to="bob@example.org", template="hello", context={})
    assert outgoing.outbox == []
