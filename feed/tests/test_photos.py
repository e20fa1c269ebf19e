"""The author's photo is shown with posts and comments to the photo's audience."""

import pytest
from django.test import Client

from feed.models import Reaction
from network.services import follow_member
from tests.cast import client_of, make_member
from users.audience import Audience
from users.models import User
from users.services import set_photo

from .factories import answer, image, page_of, pass_on, react, say

pytestmark = pytest.mark.slow


@pytest.fixture
def dora(alice: User, charlie: User) -> User:
    """Alice has a photo and a page for everyone; Dora follows her and Charlie without being connected to either."""
    User.objects.filter(pk=alice.pk).update(page_audience=Audience.PUBLIC)
    alice.refresh_from_db()
    set_photo(user=alice, image=image())
    dora = make_member("dora")
    for followed in (alice, charlie):
        follow_member(follower=dora, followed=followed)
    return dora


@pytest.mark.parametrize(
    ("audience", "visitor", "member", "connection"),
    [
        (Audience.PUBLIC, True, True, True),
        (Audience.MEMBERS, False, True, True),
        (Audience.CONNECTIONS, False, False, True),
        (Audience.ME, False, False, False),
    ],
)
def test_the_photo_shows_to_its_audience(
    alice: User,
    bob: User,
    charlie: User,
    dora: User,
    audience: Audience,
    visitor: bool,
    member: bool,
    connection: bool,
) -> None:
    User.objects.filter(pk=alice.pk).update(photo_audience=audience)
    alice.refresh_from_db()
    post = say(alice, "#tag", audience=Audience.PUBLIC)
    hers = say(charlie, audience=Audience.PUBLIC)
    answer(hers, charlie)
    answer(hers, alice, parent=answer(hers, alice))
    react(hers, alice, Reaction.Kind.LIKE)
    quote = pass_on(post, by=charlie, text="Look", audience=Audience.PUBLIC)
    pages = {
        "post": f"/posts/{post.pk}/",
        "comments": f"/posts/{hers.pk}/",
        "quote": f"/posts/{quote.pk}/",
        "reactions": f"/posts/{hers.pk}/reactions/",
        "tag": "/tags/tag/",
        "list": "/members/alice/posts/",
        "home": "/",
    }
    for_members = {"home", "list"}
    for name, address in pages.items():
        assert (alice.photo in page_of(client_of(dora), address)) is member, name
        assert (alice.photo in page_of(client_of(bob), address)) is connection, name
        if name not in for_members:
            assert (alice.photo in page_of(Client(), address)) is visitor, name


@pytest.mark.parametrize("audience", Audience)
def test_the_own_photo_shows_to_oneself(
    alice: User, dora: User, as_alice: Client, audience: Audience
) -> None:
    User.objects.filter(pk=alice.pk).update(photo_audience=audience)
    alice.refresh_from_db()
    post = say(alice)
    assert alice.photo in page_of(as_alice, f"/posts/{post.pk}/").partition('id="post-')[2]


@pytest.mark.parametrize("audience", Audience)
def test_the_own_photo_shows_beside_the_form(
    alice: User, dora: User, as_alice: Client, audience: Audience
) -> None:
    User.objects.filter(pk=alice.pk).update(photo_audience=audience)
    alice.refresh_from_db()
    form = page_of(as_alice, "/").partition('id="compose"')[2].partition("</form>")[0]
    assert alice.photo in form
