"""Editing the own card and the "about" text."""

from itertools import product
from typing import Any

import pytest
from django.test import Client

from tests.cases import all_cases, rolled_back
from tests.cast import client_of
from users import services
from users.models import Profile, User

from .factories import HONEST, SCRIPTS, TRICKS, refused_at

pytestmark = pytest.mark.django_db

PROFILE = "/settings/profile/"
CARD = {
    "name": "Alice Á.",
    "headline": "Engineer",
    "location": "Oslo",
    "about": "**Hello**",
    "open_to_work": "on",
}
LONG = "x" * 100_000


def card(**values: str) -> dict[str, str]:
    return {**CARD, **values}


def test_the_page_shows_what_is_stored(as_alice: Client, alice: User) -> None:
    as_alice.post(PROFILE, card())
    page = as_alice.get(PROFILE).content.decode()
    for value in ('value="Alice Á."', 'value="Engineer"', 'value="Oslo"', "**Hello**", "checked"):
        assert value in page


@pytest.mark.both
def test_the_profile_is_saved(as_alice: Client, alice: User) -> None:
    response = as_alice.post(PROFILE, card())
    assert (response.status_code, response["Location"]) == (302, PROFILE)
    alice.refresh_from_db()
    assert (alice.name, alice.headline, alice.location, alice.open_to_work) == (
        "Alice Á.",
        "Engineer",
        "Oslo",
        True,
    )
    assert alice.sort_name == "alice a"
    assert (alice.profile.about, alice.profile.about_html) == ("**Hello**", "<p><strong>Hello</strong></p>")


def test_it_shows_on_the_own_page(as_alice: Client, as_charlie: Client) -> None:
    as_alice.post(PROFILE, card())
    for browser in (as_alice, as_charlie):
        page = browser.get("/members/alice/").content.decode()
        for words in ("Alice Á.", "Engineer", "Oslo", "<strong>Hello</strong>", "Open to work"):
            assert words in page


def test_what_is_left_empty_goes(as_alice: Client, alice: User) -> None:
    as_alice.post(PROFILE, card())
    as_alice.post(PROFILE, {"name": "Alice"})
    alice.refresh_from_db()
    assert (alice.headline, alice.location, alice.open_to_work) == ("", "", False)
    assert (alice.profile.about, alice.profile.about_html) == ("", "")


BAD = [
    *[("name", value) for value in ("", "  ", "x" * 81, LONG, *TRICKS)],
    *[("headline", value) for value in ("x" * 161, LONG, *TRICKS)],
    *[("location", value) for value in ("x" * 81, LONG, *TRICKS)],
    *[("about", value) for value in ("x" * 4001, LONG)],
]


def test_a_bad_value_is_refused_and_everything_typed_is_kept(as_alice: Client, alice: User) -> None:
    with all_cases() as case:
        for field, value in BAD:
            with case(f"{field} {value[:40]!r}"), rolled_back():
                response = as_alice.post(PROFILE, card(**{field: value}))
                assert refused_at(response) == [field]
                form = response.context["form"]
                assert {name: form[name].value() for name in CARD if name != "open_to_work"} == {
                    name: typed for name, typed in card(**{field: value}).items() if name != "open_to_work"
                }
                alice.refresh_from_db()
                assert (alice.name, alice.headline, alice.profile.about) == ("Alice Álvarez", "", "")


def test_the_frame_of_a_refused_page_shows_the_name_that_is_stored(as_alice: Client) -> None:
    page = as_alice.post(PROFILE, card(name="Somebody Else", headline="x" * 161)).content.decode()
    assert page.count("Somebody Else") == 1, "in its field, and nowhere else"


@pytest.mark.both
def test_honest_text_is_stored_unharmed(as_alice: Client, alice: User) -> None:
    with all_cases() as case:
        for text, field in product(HONEST, ("name", "headline", "location", "about")):
            with case(f"{text!r}, {field!r}"), rolled_back():
                assert as_alice.post(PROFILE, card(**{field: text})).status_code == 302
                alice.refresh_from_db()
                assert (alice.profile.about if field == "about" else getattr(alice, field)) == text


def test_script_is_inert_wherever_it_shows(as_alice: Client, as_bob: Client, as_charlie: Client) -> None:
    pages = [(as_alice, PROFILE), (as_alice, "/members/alice/"), (as_charlie, "/members/alice/")]
    pages += [(as_bob, "/network/connections/"), (as_charlie, "/members/"), (as_charlie, "/network/")]
    with all_cases() as case:
        for script in SCRIPTS:
            as_alice.post(PROFILE, card(**dict.fromkeys(("name", "headline", "location", "about"), script)))
            for browser, path in pages:
                with case(f"{script} at {path}"):
                    text = browser.get(path).content.decode()
                    assert "alert(1)" in text, "it is shown, as words"
                    assert script not in text
                    assert "<img src=x" not in text
                    assert "<svg/onload" not in text


def test_a_code_block_in_the_about_text_stays_unchanged(as_alice: Client, alice: User) -> None:
    about = "```python\nif a < b && c > d:\n\tprint('delete from orders')\n```"
    as_alice.post(PROFILE, card(about=about.replace("\n", "\r\n")))
    alice.profile.refresh_from_db()
    assert alice.profile.about == about
    assert "<pre>" in alice.profile.about_html
    assert "\tprint('delete from orders')" in alice.profile.about_html


def test_mentions_and_tags_in_the_about_text_are_not_linked(alice: User) -> None:
    services.edit_profile(user=alice, card={"name": "Alice"}, about="@bob likes #django")
    assert Profile.objects.get(pk=alice.pk).about_html == "<p>@bob likes #django</p>"


def test_what_is_not_in_the_form_is_ignored(as_alice: Client, alice: User) -> None:
    with all_cases() as case:
        for field in ["username", "email", "is_staff", "is_superuser", "joined_at", "photo", "password"]:
            with case(field), rolled_back():
                as_alice.post(PROFILE, card(**{field: "True"}))
                before = getattr(alice, field)
                alice.refresh_from_db()
                assert getattr(alice, field) == before


def test_a_visitor_is_asked_to_sign_in(client: Client, alice: User) -> None:
    assert client.get(PROFILE)["Location"] == f"/accounts/login/?next={PROFILE}"
    assert client.post(PROFILE, card()).status_code == 302
    assert User.objects.get().name == "Alice Álvarez"


def test_looking_changes_nothing(as_alice: Client) -> None:
    as_alice.get(PROFILE, card())
    assert User.objects.get().name == "Alice Álvarez"


def test_other_methods_are_refused(as_alice: Client) -> None:
    with all_cases() as case:
        for method in ["put", "patch", "delete"]:
            with case(method), rolled_back():
                assert getattr(as_alice, method)(PROFILE).status_code == 405


def test_the_start_of_the_settings_is_the_profile(as_alice: Client, client: Client) -> None:
    assert as_alice.get("/settings/")["Location"] == PROFILE
    assert as_alice.post("/settings/").status_code == 405
    assert client.get("/settings/")["Location"].startswith("/accounts/login/")


NEXT = "/settings/next-step/"


def test_the_next_step_is_named_until_the_profile_is_complete(alice: User) -> None:
    client = client_of(alice)
    page = client.get(NEXT).content.decode()
    assert "Add a photo" in page
    assert "/settings/photo/" in page
    assert services.next_step(alice) == (0, "Add a photo", "/settings/photo/")


STEPS: list[tuple[Any, str]] = [
    ({"photo": "photos/ab/x"}, "/settings/profile/"),
    ({"photo": "photos/ab/x", "headline": "x"}, "/settings/experience/"),
]


def test_each_step_leads_to_where_it_is_done(alice: User) -> None:
    with all_cases() as case:
        for values, address in STEPS:
            with case((values, address)), rolled_back():
                User.objects.filter(pk=alice.pk).update(**values)
                assert services.next_step(User.objects.get(pk=alice.pk))[2] == address


def test_a_complete_profile_has_no_next_step(alice: User) -> None:
    client = client_of(alice)
    client.post(PROFILE, card())
    client.post("/settings/experience/", {"title": "x", "employer": "y", "start_0": "1", "start_1": "2020"})
    client.post("/settings/education/", {"school": "x", "start_year": "2000"})
    client.post("/settings/skills/", {"name": "x"})
    User.objects.filter(pk=alice.pk).update(photo="photos/ab/x")
    assert services.next_step(User.objects.get(pk=alice.pk)) == (100, "", "")
    assert client.get(NEXT).content.decode().strip() == ""


def test_the_next_step_is_for_members_and_changes_nothing(client: Client, as_alice: Client) -> None:
    assert client.get(NEXT)["Location"].startswith("/accounts/login/")
    assert as_alice.post(NEXT).status_code == 405


def test_a_name_that_holds_an_address_is_refused_unless_it_was_there_before(
    as_alice: Client, alice: User
) -> None:
    for name in ("Alice www.evil.example", "Alice ftp://evil.example", "alice@evil.example"):
        assert as_alice.post(PROFILE, card(name=name)).status_code == 422, name
    User.objects.filter(pk=alice.pk).update(name="Alice @ home")
    assert as_alice.post(PROFILE, card(name="Alice @ home")).status_code == 302
