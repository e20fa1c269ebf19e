"""Both tables agree on the address after any sequence of services."""

from collections.abc import Callable

import pytest
from allauth.account.models import EmailAddress
from django.core import mail
from django.test import RequestFactory, TestCase
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase as HypothesisTestCase

from tests.cast import make_member
from users import services
from users.accounts.email_addresses import (
    AddressTaken,
    change_address,
    differing_accounts,
    is_taken,
    restore_address,
)
from users.accounts.identifiers import fold_address
from users.models import FormerAddress, User

pytestmark = pytest.mark.both

NAMES = ("ann", "ben", "cid")
ADDRESSES = (
    "ann@example.org", "BEN@example.org", "one@new.example", "Two@new.example", "drei@b\u00fccher.example",
)  # fmt: skip

Verb = Callable[[User, str], object]


def edit_by_staff(user: User, email: str) -> None:
    row = User.objects.get(pk=user.pk)
    row.email, row.headline = email, "Edited"
    services.edit_account(user=row)


def edit_something_else(user: User, email: str) -> None:
    edit_by_staff(user, User.objects.get(pk=user.pk).email)


def ask_for(user: User, email: str) -> None:
    """Request a change as the form does, which only members reach and which refuses the current address."""
    if user.joined_at is None or user.email == fold_address(email):
        return
    request = RequestFactory().post("/")
    EmailAddress.objects.add_new_email(request, user, fold_address(email), send_verification=False)


def ask_and_confirm(user: User, email: str) -> None:
    ask_for(user, email)
    waiting = EmailAddress.objects.get_new(user)
    if waiting is not None and user.joined_at:
        services.confirm_address(user=waiting.user, email=waiting.email)


def take_back(user: User, email: str) -> None:
    former = FormerAddress.objects.filter(user=user).order_by("?").first()
    if former:
        restore_address(former=former)


def join(user: User, email: str) -> None:
    services.confirm_member(user=user)
    services.confirm_address(user=user, email=user.email)


VERBS: tuple[Verb, ...] = (
    lambda user, email: change_address(user=user, email=email),
    edit_by_staff, edit_something_else, ask_for, ask_and_confirm, take_back, join,
)  # fmt: skip


class Agreement(HypothesisTestCase):
    @settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow])
    @given(
        st.lists(
            st.tuples(st.sampled_from(VERBS), st.sampled_from(NAMES), st.sampled_from(ADDRESSES)), max_size=12
        ),
        st.booleans(),
    )
    def test_both_tables_agree_after_any_services(
        self, acts: list[tuple[Verb, str, str]], joined: bool
    ) -> None:
        for name in NAMES:
            make_member(name, **({} if joined else {"joined_at": None}))
        for verb, name, email in acts:
            try:
                verb(User.objects.get(username=name), email)
            except AddressTaken:
                continue
        assert list(differing_accounts()) == []
        for user in User.objects.all():
            marked = EmailAddress.objects.filter(user=user).exclude(verified=False, primary=False)
            assert {row.email for row in marked} <= {user.email}


@pytest.mark.django_db
def test_each_way_to_differ_is_found() -> None:
    """doctor reports rows that were written without the services."""

    def elsewhere(user: User) -> None:
        User.objects.filter(pk=user.pk).update(email="else@example.org")

    def gone(user: User) -> None:
        EmailAddress.objects.filter(user=user).delete()

    def second(user: User) -> None:
        EmailAddress.objects.create(user=user, email="second@example.org", verified=True)

    def unconfirmed(user: User) -> None:
        EmailAddress.objects.filter(user=user).update(verified=False)

    def in_capitals(user: User) -> None:
        EmailAddress.objects.filter(user=user).update(email="Capital@example.org")
        User.objects.filter(pk=user.pk).update(email="Capital@example.org")

    def other_script(user: User) -> None:
        EmailAddress.objects.filter(user=user).update(email="a@b\u00fccher.example")
        User.objects.filter(pk=user.pk).update(email="a@b\u00fccher.example")

    ways = (elsewhere, gone, second, unconfirmed, in_capitals, other_script)
    for number, way in enumerate(ways):
        way(make_member(f"member{number}"))
    make_member("fine")
    make_member("fresh", joined_at=None)
    assert [user.username for user in differing_accounts()] == [f"member{n}" for n in range(len(ways))]


@pytest.mark.django_db
def test_a_restorable_address_is_taken(alice: User) -> None:
    with TestCase.captureOnCommitCallbacks(execute=True):
        change_address(user=alice, email="new@example.org")
    assert [message.to for message in mail.outbox] == [["alice@example.org"]]
    charlie = make_member("charlie")
    assert is_taken("ALICE@example.org", besides=charlie)
    assert not is_taken("alice@example.org", besides=alice)
    with pytest.raises(AddressTaken):
        change_address(user=charlie, email="alice@example.org")
