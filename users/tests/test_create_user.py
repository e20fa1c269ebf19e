"""Accounts that commands and other code create."""

import pytest
from allauth.account.models import EmailAddress
from django.core.management import call_command
from django.db import IntegrityError, transaction
from django.test import Client
from django.utils import timezone

from tests.cases import all_cases, rolled_back
from tests.cast import PASSWORD
from users.models import Profile, User

from .accounts import LOGIN, is_signed_in, sign_in

pytestmark = pytest.mark.django_db


def test_an_account_comes_with_its_profile() -> None:
    user = User.objects.create_user("Ada", "Ada@Example.org", PASSWORD, name="Ádá")
    assert (user.username, user.email, user.sort_name) == ("ada", "ada@example.org", "ada")
    assert user.check_password(PASSWORD)
    assert Profile.objects.filter(user=user).count() == 1
    assert (user.is_staff, user.is_superuser, user.joined_at) == (False, False, None)


def test_an_account_without_a_password_cannot_sign_in() -> None:
    assert not User.objects.create_user("ada", "ada@example.org").has_usable_password()


def test_a_taken_name_or_address_leaves_nothing_behind() -> None:
    with all_cases() as case:
        for name, email in [("ADA", "b@example.org"), ("eve", "ADA@example.org")]:
            with case((name, email)), rolled_back():
                User.objects.create_user("ada", "ada@example.org")
                with pytest.raises(IntegrityError), transaction.atomic():
                    User.objects.create_user(name, email)
                assert (User.objects.count(), Profile.objects.count()) == (1, 1)


def test_a_superuser_has_every_right_and_a_profile_and_is_a_member() -> None:
    user = User.objects.create_superuser("root1", "root@example.org", PASSWORD)
    assert (user.is_staff, user.is_superuser) == (True, True)
    assert user.joined_at is not None
    assert user.profile.pk == user.pk
    assert user.has_perm("users.change_user")


def test_the_command_makes_a_superuser_who_can_open_the_administration(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", PASSWORD)
    call_command("createsuperuser", username="boss", email="boss@example.org", interactive=False, verbosity=0)
    client = Client()
    door = client.get("/admin/", follow=True).redirect_chain[-1][0]
    assert door == f"{LOGIN}?next=%2Fadmin%2F"
    assert sign_in(client, "boss", next="/admin/")["Location"] == "/admin/"
    assert client.get("/admin/").status_code == 200
    assert client.get("/admin/users/user/").status_code == 200


def test_a_superuser_can_sign_in_like_any_member() -> None:
    User.objects.create_superuser("boss", "boss@example.org", PASSWORD)
    client = Client()
    sign_in(client, "boss")
    assert is_signed_in(client)


def test_the_address_of_one_who_joined_is_confirmed() -> None:
    with all_cases() as case:
        for values, confirmed in [({"joined_at": timezone.now()}, [True]), ({}, [])]:
            with case((values, confirmed)), rolled_back():
                user = User.objects.create_user("ada", "Ada@Example.org", PASSWORD, **values)
                addresses = EmailAddress.objects.filter(user=user, email="ada@example.org", primary=True)
                assert list(addresses.values_list("verified", flat=True)) == confirmed


def test_a_member_goes_with_the_profile(alice: User) -> None:
    alice.delete()
    assert Profile.objects.count() == 0
