"""Reactions: adding, changing, taking back, counting."""

from itertools import product

import pytest
from django.db.models import Count
from django.test import Client

from feed import services
from feed.events import post_reacted
from feed.models import Post, Reaction
from network.services import block_member
from tests.cases import all_cases, rolled_back
from tests.cast import client_of, make_member
from users.audience import Audience
from users.models import User

from .factories import HTMX, all_rows, captured_signals, react, say

pytestmark = pytest.mark.both

LIKE, SUPPORT = Reaction.Kind.LIKE, Reaction.Kind.SUPPORT


def counted(post: Post) -> dict[str, int]:
    """What the row says, after making sure that the rows of the reactions say the same."""
    row = Post.objects.get(pk=post.pk)
    shown = {kind.value: count for kind, count in row.actions_cache_key().reaction_counts}
    rows = Reaction.objects.filter(post=post).values_list("kind").annotate(Count("pk"))
    assert shown == dict(rows)
    assert row.reaction_count == sum(shown.values())
    return shown


def test_each_kind_is_stored_counted_and_announced(alice: User, bob: User) -> None:
    with all_cases() as case:
        for kind in Reaction.Kind:
            with case(kind), rolled_back():
                post = say(alice)
                with captured_signals(post_reacted) as said:
                    react(post, bob, kind)
                assert counted(post) == {kind.value: 1}
                assert [(fact["post"], fact["member"], fact["kind"]) for fact in said] == [(post, bob, kind)]


def test_the_same_twice_is_once(alice: User, bob: User) -> None:
    post = say(alice)
    with captured_signals(post_reacted) as said:
        react(post, bob)
        react(post, bob)
    assert counted(post) == {"like": 1}
    assert len(said) == 1


def test_another_kind_replaces_the_first_without_a_signal(alice: User, bob: User) -> None:
    post = say(alice)
    react(post, bob)
    with captured_signals(post_reacted) as said:
        react(post, bob, SUPPORT)
    assert counted(post) == {"support": 1}
    assert said == []


def test_reactions_of_several_are_counted_by_kind_the_most_frequent_first(alice: User, bob: User) -> None:
    post = say(alice)
    for number, kind in enumerate([LIKE, SUPPORT, SUPPORT, Reaction.Kind.CURIOUS, SUPPORT, LIKE]):
        react(post, make_member(f"m{number}"), kind)
    assert counted(post) == {"support": 3, "like": 2, "curious": 1}
    row = Post.objects.get(pk=post.pk)
    assert [kind.value for kind, _count in row.actions_cache_key().reaction_counts] == [
        "support",
        "like",
        "curious",
    ]


def test_taking_back_twice_is_once(alice: User, bob: User, charlie: User) -> None:
    post = say(alice)
    react(post, bob)
    react(post, charlie)
    for _time in range(2):
        services.take_back_reaction(post=post, member=bob)
    assert counted(post) == {"like": 1}


def test_a_page_shows_my_own_reaction_only(alice: User, bob: User, charlie: User) -> None:
    post = say(alice)
    react(post, bob, SUPPORT)
    mine = {
        member: Post.objects.for_display(member).get(pk=post.pk).my_reaction
        for member in (alice, bob, charlie)
    }
    assert mine == {alice: None, bob: SUPPORT, charlie: None}


# -- The addresses ----------------------------------------------------------------------------


def press(
    client: Client, post: Post, act: str = "react", *, htmx: bool = False, **values: str
) -> tuple[int, str]:
    """The status of the answer, and where it leads or what it says."""
    data = {"kind": "like", **values} if act == "react" else values
    response = client.post(f"/posts/{post.pk}/{act}/", data, headers=HTMX if htmx else None)
    return response.status_code, response.get("Location") or response.content.decode()


def test_without_scripts_the_browser_goes_back_to_where_the_button_was(
    alice: User, as_charlie: Client
) -> None:
    post = say(alice)
    assert press(as_charlie, post, next="/tags/jobs/?page=7#post-1") == (302, "/tags/jobs/?page=7#post-1")
    assert press(as_charlie, post, kind="support") == (302, f"/posts/{post.pk}/")
    assert counted(post) == {"support": 1}
    assert press(as_charlie, post, "unreact") == (302, f"/posts/{post.pk}/")
    assert counted(post) == {}


def test_htmx_gets_the_new_action_bar(alice: User, as_charlie: Client) -> None:
    post = say(alice)
    status, bar = press(as_charlie, post, kind="insightful", htmx=True)
    assert status == 200
    assert "<html" not in bar
    assert f"/posts/{post.pk}/unreact/" in bar
    assert "Insightful" in bar
    assert 'aria-pressed="true"' in bar
    status, bar = press(as_charlie, post, "unreact", htmx=True)
    assert f"/posts/{post.pk}/unreact/" not in bar
    assert 'class="post-reactions"' not in bar


def test_after_a_refused_form_the_button_does_not_lead_back_to_its_address(
    alice: User, as_alice: Client
) -> None:
    with all_cases() as case:
        for address in ["/posts/", "/posts/{}/comment/"]:
            with case(address), rolled_back():
                post = say(alice)
                refused = as_alice.post(address.format(post.pk), {"text": "", "audience": 1})
                assert refused.status_code == 422
                page = refused.content.decode()
                assert f'action="/posts/{post.pk}/react/"' in page
                assert 'name="next"' not in page


def test_a_redirect_to_another_site_is_not_followed(alice: User, as_charlie: Client) -> None:
    cases = [
        "https://evil.example/",
        "//evil.example/",
        "/\\evil.example",
        "javascript:alert(1)",
        "http:///x",
    ]
    with all_cases() as case:
        for elsewhere, act in product(cases, ("react", "unreact", "save", "unsave")):
            with case(f"{elsewhere!r}, {act!r}"):
                post = say(alice)
                assert press(as_charlie, post, act, next=elsewhere) == (302, f"/posts/{post.pk}/")


def test_an_unknown_kind_is_a_bad_request(alice: User, as_charlie: Client) -> None:
    with all_cases() as case:
        for kind in ["", "dislike", "LIKE", "like ' OR 1=1", "like\0", "x" * 100_000, "<script>"]:
            with case(kind), rolled_back():
                post = say(alice)
                status, words = press(as_charlie, post, kind=kind)
                assert status == 400
                assert "script" not in words
                assert counted(post) == {}


def test_members_who_may_not_read_the_post_get_404(alice: User, charlie: User, as_charlie: Client) -> None:
    with all_cases() as case:
        for act in ["react", "unreact", "save", "unsave"]:
            with case(act), rolled_back():
                narrow, blocked = say(alice, audience=Audience.CONNECTIONS), say(alice)
                block_member(blocker=charlie, blocked=alice)
                before = all_rows()
                assert press(as_charlie, narrow, act)[0] == 404
                assert press(as_charlie, blocked, act)[0] == 404
                for number in ("0", "999", "9" * 18, "9" * 30, "-1", "abc", "1.5", "%00", "٣"):
                    assert as_charlie.post(f"/posts/{number}/{act}/", {"kind": "like"}).status_code in {
                        400,
                        404,
                    }
                assert all_rows() == before


def test_a_visitor_is_sent_to_sign_in(alice: User) -> None:
    with all_cases() as case:
        for act in ["react", "unreact", "save", "unsave"]:
            with case(act), rolled_back():
                client = Client()
                post = say(alice, audience=Audience.PUBLIC)
                before = all_rows()
                status, address = press(client, post, act)
                assert (status, address) == (302, f"/accounts/login/?next=/posts/{post.pk}/{act}/")
                assert all_rows() == before


def test_nothing_is_done_by_get(alice: User, bob: User, as_bob: Client) -> None:
    with all_cases() as case:
        for act in ["react", "unreact", "save", "unsave"]:
            with case(act), rolled_back():
                post = say(alice)
                if act.startswith("un"):
                    react(post, bob)
                    services.save_post(post=post, member=bob)
                before = all_rows()
                assert as_bob.get(f"/posts/{post.pk}/{act}/", {"kind": "like"}).status_code == 405
                assert all_rows() == before


def test_a_suspended_member_is_refused(alice: User, bob: User) -> None:
    post, client = say(alice), client_of(bob)
    User.objects.filter(pk=bob.pk).update(suspended_at="2026-01-01T00:00Z")
    status, address = press(client, post)
    assert (status, address.partition("?")[0]) == (302, "/accounts/login/")
    assert counted(post) == {}
