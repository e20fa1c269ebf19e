"""The document of a post: a download for readers of the post only."""

import pytest
from django.core.files.storage import default_storage
from django.test import Client
from django.utils import timezone

from feed.models import Post
from feed.services import Document
from network.services import block_member
from users.audience import Audience
from users.models import User

from .factories import PDF, say

pytestmark = pytest.mark.django_db


@pytest.fixture
def document(alice: User) -> str:
    """The address of the document of a post that all members may read."""
    post = say(alice, document=Document(PDF, "The plan.pdf"))
    return f"{post.get_absolute_url()}document/"


def status(client: Client, address: str) -> int:
    response = client.get(address)
    b"".join(response)
    return response.status_code


def test_a_reader_gets_it_as_a_download(as_charlie: Client, document: str) -> None:
    response = as_charlie.get(document)
    assert b"".join(response) == PDF
    assert response["Content-Type"] == "application/pdf"
    assert response["Content-Disposition"] == 'attachment; filename="The plan.pdf"'
    assert response["Cache-Control"] == "private, no-store"
    assert response["X-Content-Type-Options"] == "nosniff"


def test_it_is_stored_where_no_address_leads(document: str, client: Client) -> None:
    name = Post.objects.get().document
    assert name.startswith("private/documents/")
    assert status(client, default_storage.url(name)) == 404


def test_head_and_range_requests_work(as_charlie: Client, document: str) -> None:
    assert as_charlie.head(document)["Content-Length"] == str(len(PDF))
    part = as_charlie.get(document, headers={"Range": "bytes=0-4"})
    assert (part.status_code, b"".join(part)) == (206, b"%PDF-")


def test_a_visitor_does_not_get_that_of_members(client: Client, document: str) -> None:
    assert status(client, document) == 404


@pytest.mark.parametrize(
    "values", [{"suspended_at": timezone.now()}, {"is_active": False}, {"joined_at": None}]
)
def test_the_document_of_an_unavailable_author_is_not_served(
    as_charlie: Client, alice: User, document: str, values: dict[str, object]
) -> None:
    User.objects.filter(pk=alice.pk).update(**values)
    assert status(as_charlie, document) == 404


def test_a_block_hides_it_both_ways(as_charlie: Client, alice: User, charlie: User, document: str) -> None:
    block_member(blocker=alice, blocked=charlie)
    assert status(as_charlie, document) == 404


def test_a_member_who_blocked_the_author_does_not_get_it(
    as_charlie: Client, alice: User, charlie: User, document: str
) -> None:
    block_member(blocker=charlie, blocked=alice)
    assert status(as_charlie, document) == 404


def test_that_of_a_hidden_post_is_hidden(as_charlie: Client, document: str) -> None:
    Post.objects.update(hidden_at=timezone.now())
    assert status(as_charlie, document) == 404


def test_that_for_connections_is_for_connections(as_bob: Client, as_charlie: Client, document: str) -> None:
    Post.objects.update(audience=Audience.CONNECTIONS)
    assert [status(as_bob, document), status(as_charlie, document)] == [200, 404]


def test_a_post_without_a_document_is_a_404(as_charlie: Client, alice: User) -> None:
    assert status(as_charlie, f"{say(alice).get_absolute_url()}document/") == 404


def test_a_file_that_was_lost_is_not_found(as_charlie: Client, document: str) -> None:
    default_storage.delete(Post.objects.get().document)
    assert status(as_charlie, document) == 404
