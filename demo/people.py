"""Makes the members of the demo network, the way members come into being: sign-up, confirmed address, profile."""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta

from allauth.account.models import EmailAddress
from django.contrib.auth.hashers import make_password

from users import services
from users.audience import Audience
from users.models import Education, Experience, Link, Profile, Skill, User

from . import pictures
from .content import MemberText
from .pictures.portraits import portrait

# Public, like everything here: the command refuses to run where it would matter.
PASSWORD = "linkup-demo"  # noqa: S105
MAIL_DOMAIN = "example.org"
ADMINISTRATOR = "admin"

# The audiences that stand on the card; all others stand on the profile.
CARD_AUDIENCES = {"page", "photo", "location", "open_to_work"}


def make_members(
    texts: Iterable[MemberText],
    joined: Mapping[str, datetime],
    *,
    with_pictures: bool,
    say: Callable[[str], None],
) -> dict[str, User]:
    """Sign up everybody in the order of `joined` and fill the profiles; returns the members by username."""
    password = make_password(PASSWORD)
    members = {}
    for text in sorted(texts, key=lambda text: joined[text.username]):
        members[text.username] = _joined(text, joined[text.username], password)
        _fill(members[text.username], text)
        if with_pictures:
            _picture(members[text.username], text)
    say(f"{len(members)} members have joined.")
    return members


def _joined(text: MemberText, at: datetime, password: str) -> User:
    user = User(
        username=text.username, email=f"{text.username}@{MAIL_DOMAIN}", name=text.name, password=password
    )
    user = services.sign_up(user=user)
    EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
    services.confirm_member(user=user)
    staff = text.username == ADMINISTRATOR
    signed_up = at - timedelta(minutes=7)
    User.objects.filter(pk=user.pk).update(
        date_joined=signed_up, joined_at=at, is_staff=staff, is_superuser=staff
    )
    return user


def _fill(user: User, text: MemberText) -> None:
    card = {
        "name": text.name,
        "headline": text.headline,
        "location": text.location,
        "open_to_work": text.open_to_work,
    }
    services.edit_profile(user=user, card=card, about=text.about)
    for values in text.experience:
        services.add_entry(user=user, entry=Experience(**values))
    for values in text.education:
        services.add_entry(user=user, entry=Education(**values))
    for name in text.skills:
        services.add_entry(user=user, entry=Skill(name=name))
    for link in text.links:
        services.add_entry(user=user, entry=Link(**link))
    _choose_audiences(user, text.audience)


def _choose_audiences(user: User, chosen: Mapping[str, str]) -> None:
    audiences = {section: Audience[name.upper()] for section, name in chosen.items()}
    card = {f"{key}_audience": value for key, value in audiences.items() if key in CARD_AUDIENCES}
    sections = {f"{key}_audience": value for key, value in audiences.items() if key not in CARD_AUDIENCES}
    if card:
        User.objects.filter(pk=user.pk).update(**card)
    if sections:
        Profile.objects.filter(pk=user.pk).update(**sections)


def _picture(user: User, text: MemberText) -> None:
    if text.photo:
        services.set_photo(user=user, image=portrait(**text.photo, seed=text.username))
    if text.cover:
        services.set_cover(user=user, image=pictures.cover(text.cover, seed=text.username))
