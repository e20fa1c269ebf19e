"""Posts by a member and by hashtag."""

import unicodedata
from typing import Any
from urllib.parse import quote

import pytest
from django.test import Client

from feed.models import Post
from network.services import block_member
from tests.cases import all_cases, rolled_back
from tests.cast import client_of
from users.audience import Audience
from users.models import User

from .factories import HTMX, all_rows, page_of, pass_on, say

PUBLIC, MEMBERS, CONNECTIONS = Audience.PUBLIC, Audience.MEMBERS, Audience.CONNECTIONS


@pytest.fixture
def posts(alice: User) -> list[Post]:
    """One post of Alice for each audience, all with one hashtag."""
    User.objects.filter(pk=alice.pk).update(page_audience=PUBLIC)
    return [
        say(alice, f"for {audience.name} #Jobs", audience=audience)
        for audience in (PUBLIC, MEMBERS, CONNECTIONS)
    ]


def seen(client: Client, address: str, **options: Any) -> list[str]:
    page = page_of(client, address, **options)
    return [name for name in ("PUBLIC", "MEMBERS", "CONNECTIONS") if f"for {name}" in page]


@pytest.mark.parametrize("address", ["/members/alice/posts/", "/tags/jobs/"])
def test_each_viewer_sees_what_the_audience_allows(
    posts: list[Post], client: Client, as_alice: Client, as_bob: Client, as_charlie: Client, address: str
) -> None:
    assert seen(client, address) == ["PUBLIC"]
    assert seen(as_charlie, address) == ["PUBLIC", "MEMBERS"]
    assert seen(as_bob, address) == seen(as_alice, address) == ["PUBLIC", "MEMBERS", "CONNECTIONS"]


@pytest.mark.parametrize("address", ["/tags/jobs/", "/tags/JOBS/"])
def test_a_tag_has_one_page_however_it_is_written(posts: list[Post], as_bob: Client, address: str) -> None:
    page = page_of(as_bob, address)
    assert page.index("for CONNECTIONS") < page.index("for PUBLIC")
    assert "#jobs" in page


def test_an_unused_tag_has_an_empty_page(as_bob: Client) -> None:
    assert "No posts with this hashtag" in page_of(as_bob, "/tags/nothing/")


def test_what_is_no_tag_has_no_page(as_bob: Client) -> None:
    with all_cases() as case:
        for tag in ["x" * 65, "a-b", "a b", "%00", "a%00b", "<script>", "..", "a.b"]:
            with case(tag), rolled_back():
                assert as_bob.get(f"/tags/{tag}/").status_code in {400, 404}


def test_a_blocked_member_has_no_list_and_is_not_in_tags(
    posts: list[Post], alice: User, charlie: User
) -> None:
    block_member(blocker=alice, blocked=charlie)
    client = client_of(charlie)
    page_of(client, "/members/alice/posts/", 404)
    assert seen(client, "/tags/jobs/") == []


def test_the_list_of_a_member_whose_page_is_not_public_is_closed_to_visitors(
    alice: User, client: Client
) -> None:
    say(alice, audience=PUBLIC)
    page_of(client, "/members/alice/posts/", 404)


@pytest.mark.parametrize(
    "change", [{"suspended_at": "2026-01-01T00:00Z"}, {"is_active": False}, {"joined_at": None}]
)
def test_the_list_of_an_unknown_member_is_a_404(
    posts: list[Post], as_bob: Client, change: dict[str, object]
) -> None:
    User.objects.filter(username="alice").update(**change)
    page_of(as_bob, "/members/alice/posts/", 404)
    assert seen(as_bob, "/tags/jobs/") == []


def test_what_is_no_member_is_a_404(as_bob: Client) -> None:
    with all_cases() as case:
        for name in ["nobody", "x" * 31, "a b", "%00", "alice%00", "..", "<b>"]:
            with case(name), rolled_back():
                assert as_bob.get(f"/members/{name}/posts/").status_code in {400, 404}


def test_the_name_may_be_written_in_any_case(posts: list[Post], as_bob: Client) -> None:
    assert "PUBLIC" in seen(as_bob, "/members/Alice/posts/")


def test_a_member_without_posts_has_an_empty_list(alice: User, as_bob: Client) -> None:
    assert "No posts yet" in page_of(as_bob, "/members/alice/posts/")


def test_the_profile_gets_the_five_newest_as_a_part(alice: User, as_bob: Client) -> None:
    for number in range(6):
        say(alice, f"number {number}.")
    part = page_of(as_bob, "/members/alice/posts/", headers=HTMX)
    assert "<html" not in part
    assert "number 5." in part
    assert "number 1." in part
    assert "number 0." not in part
    assert 'href="/members/alice/posts/"' in part


def test_the_profile_of_a_member_without_posts_shows_no_section(alice: User, as_bob: Client) -> None:
    assert page_of(as_bob, "/members/alice/posts/", headers=HTMX).strip() == ""


def test_reposts_are_in_the_list_of_the_reposting_member(alice: User, bob: User, as_alice: Client) -> None:
    pass_on(say(alice, "Alice's own"), by=bob)
    page = page_of(as_alice, "/members/bob/posts/")
    assert "shared this" in page
    assert "own" in page


def test_more_than_a_page_is_loaded_by_the_cursor(alice: User, as_bob: Client) -> None:
    with all_cases() as case:
        for address in ["/members/alice/posts/", "/tags/jobs/"]:
            with case(address), rolled_back():
                rows = [say(alice, f"number {number}. #jobs") for number in range(21)]
                first = page_of(as_bob, address)
                assert "number 1." in first
                assert "number 0." not in first
                assert f"?page={rows[1].pk}" in first
                for headers in (HTMX, {}):
                    rest = page_of(as_bob, f"{address}?page={rows[1].pk}", headers=headers)
                    assert "number 0." in rest
                    assert "number 1." not in rest
                    assert ("<html" in rest) is not bool(headers)


def test_what_the_viewer_may_not_see_takes_no_room_on_a_page(alice: User, as_charlie: Client) -> None:
    with all_cases() as case:
        for address in ["/members/alice/posts/", "/tags/jobs/"]:
            with case(address), rolled_back():
                for number in range(20):
                    say(alice, f"number {number}. #jobs")
                for number in range(3):
                    say(alice, f"narrow {number} #jobs", audience=CONNECTIONS)
                page = page_of(as_charlie, address)
                assert "number 0." in page
                assert "number 19." in page
                assert "narrow" not in page
                assert 'rel="next"' not in page


def test_what_is_no_cursor_is_a_bad_request(alice: User, as_bob: Client) -> None:
    with all_cases() as case:
        for cursor in ["abc", "-1", "9" * 30, "%00"]:
            for address in ["/members/alice/posts/", "/tags/jobs/"]:
                with case((address, cursor)), rolled_back():
                    page_of(as_bob, f"{address}?page={cursor}", 400)


@pytest.mark.parametrize("address", ["/members/alice/posts/", "/tags/jobs/"])
def test_looking_changes_nothing_and_posting_is_refused(
    posts: list[Post], as_bob: Client, address: str
) -> None:
    before = all_rows()
    page_of(as_bob, address)
    assert as_bob.post(address).status_code == 405
    assert all_rows() == before


def test_the_address_of_a_tag_may_be_typed_in_any_case(alice: User, as_alice: Client) -> None:
    with all_cases() as case:
        for typed in ["İstanbul", "istanbul", "Μαΐου"]:
            with case(typed), rolled_back():
                say(alice, "The #İstanbul meeting in #Μαΐου")
                assert "meeting in" in page_of(
                    as_alice, f"/tags/{quote(unicodedata.normalize('NFC', typed))}/"
                )
