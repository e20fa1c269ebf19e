"""Write operations on a user's own account and profile."""

from collections.abc import Callable, Mapping
from typing import Any

from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from core.bounces.suppression import allow_address
from core.files import images, storage
from core.text import markdown

from .accounts.email_addresses import change_address, write_address
from .accounts.identifiers import fold_address, fold_username
from .events import member_joined, presence_audience_changed
from .models import Profile, User
from .models.profile import Entry


class ProfileError(Exception):
    """The state of the profile forbids the operation; the text is shown to the member."""


class TooManyEntries(ProfileError):
    """The section has as many entries as allowed."""


class AlreadyListed(ProfileError):
    """The section already has this entry."""


@transaction.atomic
def sign_up(*, user: User) -> User:
    """Store a new account from the sign-up form with its profile, and return it.

    The account becomes a member when its first address is confirmed (see confirm_member). Raises IntegrityError if the
    name or address is taken by now.
    """
    user.username, user.email = fold_username(user.username), fold_address(user.email)
    user.refresh_sort_name()
    user.save()
    Profile.objects.create(user=user)
    return user


@transaction.atomic
def edit_account(*, user: User) -> None:
    """Store all fields of the account as staff edited them, with name and address folded.

    A new address of a member counts as confirmed (accounts.email_addresses). The change is final: the former mailbox,
    which an attacker may control, gets no link that takes it back. Raises AddressTaken.
    """
    email = fold_address(user.email)
    stored = User.objects.select_for_update(no_key=True).get(pk=user.pk)
    user.username = fold_username(user.username)
    user.email, user.session_generation = stored.email, stored.session_generation
    user.refresh_sort_name()
    user.save()
    if email == stored.email:
        write_address(user=user, email=email)
    else:
        change_address(user=user, email=email, is_final=True)


@transaction.atomic
def confirm_address(*, user: User, email: str) -> None:
    """Make the confirmed `email` the address of `user`; the first one makes the user a member. Raises AddressTaken.

    Mail arrives there, whatever was reported of the address before.
    """
    allow_address(address=email)
    confirm_member(user=user)
    change_address(user=user, email=email)


@transaction.atomic
def edit_privacy(*, user: User, card: Mapping[str, int], sections: Mapping[str, int]) -> None:
    """Store the audiences of the card and of the profile's sections, by field name."""
    before = User.objects.values_list("presence_audience", flat=True).get(pk=user.pk)
    User.objects.filter(pk=user.pk).update(**card)
    Profile.objects.filter(user=user).update(**sections)
    if card["presence_audience"] != before:
        presence_audience_changed.send(User, user=user)


@transaction.atomic
def confirm_member(*, user: User) -> None:
    """Make `user` a member when the first address is confirmed. Idempotent."""
    changed = User.objects.filter(pk=user.pk, joined_at=None).update(joined_at=timezone.now())
    if changed:
        user.refresh_from_db()
        member_joined.send(User, member=user)


@transaction.atomic
def edit_profile(*, user: User, card: Mapping[str, Any], about: str) -> None:
    """Store the fields of the card (name, headline, location, open_to_work) and the Markdown text `about`."""
    for field, value in card.items():
        setattr(user, field, value)
    user.refresh_sort_name()
    user.save(update_fields=[*card, "sort_name"])
    html = markdown.to_html(about, mention=lambda name: None, hashtag=lambda tag: None)
    Profile.objects.filter(pk=user.pk).update(about=about, about_html=html)


@storage.removed_on_failure()
def set_photo(*, user: User, image: images.Source) -> None:
    """Store `image` as a square photo, as WebP in 512, 192 and 64 pixels, and delete the former files.

    Raises ValidationError if the image is damaged or cannot be processed now (core.files.images), or CannotStore.
    """
    photo = User.photo.field.store_picture(image).value
    User.photo.field.replace_value(user.pk, photo)
    user.photo = photo


def remove_photo(*, user: User) -> None:
    """Remove the photo and delete its files."""
    User.photo.field.replace_value(user.pk, "")
    user.photo = ""


@storage.removed_on_failure()
def set_cover(*, user: User, image: images.Source | None) -> None:
    """Store `image` as the cover, as WebP in 1,500 × 375 pixels; None removes the cover. The former file is deleted.

    Raises what set_photo raises.
    """
    cover = Profile.cover.field.store_picture(image).value if image else ""
    Profile.cover.field.replace_value(user.pk, cover)


@transaction.atomic
def add_entry(*, user: User, entry: Entry) -> Entry:
    """Add an entry to a section of the profile. Raises TooManyEntries or AlreadyListed."""
    User.objects.select_for_update(no_key=True).get(pk=user.pk)
    if type(entry)._default_manager.filter(user=user).count() >= entry.MOST:
        raise TooManyEntries(_("This section can have at most %(most)d entries.") % {"most": entry.MOST})
    entry.user = user
    try:
        entry.save()
    except IntegrityError as error:
        raise AlreadyListed(_("This is already on your list.")) from error
    return entry


# A part of a complete profile: (is it there, what to do, URL name of the form).
ProfilePart = tuple[Callable[[User], bool], str, str]


def next_step(user: User) -> tuple[int, str, str]:
    """Return how complete the profile is in percent, and the text and URL of the next step ("" if none is left)."""
    # The most useful parts first.
    steps: list[ProfilePart] = [
        (lambda u: bool(u.photo), _("Add a photo"), "users:photo"),
        (lambda u: bool(u.headline), _("Write a headline"), "users:profile"),
        (lambda u: u.experience_set.exists(), _("Add a position"), "users:experience"),
        (lambda u: bool(u.profile.about), _("Say something about yourself"), "users:profile"),
        (lambda u: u.skill_set.exists(), _("Name your skills"), "users:skills"),
        (lambda u: u.education_set.exists(), _("Add your education"), "users:education"),
        (lambda u: bool(u.location), _("Say where you are"), "users:profile"),
    ]
    missing = [(text, url_name) for is_done, text, url_name in steps if not is_done(user)]
    percent = 100 * (len(steps) - len(missing)) // len(steps)
    text, url_name = missing[0] if missing else ("", "")
    return percent, text, reverse(url_name) if url_name else ""
