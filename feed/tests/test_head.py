"""HEAD responds like GET without a body and changes nothing: monitors and `curl -I` use it."""

from django.test import Client

from feed.models import Post
from tests.cases import all_cases, rolled_back
from users.models import User

from .factories import say


def test_head_of_a_page_works_and_changes_nothing(alice: User, as_alice: Client) -> None:
    with all_cases() as case:
        for address in ["", "edit/", "delete/", "history/", "reactions/", "repost/"]:
            with case(address), rolled_back():
                post = say(alice, "still here")
                assert as_alice.head(f"/posts/{post.pk}/{address}").status_code == 200
                assert Post.objects.filter(pk=post.pk, text="still here").exists()


def test_head_of_a_list_works(as_alice: Client) -> None:
    with all_cases() as case:
        for address in ["/", "/saved/", "/tags/x/", "/network/", "/members/", "/settings/profile/"]:
            with case(address), rolled_back():
                assert as_alice.head(address).status_code == 200
