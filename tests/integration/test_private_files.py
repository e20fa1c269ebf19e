"""A private file behind nginx: LinkUp says who may have it, nginx sends it (X-Accel-Redirect)."""

from collections.abc import Iterator

import pytest

from scripts.stack import Stack
from scripts.visitor import Visitor

from .people import PASSWORD

PDF = b"%PDF-1.7\n" + b"a plan " * 1000
POST = f"""
from feed.services import Document, publish_post
from users.models import User
author = User.objects.get(username="bob")
post = publish_post(author=author, text="", document=Document({PDF!r}, "Ünser plan.pdf"))
print(post.pk, post.document)
"""


@pytest.fixture(scope="module")
def document(stack: Stack) -> tuple[str, str]:
    """The address of a document that members may read, and the name under which it is stored."""
    pk, name = stack.run_manage_command("shell", "--command", POST).split()[-2:]
    return f"/posts/{pk}/document/", name


@pytest.fixture(scope="module")
def member(stack: Stack) -> Iterator[Visitor]:
    """Alice, who signs in once: sign-ins from one address are limited."""
    with Visitor(stack) as visitor:
        visitor.sign_in("alice", PASSWORD)
        yield visitor


def test_a_member_gets_it_from_nginx(member: Visitor, document: tuple[str, str]) -> None:
    response = member.get(document[0])
    assert (response.status, response.body) == (200, PDF)
    assert response.header("Content-Type") == "application/pdf"
    assert response.header("Content-Disposition").startswith(
        "attachment; filename*=utf-8''%C3%9Cnser%20plan.pdf"
    )
    assert response.header("Cache-Control") == "private, no-store"
    assert response.header("X-Content-Type-Options") == "nosniff"
    assert "sandbox" in response.header("Content-Security-Policy")
    assert response.header("X-Accel-Redirect") == ""


def test_a_part_of_it_is_sent_by_nginx(member: Visitor, document: tuple[str, str]) -> None:
    response = member.get(document[0], Range="bytes=0-4")
    assert (response.status, response.body) == (206, b"%PDF-")


def test_a_visitor_gets_nothing(visitor: Visitor, document: tuple[str, str]) -> None:
    assert visitor.get(document[0]).status == 404


@pytest.mark.parametrize(
    "path",
    [
        "/media/{}",
        "/protected-media/{}",
        "/media/x/../{}",
        "/media//{}",
        "/media/./{}",
        "/media/%70rivate{0}",
        "/media/PRIVATE{0}",
        "/static/../media/{}",
        "/media/photos/..%2f{}",
    ],
)
def test_no_address_leads_to_it(member: Visitor, document: tuple[str, str], path: str) -> None:
    """Not even for a member."""
    name = document[1].removeprefix("private") if "{0}" in path else document[1]
    response = member.get(path.format(name))
    assert response.status in {400, 404}
    assert b"a plan" not in response.body
