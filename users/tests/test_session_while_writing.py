"""A session that ends, or becomes another member's, while a page of the member is open."""

from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client

from feed.models import Comment, Post
from feed.tests.factories import HTMX, say
from tests.cases import all_cases, rolled_back
from tests.cast import client_of
from users.models import User

pytestmark = pytest.mark.django_db


def of(member: User) -> dict[str, str]:
    """Return the headers of htmx on a page that was rendered for `member`."""
    return {**HTMX, "X-Page-Member": str(member.pk)}


def requests(client: Client, post: Post, headers: dict[str, str]) -> dict[str, Any]:
    """Send the requests of htmx from pages of a member: to views for members, and to views that visitors may use."""
    written = {"text": "Hello", "audience": 1}
    return {
        "post": client.post("/posts/", written, headers=headers),
        "comment": client.post(f"/posts/{post.pk}/comment/", written, headers=headers),
        "react": client.post(f"/posts/{post.pk}/react/", {"kind": "like"}, headers=headers),
        "save": client.post(f"/posts/{post.pk}/save/", headers=headers),
        "connect": client.post(f"/members/{post.author.username}/invite/", headers=headers),
        "more posts": client.get("/?page=9", headers=headers),
        "more of a member": client.get(f"/members/{post.author.username}/posts/?page=9", headers=headers),
        "more of a tag": client.get("/tags/harbour/?page=9", headers=headers),
        "comments": client.get(f"/posts/{post.pk}/comments/", headers=headers),
        "suggestions": client.get("/network/suggested/", headers=headers),
        "notifications": client.get("/notifications/?page=9", headers=headers),
    }


def is_refused(response: HttpResponse) -> bool:
    headers = (response.headers.get("X-Signed-Out"), response.headers.get("Cache-Control"))
    return (response.status_code, response.content, *headers) == (401, b"", "1", "private, no-store")


def test_htmx_of_a_page_whose_session_has_ended_gets_nothing_to_put_into_it(
    alice: User, charlie: User
) -> None:
    post = say(charlie, "Open to all #harbour", audience=0)
    responses = requests(Client(), post, of(alice))
    assert [name for name, response in responses.items() if not is_refused(response)] == []
    assert (Post.objects.count(), Comment.objects.count()) == (1, 0)


def test_htmx_from_the_page_of_another_member_is_refused(
    alice: User, charlie: User, as_charlie: Client, as_bob: Client
) -> None:
    post = say(charlie, "Open to all #harbour", audience=0)
    for client in (as_charlie, as_bob):
        responses = requests(client, post, of(alice))
        assert [name for name, response in responses.items() if not is_refused(response)] == []
    assert (Post.objects.count(), Comment.objects.count()) == (1, 0)


def test_htmx_without_a_name_is_refused_where_a_member_is_needed(charlie: User) -> None:
    post = say(charlie, audience=0)
    responses = requests(Client(), post, HTMX)
    open_to_all = {"more posts", "more of a member", "more of a tag", "comments"}
    assert {name for name, response in responses.items() if not is_refused(response)} == open_to_all


def test_htmx_of_the_page_of_the_one_who_is_signed_in_is_served(
    alice: User, as_alice: Client, charlie: User
) -> None:
    responses = requests(as_alice, say(charlie, audience=0), of(alice))
    assert {response.status_code for response in responses.values()} == {200}


def test_an_invalid_page_member_header_is_harmless(as_alice: Client) -> None:
    with all_cases() as case:
        for strange in ["", "0", "x" * 10_000, "\x80", "1 OR 1=1"]:
            with case(strange), rolled_back():
                response = as_alice.get("/", headers={**HTMX, "X-Page-Member": strange})
                assert response.status_code == (401 if strange else 200)


def test_a_form_sent_after_the_session_has_ended_leads_back_to_its_page(charlie: User) -> None:
    """The redirect must not lead to the URL of the form's action, which has no page."""
    post = say(charlie, audience=0)
    address = f"/posts/{post.pk}/comment/"
    expected = {
        "http://testserver/": "/",
        f"http://testserver/posts/{post.pk}/?page=2": f"/posts/{post.pk}/%3Fpage%3D2",
        "http://testserver": "/",
        # The redirect never leads to another site.
        "https://elsewhere.example/posts/": address,
        "http://testserver@elsewhere.example/": address,
        "javascript:alert(1)": address,
        "//elsewhere.example": address,
        "": address,
    }
    found = {
        came_from: Client().post(address, {"text": "x"}, headers={"referer": came_from})["Location"]
        for came_from in expected
    }
    assert found == {came_from: f"/accounts/login/?next={back}" for came_from, back in expected.items()}


def test_an_address_that_takes_forms_alone_has_words_for_who_asks_for_a_page(as_alice: Client) -> None:
    response = as_alice.get("/posts/", headers={"accept": "text/html"})
    assert (response.status_code, response["Allow"]) == (405, "POST")
    assert "This address is for forms only" in response.content.decode()
    assert as_alice.get("/posts/", headers={"accept": "application/json"}).json()["error"]


def test_an_expired_csrf_token_differs_from_missing_permission(alice: User, bob: User) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(alice)
    response = client.post("/posts/", {"text": "Hello"}, headers=of(alice))
    assert (response.status_code, response.headers.get("X-Token-Refused")) == (403, "1")
    theirs = say(bob)
    response = client_of(alice).post(f"/posts/{theirs.pk}/delete/")
    assert (response.status_code, response.headers.get("X-Token-Refused")) == (403, None)
