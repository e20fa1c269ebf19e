"""HEAD asks what GET would answer, and does nothing: monitors and `curl -I` use it."""

import pytest
from django.test import Client

from feed.models import Post
from users.models import User

from .material import say


@pytest.mark.parametrize("address", ["", "edit/", "delete/", "history/", "reactions/", "repost/"])
def test_head_of_a_page_is_answered_and_changes_nothing(alice: User, as_alice: Client, address: str) -> None:
    post = say(alice, "still here")
    assert as_alice.head(f"/posts/{post.pk}/{address}").status_code == 200
    assert Post.objects.filter(pk=post.pk, text="still here").exists()


@pytest.mark.parametrize(
    "address", ["/", "/saved/", "/tags/x/", "/network/", "/members/", "/settings/profile/"]
)
def test_head_of_a_list_is_answered(as_alice: Client, address: str) -> None:
    assert as_alice.head(address).status_code == 200
