"""The service that publishes a post: text, mentions, hashtags, pictures and documents."""

import re

import pytest
from django.core.files.storage import default_storage
from django.test import Client
from PIL import Image

from core.files.row_files import files_of_row
from feed.errors import EmptyPost
from feed.events import post_published
from feed.models import Post, PostImage, Tag
from feed.rendering import MOST_TAGS
from feed.services import Document, Picture
from network.services import block_member
from tests.cases import all_cases, rolled_back
from tests.cast import make_member
from users.audience import Audience
from users.models import User

from .factories import HONEST, PDF, SCRIPT, captured_signals, image, page_of, posts_tagged, say


def tags_of(post: Post) -> set[str]:
    return {name for name in Tag.objects.values_list("name", flat=True) if post in posts_tagged(name)}


def test_text_is_stored_with_its_html(alice: User) -> None:
    post = Post.objects.get(pk=say(alice, "Hello **network**").pk)
    assert (post.author_id, post.text) == (alice.pk, "Hello **network**")
    assert post.html == "<p>Hello <strong>network</strong></p>"
    assert (post.audience, post.is_repost, post.original, post.edited_at) == (
        Audience.MEMBERS,
        False,
        None,
        None,
    )
    assert (post.comment_count, post.repost_count, post.reaction_count) == (0, 0, 0)


def test_the_audience_is_kept(alice: User) -> None:
    with all_cases() as case:
        for audience in [Audience.PUBLIC, Audience.MEMBERS, Audience.CONNECTIONS]:
            with case(audience), rolled_back():
                assert Post.objects.get(pk=say(alice, audience=audience).pk).audience == audience


def test_an_empty_post_is_refused(alice: User) -> None:
    with all_cases() as case:
        for text in ["", " ", "\n\t  \n"]:
            with case(text), rolled_back():
                with pytest.raises(EmptyPost):
                    say(alice, text)
                assert not Post.objects.exists()


def test_harmless_text_is_stored_as_typed(alice: User) -> None:
    with all_cases() as case:
        for text in HONEST:
            with case(text), rolled_back():
                assert Post.objects.get(pk=say(alice, text).pk).text == text


def test_script_becomes_text(alice: User) -> None:
    post = say(alice, f"{SCRIPT} [click](javascript:alert(1)) <img src=x onerror=alert(1)>")
    assert "<script" not in post.html
    assert "<img" not in post.html
    assert "href" not in post.html
    assert "&lt;script&gt;" in post.html


def test_pictures_are_stored_in_two_sizes_with_their_descriptions(alice: User) -> None:
    post = say(alice, "", pictures=[Picture(image(2000, 1000), "A long desk"), Picture(image(300, 600))])
    wide, tall = PostImage.objects.filter(post=post)
    assert (wide.width, wide.height, wide.alt) == (1600, 800, "A long desk")
    assert (tall.width, tall.height, tall.alt) == (300, 600, "")
    sizes = []
    for name in [*files_of_row(wide), *files_of_row(tall)]:
        with default_storage.open(name) as file, Image.open(file) as stored:
            assert stored.format == "WEBP"
            sizes.append(stored.size)
    assert sizes == [(1600, 800), (800, 400), (300, 600), (300, 600)]
    assert wide.full_url == f"/posts/{post.pk}/pictures/{wide.pk}/"
    assert wide.url == f"{wide.full_url}?size=800"
    assert wide.file.startswith("private/posts/")


def test_file_names_of_pictures_are_random(alice: User) -> None:
    post = say(alice, "Two", pictures=[Picture(image(), "alice-secret"), Picture(image())])
    one, two = post.images.all()
    assert one.file != two.file
    assert "secret" not in one.file
    assert len(one.file.rsplit("/", 1)[-1]) == 32


def test_a_document_is_stored_with_its_name_and_size(alice: User) -> None:
    post = Post.objects.get(pk=say(alice, "", document=Document(PDF, "Report 2026.pdf")).pk)
    assert (post.document_name, post.document_size) == ("Report 2026.pdf", len(PDF))
    assert "Report" not in post.document
    with default_storage.open(post.document) as file:
        assert file.read() == PDF


def test_a_name_that_exists_becomes_a_link_and_is_announced(alice: User, bob: User) -> None:
    with captured_signals(post_published) as said:
        post = say(alice, "Thanks @Bob and @bob, also bob@example.org and `@bob`")
    assert post.html.count('href="/members/bob/"') == 2
    (fact,) = said
    assert fact["post"] == post
    assert [member.pk for member in fact["mentioned"]] == [bob.pk]


def test_a_name_that_does_not_exist_for_the_author_stays_text(alice: User, bob: User) -> None:
    block_member(blocker=bob, blocked=alice)
    make_member("dora", joined_at=None)
    with captured_signals(post_published) as said:
        post = say(alice, "Hello @bob, @dora and @nobody")
    assert "<a" not in post.html
    assert said[0]["mentioned"] == []


def test_mentioning_oneself_links_and_notifies_nobody(alice: User) -> None:
    with captured_signals(post_published) as said:
        post = say(alice, "It is me, @alice")
    assert 'href="/members/alice/"' in post.html
    assert said[0]["mentioned"] == []


def test_only_readers_of_the_post_are_sent_as_mentioned(alice: User, bob: User, charlie: User) -> None:
    with captured_signals(post_published) as said:
        say(alice, "For @bob, not for @charlie", audience=Audience.CONNECTIONS)
    assert [member.pk for member in said[0]["mentioned"]] == [bob.pk]


def test_hashtags_become_links_and_tags_once_each(alice: User) -> None:
    post = say(alice, "#Jobs, #jobs and #café in `#code`; #1 is a number, a#b is none")
    assert tags_of(post) == {"jobs", "café"}
    assert post.html.count('href="/tags/jobs/"') == 2
    assert 'href="/tags/caf%C3%A9/"' in post.html


def test_two_posts_share_a_tag(alice: User, bob: User) -> None:
    one, two = say(alice, "#Jobs"), say(bob, "#JOBS")
    assert Tag.objects.count() == 1
    assert set(posts_tagged("jobs")) == {one, two}


def test_thirty_hashtags_count_and_the_rest_stays_text(alice: User) -> None:
    post = say(alice, " ".join(f"#tag{number:03}" for number in range(40)))
    assert len(tags_of(post)) == MOST_TAGS
    assert post.html.count("<a ") == MOST_TAGS
    assert "#tag039" in post.html


def test_the_link_of_a_hashtag_of_any_script_leads_to_the_post(alice: User, as_alice: Client) -> None:
    with all_cases() as case:
        for tag in ["İstanbul", "Μαΐου", "ǰ", "ᾶ", "日本", "مرحبا", "größe", "ŉ"]:
            with case(tag), rolled_back():
                post = say(alice, f"Here: #{tag}!")
                link = re.search('href="(/tags/[^"]+/)" class="hashtag"', post.html)
                assert link
                assert f'id="post-{post.pk}"' in page_of(as_alice, link[1])


def test_a_hashtag_that_grows_when_folded_does_not_break_the_post(alice: User) -> None:
    with all_cases() as case:
        for letter in ["ß", "ΐ", "ﬃ"]:
            with case(letter), rolled_back():
                post = say(alice, f"#{letter * 60}")
                assert Post.objects.get(pk=post.pk).text == f"#{letter * 60}"


def test_all_mentions_are_found_in_one_query(alice: User, bob: User) -> None:
    text = " ".join(["@bob", *(f"@m{number}" for number in range(1500))])
    assert 'href="/members/bob/"' in say(alice, text).html


def test_a_failure_after_the_announcement_leaves_no_post(alice: User) -> None:
    def fail(sender: object, **facts: object) -> None:
        raise RuntimeError("a listener failed")

    post_published.connect(fail)
    try:
        with pytest.raises(RuntimeError):
            say(alice, "#never")
    finally:
        post_published.disconnect(fail)
    assert not Post.objects.exists()
    assert not Tag.objects.exists()


def test_a_post_mentions_fifty_at_most(alice: User) -> None:
    members = [make_member(f"person{number:02}") for number in range(52)]
    post = say(alice, " ".join(f"@{member.username}" for member in members))
    assert post.html.count('class="mention"') == 50
