"""The table of tests.authorization against what the product really answers, and against the addresses it really has."""

from collections.abc import Iterator
from dataclasses import dataclass
from http.cookies import SimpleCookie
from itertools import product

import pytest
from django.contrib import admin
from django.core.cache import cache
from django.http import HttpResponseBase
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from users.audience import Audience
from users.models import User

from .authorization import FORMS, TABLE, VISITORS
from .authorization_objects import AuthorizationObjects, create_objects
from .cases import all_cases, rolled_back
from .cast import client_of, make_member

pytestmark = pytest.mark.django_db

SIGN_IN = "/accounts/login/"
METHODS = ("GET", "POST")
SIGNED_IN = set(VISITORS) - {"anonymous", "suspended"}
# What is the same for everybody, and may be kept.
OF_NOBODY = {"media", "security_txt", "robots_txt", "favicon"}


@dataclass(frozen=True)
class Line:
    """One line of the table."""

    name: str
    address: str
    method: str
    expected: tuple[str, ...]


def lines() -> Iterator[Line]:
    """The table, line by line."""
    name = address = ""
    for text in TABLE.strip().splitlines():
        words = text.split()
        if words and not words[0].startswith("#"):
            expected = tuple(words[-len(VISITORS) :])
            *pattern, method = words[: -len(VISITORS)]
            if len(pattern) == 2:
                name = pattern[0]
            address = pattern[-1] if pattern else address
            yield Line(name, address, method, expected)


def patterns(resolver: URLResolver, prefix: str = "") -> Iterator[str]:
    """The names of all patterns, namespaces included; one without a name is called by what it matches."""
    for pattern in resolver.url_patterns:
        if isinstance(pattern, URLPattern):
            yield prefix + (pattern.name or f"nameless {pattern.pattern}")
        else:
            inner = f"{pattern.namespace}:" if pattern.namespace else ""
            yield from patterns(pattern, prefix + inner)


@pytest.fixture
def world(alice: User, mona: User) -> AuthorizationObjects:
    cache.clear()
    return create_objects(alice, mona)


def describe_response(response: HttpResponseBase, address: str) -> str:
    """The answer in the words of the table."""
    location = response.headers.get("Location", "")
    if response.status_code == 302 and location.startswith(f"{SIGN_IN}?next={address}"):
        return "in"
    return str(response.status_code)


def ask(world: AuthorizationObjects, line: Line, cookies: SimpleCookie) -> HttpResponseBase:
    """What a browser with these cookies is answered. Nothing of it stays, no cookie either."""
    address = line.address.format(**world.words)
    client = Client()
    client.cookies.update(cookies)
    with rolled_back():
        form = {key: value.format(**world.words) for key, value in FORMS.get(line.name, {}).items()}
        response = client.get(address) if line.method == "GET" else client.post(address, form)
        b"".join(response)  # a file is closed once it is read
    return response


def kept_by_a_cache(response: HttpResponseBase) -> bool:
    """Whether the answer is shown again without asking; a private picture may be kept, and is asked about."""
    rules = set(response.headers.get("Cache-Control", "").split(", "))
    is_picture = response.headers["Content-Type"].startswith("image/")
    return not ("no-store" in rules or (is_picture and {"private", "no-cache"} <= rules))


@pytest.mark.parametrize("visitor", VISITORS)
def test_a_visitor_is_answered_as_the_table_says_and_no_page_of_a_member_is_kept(
    world: AuthorizationObjects, visitor: str
) -> None:
    """Every line of the table in one world.

    Whatever a page is and whoever wrote its view, no cache keeps what a member was shown; public uploads and what
    programs ask for are nobody's.
    """
    cookies = world.client(visitor).cookies
    with all_cases() as case:
        for line in lines():
            with case(f"{line.method} {line.name} {line.address}"):
                expected = line.expected[VISITORS.index(visitor)]
                response = ask(world, line, cookies)
                found = describe_response(response, line.address.format(**world.words))
                assert found in ({"200", "503"} if expected == "up" else {expected})
                is_of_a_member = visitor in SIGNED_IN and line.method == "GET" and line.name not in OF_NOBODY
                assert not (is_of_a_member and found == "200" and kept_by_a_cache(response))


def test_the_table_knows_every_address_of_the_product() -> None:
    """A pattern that nobody has thought about is missing here, and must not be in the product either."""
    known = {line.name for line in lines()}
    there = {name for name in patterns(get_resolver()) if not name.startswith("admin:")}
    assert known == there


def test_the_table_has_every_method_of_every_address() -> None:
    asked = {(line.address, line.method) for line in lines()}
    assert asked == {(address, method) for address, _method in asked for method in METHODS}


def admin_addresses() -> list[str]:
    """All pages of the admin but its door, with 1 for the row that they ask for."""
    _prefix, resolver = get_resolver().namespace_dict["admin"]
    names = {name for name in patterns(resolver) if not name.startswith("nameless")} - {"login", "logout"}
    found = []
    for name in names:
        ((_pattern, arguments),) = resolver.reverse_dict.getlist(name)[0][0]
        values = {argument: "users" if argument == "app_label" else "1" for argument in arguments}
        found.append(reverse(f"admin:{name}", kwargs=values))
    return sorted(found)


def test_nobody_but_staff_gets_into_the_administration(world: AuthorizationObjects) -> None:
    """Every page of it, by every method, for every visitor."""
    addresses = admin_addresses()
    assert len(addresses) > 50
    with all_cases() as case:
        for visitor, method in product(set(VISITORS) - {"staff"}, METHODS):
            client = world.client(visitor)
            for address in addresses:
                with case(f"{visitor} {method} {address}"):
                    answer = client.generic(method, address)
                    assert answer.status_code == 302
                    assert answer["Location"].startswith("/admin/login/")


def test_staff_gets_into_the_administration(world: AuthorizationObjects) -> None:
    client = world.client("staff")
    assert client.get("/admin/").status_code == 200
    answers = {address: client.get(address).status_code for address in admin_addresses()}
    # Rows that are not there (1) lead back to the list; one app's view-on-site and a search without words are 404.
    assert set(answers.values()) <= {200, 302, 403, 404}
    lists = [
        reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
        for model in admin.site._registry
    ]
    assert {address: answers[address] for address in lists} == dict.fromkeys(lists, 200)


def test_staff_without_rights_sees_the_door_and_nothing_behind_it(world: AuthorizationObjects) -> None:
    helper = client_of(make_member("helper", is_staff=True))
    assert helper.get("/admin/").status_code == 200
    assert helper.get("/admin/users/user/").status_code == 403
    assert helper.get(f"/admin/users/user/{world.members['owner'].pk}/change/").status_code == 403


def test_public_pages_are_served_to_visitors_as_before(client: Client, alice: User) -> None:
    User.objects.update(page_audience=Audience.PUBLIC)
    for address in ("/", "/members/alice/", "/tags/harbour/"):
        answer = client.get(address)
        assert (answer.status_code, answer.headers.get("Cache-Control")) == (200, None)
