"""The form on the home page: what it accepts, what it refuses, and what it keeps after an error."""

import re
from html import unescape
from time import process_time
from typing import Any
from urllib.parse import urljoin

from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from feed.models import Post
from tests.cases import all_cases, rolled_back
from users.audience import Audience
from users.models import User

from .factories import HONEST, HTML, HTMX, PDF, SCRIPT, SVG, all_rows, jpeg, page_of, upload

TYPED = "Kept: 5 < 6 & 'quotes'"


def send(client: Client, status: int = 302, *, htmx: bool = False, **values: Any) -> str:
    data = {"text": TYPED, "audience": Audience.MEMBERS, **values}
    response = client.post("/posts/", data, headers=HTMX if htmx else None)
    assert response.status_code == status, response.content[:500]
    return response.content.decode()


def typed_text(page: str) -> str:
    """The value of the text field in the response."""
    found = re.search(r'<textarea[^>]*name="text"[^>]*>\n?(.*?)</textarea>', page, re.DOTALL)
    assert found
    return unescape(found[1])


def refused(client: Client, message: str, **values: Any) -> None:
    """The form says `message` with what was typed still there, for both kinds of browsers; nothing is stored."""
    before = all_rows()
    for htmx in (False, True):
        for value in values.values():
            for file in value if isinstance(value, list) else [value]:
                if isinstance(file, SimpleUploadedFile):
                    file.seek(0)
        page = send(client, 422, htmx=htmx, **values)
        assert message in unescape(page)
        assert typed_text(page).strip() == str(values.get("text", TYPED)).strip()
        assert ("<html" in page) is not htmx
    assert all_rows() == before


def test_a_post_is_published_and_the_browser_sent_home(alice: User, as_alice: Client) -> None:
    response = as_alice.post("/posts/", {"text": "Hello **all**", "audience": 2})
    assert (response.status_code, response["Location"]) == (302, "/")
    post = Post.objects.get()
    assert (post.author, post.text, post.audience) == (alice, "Hello **all**", Audience.CONNECTIONS)
    page = page_of(as_alice, "/")
    assert "<strong>all</strong>" in page
    assert "Post published." in page


def test_htmx_gets_an_empty_form_and_the_new_post(alice: User, as_alice: Client) -> None:
    page = send(as_alice, 200, htmx=True, audience=Audience.PUBLIC)
    post = Post.objects.get()
    assert "<html" not in page
    assert f'id="post-{post.pk}"' in page
    assert typed_text(page) == ""
    assert re.search(r'value="0"[^>]*(selected|checked)', page)


def test_pictures_get_their_descriptions_in_order(as_alice: Client) -> None:
    send(
        as_alice,
        images=[upload("a.jpg"), upload("b.jpg", jpeg(80, 20))],
        image_alt=["A  desk", "A <wide> one"],
    )
    one, two = Post.objects.get().images.all()
    assert (one.width, one.alt) == (40, "A desk")
    assert (two.width, two.alt) == (80, "A <wide> one")
    page = page_of(as_alice, "/")
    assert one.url in page
    assert two.full_url in page
    assert 'alt="A &lt;wide&gt; one"' in page


def test_more_or_fewer_descriptions_than_pictures_are_accepted(as_alice: Client) -> None:
    with all_cases() as case:
        for alts in [[], ["one"], ["one", "two", "three"]]:
            with case(alts), rolled_back():
                send(as_alice, images=[upload(), upload()], image_alt=alts)
                assert [image.alt for image in Post.objects.get().images.all()] == [*alts, "", ""][:2]


def test_descriptions_are_truncated(as_alice: Client) -> None:
    send(as_alice, images=[upload()], image_alt=["x" * 100_000])
    assert Post.objects.get().images.get().alt == "x" * 300


def test_descriptions_are_cleaned_before_they_are_stored(as_alice: Client) -> None:
    pile = "a" + "\u0315" * 40_000 + "\u0316" * 40_000
    started = process_time()
    send(
        as_alice,
        images=[upload(f"{number}.jpg") for number in range(4)],
        image_alt=["a\x00 b\x07", pile, "\u200eup\ufeff", *["z" * 40_000] * 20],
    )
    assert process_time() - started < 5
    nul, piled, pasted, long = [image.alt for image in Post.objects.get().images.all()]
    assert (nul, pasted, long) == ("a b", "up", "z" * 300)
    assert len(piled) <= 31


def test_nine_pictures_without_text_are_a_post(as_alice: Client) -> None:
    send(as_alice, text="", images=[upload(f"{number}.jpg") for number in range(9)])
    assert Post.objects.get().images.count() == 9


def test_a_document_without_text_is_a_post(as_alice: Client) -> None:
    send(as_alice, text="", document=upload("Plan & <b>co</b>.pdf", PDF, "application/pdf"))
    post = Post.objects.get()
    assert f"/posts/{post.pk}/document/" in page_of(as_alice, "/")


def test_harmless_text_is_shown_as_typed(as_alice: Client) -> None:
    with all_cases() as case:
        for text in [*HONEST, "```\nif a < b:\n    print('<b>')\n```"]:
            with case(text), rolled_back():
                send(as_alice, text=text)
                assert Post.objects.get().text == text
                shown = re.search(
                    r'<div class="prose-post[^>]*>(.*?)</div>', page_of(as_alice, "/"), re.DOTALL
                )
                assert shown
                plain = unescape(re.sub(r"<[^>]*>", "", shown[1])).strip()
                assert plain == text.replace("```", "").strip()


def test_script_in_any_field_is_text(as_alice: Client) -> None:
    send(
        as_alice,
        text=SCRIPT,
        images=[upload(f"{SCRIPT}.jpg")],
        image_alt=[f'"{SCRIPT}'],
        document=upload(f"{SCRIPT}.pdf", PDF, "application/pdf"),
    )
    post = Post.objects.get()
    for address in ("/", f"/posts/{post.pk}/", f"/posts/{post.pk}/edit/", f"/posts/{post.pk}/delete/"):
        assert SCRIPT not in page_of(as_alice, address)
        assert "alert(&#x27;x&#x27;)" in page_of(as_alice, address) or "alert('x')" in page_of(
            as_alice, address
        )


def test_nothing_is_refused(as_alice: Client) -> None:
    with all_cases() as case:
        for text in ["", " ", "\r\n \t\r\n"]:
            with case(text), rolled_back():
                refused(as_alice, "Write something, or add a picture or a document.", text=text)


def test_a_hundred_thousand_characters_are_refused_and_kept(as_alice: Client) -> None:
    refused(as_alice, "at most 10000 characters", text="x" * 100_000)


def test_the_longest_post_is_taken_with_line_ends_counted_once(as_alice: Client) -> None:
    text = "x\r\n" * 4999 + "xx"
    send(as_alice, text=text)
    assert len(Post.objects.get().text) == 10_000


def test_an_audience_that_is_none_is_refused(as_alice: Client) -> None:
    with all_cases() as case:
        for audience in ["", "3", "-1", "abc", "1.0", "9" * 30]:
            with case(audience), rolled_back():
                refused(as_alice, "required" if not audience else "Select a valid choice", audience=audience)


def test_ten_pictures_are_refused(as_alice: Client) -> None:
    refused(
        as_alice,
        "at most nine pictures",
        images=[upload(f"{number}.jpg", jpeg(4, 4)) for number in range(10)],
    )


def test_what_is_no_good_picture_is_refused(as_alice: Client) -> None:
    with all_cases() as case:
        for data, message in [
            (jpeg() + b"\0" * (20 * 1024 * 1024), "larger than 10 MB"),
            (SVG, "not a picture"),
            (HTML, "not a picture"),
            (PDF, "not a picture"),
            (jpeg(200, 200)[:-300], "damaged"),
            (b"\xff\xd8\xff\xe0", "not a picture"),
        ]:
            with case((data, message)), rolled_back():
                refused(as_alice, message, images=[upload("fine.jpg"), upload("photo.jpg", data)])


def test_what_is_no_good_document_is_refused(as_alice: Client) -> None:
    with all_cases() as case:
        for data, message in [
            (HTML, "not a PDF"),
            (SVG, "not a PDF"),
            (jpeg(), "not a PDF"),
            (b"just words", "not a PDF"),
            (PDF + b"\0" * (20 * 1024 * 1024), "larger than 20 MB"),
        ]:
            with case((data, message)), rolled_back():
                refused(as_alice, message, document=upload("report.pdf", data, "application/pdf"))


def test_an_empty_file_is_refused(as_alice: Client) -> None:
    refused(as_alice, "empty", document=SimpleUploadedFile("report.pdf", b"", "application/pdf"))


def test_fifteen_files_are_a_bad_request(as_alice: Client) -> None:
    send(as_alice, 400, images=[upload(f"{number}.jpg", jpeg(4, 4)) for number in range(15)])
    assert not Post.objects.exists()


def test_a_visitor_is_sent_to_sign_in(client: Client, db: None) -> None:
    response = client.post("/posts/", {"text": "Hello", "audience": 1})
    assert response["Location"] == "/accounts/login/?next=/posts/"
    assert not Post.objects.exists()


def test_nothing_is_published_by_get(as_alice: Client) -> None:
    assert as_alice.get("/posts/?text=Hello&audience=1").status_code == 405
    assert not Post.objects.exists()


def test_a_post_without_the_token_of_the_page_is_refused(alice: User) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(alice)
    assert strict.post("/posts/", {"text": "Hello", "audience": 1}).status_code == 403
    assert not Post.objects.exists()


def test_a_refused_form_still_shows_the_feed_and_ways_that_work(as_alice: Client, alice: User) -> None:
    Post.objects.bulk_create(
        Post(author=alice, text=f"old {number}", html=f"old {number}") for number in range(30)
    )
    page = send(as_alice, 422, text="")
    following = re.search(r'rel="next"\s+hx-get="([^"]*page=\d+)"', page)
    assert following
    assert "old 9" in page_of(as_alice, urljoin("/posts/", following[1]))


def test_invisible_text_is_no_post(alice: User, as_alice: Client) -> None:
    with all_cases() as case:
        for nothing in ["\u200b", "\u2800\u3164", " \u00a0\u2003\n\u200d"]:
            with case(nothing), rolled_back():
                refused = as_alice.post("/posts/", {"text": nothing, "audience": 1})
                assert refused.status_code == 422
                assert "Write something" in refused.content.decode()
                assert not Post.objects.exists()
