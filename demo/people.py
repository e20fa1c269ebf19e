"""Creates the members of the demo network like real ones: sign-up, confirmed address, profile."""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta

from allauth.account.models import EmailAddress
from django.contrib.auth.hashers import make_password

from users import services
from users.audience import Audience
from users.models import Education, Experience, Link, Profile, Skill, User

from . import pictures
from .content import MemberText
from .pictures.portraits import draw_portrait

# Public: the command refuses to run where that would matter.
PASSWORD = "linkup-demo"  # noqa: S105
MAIL_DOMAIN = "example.org"
ADMINISTRATOR = "admin"

# The audiences that are columns of the user; all others are columns of the profile.
CARD_AUDIENCES = {"page", "photo", "location", "open_to_work"}


def create_members(
    texts: Iterable[MemberText],
    joined: Mapping[str, datetime],
    *,
    with_pictures: bool,
    log: Callable[[str], None],
) -> dict[str, User]:
    """Sign up all members in the order of `joined` and fill their profiles; returns the members by username."""
    password = make_password(PASSWORD)
    members = {}
    for text in sorted(texts, key=lambda text: joined[text.username]):
        email, at = f"{text.username}@{MAIL_DOMAIN}", joined[text.username]
        user = User(username=text.username, email=email, name=text.name, password=password)
        user = services.sign_up(user=user)
        EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
        services.confirm_member(user=user)
        staff = text.username == ADMINISTRATOR
        User.objects.filter(pk=user.pk).update(
            date_joined=at - timedelta(minutes=7), joined_at=at, is_staff=staff, is_superuser=staff
        )
        _fill_profile(user, text)
        if with_pictures and text.photo:
            services.set_photo(user=user, image=draw_portrait(**text.photo, seed=text.username))
        if with_pictures and text.cover:
            services.set_cover(user=user, image=pictures.draw_cover(text.cover, seed=text.username))
        members[text.username] = user
    log(f"{len(members)} members have joined.")
    return members


def _fill_profile(user: User, text: MemberText) -> None:
    identity = {
        "name": text.name,
        "headline": text.headline,
        "location": text.location,
        "open_to_work": text.open_to_work,
    }
    services.edit_profile(user=user, card=identity, about=text.about)
    for values in text.experience:
        services.add_entry(user=user, entry=Experience(**values))
    for values in text.education:
        services.add_entry(user=user, entry=Education(**values))
    for name in text.skills:
        services.add_entry(user=user, entry=Skill(name=name))
    for link in text.links:
        services.add_entry(user=user, entry=Link(**link))
    audiences = {section: Audience[name.upper()] for section, name in text.audience.items()}
    card = {f"{key}_audience": value for key, value in audiences.items() if key in CARD_AUDIENCES}
    sections = {f"{key}_audience": value for key, value in audiences.items() if key not in CARD_AUDIENCES}
    if card:
        User.objects.filter(pk=user.pk).update(**card)
    if sections:
        Profile.objects.filter(pk=user.pk).update(**sections)
