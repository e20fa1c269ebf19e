"""Concurrent requests of accounts: one account per name and address, and a response for each request."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.test import Client, override_settings
from django.utils import timezone

from core.files.row_files import files_of_row
from core.tests.pictures import halves
from network.models import Follow
from tests.cast import PASSWORD, make_member
from users import services
from users.accounts import abandoned_accounts
from users.accounts.email_addresses import change_address
from users.events import member_joined
from users.models import Profile, Skill, User

from .accounts import SENT, SIGNUP, make_unconfirmed, signup_data
from .races import at_once, is_free, meet

pytestmark = [pytest.mark.both, pytest.mark.django_db(transaction=True)]

ROUNDS = 8


def signing_up(**values: Any) -> Any:
    def act() -> Any:
        return Client(raise_request_exception=False).post(SIGNUP, signup_data(**values))

    return act


def assert_whole_accounts() -> None:
    """Assert that every account has exactly one profile and one address."""
    assert Profile.objects.count() == User.objects.count() == EmailAddress.objects.count()


@pytest.mark.parametrize("spelled", [str.lower, str.title])
def test_the_same_name_at_once_is_one_account_and_a_word_at_the_field(spelled: Any) -> None:
    for number in range(ROUNDS):
        name = f"racer{number}"
        responses = at_once(
            signing_up(username=name, email=f"{name}@one.example"),
            signing_up(username=spelled(name), email=f"{name}@two.example"),
        )
        assert sorted(response.status_code for response in responses) == [200, 302]
        (refused,) = [response for response in responses if response.status_code == 200]
        assert list(refused.context["form"].errors) == ["username"]
        assert User.objects.filter(username=name).count() == 1
    assert_whole_accounts()


def test_the_same_address_at_once_is_one_account_and_the_same_answer() -> None:
    for number in range(ROUNDS):
        email = f"racer{number}@example.org"
        responses = at_once(
            signing_up(username=f"one{number}", email=email),
            signing_up(username=f"two{number}", email=email.upper()),
        )
        assert [(response.status_code, response["Location"]) for response in responses] == [(302, SENT)] * 2
        assert User.objects.filter(email=email).count() == 1
    assert_whole_accounts()


def test_the_same_form_sent_twice_is_one_account() -> None:
    """A double click."""
    responses = at_once(signing_up(), signing_up())
    assert all(response.status_code < 500 for response in responses)
    assert User.objects.count() == 1
    assert_whole_accounts()


def test_two_concurrent_entries_do_not_exceed_the_limit() -> None:
    alice = make_member("alice")
    for number in range(Skill.MOST - 1):
        Skill.objects.create(user=alice, name=f"skill {number}")

    def adding(name: str) -> Any:
        return lambda: services.add_entry(user=alice, entry=Skill(name=name))

    results = at_once(adding("one"), adding("two"), adding("three"))
    assert sum(isinstance(result, services.TooManyEntries) for result in results) == 2
    assert Skill.objects.filter(user=alice).count() == Skill.MOST


@pytest.mark.postgres_only
def test_a_locked_account_keeps_its_own_changes_waiting_and_no_new_reference(alice: User) -> None:
    """A message to a member, or a follower, need not wait until the account or an entry is stored."""
    bob = make_member("bob")

    def adding(name: str) -> Any:
        return lambda: services.add_entry(user=alice, entry=Skill(name=name))

    def editing() -> None:
        services.edit_account(user=User.objects.get(pk=alice.pk))

    def following() -> None:
        Follow.objects.create(follower=bob, followed=alice)
        Follow.objects.all().delete()

    met = {
        "another entry": meet(adding("Go"), adding("Rust")).waited,
        "a follower beside an entry": meet(adding("C"), following).waited,
        "a follower beside an edit": meet(editing, following).waited,
    }
    assert met == {
        "another entry": True,
        "a follower beside an entry": False,
        "a follower beside an edit": False,
    }


def test_the_same_skill_at_once_is_one_skill_and_no_fault() -> None:
    alice = make_member("alice")
    browsers = [Client(raise_request_exception=False) for _number in range(2)]
    for browser in browsers:
        browser.force_login(alice)
    for number in range(ROUNDS):
        responses = at_once(
            *(lambda b=b, n=number: b.post("/settings/skills/", {"name": f"Go {n}"}) for b in browsers)
        )
        assert all(response.status_code in {302, 422} for response in responses), responses
    assert Skill.objects.filter(user=alice).count() == ROUNDS


def test_concurrent_confirmations_join_the_member_once() -> None:
    joined: list[User] = []

    def note(member: User, **_rest: Any) -> None:
        joined.append(member)

    member_joined.connect(note)
    try:
        una = User.objects.create_user("una", "una@example.org", PASSWORD)
        at_once(*(lambda: services.confirm_member(user=una) for _number in range(4)))
    finally:
        member_joined.disconnect(note)
    assert len(joined) == 1


@pytest.mark.postgres_only
def test_of_pictures_that_come_and_go_at_once_only_the_files_of_the_last_stay(tmp_path: Path) -> None:
    dora = make_member("dora")

    def set_photo() -> None:
        services.set_photo(user=User.objects.get(), image=halves())

    def remove_photo() -> None:
        services.remove_photo(user=User.objects.get())

    def set_cover() -> None:
        services.set_cover(user=User.objects.get(), image=halves())

    def remove_cover() -> None:
        services.set_cover(user=User.objects.get(), image=None)

    wrong = []
    with override_settings(MEDIA_ROOT=str(tmp_path)):
        for first, second in (
            (set_photo, set_photo),
            (set_photo, remove_photo),
            (set_cover, set_cover),
            (set_cover, remove_cover),
        ):
            met = meet(first, second)
            named = {*files_of_row(User.objects.get()), *files_of_row(Profile.objects.get(pk=dora.pk))}
            stored = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*.webp")}
            if stored != named or not met.waited or met.result:
                wrong.append((first.__name__, second.__name__, stored ^ named, met))
    assert wrong == []


@pytest.mark.postgres_only
def test_an_account_that_is_confirmed_while_the_abandoned_are_deleted_stays() -> None:
    member = make_member("member")
    una, ula = (
        make_unconfirmed(name, date_joined=timezone.now() - timedelta(days=8)) for name in ("una", "ula")
    )
    rows = [User.objects.filter(pk=user.pk) for user in (una, ula)]
    # Without ORDER BY, PostgreSQL now finds the second row first.
    rows[0].update(headline="Here for longer")
    met = meet(
        lambda: services.confirm_address(user=una, email=una.email),
        abandoned_accounts.delete_abandoned_accounts,
        look=lambda: (is_free(rows[1]), is_free(User.objects.filter(pk=member.pk))),
    )
    # The other one waits for the first to be free, instead of keeping the second meanwhile, and locks no member.
    assert (met.waited, met.seen, met.result) == (True, (True, True), 1)
    assert set(User.objects.all()) == {member, una}


@pytest.mark.postgres_only
def test_staff_who_edit_an_account_while_its_address_changes_know_of_the_change(alice: User) -> None:
    form = User.objects.get(pk=alice.pk)
    met = meet(
        lambda: change_address(user=alice, email="new@example.org"),
        lambda: services.edit_account(user=form),
    )
    assert (met.waited, met.result) == (True, None)
    stored = User.objects.get(pk=alice.pk)
    # Each of the two changes of the address has ended the sessions.
    assert (stored.email, stored.session_generation) == (form.email, 2)
