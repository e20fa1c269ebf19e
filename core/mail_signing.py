"""DKIM signatures (RFC 6376), for sites whose mail server does not sign."""

from importlib import import_module
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.mail import EmailMultiAlternatives


class CannotSign(Exception):
    """The package or the key for signing is missing or unusable: an error of the configuration."""


class SignedMessage(EmailMultiAlternatives):
    """A message that is signed when it is built, if DKIM_SELECTOR is set."""

    def message(self, **options: Any) -> Any:
        """Return the message as it is transmitted. Raises CannotSign."""
        message: Any = super().message(**options)
        if settings.DKIM_SELECTOR:
            message["DKIM-Signature"] = sign_message(message.as_bytes(linesep="\r\n"))
        return message


def sign_message(message: bytes) -> str:
    """Return the signature of a whole message in one line. Raises CannotSign.

    In relaxed form it survives servers that fold headers in another way.
    """
    try:
        # dkimpy is optional: there are no wheels of it, which the container image insists on.
        signer: Any = import_module("dkim")
    except ImportError:
        raise CannotSign("DKIM_SELECTOR is set, but dkimpy is not installed: docs/MAIL.md") from None
    try:
        line = signer.sign(
            message,
            settings.DKIM_SELECTOR.encode(),
            settings.DKIM_DOMAIN.encode(),
            Path(settings.DKIM_KEY_FILE).read_bytes(),
            canonicalize=(b"relaxed", b"relaxed"),
        )
    except OSError as error:
        raise CannotSign(f"DKIM_KEY_FILE cannot be read ({type(error).__name__})") from error
    except signer.DKIMException as error:
        raise CannotSign(f"DKIM_KEY_FILE holds no usable RSA key ({type(error).__name__})") from error
    return " ".join(line.decode("ascii").partition(":")[2].split())
