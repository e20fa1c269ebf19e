"""DKIM signatures of mail as a receiver verifies them, with the public key."""

import base64
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from django.test import override_settings
from pytest_django import Settings

from core import mail
from core.checks import check_mail_signing
from core.models import OutgoingMail
from tests.cases import all_cases

from .mail_server import mail_server

pytestmark = pytest.mark.django_db(transaction=True)

dkim: Any = import_module("dkim")


def make_key(path: Path) -> str:
    """Write a new private key to `path`, and return the public one in the form of the DNS."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()))
    public = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return base64.b64encode(public).decode()


@pytest.fixture
def public_key(tmp_path: Path, settings: Settings) -> str:
    settings.DKIM_SELECTOR, settings.DKIM_DOMAIN = "spring", "example.org"
    settings.DKIM_KEY_FILE = str(tmp_path / "key.pem")
    settings.DEFAULT_FROM_EMAIL = '"Alumni, Köln" <net@example.org>'
    return make_key(tmp_path / "key.pem")


def send() -> None:
    mail.send_mail(
        to="bob@example.org",
        subject="Zażółć gęślą jaźń, a subject that is folded over lines",
        text="How are you?\n.\n\nFrom here, Zoë = é  \n" + "long " * 300,
        html="<p>How are you?</p>",
        mail_class=mail.MailClass.TRANSACTIONAL,
    )


def verifies(content: bytes, public: str) -> bool:
    """Whether a receiver accepts the signature, which asks for the key by its name."""
    keys = {b"spring._domainkey.example.org.": f"v=DKIM1; k=rsa; p={public}".encode()}
    return bool(dkim.verify(content, dnsfunc=lambda name, timeout: keys.get(name)))


def test_a_receiver_verifies_the_signature_and_notices_a_change(public_key: str, tmp_path: Path) -> None:
    with mail_server() as server:
        send()
    (content,) = server.contents
    assert verifies(content, public_key)
    assert not verifies(content.replace(b"How are you", b"Who are you"), public_key)
    assert not verifies(content.replace(b"bob@example.org", b"eve@example.org"), public_key)
    assert not verifies(content, make_key(tmp_path / "other.pem"))


def test_without_a_selector_nothing_is_signed() -> None:
    with mail_server() as server:
        send()
    assert "DKIM-Signature" not in server.messages[0]


def test_mail_waits_while_the_key_cannot_be_used(
    public_key: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "broken.pem").write_text("no key")
    with mail_server() as server:
        for name, complaint in [("none.pem", "cannot be read"), ("broken.pem", "no usable RSA key")]:
            with override_settings(DKIM_KEY_FILE=str(tmp_path / name)):
                send()
            assert complaint in caplog.text
        assert server.messages == []
        assert OutgoingMail.objects.count() == 2


def test_a_key_that_cannot_be_used_is_refused_before_the_start(public_key: str, tmp_path: Path) -> None:
    (tmp_path / "broken.pem").write_text("no key")
    (tmp_path / "empty.pem").write_bytes(b"")
    other = ec.generate_private_key(ec.SECP256R1())
    (tmp_path / "ec.pem").write_bytes(
        other.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    )
    table = {
        "key.pem": [],
        "none.pem": ["Mail cannot be signed: DKIM_KEY_FILE cannot be read (FileNotFoundError)."],
        ".": ["Mail cannot be signed: DKIM_KEY_FILE cannot be read (IsADirectoryError)."],
        "broken.pem": ["Mail cannot be signed: DKIM_KEY_FILE holds no usable RSA key (KeyFormatError)."],
        "empty.pem": ["Mail cannot be signed: DKIM_KEY_FILE holds no usable RSA key (KeyFormatError)."],
        "ec.pem": ["Mail cannot be signed: DKIM_KEY_FILE holds no usable RSA key (KeyFormatError)."],
    }
    with all_cases() as case:
        for name, expected in table.items():
            with case(name), override_settings(DKIM_KEY_FILE=str(tmp_path / name)):
                assert [message.msg for message in check_mail_signing(None)] == expected
        with case("without a selector"), override_settings(DKIM_SELECTOR="", DKIM_KEY_FILE=""):
            assert check_mail_signing(None) == []
