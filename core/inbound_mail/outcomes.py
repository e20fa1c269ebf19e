"""What became of a message for one recipient, as an SMTP reply (RFC 5321 4.2, RFC 3463)."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Outcome:
    """An SMTP reply: code, enhanced status and a text in ASCII that the sender may read."""

    code: int
    status: str
    text: str

    @property
    def is_accepted(self) -> bool:
        """Whether the message was dealt with."""
        return self.code < 400

    @property
    def is_temporary(self) -> bool:
        """Whether the mail server should try again later."""
        return 400 <= self.code < 500

    def __str__(self) -> str:
        return f"{self.code} {self.status} {self.text}"


ACCEPTED = Outcome(250, "2.0.0", "Accepted.")
NO_SUCH_ADDRESS = Outcome(550, "5.1.1", "There is no such address.")
EXPIRED = Outcome(550, "5.1.6", "This address has expired.")
TOO_LARGE = Outcome(552, "5.3.4", "The message is too large.")
MALFORMED = Outcome(554, "5.6.0", "The message cannot be read.")
TRY_LATER = Outcome(451, "4.3.0", "Try again later.")


def refuse(text: str, status: str = "5.7.1") -> Outcome:
    """Return a permanent refusal; `text` is one line that the sender may read."""
    line = " ".join(text.split()).encode("ascii", "replace").decode("ascii")
    return Outcome(550, status, line[:200])
