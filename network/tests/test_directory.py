"""The directory: each member once, ordered by name, found by the beginning of a word of the name."""

from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from network.services import block_member
from tests.cases import all_cases, rolled_back
from tests.cast import client_of, make_member
from users.models import User

from .helpers import HTMX, usernames_in

pytestmark = [pytest.mark.both, pytest.mark.django_db]

MEMBERS = "/members/"


@pytest.fixture
def sixty(db: None) -> list[User]:
    """Sixty members: equal names, accents, other scripts."""
    given = ["Zoë", "zoe", "Émile", "emile", "李雷", "علی", "O'Brien", "Ann", "Anna", "Ødegård"]
    return [make_member(f"member{number:02}", name=given[number % len(given)]) for number in range(60)]


def all_pages(client: Client, **query: str) -> list[list[str]]:
    pages, cursor = [], ""
    for _page in range(20):
        response = client.get(MEMBERS, {**query, **({"page": cursor} if cursor else {})})
        assert response.status_code == 200
        pages.append(usernames_in(response))
        cursor = response.context["next"]
        if not cursor:
            return pages
    raise AssertionError("the pages go round in a circle")


def test_everybody_comes_once_and_in_order(sixty: list[User]) -> None:
    pages = all_pages(client_of(sixty[0]))
    listed = [name for page in pages for name in page]
    assert listed == list(User.objects.order_by("sort_name", "pk").values_list("username", flat=True))
    assert [len(page) for page in pages] == [24, 24, 12]


def test_the_pages_of_a_search_keep_the_words(sixty: list[User]) -> None:
    User.objects.update(name="Same Name", sort_name="same name")
    client = client_of(sixty[0])
    assert sum(len(page) for page in all_pages(client, q="same")) == 60
    page = client.get(MEMBERS, {"q": "same & more=1"}).content.decode()
    assert 'value="same &amp; more=1"' in page
    following = client.get(MEMBERS, {"q": "same"}).content.decode()
    assert (
        "q=same"
        in following.split('rel="next"')[0].rsplit("<a", 1)[1] + following.split("data-pager")[1][:400]
    )


@pytest.mark.parametrize(
    ("words", "count"),
    [
        ("zoe", 12),
        ("ZOË", 12),
        ("emi", 12),
        ("an", 12),
        ("anna", 6),
        ("O'Br", 6),
        ("李", 6),
        ("علی", 6),
        ("xyz", 0),
    ],
)
def test_names_are_found_by_their_beginning(sixty: list[User], words: str, count: int) -> None:
    assert sum(len(page) for page in all_pages(client_of(sixty[0]), q=words)) == count


FOUND = {
    "Łukasz Żak": ["Lukasz", "łukasz", "zak lukasz"],
    "Søren Bo": ["Soren", "SØREN"],
    "Pat O'Brien": ["O’Brien", "o'brien", "Brien", "obri"[:1]],
    "Anne-Marie Roy": ["Marie", "anne-marie", "anne–marie roy"],
    "J.R.R. Tolkien": ["J.R.R.", "j r tolk"],
    "Guðrún Ægisdóttir": ["gudrun", "aegis"],
    "Đorđe Ilić": ["dorde", "ilic"],
    "Алёна Попова": ["алена", "Алёна"],
    "Γιώργος Θ.": ["γιωργος", "ΓΙΏΡΓΟΣ"],
    "مُحَمَّد علي": ["محمد", "علی"],
    "שָׁלוֹם כהן": ["שלום"],
    "Ｙａｍａｄａ　Ｔａｒｏ": ["taro", "yamada"],
    "Işık Gül": ["isik", "IŞIK"],
}


def test_names_are_found_however_their_letters_are_typed(as_alice: Client) -> None:
    users = {make_member(f"m{number}", name=name).username: name for number, name in enumerate(FOUND)}
    missed = [
        (name, words)
        for name, typed in FOUND.items()
        for words in typed
        if name not in [users.get(found) for found in usernames_in(as_alice.get(MEMBERS, {"q": words}))]
    ]
    assert missed == []


def test_letters_with_a_stroke_sort_with_their_base_letter(as_alice: Client, alice: User) -> None:
    listed = [
        "Ana",
        "Ægir",
        "Bo",
        "Dan",
        "Đani",
        "Dob",
        "Lot",
        "Łucja",
        "Lyon",
        "Olga",
        "Øystein",
        "Oz",
        "Zoe",
    ]
    for number, name in enumerate(reversed(listed)):
        make_member(f"m{number}", name=name)
    people = as_alice.get(MEMBERS).context["people"]
    shown = [relation.member.name for relation in people if relation.member.username.startswith("m")]
    assert shown == ["Ægir", "Ana", *listed[2:]]


def test_a_part_of_a_username_is_found(as_alice: Client) -> None:
    make_member("jan.kowalski-b_2", name="JK")
    for words in ("kowal", "jan.kowalski", "jan kowalski", "b_2", "2"):
        assert usernames_in(as_alice.get(MEMBERS, {"q": words})) == ["jan.kowalski-b_2"], words
    assert usernames_in(as_alice.get(MEMBERS, {"q": "owal"})) == []


def test_usernames_are_found_too(sixty: list[User]) -> None:
    assert all_pages(client_of(sixty[0]), q="member07") == [["member07"]]
    assert all_pages(client_of(sixty[0]), q="MEMBER07") == [["member07"]]


def test_signs_are_only_signs(as_alice: Client) -> None:
    with all_cases() as case:
        for words in ["%", "_", "\\", "'; drop table", "<script>alert(1)</script>", "* | & !", "🎉"]:
            with case(words), rolled_back():
                response = as_alice.get(MEMBERS, {"q": words})
                assert response.status_code == 200
                assert usernames_in(response) == []
                assert "<script>alert" not in response.content.decode()


def test_bad_words_are_refused_at_the_field_and_kept(as_alice: Client) -> None:
    with all_cases() as case:
        for words in ["x" * 81, "x" * 5000, "a\u200bb", "\u202eab"]:
            with case(words), rolled_back():
                response = as_alice.get(MEMBERS, {"q": words})
                assert response.status_code == 422
                assert list(response.context["form"].errors) == ["q"]
                assert words in response.content.decode()


def test_no_words_list_everybody(as_alice: Client, charlie: User) -> None:
    with all_cases() as case:
        for words in ["", "   ", "\t"]:
            with case(words), rolled_back():
                assert usernames_in(as_alice.get(MEMBERS, {"q": words})) == ["alice", "charlie"]


def test_a_bad_cursor_is_a_bad_request(as_alice: Client) -> None:
    with all_cases() as case:
        for page in ["abc", "1", "-1", "9" * 30, "W10", "%", "' or 1=1", "ä", "\u0000"[:0] + "null"]:
            with case(page), rolled_back():
                assert as_alice.get(MEMBERS, {"page": page}).status_code == 400


def test_a_nul_is_a_bad_request(as_alice: Client) -> None:
    with all_cases() as case:
        for query in ["page=%00", "q=%00", "q=a%00b"]:
            with case(query), rolled_back():
                assert as_alice.get(f"{MEMBERS}?{query}").status_code == 400


def test_who_does_not_exist_is_not_listed(as_alice: Client, alice: User, charlie: User, mona: User) -> None:
    make_member("unconfirmed", joined_at=None)
    make_member("suspended", suspended_at=timezone.now())
    make_member("off", is_active=False)
    block_member(blocker=alice, blocked=charlie)
    block_member(blocker=mona, blocked=alice)
    assert usernames_in(as_alice.get(MEMBERS)) == ["alice"]


def test_a_visitor_is_asked_to_sign_in(client: Client, alice: User) -> None:
    assert client.get(MEMBERS)["Location"] == "/accounts/login/?next=/members/"


def test_it_is_for_looking(as_alice: Client) -> None:
    with all_cases() as case:
        for method in ["post", "put", "delete"]:
            with case(method), rolled_back():
                assert getattr(as_alice, method)(MEMBERS).status_code == 405


def test_htmx_is_answered_with_the_rows_alone(sixty: list[User]) -> None:
    client = client_of(sixty[0])
    response = client.get(MEMBERS, {"q": "zoe"}, headers=HTMX)
    text = response.content.decode()
    assert "<html" not in text
    assert text.count('class="person"') == 12


def test_a_new_member_is_found_under_the_new_name(as_alice: Client, alice: User) -> None:
    as_alice.post("/settings/profile/", {"name": "Zelda Zorn"})
    assert usernames_in(as_alice.get(MEMBERS, {"q": "zor"})) == ["alice"]
    assert usernames_in(as_alice.get(MEMBERS, {"q": "alv"})) == []


def test_each_row_offers_what_fits(as_alice: Client, alice: User, bob: User, charlie: User) -> None:
    states: dict[str, Any] = {
        relation.member.username: relation.state.value for relation in as_alice.get(MEMBERS).context["people"]
    }
    assert states == {"alice": "self", "bob": "connected", "charlie": "stranger"}
