"""What pages show of a member wherever the member appears."""

import zlib
from typing import NamedTuple

from django.utils.translation import gettext as _

from core.files.fields import picture_url
from core.web.address_formats import AddressFormat

HUES = 12

member_address = AddressFormat("network:member")


class MemberView(NamedTuple):
    """Name, link and photo of a member, as far as the viewer may see them."""

    username: str
    name: str
    # The stored name of the photo, or "".
    photo: str
    is_unnamed: bool = False

    def get_absolute_url(self) -> str:
        """The address of the member's page."""
        return member_address(self.username)

    @property
    def display_name(self) -> str:
        return self.name or self.username

    @property
    def shown_name(self) -> str:
        return _("A member") if self.is_unnamed else self.display_name

    @property
    def initials(self) -> str:
        return initials_of(self.display_name, self.username)

    @property
    def hue(self) -> int:
        return hue_of(self.username)

    @property
    def photo_large(self) -> str:
        return picture_url(self.photo, 512)

    @property
    def photo_medium(self) -> str:
        return picture_url(self.photo, 192)

    @property
    def photo_small(self) -> str:
        return picture_url(self.photo, 64)


UNNAMED = MemberView("", "", "", is_unnamed=True)


def initials_of(display_name: str, username: str) -> str:
    """One or two letters that represent the member where there is no photo."""
    words = [word for word in display_name.split() if word[0].isalnum()] or [username]
    chosen = [words[0], words[-1]] if len(words) > 1 else words
    return "".join(word[0] for word in chosen).upper()


def hue_of(username: str) -> int:
    """The colour of the initials, 0 to 11, always the same for one member."""
    return zlib.crc32(username.encode()) % HUES
