"""Section × audience × viewer: what the member's page and every card of the member show."""

from collections.abc import Iterator
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
# Section → text that only this section puts on a page.
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


def choose(dora: User, audience: Audience, section: str) -> None:
    rows: Any = User.objects if section in CARD else Profile.objects
    rows.filter(pk=dora.pk).update(**{f"{section}_audience": audience})


def choices(dora: User) -> Iterator[dict[str, Audience]]:
    """Yield four sets of audiences: each section gets each audience once, and no two sections always the same one."""
    for shift in range(4):
        chosen = {
            section: Audience((number + (shift if number < 4 else 3 * shift)) % 4)
            for number, section in enumerate(TRACES)
        }
        for section, audience in chosen.items():
            choose(dora, audience, section)
        yield chosen


def browser_of(viewer: str, dora: User) -> Client:
    if viewer == "visitor":
        return Client()
    if viewer == "self":
        return client_of(dora)
    other = make_member(viewer)
    if viewer == "connection":
        connect(other, dora)
    return client_of(other)


def shown_on(page: str) -> set[str]:
    """Return the sections of which the page contains the text."""
    return {section for section, trace in TRACES.items() if trace in page}


def test_on_the_member_s_page(dora: User) -> None:
    browsers = {viewer: browser_of(viewer, dora) for viewer in VIEWERS}
    wrong = []
    for chosen in choices(dora):
        for viewer, browser in browsers.items():
            page = browser.get("/members/dora/").content.decode()
            assert "Dora" in page
            expected = {section for section, audience in chosen.items() if audience <= VIEWERS[viewer]}
            wrong += [
                f"{section} for {chosen[section].name}, {viewer}"
                for section in sorted(shown_on(page) ^ expected)
            ]
            if (COVER in page) is not ("photo" in expected):
                wrong.append(f"cover with the photo for {chosen['photo'].name}, {viewer}")
    assert wrong == [], "\n".join(wrong)


def put_on_list(dora: User, viewer: User, path: str) -> None:
    """Make Dora appear in the list at `path` of the viewer."""
    match path:
        case "/network/":
            invite_member(inviter=dora, invitee=viewer)
        case "/network/sent/":
            invite_member(inviter=viewer, invitee=dora)
        case "/network/following/":
            follow_member(follower=viewer, followed=dora)
        case "/network/connections/":
            connect(viewer, dora)


def cards_at(dora: User, viewer: User, path: str) -> Iterator[tuple[str, Audience, bool]]:
    """Yield each section, its audience, and whether Dora's card on this page of the viewer shows it."""
    put_on_list(dora, viewer, path)
    browser = client_of(viewer)
    for chosen in choices(dora):
        page = browser.get(path).content.decode()
        assert "/members/dora/" in page, path
        for section in CARD:
            yield section, chosen[section], section in shown_on(page)


def test_on_a_card_that_a_stranger_sees(dora: User) -> None:
    # Suggestions first: members created for the other pages would come before Dora.
    lists = ["/network/suggested/", "/members/", "/network/", "/network/sent/", "/network/following/"]
    wrong = [
        f"{section} for {audience.name} at {path}: {shows}"
        for number, path in enumerate(lists)
        for section, audience, shows in cards_at(dora, make_member(f"viewer{number}"), path)
        if (shows and audience > Audience.MEMBERS)
        or (not shows and audience <= Audience.MEMBERS and section == "photo")
    ]
    assert wrong == [], "\n".join(wrong)


def test_on_a_card_that_a_connection_sees(dora: User) -> None:
    wrong = []
    for path in ("/network/connections/", "/members/"):
        viewer = make_member(f"viewer{path.replace('/', '')}")
        if path == "/members/":
            connect(viewer, dora)
        wrong += [
            f"{section} for {audience.name} at {path}: {shows}"
            for section, audience, shows in cards_at(dora, viewer, path)
            if (shows and audience == Audience.ME)
            or (not shows and audience != Audience.ME and section != "open_to_work")
        ]
    assert wrong == [], "\n".join(wrong)


@pytest.mark.parametrize("audience", Audience)
def test_on_the_picture_of_a_shared_connection(dora: User, audience: Audience) -> None:
    """Dora, a connection of the viewer, is shown as a mutual connection on a third member's page."""
    choose(dora, audience, "photo")
    viewer, third = make_member("viewer"), make_member("third")
    connect(viewer, dora)
    connect(third, dora)
    page = client_of(viewer).get("/members/third/").content.decode()
    assert "You both know Dora" in page
    assert (TRACES["photo"] in page) is (audience <= Audience.CONNECTIONS)


@pytest.mark.parametrize("audience", Audience)
def test_one_always_sees_the_own_photo_in_the_frame_of_a_page(dora: User, audience: Audience) -> None:
    choose(dora, audience, "photo")
    assert TRACES["photo"] in client_of(dora).get("/network/").content.decode()


def test_after_a_connection_ends_its_sections_are_gone(dora: User, alice: User) -> None:
    choose(dora, Audience.CONNECTIONS, "about")
    connect(alice, dora)
    browser = client_of(alice)
    assert TRACES["about"] in browser.get("/members/dora/").content.decode()
    browser.post("/members/dora/disconnect/")
    assert TRACES["about"] not in browser.get("/members/dora/").content.decode()


def test_an_open_invitation_shows_no_more_than_before(dora: User, alice: User) -> None:
    choose(dora, Audience.CONNECTIONS, "about")
    invite_member(inviter=dora, invitee=alice)
    assert TRACES["about"] not in client_of(alice).get("/members/dora/").content.decode()


def test_sections_that_are_hidden_are_not_even_asked_for(dora: User) -> None:
    for section in ("about", "experience", "education", "skills", "links"):
        choose(dora, Audience.ME, section)
    page = browser_of("visitor", dora).get("/members/dora/").context["page"]
    assert page.sections.is_empty
    assert (page.relation, page.mutual, page.degree, page.is_mine) == (None, None, None, False)
