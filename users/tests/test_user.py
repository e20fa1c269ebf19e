"""The account: database constraints and derived values."""

from collections.abc import Callable
from itertools import product
from typing import Any

import pytest
from django.contrib.auth.signals import user_logged_out
from django.db import IntegrityError, transaction
from django.http import HttpRequest
from django.urls import reverse

from tests.cases import all_cases, rolled_back
from tests.cast import client_of, make_member
from users.audience import Audience, Closeness
from users.models import User, display_name_of
from users.models.member_view import HUES

pytestmark = pytest.mark.django_db


def refused(**values: Any) -> bool:
    try:
        with transaction.atomic():
            User.objects.create(**values)
    except IntegrityError:
        return True
    return False


def test_a_name_is_taken_whatever_its_case(alice: User) -> None:
    with all_cases() as case:
        for name in ["alice", "ALICE", "Alice", "aLiCe"]:
            with case(name), rolled_back():
                assert refused(username=name, email="other@example.org")


def test_an_address_is_taken_whatever_its_case(alice: User) -> None:
    with all_cases() as case:
        for email in ["alice@example.org", "ALICE@EXAMPLE.ORG", "Alice@example.org", "alice@Example.Org"]:
            with case(email), rolled_back():
                assert refused(username="other", email=email)


def test_another_name_and_address_are_free(alice: User) -> None:
    assert not refused(username="alice2", email="alice2@example.org")


def test_renaming_to_a_taken_name_is_refused(alice: User, charlie: User) -> None:
    charlie.username = "ALICE"
    with pytest.raises(IntegrityError), transaction.atomic():
        charlie.save()


def test_initials_replace_a_missing_photo() -> None:
    with all_cases() as case:
        for name, initials in [
            ("Ada", "A"),
            ("Ada Lovelace", "AL"),
            ("Ada King Lovelace", "AL"),
            ("ada lovelace", "AL"),
            ("Émile Zola", "ÉZ"),
            ("李 雷", "李雷"),
            ("علی رضا", "عر"),
            ("Ada (PhD)", "A"),
            ("“Ada” Lovelace", "L"),
            ("🎉 Ada", "A"),
            ("🎉", "N"),
            ("", "N"),
            ("...", "N"),
            ("3M Corp", "3C"),
        ]:
            with case((name, initials)), rolled_back():
                assert User(username="nick", name=name).initials == initials


def test_the_hue_is_always_the_same_and_in_range() -> None:
    hues = {name: User(username=name).hue for name in (f"member{number}" for number in range(100))}
    assert all(0 <= hue < HUES for hue in hues.values())
    assert len(set(hues.values())) == HUES
    assert hues == {name: User(username=name, name="Other").hue for name in hues}


def test_who_has_no_name_goes_by_the_username() -> None:
    with all_cases() as case:
        for name, shown in [("Ada", "Ada"), ("", "ada1")]:
            with case((name, shown)), rolled_back():
                user = User(username="ada1", name=name)
                assert [
                    user.display_name,
                    user.get_full_name(),
                    user.get_short_name(),
                    display_name_of(user),
                ] == [shown] * 4
                assert str(user) == "ada1"


def test_the_key_for_sorting_follows_the_name_and_fits_its_column() -> None:
    user = User(username="ada", name="Émile ﷺ" * 10)
    user.refresh_sort_name()
    assert user.sort_name.startswith("emile ")
    user.name = "ﷺ" * 80
    user.refresh_sort_name()
    assert len(user.sort_name) == 255


def test_the_address_of_a_member_is_the_member_s_page() -> None:
    assert (
        User(username="ada").get_absolute_url() == reverse("network:member", args=["ada"]) == "/members/ada/"
    )


def test_a_section_shows_to_those_who_are_close_enough() -> None:
    with all_cases() as case:
        for closeness, audience in product(Closeness, Audience):
            with case(f"{closeness!r}, {audience!r}"):
                user = User(
                    username="ada",
                    photo="photos/ab/abc",
                    location="Oslo",
                    open_to_work=True,
                    photo_audience=audience,
                    location_audience=audience,
                    open_to_work_audience=audience,
                    page_audience=Audience.PUBLIC,
                )
                user.closeness = closeness
                shown = {
                    Audience.PUBLIC: True,
                    Audience.MEMBERS: closeness != Closeness.VISITOR,
                    Audience.CONNECTIONS: closeness in {Closeness.CONNECTION, Closeness.SELF},
                    Audience.ME: closeness == Closeness.SELF,
                }[audience]
                assert user.shows("photo") is shown
                assert bool(user.photo_large) is bool(user.photo_medium) is bool(user.photo_small) is shown
                assert user.shown_location == ("Oslo" if shown else "")
                assert user.shown_open_to_work is shown


def test_a_row_fetched_without_a_viewer_shows_only_what_is_public(alice: User) -> None:
    User.objects.filter(pk=alice.pk).update(
        location="Oslo", photo="photos/ab/abc", page_audience=Audience.PUBLIC
    )
    fetched = User.objects.get(pk=alice.pk)
    assert fetched.shown_location == ""
    assert fetched.photo_small != ""


def test_each_size_of_a_photo_has_its_address() -> None:
    user = User(username="ada", photo="photos/ab/abc", page_audience=Audience.PUBLIC)
    assert [user.photo_large, user.photo_medium, user.photo_small] == [
        f"/media/photos/ab/abc-{size}.webp" for size in (512, 192, 64)
    ]


def test_without_a_photo_there_is_no_address() -> None:
    user = User(username="ada")
    assert [user.photo_large, user.photo_medium, user.photo_small] == ["", "", ""]


def test_a_page_cannot_be_hidden_from_members() -> None:
    with all_cases() as case:
        for audience in [Audience.CONNECTIONS, Audience.ME]:
            with case(audience), rolled_back():
                assert audience not in dict(User._meta.get_field("page_audience").choices or ())


def test_what_a_new_account_shows_to_whom() -> None:
    user = User(username="ada")
    assert (user.page_audience, user.photo_audience) == (Audience.MEMBERS, Audience.PUBLIC)
    assert (user.location_audience, user.open_to_work_audience) == (Audience.MEMBERS, Audience.MEMBERS)


def test_a_new_account_is_no_member_until_an_address_is_confirmed(db: None) -> None:
    assert make_member("ada", joined_at=None).joined_at is None


def test_nothing_of_a_card_shows_to_those_who_may_not_see_the_page() -> None:
    user = User(
        username="ada", name="Ada", headline="Engineer", photo="photos/ab/abc", page_audience=Audience.MEMBERS
    )
    seen = {}
    for closeness in Closeness:
        user.closeness = closeness
        seen[closeness] = (user.is_unnamed, user.shown_name, user.shown_headline, bool(user.photo_small))
    named = (False, "Ada", "Engineer", True)
    assert seen == {**dict.fromkeys(Closeness, named), Closeness.VISITOR: (True, "A member", "", False)}


def test_open_tabs_check_their_session_after_what_may_end_it_and_after_nothing_else(
    alice: User, bob: User, published: list[dict[str, Any]]
) -> None:
    def told_after(act: Callable[[], object]) -> list[tuple[list[str], str]]:
        published.clear()
        act()
        return [(each["topics"], each["event"]["type"]) for each in published]

    session = [([f"member.{alice.pk}"], "tab.session")]
    for field in ("password", "is_active", "suspended_at", "session_generation"):
        assert told_after(lambda: alice.save(update_fields=["headline", field])) == session, field  # noqa: B023
    assert told_after(alice.save) == session
    assert told_after(lambda: alice.save(update_fields=["headline", "email"])) == []
    assert told_after(lambda: make_member("new")) == []
    client = client_of(alice)
    assert told_after(lambda: client.post("/accounts/logout/")) == session
    assert told_after(User.objects.get(pk=alice.pk).delete) == session


def test_a_session_has_ended_when_open_tabs_are_told_of_the_sign_out(alice: User) -> None:
    ended: list[bool] = []

    def look(request: HttpRequest, **_facts: object) -> None:
        """Runs after our receiver, and before Django ends the session itself."""
        ended.append(request.session.is_empty())

    client = client_of(alice)
    user_logged_out.connect(look)
    try:
        client.post("/accounts/logout/")
    finally:
        user_logged_out.disconnect(look)
    assert ended == [True]
