"""Validators of usernames, names and passwords."""

import re
import unicodedata
from collections.abc import Callable
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.utils.translation import gettext_lazy as _

# Names that are, or may become, paths, roles or signs of authority.
RESERVED_NAMES = frozenset(
    """
    about abuse account accounts admin administrator anonymous api app apps assets auth billing blog board bot careers
    contact dashboard deleted demo directory docs edit everyone exports faq feed health help home hostmaster info
    invitations invite jobs legal linkup login logout mail mailer-daemon me media member members messages mod moderation
    moderator moderators news no-reply noreply none notifications null official owner password policy postmaster posts
    privacy readiness register report root saved search security settings signin signout signup staff static status
    support sysadmin system tags team terms test theme undefined user users webmaster ws www you
    """.split()  # noqa: SIM905 — a list would be harder to read
)

username_shape = RegexValidator(
    r"\A[A-Za-z0-9](?:[A-Za-z0-9._-]{0,28}[A-Za-z0-9])\Z",
    _("Use 3 to 30 letters a–z, digits, dots, hyphens or underscores, with a letter or digit at both ends."),
    code="invalid",
)


def refuse_reserved_name(username: str) -> None:
    """Raise ValidationError if `username` is reserved, ignoring case, dots, hyphens and underscores."""
    bare = username.lower().translate(str.maketrans("", "", "._-"))
    if username.lower() in RESERVED_NAMES or bare in RESERVED_NAMES:
        raise ValidationError(_("This username is reserved. Please choose another."), code="reserved")


def refuse_address_in_name(name: str) -> None:
    """Raise ValidationError if `name` contains a web or e-mail address, also in full-width characters.

    A name appears in mail and beside content of its owner, where an address could be spam or phishing.
    """
    folded = unicodedata.normalize("NFKC", name).casefold()
    if "://" in folded or "@" in folded or re.search(r"\bwww\.", folded):
        raise ValidationError(
            _("A name cannot contain an address. Please leave out “://”, “www.” and “@”."), code="address"
        )


USERNAME_VALIDATORS: list[Callable[[Any], None]] = [
    username_shape,
    refuse_reserved_name,
    refuse_address_in_name,
]


class MaximumLengthValidator:
    """Refuses passwords so long that an attacker could use their hashing to overload the server."""

    def __init__(self, max_length: int = 256) -> None:
        self.max_length = max_length

    def validate(self, password: str, user: Any = None) -> None:
        if len(password) > self.max_length:
            raise ValidationError(
                _("Please choose a password of at most %(max)d characters."),
                code="password_too_long",
                params={"max": self.max_length},
            )

    def get_help_text(self) -> str:
        return str(_("At most %(max)d characters.") % {"max": self.max_length})
