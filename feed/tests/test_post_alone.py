"""Each service changes only the rows of its post, where the same members wrote, answered and saved other posts."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from feed import services
from feed.models import Comment, Post, Reaction, SavedPost
from tests.cases import all_cases, rolled_back
from users.audience import Audience
from users.models import User

from .factories import all_rows, answer, pass_on, react, say

NAMES = ("before", "post", "after")


@dataclass
class World:
    """Three posts of Alice, each edited, answered, reacted to, saved and passed on by the same members."""

    posts: dict[str, Post]
    alice: User
    bob: User
    charlie: User

    @property
    def post(self) -> Post:
        return self.posts["post"]

    def comment(self, name: str) -> Comment:
        return Comment.objects.get(text=f"post {name}")

    @property
    def plain(self) -> Post:
        return Post.objects.get(original=self.post, text="")


@pytest.fixture
def world(alice: User, bob: User, charlie: User) -> World:
    posts = {}
    for name in NAMES:
        post = posts[name] = say(alice, f"{name} #{name}")
        services.edit_post(post=post, text=f"{name} again #{name}", audience=Audience.MEMBERS)
        top = answer(post, bob, f"{name} top")
        answer(post, charlie, f"{name} reply", parent=top)
        answer(post, bob, f"{name} lonely")
        emptied = answer(post, bob, f"{name} emptied")
        answer(post, charlie, f"{name} last", parent=emptied)
        services.delete_comment(comment=emptied)
        for member in (alice, bob):
            react(post, member)
            services.save_post(post=post, member=member)
        # As a database of former days has it: today the original is saved.
        SavedPost.objects.create(post=pass_on(post, by=charlie), member=bob)
        SavedPost.objects.create(post=pass_on(post, by=bob, text=f"{name} quote"), member=bob)
    return World({name: Post.objects.get(pk=post.pk) for name, post in posts.items()}, alice, bob, charlie)


Rows = dict[tuple[str, int], dict[str, Any]]


def rows() -> Rows:
    return {(model, row["id"]): row for model, found in all_rows().items() for row in found}


def changes(world: World, act: Callable[[World], object]) -> list[str]:
    """Describe the rows that `act` adds (+), deletes (-) and changes (~)."""
    before = rows()
    act(world)
    after = rows()
    people = {member.pk: member.username for member in (world.alice, world.bob, world.charlie)}
    names = {post.pk: name for name, post in world.posts.items()}

    def described(key: tuple[str, int]) -> str:
        row = before.get(key) or after[key]
        post = row["id"] if key[0] == "Post" else row.get("post_id")
        whose = people.get(row.get("member_id") or row.get("author_id") or 0, "")
        words = row.get("text") or row.get("name") or whose
        sign = "+" if key not in before else "-" if key not in after else "~"
        return " ".join(filter(None, [sign + key[0], names.get(post or 0, ""), words]))

    return sorted(described(key) for key in {*before, *after} if before.get(key) != after.get(key))


ACTS: dict[str, tuple[Callable[[World], object], list[str]]] = {
    "edit": (
        lambda world: services.edit_post(post=world.post, text="Other #after", audience=Audience.MEMBERS),
        [
            "+PostRevision post post again #post",
            "+PostTag post",
            "-PostTag post",
            "~Post post post again #post",
        ],
    ),
    "narrow": (
        lambda world: services.edit_post(
            post=world.post, text="post again #post", audience=Audience.CONNECTIONS
        ),
        ["~Post post post again #post"],
    ),
    "pass on": (
        lambda world: pass_on(world.post, by=world.bob),
        ["+Post bob", "~Post post post again #post"],
    ),
    "delete the repost": (
        lambda world: services.delete_post(post=world.plain),
        ["-Post charlie", "-SavedPost bob", "~Post post post again #post"],
    ),
    "react": (
        lambda world: react(world.post, world.charlie),
        ["+Reaction post charlie", "~Post post post again #post"],
    ),
    "react otherwise": (
        lambda world: react(world.post, world.bob, Reaction.Kind.SUPPORT),
        ["~Post post post again #post", "~Reaction post bob"],
    ),
    "react the same": (lambda world: react(world.post, world.bob), []),
    "take back": (
        lambda world: services.take_back_reaction(post=world.post, member=world.bob),
        ["-Reaction post bob", "~Post post post again #post"],
    ),
    "take back nothing": (
        lambda world: services.take_back_reaction(post=world.post, member=world.charlie),
        [],
    ),
    "save": (
        lambda world: services.save_post(post=world.plain, member=world.charlie),
        ["+SavedPost post charlie"],
    ),
    "unsave": (
        lambda world: services.unsave_post(post=world.plain, member=world.bob),
        ["-SavedPost bob", "-SavedPost post bob"],
    ),
    "comment": (
        lambda world: answer(world.plain, world.alice, "New"),
        ["+Comment post New", "~Post post post again #post"],
    ),
    "reply": (
        lambda world: answer(world.post, world.alice, "New", parent=world.comment("reply")),
        ["+Comment post New", "~Comment post post top", "~Post post post again #post"],
    ),
    "edit a comment": (
        lambda world: services.edit_comment(comment=world.comment("lonely"), text="Other"),
        ["~Comment post post lonely"],
    ),
    "delete a comment": (
        lambda world: services.delete_comment(comment=world.comment("lonely")),
        ["-Comment post post lonely", "~Post post post again #post"],
    ),
    "delete a comment with replies": (
        lambda world: services.delete_comment(comment=world.comment("top")),
        ["~Comment post post top", "~Post post post again #post"],
    ),
    "delete a reply": (
        lambda world: services.delete_comment(comment=world.comment("reply")),
        ["-Comment post post reply", "~Comment post post top", "~Post post post again #post"],
    ),
    "delete the last reply of a deleted comment": (
        lambda world: services.delete_comment(comment=world.comment("last")),
        ["-Comment post bob", "-Comment post post last", "~Post post post again #post"],
    ),
}


def test_a_service_changes_the_rows_of_its_post_and_no_others(world: World) -> None:
    with all_cases() as case:
        for name, (act, expected) in ACTS.items():
            with case(name), rolled_back():
                assert changes(world, act) == expected


def test_with_a_post_go_its_own_rows_alone(world: World) -> None:
    changed = changes(world, lambda world: services.delete_post(post=world.post))
    # The plain repost goes, and the quote stays without its original.
    assert [line for line in changed if " post" not in line] == ["-Post charlie", "-SavedPost bob"]
    assert [line for line in changed if line[0] != "-"] == ["~Post post quote"]
    assert len(changed) == 15


def test_a_post_is_answered_by_others_who_answer_this_one(world: World, alice: User, bob: User) -> None:
    answers: dict[str, Callable[[Post, User], object]] = {
        "comment": answer,
        "reaction": react,
        "repost": lambda post, member: pass_on(post, by=member),
    }
    post = say(alice, "Not answered")
    assert not services.is_answered(post)
    with all_cases() as case:
        for name, act in answers.items():
            with case(name), rolled_back():
                act(post, alice)
                assert not services.is_answered(post)
                act(post, bob)
                assert services.is_answered(post)
                if name == "comment":
                    services.delete_comment(comment=Comment.objects.get(post=post, author=bob))
                    assert not services.is_answered(post)
