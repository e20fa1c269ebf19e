"""The privacy page."""

from itertools import product

import pytest
from django.test import Client

from tests.cases import all_cases, rolled_back
from users.audience import Audience
from users.models import User

from .factories import refused_at

pytestmark = pytest.mark.django_db

PRIVACY = "/settings/privacy/"
CARD = ["page", "photo", "location", "open_to_work"]
SECTIONS = ["about", "experience", "education", "skills", "links"]
WISH = {f"{name}_audience": "0" for name in [*CARD, *SECTIONS]}
PRESENCE = {"presence_audience": "2"}


def chosen(alice: User) -> dict[str, int]:
    user = User.objects.select_related("profile").get(pk=alice.pk)
    card = {f"{name}_audience": getattr(user, f"{name}_audience") for name in CARD}
    return card | {f"{name}_audience": getattr(user.profile, f"{name}_audience") for name in SECTIONS}


def test_each_audience_of_each_section_is_saved(as_alice: Client, alice: User) -> None:
    with all_cases() as case:
        for name, audience in product((*CARD, *SECTIONS), Audience):
            with case(f"{name!r}, {audience!r}"), rolled_back():
                allowed = name != "page" or audience in {Audience.PUBLIC, Audience.MEMBERS}
                response = as_alice.post(
                    PRIVACY, {**WISH, **PRESENCE, f"{name}_audience": str(int(audience))}
                )
                if not allowed:
                    assert refused_at(response, "card_form") == ["page_audience"]
                    continue
                assert response["Location"] == PRIVACY
                assert chosen(alice) == {**dict.fromkeys(WISH, 0), f"{name}_audience": audience}


def test_the_page_shows_what_is_chosen(as_alice: Client) -> None:
    as_alice.post(PRIVACY, {**WISH, **PRESENCE, "about_audience": "3"})
    response = as_alice.get(PRIVACY)
    assert response.status_code == 200
    assert response.context["sections"]["about_audience"].value() == Audience.ME
    for name in [*CARD, *SECTIONS]:
        assert f'name="{name}_audience"' in response.content.decode()


def test_a_bad_value_is_refused_at_its_field_and_nothing_is_saved(as_alice: Client, alice: User) -> None:
    with all_cases() as case:
        for name, value in product(
            ("photo", "about"), ("4", "-1", "", "abc", "1.5", "9" * 30, "\x00", "None")
        ):
            with case(f"{name!r}, {value!r}"), rolled_back():
                before = chosen(alice)
                response = as_alice.post(PRIVACY, {**WISH, **PRESENCE, f"{name}_audience": value})
                assert refused_at(response, "card_form" if name == "photo" else "sections") == [
                    f"{name}_audience"
                ]
                assert chosen(alice) == before


def test_an_empty_form_is_refused(as_alice: Client, alice: User) -> None:
    before = chosen(alice)
    assert as_alice.post(PRIVACY, {"x": "y"}).status_code == 422
    assert chosen(alice) == before


def test_a_visitor_is_asked_to_sign_in(client: Client, alice: User) -> None:
    before = chosen(alice)
    assert client.get(PRIVACY)["Location"] == f"/accounts/login/?next={PRIVACY}"
    assert client.post(PRIVACY, {**WISH, **PRESENCE}).status_code == 302
    assert chosen(alice) == before


def test_looking_changes_nothing(as_alice: Client, alice: User) -> None:
    before = chosen(alice)
    as_alice.get(PRIVACY, WISH)
    assert chosen(alice) == before


def test_it_changes_only_the_own_privacy(as_alice: Client, charlie: User) -> None:
    before = chosen(charlie)
    as_alice.post(PRIVACY, {**WISH, **PRESENCE, "user": str(charlie.pk), "id": str(charlie.pk)})
    assert chosen(charlie) == before
