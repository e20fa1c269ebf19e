"""The page of one post, and its document."""

from itertools import product

from django.core.files.storage import default_storage
from django.test import Client
from django.utils import timezone

from feed.forms import DocumentField
from feed.models import Post
from feed.services import Document
from network.services import block_member
from tests.cases import all_cases, rolled_back
from users.audience import Audience
from users.models import User

from .factories import PDF, all_rows, page_of, pass_on, say, upload

AUDIENCES = (Audience.PUBLIC, Audience.MEMBERS, Audience.CONNECTIONS)


def statuses(client: Client, address: str, posts: list[Post]) -> list[int]:
    found = []
    for post in posts:
        response = client.get(address.format(post.pk))
        found.append(response.status_code)
        response.getvalue()  # a file is closed when it was read
    return found


def test_each_viewer_sees_what_the_audience_allows(
    alice: User, charlie: User, as_alice: Client, as_bob: Client, as_charlie: Client
) -> None:
    with all_cases() as case:
        for address in ["/posts/{}/", "/posts/{}/document/"]:
            with case(address), rolled_back():
                client = Client()
                posts = [
                    say(alice, audience=audience, document=Document(PDF, "a.pdf")) for audience in AUDIENCES
                ]
                assert statuses(client, address, posts) == [200, 404, 404]
                assert statuses(as_charlie, address, posts) == [200, 200, 404]
                assert statuses(as_bob, address, posts) == [200, 200, 200]
                assert statuses(as_alice, address, posts) == [200, 200, 200]
                block_member(blocker=charlie, blocked=alice)
                assert statuses(as_charlie, address, posts) == [404, 404, 404]


def test_what_is_no_post_has_no_page(as_alice: Client) -> None:
    numbers = [
        "0",
        "00",
        "1",
        "-1",
        "999",
        "9" * 18,
        "9" * 19,
        "9" * 30,
        "abc",
        "1.5",
        "%00",
        "1%00",
        "%D9%A3",
    ]
    pages = ["", "document/", "comments/", "reactions/", "history/", "edit/", "repost/"]
    with all_cases() as case:
        for page, number in product(pages, numbers):
            with case(f"/posts/{number}/{page}"):
                assert as_alice.get(f"/posts/{number}/{page}").status_code == (
                    400 if "%00" in number else 404
                )


def test_a_quote_shows_its_text_and_the_original(alice: User, bob: User, as_alice: Client) -> None:
    quote = pass_on(say(alice, "The original words"), by=bob, text="Words about it")
    page = page_of(as_alice, f"/posts/{quote.pk}/")
    assert "The original words" in page
    assert "Words about it" in page


def test_a_repost_is_counted_on_its_original(alice: User, bob: User, as_alice: Client) -> None:
    post = say(alice)
    pass_on(post, by=bob)
    assert "shared once" in page_of(as_alice, f"/posts/{post.pk}/")


def test_looking_changes_nothing(alice: User, as_alice: Client) -> None:
    post = say(alice, document=Document(PDF, "a.pdf"))
    before = all_rows()
    for page in ("", "document/"):
        response = as_alice.get(f"/posts/{post.pk}/{page}")
        response.getvalue()  # a file is closed when it was read
        assert as_alice.post(f"/posts/{post.pk}/{page}").status_code == 405
    assert all_rows() == before


# -- The document -----------------------------------------------------------------------------


def test_the_document_is_a_download_and_nothing_else(alice: User, as_charlie: Client) -> None:
    with all_cases() as case:
        for name, disposition in [
            ("Report 2026.pdf", 'attachment; filename="Report 2026.pdf"'),
            ("Übersicht.pdf", "attachment; filename*=utf-8''%C3%9Cbersicht.pdf"),
            ('a"b\\c.pdf', 'attachment; filename="a\\"b\\\\c.pdf"'),
            ("<script>.pdf", 'attachment; filename="<script>.pdf"'),
        ]:
            with case((name, disposition)), rolled_back():
                post = say(alice, document=Document(PDF, name))
                response = as_charlie.get(f"/posts/{post.pk}/document/")
                assert response.streaming
                assert response.getvalue() == PDF
                assert response["Content-Type"] == "application/pdf"
                assert response["Content-Disposition"] == disposition
                assert response["X-Content-Type-Options"] == "nosniff"
                assert int(response["Content-Length"]) == len(PDF)


def test_a_post_without_a_document_has_none_to_download(alice: User, as_alice: Client) -> None:
    page_of(as_alice, f"/posts/{say(alice).pk}/document/", 404)


def test_a_repost_does_not_carry_the_document_away(alice: User, bob: User, as_alice: Client) -> None:
    shared = pass_on(say(alice, document=Document(PDF, "a.pdf")), by=bob)
    page_of(as_alice, f"/posts/{shared.pk}/document/", 404)


def test_a_file_that_was_lost_is_a_404(alice: User, as_alice: Client) -> None:
    post = say(alice, document=Document(PDF, "a.pdf"))
    default_storage.delete(post.document)
    page_of(as_alice, f"/posts/{post.pk}/document/", 404)


def test_the_name_of_a_document_is_made_harmless() -> None:
    with all_cases() as case:
        for sent, stored in [
            ("Report.pdf", "Report.pdf"),
            ("../../etc/passwd", "passwd.pdf"),
            ("a\r\nSet-Cookie: x=1.pdf", "a Set-Cookie: x=1.pdf"),
            ("invoice\u202efdp.exe", "invoicefdp.pdf"),
            ("x" * 300 + ".pdf", "x" * 100 + ".pdf"),
            ("مرحبا.pdf", "مرحبا.pdf"),
        ]:
            with case((sent, stored)):
                file = upload("x.pdf", PDF, "application/pdf")
                file._name = sent  # type: ignore[attr-defined]  # past Django's own cleaning
                document = DocumentField().clean(file)
                assert document is not None
                assert document.name == stored
                assert document.data == PDF


def test_a_text_is_long_beyond_700_characters_or_nine_line_breaks(alice: User) -> None:
    now = timezone.now()
    texts = {"x" * 700: False, "x" * 701: True, "\n" * 9: False, "\n" * 10: True}
    post = Post(author=alice)
    found = {}
    for text in texts:
        post.text = text
        found[text] = post.cache_key(now).is_long
    assert found == texts
