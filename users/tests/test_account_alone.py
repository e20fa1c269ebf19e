"""Each service changes only the rows and fields of its account, and announces it."""

from collections.abc import Callable
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.db.models import Model
from django.utils import timezone

from core.tests import pictures
from tests.cases import all_cases, rolled_back
from users import services
from users.audience import Audience, PresenceAudience
from users.events import member_joined, presence_audience_changed
from users.models import FormerAddress, Profile, Skill, User

from .accounts import make_unconfirmed

pytestmark = pytest.mark.django_db

Accounts = dict[str, User]
Rows = dict[tuple[str, Any], dict[str, Any]]
SECTIONS = {"about_audience": int(Audience.ME)}
SESSIONS_END = "~User alice: email, session_generation"


@pytest.fixture
def accounts(alice: User, bob: User) -> Accounts:
    """Two members and two accounts that are not confirmed, each with all that an account may have."""
    found = {"alice": alice, "bob": bob, "una": make_unconfirmed("una"), "ula": make_unconfirmed("ula")}
    for member in (alice, bob):
        EmailAddress.objects.update_or_create(
            user=member, email=member.email, defaults={"verified": True, "primary": True}
        )
        Skill.objects.create(user=member, name="Sailing")
        FormerAddress.objects.create(user=member, email=f"former-{member.username}@example.org")
    return found


def rows() -> Rows:
    models: list[type[Model]] = [User, Profile, EmailAddress, FormerAddress, Skill]
    return {
        (model.__name__, row[model._meta.pk.attname]): row
        for model in models
        for row in model._default_manager.values()
    }


def changes(act: Callable[[], object]) -> list[str]:
    """Describe the rows that `act` adds (+), deletes (-) and changes (~), the latter with their fields."""
    before, names = rows(), dict(User.objects.values_list("pk", "username"))
    act()
    after, found = rows(), []
    for key in {*before, *after}:
        old, new = before.get(key), after.get(key)
        if old != new:
            row = old or new or {}
            owner = names.get(row.get("user_id") or row.get("id") or 0, "new")
            fields = sorted(name for name in old if new[name] != old[name]) if old and new else []
            sign = "~" if fields else "-" if old else "+"
            found.append(f"{sign}{key[0]} {owner}" + (f": {', '.join(fields)}" if fields else ""))
    return sorted(found)


def edited(user: User, **values: Any) -> User:
    """Return the account as a form of staff has it after these changes."""
    form = User.objects.get(pk=user.pk)
    for name, value in values.items():
        setattr(form, name, value)
    return form


def signed_up(**_accounts: User) -> User:
    user = User(username="New.Name", email="New@Example.ORG", name="Zoë New")
    return services.sign_up(user=user)


def privacy(user: User, presence: PresenceAudience) -> None:
    card = {"presence_audience": int(presence), "photo_audience": int(Audience.ME)}
    services.edit_privacy(user=user, card=card, sections=SECTIONS)


CARD: dict[str, Any] = {"name": "Álvaro", "headline": "Engineer", "location": "Oslo", "open_to_work": True}
# What is done, the rows that change, and the signals.
ACTS: dict[str, tuple[Callable[[Accounts], object], list[str], list[str]]] = {
    "sign up": (lambda who: signed_up(), ["+Profile new", "+User new"], []),
    "edit the account": (
        lambda who: services.edit_account(
            user=edited(who["alice"], username="ALICE.B", name="Émile", email="ALICE@example.org")
        ),
        ["~User alice: name, sort_name, username"],
        [],
    ),
    "edit the account of another session": (
        lambda who: services.edit_account(user=edited(who["alice"], session_generation=7, is_staff=True)),
        ["~User alice: is_staff"],
        [],
    ),
    "let an account join": (
        lambda who: services.edit_account(user=edited(who["una"], joined_at=timezone.now())),
        ["~EmailAddress una: verified", "~User una: joined_at"],
        [],
    ),
    "edit the address": (
        lambda who: services.edit_account(user=edited(who["alice"], email="New@Example.org")),
        ["+EmailAddress alice", "-EmailAddress alice", "-FormerAddress alice", SESSIONS_END],
        [],
    ),
    "confirm the first address": (
        lambda who: services.confirm_address(user=who["una"], email="una@example.org"),
        ["~EmailAddress una: verified", "~User una: joined_at"],
        ["joined una"],
    ),
    "confirm another address": (
        lambda who: services.confirm_address(user=who["alice"], email="new@example.org"),
        ["+EmailAddress alice", "+FormerAddress alice", "-EmailAddress alice", SESSIONS_END],
        [],
    ),
    "confirm a member": (
        lambda who: [services.confirm_member(user=who["una"]) for _time in range(2)],
        ["~User una: joined_at"],
        ["joined una"],
    ),
    "edit the profile": (
        lambda who: services.edit_profile(user=who["alice"], card=CARD, about="**Hello**"),
        [
            "~Profile alice: about, about_html",
            "~User alice: headline, location, name, open_to_work, sort_name",
        ],
        [],
    ),
    "edit the privacy": (
        lambda who: privacy(who["alice"], PresenceAudience.NOBODY),
        ["~Profile alice: about_audience", "~User alice: photo_audience, presence_audience"],
        ["presence alice"],
    ),
    "edit the privacy but that of presence": (
        lambda who: privacy(who["alice"], PresenceAudience(who["alice"].presence_audience)),
        ["~Profile alice: about_audience", "~User alice: photo_audience"],
        [],
    ),
    "add an entry": (
        lambda who: services.add_entry(user=who["alice"], entry=Skill(name="Rowing")),
        ["+Skill alice"],
        [],
    ),
}


def test_a_service_changes_the_rows_of_its_account_and_no_others(accounts: Accounts) -> None:
    heard: list[str] = []

    def joined(member: User, **_facts: object) -> None:
        assert member.joined_at is not None
        heard.append(f"joined {member.username}")

    def presence(user: User, **_facts: object) -> None:
        heard.append(f"presence {user.username}")

    member_joined.connect(joined)
    presence_audience_changed.connect(presence)
    try:
        with all_cases() as case:
            for name, (act, expected, signals) in ACTS.items():
                with case(name), rolled_back():
                    heard.clear()
                    fresh = {each.username: each for each in User.objects.all()}
                    found = changes(lambda act=act, fresh=fresh: act(fresh))  # type: ignore[misc]
                    assert (found, heard) == (expected, signals)
    finally:
        member_joined.disconnect(joined)
        presence_audience_changed.disconnect(presence)


def test_what_is_stored_is_folded_and_returned(accounts: Accounts) -> None:
    user = signed_up()
    assert (user.username, user.email, user.sort_name) == ("new.name", "new@example.org", "zoe new")
    assert User.objects.get(pk=user.pk).profile.about == ""
    services.edit_account(user=edited(user, username="Other.Name", email="OTHER@example.org", name="Émile"))
    stored = User.objects.get(pk=user.pk)
    assert (stored.username, stored.email, stored.sort_name) == ("other.name", "other@example.org", "emile")
    entry = services.add_entry(user=user, entry=Skill(name="Rowing"))
    assert entry == Skill.objects.get(user=user)
    services.set_photo(user=user, image=pictures.halves((600, 600)))
    assert user.photo == User.objects.get(pk=user.pk).photo != ""
    services.remove_photo(user=user)
    assert user.photo == User.objects.get(pk=user.pk).photo == ""
