"""Rows of members are cached for all viewers: they show their view alone, as the components show it."""

import re
from typing import Any

import pytest
from django.template import Context, Template
from django.template.loader import get_template
from django.urls import reverse
from django.utils import timezone

from core.database.lru_cache import clear_caches
from network.models import Connection, Member
from network.person_rows import PersonRow, person_row, render_people, render_rows
from network.relations import ConnectionState, Relation, RelationView, build_relation, load_relations
from network.services import follow_member, invite_member
from tests.cases import all_cases
from tests.cast import make_member
from tests.view_changes import find_missed_changes
from users.audience import Audience
from users.models import MemberView, User

MEMBER = MemberView("ann.b-c_d", "Ann & Bob", "photos/a")
RELATION = RelationView("ann.b-c_d", "Ann & Bob", "stranger", 0, is_ignored=False)

COMPONENTS = Template(
    "{% person member=member note=note line=headline %}"
    "{% if relation %}<div class='cluster' data-relation>"
    "{% if relation.status %}<span class='meta'>{{ relation.status }}</span>{% endif %}"
    "{% for action in relation.actions %}{% include 'components/_action_button.html' with "
    "action=action.address target='closest [data-relation]' icon=action.icon label=action.label "
    "aria_label=action.aria_label classes=action.classes only %}{% endfor %}"
    "{% if relation.badge %}"
    "{% include 'components/_badge.html' with label=relation.badge kind='good' only %}{% endif %}"
    "</div>{% endif %}{% endperson %}"
)


def without_blanks(html: str) -> str:
    """The HTML without blanks between tags and attributes, with the attributes of each tag in one order."""

    def in_order(tag: re.Match[str]) -> str:
        name, *attributes = re.findall(r'[^\s"\']+(?:"[^"]*"|\'[^\']*\')?', tag[1])
        return f"<{' '.join([name, *sorted(each.replace(chr(39), chr(34)) for each in attributes)])}>"

    return re.sub(r"\s*(<[^>]*>)\s*", r"\1", re.sub(r"<([^>]*)>", in_order, html)).strip()


def html_of(row: PersonRow) -> str:
    return get_template("network/_person_row.html").render({"row": row})


def relation_views() -> list[RelationView]:
    """One of each kind."""
    open_states = {ConnectionState.INVITATION_SENT, ConnectionState.INVITATION_RECEIVED}
    views = [
        RELATION._replace(state=state.value, invitation=7 if state in open_states else 0)
        for state in ConnectionState
    ]
    return [*views, RELATION._replace(state="invitation_received", invitation=7, is_ignored=True)]


def rows() -> list[PersonRow]:
    """With each relation, and with everything that a row may lack."""
    whole = PersonRow(MEMBER, "Baker <i>", "Lyon", 0, RELATION)
    fields: list[dict[str, Any]] = [
        {"headline": ""},
        {"note": ""},
        {"mutual": 1},
        {"mutual": 12},
        {"relation": None},
        {"member": MEMBER._replace(photo="", name="")},
        {"member": MemberView("", "", "", is_unnamed=True), "headline": "", "relation": None},
    ]
    return [
        *(whole._replace(relation=relation) for relation in relation_views()),
        *(whole._replace(**values) for values in fields),
    ]


def test_a_row_is_what_the_components_show() -> None:
    with all_cases() as case:
        for row in rows():
            values = {"member": row.member, "headline": row.headline, "note": row.words}
            component = COMPONENTS.render(Context({**values, "relation": row.relation}))
            with case(row):
                assert without_blanks(html_of(row)) == without_blanks(component)


def test_each_value_of_a_row_is_in_its_key_and_is_shown() -> None:
    shown = [row for row in rows() if not row.member.is_unnamed]
    apart = [row for row in shown if row.relation is None or row.relation.state != "connected"]
    same_key, same_html = find_missed_changes(apart, html_of, {"state": "connected"})
    assert (same_key, same_html) == (set(), set())


def test_the_addresses_of_the_buttons_are_those_of_their_views() -> None:
    expected = {
        "stranger": [reverse("network:invite", args=["ann.b-c_d"])],
        "invitation_sent": [reverse("network:withdraw", args=[7])],
        "invitation_received": [reverse("network:accept", args=[7]), reverse("network:ignore", args=[7])],
    }
    with all_cases() as case:
        for view in relation_views():
            addresses = [action.address for action in view.actions]
            wanted = expected.get(view.state, [])
            with case(view):
                assert addresses == (wanted[:1] if view.is_ignored else wanted)
    assert MEMBER.get_absolute_url() == reverse("network:member", args=["ann.b-c_d"])


@pytest.mark.django_db
def test_viewers_share_a_row_only_where_it_looks_the_same(alice: User, bob: User, charlie: User) -> None:
    """Alice has a photo and a place for connections; the others stand in every relation to her."""
    User.objects.filter(pk=alice.pk).update(
        photo="photos/a", photo_audience=Audience.CONNECTIONS, location="Lyon", location_audience=Audience.ME
    )
    viewers = [alice, bob, charlie, *(make_member(name) for name in ("asked", "asking", "ignored", "fan"))]
    invite_member(inviter=viewers[3], invitee=alice)
    for inviting in viewers[4:6]:
        invite_member(inviter=alice, invitee=inviting)
    Connection.objects.between(alice.pk, viewers[5].pk).update(ignored_at=timezone.now())
    follow_member(follower=viewers[6], followed=alice)

    def relation_for(viewer: User) -> Relation:
        member = Member.objects.visible_to(viewer).for_display(viewer).get(pk=alice.pk)
        return load_relations(viewer, [member])[0]

    relations = [relation_for(viewer) for viewer in viewers]
    cached = [render_people([relation]) for relation in relations]
    keys: dict[PersonRow, str] = {}
    for relation, html in zip(relations, cached, strict=True):
        clear_caches()
        assert render_people([relation]) == html
        row = person_row(relation.member, note=relation.member.shown_location, relation=relation)
        assert keys.setdefault(row, html) == html
    # Charlie and the follower see the same.
    assert len(keys) == len(set(keys.values())) == len(viewers) - 1
    assert ["photos/a" in html for html in cached] == [True, True, *[False] * 5]
    assert ["Lyon" in html for html in cached] == [True, *[False] * 6]


@pytest.mark.django_db
def test_a_member_whose_page_the_viewer_may_not_see_has_no_name_in_a_row(alice: User) -> None:
    User.objects.filter(pk=alice.pk).update(photo="photos/a", headline="Baker", location="Lyon")
    member = Member.objects.get(pk=alice.pk)  # as a visitor
    html = render_rows([person_row(member, note="Like")])
    assert "A member" in html
    assert "Like" in html
    for hidden in ("alice", "Alice", "photos/a", "Baker", "Lyon", "<a "):
        assert hidden not in html


@pytest.mark.django_db
def test_a_connection_is_no_part_of_the_row_of_a_connection(alice: User, bob: User) -> None:
    pair = Connection.objects.between(alice.pk, bob.pk).get()
    relation = build_relation(alice, Member.objects.get(pk=bob.pk), pair).cache_key()
    assert (relation.state, relation.invitation, relation.is_ignored) == ("connected", 0, False)
