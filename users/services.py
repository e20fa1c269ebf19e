"""What a member does with the own account and profile."""

from collections.abc import Callable, Mapping
from typing import Any

from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from core.files import images, storage
from core.text import markdown

from .email_addresses import change_address, write_address
from .events import member_joined, presence_audience_changed
from .identifiers import fold_address, fold_username
from .models import Profile, User
from .models.member_view import photo_variant
from .models.profile import COVER_SIZE, Entry
from .models.user import PHOTO_SIZES


class ProfileError(Exception):
    """An act that the state of the profile forbids; the text is for the member."""


class TooManyEntries(ProfileError):
    """The section holds as many entries as it may."""


class AlreadyListed(ProfileError):
    """The section holds this entry already."""


@transaction.atomic
def sign_up(*, user: User) -> User:
    """Store a new account, as the sign-up form filled it, and its profile.

    The account counts as a member from the first confirmed address on (see confirm_member). Raises IntegrityError
    when the name or address was taken in the meantime.
    """
    user.username, user.email = fold_username(user.username), fold_address(user.email)
    user.refresh_sort_name()
    user.save()
    Profile.objects.create(user=user)
    return user


@transaction.atomic
def edit_account(*, user: User) -> None:
    """Store the whole row as staff filled it, the way rows are kept: name and address folded, sortable.

    Another address than before is a change of address, and a confirmed member's address counts as confirmed; see
    users.email_addresses. It holds: whoever has the former mailbox, from which the account may have to be rescued, gets
    no way back. Raises AddressTaken.
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
    """Make `email`, which its owner has just confirmed, the address of `user`; the first one makes a member.

    Raises AddressTaken.
    """
    confirm_member(user=user)
    change_address(user=user, email=email)


@transaction.atomic
def edit_privacy(*, user: User, card: Mapping[str, int], sections: Mapping[str, int]) -> None:
    """Store who may see the parts of the card and the sections of the profile, by their field's name."""
    before = User.objects.values_list("presence_audience", flat=True).get(pk=user.pk)
    User.objects.filter(pk=user.pk).update(**card)
    Profile.objects.filter(user=user).update(**sections)
    if card["presence_audience"] != before:
        presence_audience_changed.send(User, user=user)


@transaction.atomic
def confirm_member(*, user: User) -> None:
    """Make `user` a member when the first address is confirmed; later confirmations change nothing."""
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
    """Store `image` as the photo, square, as WebP in 512, 192 and 64 pixels; the former files go.

    Raises ValidationError for a picture that is damaged or cannot be worked on now (core.files.images), CannotStore.
    """
    photo = _store_variants("photos", image, {size: images.Crop(size, size) for size in PHOTO_SIZES})
    with transaction.atomic():
        former = _former_photo(user)
        user.photo = photo
        user.save(update_fields=["photo"])
        storage.delete_on_commit(*photo_files(former))


@transaction.atomic
def remove_photo(*, user: User) -> None:
    """Go back to the initials; the files go."""
    storage.delete_on_commit(*photo_files(_former_photo(user)))
    user.photo = ""
    user.save(update_fields=["photo"])


@storage.removed_on_failure()
def set_cover(*, user: User, image: images.Source | None) -> None:
    """Store `image` as the cover, 1,500 × 375 pixels as WebP, or drop the cover for None; the former file goes.

    Raises what set_photo raises.
    """
    cover = _store_variants("covers", image, {COVER_SIZE[0]: images.Crop(*COVER_SIZE)}) if image else ""
    with transaction.atomic():
        profile = Profile.objects.select_for_update().get(pk=user.pk)
        former, profile.cover = profile.cover, cover
        profile.save(update_fields=["cover"])
        if former:
            storage.delete_on_commit(photo_variant(former, COVER_SIZE[0]))


@transaction.atomic
def add_entry(*, user: User, entry: Entry) -> Entry:
    """Add one line to a section of the own profile; raises TooManyEntries or AlreadyListed."""
    User.objects.select_for_update(no_key=True).get(pk=user.pk)
    if type(entry)._default_manager.filter(user=user).count() >= entry.MOST:
        raise TooManyEntries(_("This section holds at most %(most)d entries.") % {"most": entry.MOST})
    entry.user = user
    try:
        with transaction.atomic():
            entry.save()
    except IntegrityError as error:
        raise AlreadyListed(_("This is on your list already.")) from error
    return entry


def _former_photo(user: User) -> str:
    """The photo as it is now, under a lock: of two uploads at once, the later one clears away the earlier one."""
    return User.objects.select_for_update(no_key=True).values_list("photo", flat=True).get(pk=user.pk)


def photo_files(key: str) -> list[str]:
    """The stored names of all sizes of the photo `key`, none for ""."""
    return [photo_variant(key, size) for size in PHOTO_SIZES] if key else []


def _store_variants(folder: str, image: images.Source, shapes: Mapping[int, images.Crop]) -> str:
    key = storage.new_name(folder, "webp").removesuffix(".webp")
    for size, encoded in zip(shapes, images.encode(image, *shapes.values()), strict=True):
        storage.store(photo_variant(key, size), encoded.data)
    return key


# What makes a profile complete, in the order in which it helps most: (test, words, where to do it).
Step = tuple[Callable[[User], bool], str, str]


def next_step(user: User) -> tuple[int, str, str]:
    """How complete the profile is: percent, and the words and address of what is next ("" when nothing is)."""
    steps: list[Step] = [
        (lambda u: bool(u.photo), _("Add a photo"), "users:photo"),
        (lambda u: bool(u.headline), _("Write a headline"), "users:profile"),
        (lambda u: u.experience_set.exists(), _("Add a position"), "users:experience"),
        (lambda u: bool(u.profile.about), _("Say something about yourself"), "users:profile"),
        (lambda u: u.skill_set.exists(), _("Name your skills"), "users:skills"),
        (lambda u: u.education_set.exists(), _("Add your education"), "users:education"),
        (lambda u: bool(u.location), _("Say where you are"), "users:profile"),
    ]
    missing = [(words, address) for done, words, address in steps if not done(user)]
    percent = 100 * (len(steps) - len(missing)) // len(steps)
    words, address = missing[0] if missing else ("", "")
    return percent, words, reverse(address) if address else ""
