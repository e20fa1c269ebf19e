"""Visitors see the names of authors of public posts only if the author's page is for everyone."""

import re

import pytest
from django.test import Client

from feed import services
from network.services import block_member
from tests.cast import client_of, make_member
from users.audience import Audience
from users.models import User
from users.services import set_photo

from .factories import answer, image, page_of, pass_on, react, say


@pytest.fixture
def tunde(db: None) -> User:
    """Somebody with all that a card holds, and a page for members."""
    tunde = make_member("tunde.b", name="Zoltan Balogun", headline="Harbour pilot")
    set_photo(user=tunde, image=image())
    return tunde


def traces(page: str, member: User) -> list[str]:
    """What the page holds of the member: words, links, initials, colour, ids in attributes."""
    marks = [
        member.username,
        "Zoltan",
        "Balogun",
        member.headline,
        member.photo,
        f'"{member.pk}"',
        f"hue-{member.hue}",
    ]
    return [mark for mark in marks if mark in page] + re.findall(r">\s*ZB\s*<", page)


@pytest.fixture
def addresses(alice: User, tunde: User) -> dict[str, str]:
    """Public posts with every action that a member can take, taken by Tunde."""
    User.objects.filter(pk=alice.pk).update(page_audience=Audience.PUBLIC)
    hers = say(alice, "Words of Alice #pilots", audience=Audience.PUBLIC)
    comment = answer(hers, tunde, "Tall ships")
    for number in range(5):
        answer(hers, tunde, f"Reply {number}", parent=comment)
    react(hers, tunde)
    his = say(tunde, "Words of his #pilots", audience=Audience.PUBLIC)
    services.edit_post(post=his, text="Words of his, changed #pilots", audience=Audience.PUBLIC)
    plain = pass_on(hers, tunde, audience=Audience.PUBLIC)
    quote = pass_on(hers, tunde, "Look #pilots", audience=Audience.PUBLIC)
    quoted = pass_on(his, alice, "See #pilots", audience=Audience.PUBLIC)
    shared = pass_on(his, alice, audience=Audience.PUBLIC)
    # Plain reposts with comments of long ago keep a page.
    for repost in (plain, shared):
        type(comment).objects.create(post=repost, author=tunde, text="Once", html="<p>Once</p>")
    return {
        "comments": f"/posts/{hers.pk}/",
        "reactions": f"/posts/{hers.pk}/reactions/",
        "replies": f"/comments/{comment.pk}/replies/",
        "own": f"/posts/{his.pk}/",
        "history": f"/posts/{his.pk}/history/",
        "quote": f"/posts/{quote.pk}/",
        "plain": f"/posts/{plain.pk}/",
        "quoted": f"/posts/{quoted.pk}/",
        "shared": f"/posts/{shared.pk}/",
        "tag": "/tags/pilots/",
        "list": "/members/alice/posts/",
        "inline": f"/posts/{hers.pk}/comments/",
    }


def page_at(client: Client, name: str, address: str) -> str:
    return page_of(client, address, headers={"HX-Request": "true"} if name == "inline" else {})


def test_a_member_whose_page_is_not_for_everyone_is_a_member_to_visitors(
    addresses: dict[str, str], tunde: User, as_charlie: Client
) -> None:
    """Members look first, so that their cards are remembered, and go on seeing who it is."""
    found = {}
    for name, address in addresses.items():
        if name != "history":
            assert "Zoltan Balogun" in page_at(as_charlie, name, address), name
        page = page_at(Client(), name, address)
        found[name] = traces(page, tunde)
        if name != "history":
            assert "A member" in page, name
        assert "Zoltan Balogun" in page_at(as_charlie, name, address) or name == "history", name
    assert found == {name: [] for name in addresses}


def test_a_member_whose_page_is_for_everyone_is_named_everywhere(
    addresses: dict[str, str], tunde: User
) -> None:
    for name, address in addresses.items():
        page_at(Client(), name, address)
    User.objects.filter(pk=tunde.pk).update(page_audience=Audience.PUBLIC)
    for name, address in addresses.items():
        if name != "history":
            assert "Zoltan Balogun" in page_at(Client(), name, address), name


def test_the_audience_field_explains_what_visitors_see(as_charlie: Client, charlie: User) -> None:
    assert "see “A member” instead of your name" in page_of(as_charlie, "/settings/privacy/")
    post = say(charlie)
    assert "only if your page is for everyone" in page_of(as_charlie, f"/posts/{post.pk}/edit/")


def test_members_see_the_names_of_those_they_blocked(alice: User, charlie: User) -> None:
    block_member(blocker=alice, blocked=charlie)
    page = page_of(client_of(alice), "/network/blocked/")
    assert charlie.display_name in page
    assert "A member" not in page
