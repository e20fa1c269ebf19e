"""The revisions of a post."""

from django.test import Client

from feed.services import edit_post
from network.services import block_member
from users.audience import Audience
from users.models import User

from .factories import SCRIPT, all_rows, page_of, say


def test_readers_see_revisions_newest_first(alice: User, as_charlie: Client) -> None:
    post, other = say(alice, "wording one"), say(alice, "elsewhere")
    edit_post(post=other, text="elsewhere again", audience=Audience.MEMBERS)
    edit_post(post=post, text="wording two", audience=Audience.MEMBERS)
    edit_post(post=post, text="wording three", audience=Audience.MEMBERS)
    page = page_of(as_charlie, f"/posts/{post.pk}/history/")
    assert page.index("wording two") < page.index("wording one")
    assert "wording three" not in page
    assert "elsewhere" not in page


def test_the_history_of_an_unedited_post_is_empty(alice: User, as_alice: Client) -> None:
    assert "never edited" in page_of(as_alice, f"/posts/{say(alice).pk}/history/")


def test_a_visitor_reads_the_history_of_a_post_for_everyone_only(alice: User, client: Client) -> None:
    for audience, status in ((Audience.PUBLIC, 200), (Audience.MEMBERS, 404)):
        post = say(alice, "before", audience=audience)
        edit_post(post=post, text="after", audience=audience)
        page_of(client, f"/posts/{post.pk}/history/", status)


def test_a_member_who_may_not_read_the_post_gets_404(alice: User, charlie: User, as_charlie: Client) -> None:
    hidden = say(alice, audience=Audience.CONNECTIONS)
    page_of(as_charlie, f"/posts/{hidden.pk}/history/", 404)
    seen = say(alice)
    block_member(blocker=alice, blocked=charlie)
    page_of(as_charlie, f"/posts/{seen.pk}/history/", 404)


def test_former_script_is_text_too(alice: User, as_alice: Client) -> None:
    post = say(alice, SCRIPT)
    edit_post(post=post, text="Sorry", audience=Audience.MEMBERS)
    page = page_of(as_alice, f"/posts/{post.pk}/history/")
    assert SCRIPT not in page
    assert "&lt;script&gt;" in page


def test_it_takes_no_post(alice: User, as_alice: Client) -> None:
    post = say(alice)
    before = all_rows()
    assert as_alice.post(f"/posts/{post.pk}/history/").status_code == 405
    assert all_rows() == before
