"""Which members exist for a viewer, and their closeness."""

from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser
from django.db.models import Exists, OuterRef
from django.utils import timezone

from network.models import Block, Connection, Follow, Member, available_to, connected_with
from network.relations import load_relation, load_relations
from network.services import block_member, follow_member, invite_member
from tests.cases import all_cases, rolled_back
from tests.cast import connect, make_member
from users.audience import Audience, Closeness
from users.models import User

pytestmark = [pytest.mark.both, pytest.mark.django_db]


def sees(viewer: User | AnonymousUser, member: User) -> bool:
    return Member.objects.visible_to(viewer).filter(pk=member.pk).exists()


def closeness(viewer: User | AnonymousUser, member: User) -> int:
    return Member.objects.for_display(viewer).get(pk=member.pk).closeness


def test_members_see_each_other(alice: User) -> None:
    with all_cases() as case:
        for page_audience in [Audience.PUBLIC, Audience.MEMBERS]:
            with case(page_audience), rolled_back():
                other = make_member("other", page_audience=page_audience)
                assert sees(alice, other)
                assert sees(other, other)


def test_visitors_see_only_those_whose_page_is_public() -> None:
    assert sees(AnonymousUser(), make_member("open", page_audience=Audience.PUBLIC))
    assert not sees(AnonymousUser(), make_member("closed"))


@pytest.mark.parametrize(
    "values",
    [{"joined_at": None}, {"is_active": False}, {"suspended_at": timezone.now()}],
    ids=["new", "off", "out"],
)
def test_unconfirmed_and_former_members_exist_for_no_viewer(alice: User, values: dict[str, Any]) -> None:
    other = make_member("other", page_audience=Audience.PUBLIC, **values)
    assert not sees(alice, other)
    assert not sees(AnonymousUser(), other)


def test_a_block_hides_both_members_from_each_other_only(alice: User, bob: User, charlie: User) -> None:
    block_member(blocker=alice, blocked=bob)
    assert (sees(alice, bob), sees(bob, alice)) == (False, False)
    assert (sees(charlie, alice), sees(charlie, bob)) == (True, True)
    User.objects.update(page_audience=Audience.PUBLIC)
    assert (sees(AnonymousUser(), alice), sees(AnonymousUser(), bob)) == (True, True)


def test_existence_can_be_asked_of_a_row_that_leads_to_a_member(
    alice: User, bob: User, charlie: User
) -> None:
    connect(alice, charlie)
    connect(bob, charlie)
    block_member(blocker=alice, blocked=bob)
    pairs = Connection.objects.of_member(charlie.pk)
    seen = pairs.filter(available_to(alice, "low"), available_to(alice, "high"))
    assert [row.other_id_for(charlie) for row in seen] == [alice.pk]
    assert pairs.count() == 2


def test_closeness_is_that_of_the_pair(alice: User, bob: User, charlie: User) -> None:
    assert closeness(alice, alice) == Closeness.SELF
    assert closeness(alice, bob) == closeness(bob, alice) == Closeness.CONNECTION
    assert closeness(alice, charlie) == Closeness.MEMBER
    assert closeness(AnonymousUser(), alice) == Closeness.VISITOR


def test_an_invitation_or_a_follow_does_not_change_closeness(alice: User, charlie: User) -> None:
    invite_member(inviter=alice, invitee=charlie)
    follow_member(follower=charlie, followed=alice)
    assert closeness(alice, charlie) == closeness(charlie, alice) == Closeness.MEMBER


STATES = {(0, 1): "invitation_sent", (1, 0): "invitation_received"}


def test_connections_are_those_of_the_pair_whoever_else_is_connected(db: None) -> None:
    """Every viewer and every member, where each has other connections on either side of the ids."""
    people = [make_member(f"person{number}") for number in range(5)]
    edges = {(0, 2), (2, 4), (1, 3)}
    for one, other in edges:
        connect(people[one], people[other])
    invite_member(inviter=people[0], invitee=people[1])
    follow_member(follower=people[3], followed=people[2])
    for number, viewer in enumerate(people):
        others = {high if number == low else low for low, high in edges if number in {low, high}}
        expected = {people[other].username for other in others}
        near = Member.objects.for_display(viewer).filter(**{"closeness": Closeness.CONNECTION})  # noqa: PIE804 -- added by the query
        of_viewer = Member.objects.filter(connected_with(viewer))
        row = Member.objects.filter(connected_with(OuterRef(OuterRef("pk"))), pk=viewer.pk)
        by_rows = Member.objects.filter(Exists(row))
        # The member behind a column of the row, not the row itself.
        behind = Follow.objects.filter(connected_with(viewer, "followed")).values_list("followed", flat=True)
        found = [set(rows.values_list("username", flat=True)) for rows in (near, of_viewer, by_rows)]
        assert found == [expected] * 3, number
        assert list(behind) == ([people[2].pk] if 2 in others else []), number
        states = [STATES.get((number, other), "stranger") for other in range(5)]
        relations = load_relations(viewer, Member.objects.order_by("pk"))
        assert [relation.state.value for relation in relations] == [
            "self" if other == number else "connected" if other in others else states[other]
            for other in range(5)
        ], number
        alone = [load_relation(viewer, relation.member) for relation in relations]
        assert [relation.state for relation in alone] == [relation.state for relation in relations], number
        assert [relation.following for relation in alone] == [
            (number, other) == (3, 2) for other in range(5)
        ], number


def test_a_member_fetched_without_a_viewer_has_the_closeness_of_a_visitor(alice: User) -> None:
    assert Member.objects.get(pk=alice.pk).closeness == Closeness.VISITOR


def test_names_are_found_by_the_beginnings_of_their_words(alice: User) -> None:
    cases = [
        ("ali", {"alice", "ada"}),
        ("alice", {"alice"}),
        ("alvarez", {"alice"}),
        ("alice alv", {"alice"}),
        ("alv ali", {"alice"}),
        ("lice", set()),
        ("varez", set()),
        ("a_a", {"alice", "ada"}),
        ("%", set()),
        ("_", set()),
        ("\\", set()),
        ("'", set()),
        ("o'br", {"bri"}),
        ("", {"alice", "ada", "bri"}),
        ("bri", {"bri"}),
        ("a b c d e f g h", set()),
    ]
    with all_cases() as case:
        for words, found in cases:
            with case(words), rolled_back():
                make_member("ada", name="Ada Alison")
                make_member("bri", name="Brian O'Brien")
                assert set(Member.objects.named(words).values_list("username", flat=True)) == found


def test_lists_of_pairs_name_the_other_end(alice: User, bob: User, charlie: User) -> None:
    connect(charlie, alice)
    assert set(Connection.objects.other_ends(alice.pk)) == {bob.pk, charlie.pk}
    assert set(Member.objects.connected_to(alice.pk)) == {Member(pk=bob.pk), Member(pk=charlie.pk)}
    row = Connection.objects.between(alice.pk, charlie.pk).get()
    assert (row.other_id_for(alice), row.other_id_for(charlie)) == (charlie.pk, alice.pk)
    assert Connection.objects.between(charlie.pk, alice.pk).get() == row
    assert str(row).endswith("connected")


def test_rows_are_described_in_the_admin() -> None:
    assert str(Follow(follower_id=1, followed_id=2)) == "1 follows 2"
    assert str(Block(blocker_id=1, blocked_id=2)) == "1 blocks 2"
