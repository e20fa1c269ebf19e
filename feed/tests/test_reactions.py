"""The page of a post's reactions."""

from django.test import Client
from django.utils import timezone

from feed.models import Reaction
from network.services import block_member
from tests.cases import all_cases, rolled_back
from tests.cast import make_member
from users.audience import Audience
from users.models import User

from .factories import all_rows, page_of, react, say


def test_it_lists_members_and_their_reactions_newest_first(
    alice: User, bob: User, charlie: User, as_alice: Client
) -> None:
    post = say(alice)
    react(post, bob, Reaction.Kind.CURIOUS)
    react(post, charlie, Reaction.Kind.CELEBRATE)
    page = page_of(as_alice, f"/posts/{post.pk}/reactions/")
    assert page.index("/members/charlie/") < page.index("/members/bob/")
    assert "Curious" in page
    assert "Celebrate" in page


def test_without_reactions_the_page_is_empty(alice: User, as_alice: Client) -> None:
    assert "No reactions yet" in page_of(as_alice, f"/posts/{say(alice).pk}/reactions/")


def test_members_not_available_to_the_viewer_are_left_out(alice: User, bob: User, as_alice: Client) -> None:
    post = say(alice)
    for name in ("blocked", "blocking", "suspended", "fine"):
        react(post, make_member(name))
    block_member(blocker=alice, blocked=User.objects.get(username="blocked"))
    block_member(blocker=User.objects.get(username="blocking"), blocked=alice)
    User.objects.filter(username="suspended").update(suspended_at=timezone.now())
    page = page_of(as_alice, f"/posts/{post.pk}/reactions/")
    assert "/members/fine/" in page
    for name in ("blocked", "blocking", "suspended"):
        assert f"/members/{name}/" not in page


def test_a_page_has_fifty_and_the_rest_follows(alice: User, as_alice: Client) -> None:
    post = say(alice)
    people = [make_member(f"m{number}") for number in range(51)]
    Reaction.objects.bulk_create(Reaction(post=post, member=member, kind="like") for member in people)
    address = f"/posts/{post.pk}/reactions/"
    first = page_of(as_alice, address)
    cursor = Reaction.objects.get(member=people[1]).pk
    assert f"?page={cursor}" in first
    assert "/members/m1/" in first
    assert "/members/m0/" not in first
    second = page_of(as_alice, f"{address}?page={cursor}")
    assert "/members/m0/" in second
    assert "/members/m1/" not in second


def test_what_is_no_cursor_is_a_bad_request(alice: User, as_alice: Client) -> None:
    with all_cases() as case:
        for cursor in ["abc", "-1", "9" * 30, "%00", "1%27"]:
            with case(cursor), rolled_back():
                page_of(as_alice, f"/posts/{say(alice).pk}/reactions/?page={cursor}", 400)


def test_visitors_see_it_where_they_see_the_post(alice: User, bob: User, client: Client) -> None:
    for audience, status in ((Audience.PUBLIC, 200), (Audience.MEMBERS, 404)):
        post = say(alice, audience=audience)
        react(post, bob)
        page_of(client, f"/posts/{post.pk}/reactions/", status)


def test_a_member_who_may_not_read_the_post_gets_404(alice: User, as_charlie: Client) -> None:
    page_of(as_charlie, f"/posts/{say(alice, audience=Audience.CONNECTIONS).pk}/reactions/", 404)


def test_looking_changes_nothing_and_posting_is_refused(alice: User, as_alice: Client) -> None:
    post = say(alice)
    before = all_rows()
    page_of(as_alice, f"/posts/{post.pk}/reactions/")
    assert as_alice.post(f"/posts/{post.pk}/reactions/").status_code == 405
    assert all_rows() == before
