"""How PostgreSQL finds the home feed: from the index of each followed author, never through all posts."""

import pytest
from django.db import connection

from core.database.pagination import MAX_ID
from feed import timeline
from feed.models import Post, PostTag, Tag
from feed.queries.post_lists import tagged_query
from network.models import Connection, Follow
from tests.cases import all_cases, rolled_back
from tests.plans import Node, nodes, plan
from users.audience import Audience
from users.models import User

# Planned for the values, and planned once for all: PostgreSQL goes over to the latter for statements that run often.
MODES = ("force_custom_plan", "force_generic_plan")
MEMBERS, POSTS, FRIENDS, FOLLOWED = 20, 8000, 8, 4
LIMIT = timeline.PAGE_SIZE + 1
# As long as people write: in a table of short rows the planner rightly reads a few pages whole.
WORDS = "words " * 150


@pytest.fixture
def crowd(alice: User) -> list[User]:
    """Alice among many members who all post, with a few connections and followed members."""
    crowd = User.objects.bulk_create(
        User(username=f"m{number}", email=f"m{number}@example.org", joined_at=alice.joined_at)
        for number in range(MEMBERS)
    )
    Connection.objects.bulk_create(
        Connection(low=alice, high=friend, inviter=alice, state=Connection.State.CONNECTED)
        for friend in crowd[:FRIENDS]
    )
    Follow.objects.bulk_create(
        Follow(follower=alice, followed=followed) for followed in crowd[FRIENDS : FRIENDS + FOLLOWED]
    )
    everybody = [alice, *crowd]
    Post.objects.bulk_create(
        Post(author=everybody[number % len(everybody)], text=WORDS, audience=number % 3)
        for number in range(POSTS)
    )
    with connection.cursor() as query:
        query.execute("ANALYZE")
    return crowd


def plan_of_page(member: User, before: int = MAX_ID) -> Node:
    statement = timeline.compile_newest_ids(connection.vendor, LIMIT)
    with connection.cursor() as query:
        query.execute(f"PREPARE asked AS {statement.sql}", statement.numbered_parameters())
        top = plan("EXECUTE asked (%s, %s)", [member.pk, before])
        query.execute("DEALLOCATE asked")
    return top


def on_posts(top: Node) -> list[Node]:
    return [node for node in nodes(top) if node.get("Relation Name") == "feed_post"]


def reads_the_index_and_never_all_posts(alice: User, crowd: list[User]) -> None:
    for before in (MAX_ID, Post.objects.order_by("pk")[POSTS // 2].pk):
        scans = on_posts(plan_of_page(alice, before))
        assert scans
        assert {node["Node Type"] for node in scans} <= {"Index Scan", "Index Only Scan"}
        assert {node["Index Name"] for node in scans} == {"feed_post_of_author"}


def reads_no_more_than_a_page_of_each_author_and_sorts_only_these(alice: User, crowd: list[User]) -> None:
    top = plan_of_page(alice)
    most = (1 + FRIENDS + FOLLOWED) * LIMIT
    read = sum(node["Actual Rows"] * node["Actual Loops"] for node in on_posts(top))
    assert 0 < read <= most
    sorted_rows = [
        child["Actual Rows"] * child["Actual Loops"]
        for node in nodes(top)
        if node["Node Type"] == "Sort"
        for child in node["Plans"]
    ]
    assert max(sorted_rows, default=0) <= most < POSTS


def skips_silent_authors_where_few_write_everything(alice: User, crowd: list[User]) -> None:
    loud = crowd[-3:]
    Post.objects.filter(author__in=[alice, *crowd[: FRIENDS + FOLLOWED]]).delete()
    Post.objects.bulk_create(Post(author=loud[number % 3], text=WORDS) for number in range(POSTS))
    with connection.cursor() as query:
        query.execute("ANALYZE feed_post")
    scans = on_posts(plan_of_page(alice))
    assert {node["Index Name"] for node in scans} == {"feed_post_of_author"}
    assert not any(node.get("Rows Removed by Filter") for node in scans)


def finds_what_the_naive_query_finds(alice: User, crowd: list[User]) -> None:
    circle = [alice.pk, *(friend.pk for friend in crowd[: FRIENDS + FOLLOWED])]
    near = [alice.pk, *(friend.pk for friend in crowd[:FRIENDS])]
    expected = [
        pk
        for pk, author, audience in Post.objects.order_by("-pk").values_list("pk", "author", "audience")
        if author in circle and (audience <= Audience.MEMBERS or author in near)
    ][:LIMIT]
    found = timeline.compile_newest_ids(connection.vendor, LIMIT).fetch(viewer=alice.pk, before=MAX_ID)
    assert [pk for (pk,) in found] == expected


def lists_a_frequent_tag_from_the_end_of_its_index(alice: User, crowd: list[User]) -> None:
    tag = Tag.objects.create(name="frequent")
    PostTag.objects.bulk_create(PostTag(tag=tag, post=post) for post in Post.objects.all()[::2])
    with connection.cursor() as query:
        query.execute("ANALYZE feed_posttag")
    sql, values = tagged_query(alice.pk, "frequent", MAX_ID).query.sql_with_params()
    assert (
        sum(node["Actual Rows"] * node["Actual Loops"] for node in on_posts(plan(sql, values))) <= 2 * LIMIT
    )


# The last one changes how full the table is, which no rollback takes back.
CHECKS = (
    reads_the_index_and_never_all_posts,
    reads_no_more_than_a_page_of_each_author_and_sorts_only_these,
    finds_what_the_naive_query_finds,
    lists_a_frequent_tag_from_the_end_of_its_index,
    skips_silent_authors_where_few_write_everything,
)


@pytest.mark.postgres_only
def test_the_feed_is_found_in_the_index_of_each_author(alice: User, crowd: list[User]) -> None:
    with all_cases() as case:
        for check in CHECKS:
            for mode in MODES:
                with case(f"{check.__name__}, {mode}"), rolled_back():
                    with connection.cursor() as query:
                        query.execute(f"SET LOCAL plan_cache_mode = {mode}")
                    check(alice, crowd)
