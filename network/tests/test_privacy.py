"""Section × audience × viewer: what shows on the member's page, and on every card that shows the member."""

from typing import Any

import pytest
from django.test import Client

from network.services import follow_member, invite_member
from tests.cast import client_of, connect, make_member
from users.audience import Audience
from users.models import Education, Experience, Link, Profile, Skill, User

pytestmark = pytest.mark.django_db

VIEWERS = {
    "visitor": Audience.PUBLIC,
    "member": Audience.MEMBERS,
    "connection": Audience.CONNECTIONS,
    "self": Audience.ME,
}
# Section → words that only it puts on a page.
TRACES = {
    "photo": "/media/photos/aa/the-photo-",
    "location": "Reykjavík-the-place",
    "open_to_work": "Open to work",
    "about": "about-the-words",
    "experience": "experience-the-title",
    "education": "education-the-school",
    "skills": "skills-the-name",
    "links": "https://links.the-url.example/",
}
CARD = ["photo", "location", "open_to_work"]
COVER = "/media/covers/aa/the-cover-1500.webp"


@pytest.fixture
def dora(db: None) -> User:
    """A member with something in every section, whose page is public."""
    dora = make_member(
        "dora",
        page_audience=Audience.PUBLIC,
        photo="photos/aa/the-photo",
        location=TRACES["location"],
        open_to_work=True,
    )
    Profile.objects.filter(pk=dora.pk).update(
        about=TRACES["about"], about_html=f"<p>{TRACES['about']}</p>", cover="covers/aa/the-cover"
    )
    Experience.objects.create(user=dora, title=TRACES["experience"], employer="x", start="2020-01-01")
    Education.objects.create(user=dora, school=TRACES["education"], start_year=2000)
    Skill.objects.create(user=dora, name=TRACES["skills"])
    Link.objects.create(user=dora, label="x", url=TRACES["links"])
    return dora


def choose(dora: User, section: str, audience: Audience) -> None:
    rows: Any = User.objects if section in CARD else Profile.objects
    rows.filter(pk=dora.pk).update(**{f"{section}_audience": audience})


def browser_of(viewer: str, dora: User) -> Client:
    if viewer == "visitor":
        return Client()
    if viewer == "self":
        return client_of(dora)
    other = make_member("viewer")
    if viewer == "connection":
        connect(other, dora)
    return client_of(other)


@pytest.mark.parametrize("viewer", VIEWERS)
@pytest.mark.parametrize("audience", Audience)
@pytest.mark.parametrize("section", TRACES)
def test_on_the_member_s_page(dora: User, section: str, audience: Audience, viewer: str) -> None:
    choose(dora, section, audience)
    page = browser_of(viewer, dora).get("/members/dora/").content.decode()
    assert "Dora" in page
    shown = audience <= VIEWERS[viewer]
    assert (TRACES[section] in page) is shown
    if section == "photo":
        assert (COVER in page) is shown


def list_with(dora: User, viewer: User, path: str) -> str:
    """Put Dora on the page of this viewer at `path`, and return the page."""
    match path:
        case "/network/":
            invite_member(inviter=dora, invitee=viewer)
        case "/network/sent/":
            invite_member(inviter=viewer, invitee=dora)
        case "/network/following/":
            follow_member(follower=viewer, followed=dora)
        case "/network/connections/":
            connect(viewer, dora)
    page = client_of(viewer).get(path).content.decode()
    assert "/members/dora/" in page
    return page


MEMBER_LISTS = ["/members/", "/network/", "/network/sent/", "/network/following/", "/network/suggested/"]


@pytest.mark.parametrize("audience", Audience)
@pytest.mark.parametrize("section", CARD)
@pytest.mark.parametrize("path", MEMBER_LISTS)
def test_on_a_card_that_a_stranger_sees(dora: User, path: str, section: str, audience: Audience) -> None:
    choose(dora, section, audience)
    page = list_with(dora, make_member("viewer"), path)
    if audience > Audience.MEMBERS:
        assert TRACES[section] not in page
    elif section == "photo":
        assert TRACES[section] in page


@pytest.mark.parametrize("audience", Audience)
@pytest.mark.parametrize("section", CARD)
@pytest.mark.parametrize("path", ["/network/connections/", "/members/"])
def test_on_a_card_that_a_connection_sees(dora: User, path: str, section: str, audience: Audience) -> None:
    choose(dora, section, audience)
    viewer = make_member("viewer")
    if path == "/members/":
        connect(viewer, dora)
    page = list_with(dora, viewer, path)
    if audience == Audience.ME:
        assert TRACES[section] not in page
    elif section != "open_to_work":
        assert TRACES[section] in page


@pytest.mark.parametrize("audience", Audience)
def test_on_the_picture_of_a_shared_connection(dora: User, audience: Audience) -> None:
    """Dora is the viewer's connection and stands on a third member's page, as one whom both know."""
    choose(dora, "photo", audience)
    viewer, third = make_member("viewer"), make_member("third")
    connect(viewer, dora)
    connect(third, dora)
    page = client_of(viewer).get("/members/third/").content.decode()
    assert "You both know Dora" in page
    assert (TRACES["photo"] in page) is (audience <= Audience.CONNECTIONS)


@pytest.mark.parametrize("audience", Audience)
def test_one_always_sees_the_own_photo_in_the_frame_of_a_page(dora: User, audience: Audience) -> None:
    choose(dora, "photo", audience)
    assert TRACES["photo"] in client_of(dora).get("/network/").content.decode()


def test_after_a_connection_ends_its_sections_are_gone(dora: User, alice: User) -> None:
    choose(dora, "about", Audience.CONNECTIONS)
    connect(alice, dora)
    browser = client_of(alice)
    assert TRACES["about"] in browser.get("/members/dora/").content.decode()
    browser.post("/members/dora/disconnect/")
    assert TRACES["about"] not in browser.get("/members/dora/").content.decode()


def test_an_open_invitation_shows_no_more_than_before(dora: User, alice: User) -> None:
    choose(dora, "about", Audience.CONNECTIONS)
    invite_member(inviter=dora, invitee=alice)
    assert TRACES["about"] not in client_of(alice).get("/members/dora/").content.decode()


def test_sections_that_are_hidden_are_not_even_asked_for(dora: User) -> None:
    for section in ("about", "experience", "education", "skills", "links"):
        choose(dora, section, Audience.ME)
    page = browser_of("visitor", dora).get("/members/dora/").context["page"]
    assert page.is_empty
    assert (page.relation, page.mutual, page.degree, page.is_mine) == (None, None, None, False)
