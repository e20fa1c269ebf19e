"""Factories of posts, comments and uploads, and helpers of the feed's tests."""

import io
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Barrier
from typing import Any, TypeVar

from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connections
from django.db.models import Model, QuerySet
from django.dispatch import Signal
from django.test import Client
from PIL import Image

from core.text.names import fold_tag
from feed import services
from feed.models import Comment, Post, PostImage, PostRevision, PostTag, Reaction, SavedPost, Tag
from users.audience import Audience
from users.models import User

Outcome = TypeVar("Outcome")

HTMX = {"HX-Request": "true"}
PDF = b"%PDF-1.4\n1 0 obj\n<< /Type /Catalog >>\nendobj\ntrailer\n<< /Root 1 0 R >>\n%%EOF\n"
SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
HTML = b"<!doctype html><html><script>alert(1)</script></html>"
SCRIPT = "<script>alert('x')</script>"

# Texts that only look dangerous and must be shown unchanged.
HONEST = [
    "delete from orders",
    "AMZN",
    "O'Brien",
    "a < b && c > d",
    "Well done 🎉👩‍💻",
    "مرحبا بالعالم",
    "DROP TABLE users; -- 100% sure?",
    "{{ not a template }} {% nor this %}",
]


def image(width: int = 40, height: int = 30, colour: str = "teal") -> Image.Image:
    return Image.new("RGB", (width, height), colour)


def jpeg(width: int = 40, height: int = 30) -> bytes:
    out = io.BytesIO()
    image(width, height).save(out, "JPEG")
    return out.getvalue()


def upload(name: str = "desk.jpg", data: bytes = b"", content_type: str = "image/jpeg") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, data or jpeg(), content_type)


def say(author: User, text: str = "Hello", *, audience: int = Audience.MEMBERS, **values: Any) -> Post:
    """Publish a post of `author` by the service."""
    return services.publish_post(author=author, text=text, audience=audience, **values)


def pass_on(post: Post, by: User, text: str = "", *, audience: int = Audience.MEMBERS) -> Post:
    """Repost a post by the service, plainly or with a text."""
    return services.repost_post(post=post, by=by, text=text, audience=audience)


def answer(post: Post, author: User, text: str = "Well said", parent: Comment | None = None) -> Comment:
    """Comment or reply by the service."""
    return services.comment_on_post(post=post, author=author, text=text, parent=parent)


def react(post: Post, member: User, kind: Reaction.Kind = Reaction.Kind.LIKE) -> None:
    services.react_to_post(post=post, member=member, kind=kind)


@contextmanager
def captured_signals(signal: Signal) -> Iterator[list[Mapping[str, Any]]]:
    """Collect what `signal` sends in this context."""
    sent: list[Mapping[str, Any]] = []

    def listen(sender: object, **values: Any) -> None:
        sent.append(values)

    signal.connect(listen, weak=False)
    try:
        yield sent
    finally:
        signal.disconnect(listen)


def all_rows() -> dict[str, list[dict[str, Any]]]:
    """All rows of the feed, to check whether anything changed."""
    models: list[type[Model]] = [Post, PostImage, PostRevision, Tag, PostTag, Comment, Reaction, SavedPost]
    return {model.__name__: list(model._default_manager.order_by("pk").values()) for model in models}


def run_concurrently(*calls: Callable[[], Outcome]) -> list[Outcome | BaseException]:
    """Run `calls` at the same moment, each in a thread with its own connection; return the results."""
    gate = Barrier(len(calls), timeout=20)

    def run(call: Callable[[], Outcome]) -> Outcome:
        gate.wait()
        try:
            return call()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(calls)) as pool:
        futures = [pool.submit(run, call) for call in calls]
    return [future.exception() or future.result() for future in futures]


def posts_tagged(tag: str) -> QuerySet[Post]:
    """The posts with a hashtag, without regard to a viewer."""
    return Post.objects.filter(pk__in=PostTag.objects.filter(tag__name=fold_tag(tag)).values("post"))


def page_of(client: Client, address: str, status: int = 200, **options: Any) -> str:
    """The text of the page at `address`."""
    response = client.get(address, **options)
    assert response.status_code == status, response.content[:500]
    return response.content.decode()
