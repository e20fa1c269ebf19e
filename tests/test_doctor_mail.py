"""`manage.py doctor --mail` against a real mail server and a real name server."""

import socket
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from threading import Thread

import dns.flags
import dns.message
import dns.rcode
import dns.rrset
import pytest
from django.core.management import call_command
from django.test import override_settings
from dns.resolver import Resolver

from core.bounces.suppression import record_failure
from core.models import OutgoingMail
from core.tests.mail_server import mail_server
from core.tests.test_mail_signing import make_key
from operations.doctor import Verdict, collect_findings, mail_checks

pytestmark = pytest.mark.django_db

SENDER = override_settings(
    DEFAULT_FROM_EMAIL='"Alumni, Köln" <net@mail.example.org>',
    MAIL_ENVELOPE_SENDER="bounces@mail.example.org",
    SITE_URL="https://network.example.org",
)
GOOD = {
    ("mail.example.org", "TXT"): ['"v=spf1 mx" " ~all"', '"something else"'],
    ("_dmarc.example.org", "TXT"): ['"v=DMARC1; p=quarantine; aspf=r"'],
    ("network.example.org", "A"): ["192.0.2.7"],
    ("7.2.0.192.in-addr.arpa", "PTR"): ["network.example.org."],
}


@contextmanager
def name_server(records: dict[tuple[str, str], list[str]]) -> Iterator[Resolver]:
    """A resolver whose name server knows `records` and says of all others that there is none."""
    with closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as listener:
        listener.bind(("127.0.0.1", 0))
        listener.settimeout(0.1)
        is_open = [True]

        def respond() -> None:
            while is_open:
                try:
                    data, client = listener.recvfrom(4096)
                except TimeoutError:
                    continue
                asked = dns.message.from_wire(data)
                (question,) = asked.question
                answer = dns.message.make_response(asked)
                answer.flags |= dns.flags.RA
                kind = question.rdtype.name
                found = records.get((str(question.name).rstrip("."), kind))
                if found:
                    answer.answer.append(dns.rrset.from_text(question.name, 60, "IN", kind, *found))
                else:
                    answer.set_rcode(dns.rcode.NXDOMAIN)
                listener.sendto(answer.to_wire(), client)

        thread = Thread(target=respond)
        thread.start()
        resolver = Resolver(configure=False)
        resolver.nameservers, resolver.port = ["127.0.0.1"], listener.getsockname()[1]
        try:
            yield resolver
        finally:
            is_open.clear()
            thread.join()


def findings(records: dict[tuple[str, str], list[str]]) -> dict[str, tuple[Verdict, str]]:
    """What the checks find, by subject."""
    with name_server(records) as resolver:
        return {each.subject: (each.verdict, each.text) for each in collect_findings(mail_checks(resolver))}


def test_a_good_configuration_has_no_complaint_and_nothing_is_sent() -> None:
    with mail_server() as server, SENDER:
        found = findings(GOOD)
    assert {verdict for verdict, _text in found.values()} == {Verdict.OK}, found
    assert list(found) == [
        "message",
        "mail",
        "mail session",
        "SPF",
        "DKIM",
        "DMARC",
        "PTR",
        "bounces",
        "bounce domain",
        "reply domain",
    ]
    assert found["SPF"][1] == "mail.example.org: v=spf1 mx ~all"
    assert found["DMARC"][1].startswith(
        "example.org: p=quarantine; the envelope (mail.example.org) is aligned"
    )
    assert found["PTR"][1] == "192.0.2.7 is network.example.org"
    assert server.messages == []
    assert not OutgoingMail.objects.exists()


def test_each_missing_record_is_named() -> None:
    with mail_server(), SENDER:
        found = findings({("network.example.org", "A"): ["192.0.2.7"]})
        assert {name: found[name] for name in ("SPF", "PTR")} == {
            "SPF": (Verdict.WARNING, "mail.example.org has no record"),
            "PTR": (Verdict.WARNING, "192.0.2.7 has no name that leads back to it"),
        }
        assert found["DMARC"][0] is Verdict.WARNING
        twice = {**GOOD, ("mail.example.org", "TXT"): ['"v=spf1 -all"', '"v=spf1 mx -all"']}
        assert findings(twice)["SPF"][0] is Verdict.FAILURE
        open_ = {**GOOD, ("mail.example.org", "TXT"): ['"v=spf1 +all"']}
        assert findings(open_)["SPF"][0] is Verdict.WARNING


def test_the_bounce_domain_receives_mail_and_is_the_envelope() -> None:
    with mail_server(), SENDER, override_settings(BOUNCE_DOMAIN="b.example.org"):
        found = findings(GOOD)
        assert found["bounce domain"] == (Verdict.WARNING, "b.example.org receives no mail")
        assert found["SPF"][1] == "b.example.org has no record"
        record_failure(address="bob@example.net", status="5.1.1")
        found = findings({**GOOD, ("b.example.org", "MX"): ["10 mx.example.org."]})
        assert found["bounce domain"][1].startswith("b.example.org; address for feedback loops: complaint+")
        assert found["bounces"][1].startswith("mail to 1 addresses is stopped, 1 had a report")


def test_the_reply_domain_receives_mail() -> None:
    with mail_server(), SENDER, override_settings(REPLY_DOMAIN="r.example.org"):
        assert findings(GOOD)["reply domain"] == (Verdict.WARNING, "r.example.org receives no mail")
        found = findings({**GOOD, ("r.example.org", "A"): ["192.0.2.1"]})
        assert found["reply domain"] == (Verdict.OK, "r.example.org")


def test_an_envelope_of_another_domain_is_not_aligned() -> None:
    with mail_server(), SENDER:
        with override_settings(MAIL_ENVELOPE_SENDER="b@elsewhere.example"):
            assert "not aligned" in findings(GOOD)["DMARC"][1]
        strict = {**GOOD, ("_dmarc.example.org", "TXT"): ['"v=DMARC1; p=none; aspf=s"']}
        assert findings(strict)["DMARC"][0] is Verdict.OK
        with override_settings(MAIL_ENVELOPE_SENDER="b@example.org"):
            assert findings(GOOD)["DMARC"][0] is Verdict.OK
            assert "not aligned" in findings(strict)["DMARC"][1]


def test_without_a_resolver_it_says_so_and_nothing_fails() -> None:
    with mail_server(), SENDER, closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as silent:
        silent.bind(("127.0.0.1", 0))
        resolver = Resolver(configure=False)
        resolver.nameservers, resolver.port = ["127.0.0.1"], silent.getsockname()[1]
        silent.close()
        found = {each.subject: each for each in collect_findings(mail_checks(resolver))}
    for name in ("SPF", "DMARC", "PTR"):
        assert found[name].verdict is Verdict.OK
        assert found[name].text.startswith("not checked: no resolver answers here")


def test_a_server_that_refuses_the_sender_fails(capsys: pytest.CaptureFixture[str]) -> None:
    with mail_server() as server:
        call_command("doctor", mail=True)
        assert "no TLS, on this machine" in capsys.readouterr().out
        server.to_sender = "550 not you"
        with pytest.raises(SystemExit):
            call_command("doctor", mail=True)
    printed = capsys.readouterr().out
    assert "SMTPSenderRefused" in printed
    assert "MAIL_ENVELOPE_SENDER" in printed
    assert "localhost is no public domain" in printed


def test_the_key_in_the_dns_has_to_fit_the_one_that_signs(tmp_path: Path) -> None:
    public, other = (make_key(tmp_path / name) for name in ("key.pem", "other.pem"))
    name = ("spring._domainkey.example.org", "TXT")
    signing = override_settings(
        DKIM_SELECTOR="spring", DKIM_DOMAIN="example.org", DKIM_KEY_FILE=str(tmp_path / "key.pem")
    )
    with mail_server(), SENDER, signing:
        found = findings({**GOOD, name: [public_record(public)]})
        assert found["DKIM"] == (Verdict.OK, "spring._domainkey.example.org verifies what LinkUp signs")
        assert "does not fit" in findings({**GOOD, name: [public_record(other)]})["DKIM"][1]
        assert findings(GOOD)["DKIM"][0] is Verdict.FAILURE
        with override_settings(DKIM_KEY_FILE=str(tmp_path / "none.pem")):
            assert "DKIM_KEY_FILE cannot be read" in findings(GOOD)["message"][1]


def public_record(public: str) -> str:
    """The TXT record of a key, in parts of at most 255 characters."""
    text = f"v=DKIM1; k=rsa; p={public}"
    return " ".join(f'"{text[start : start + 200]}"' for start in range(0, len(text), 200))
