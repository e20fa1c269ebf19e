"""Lets the members act, one after the other, and dates what they did afterwards."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from feed import services
from feed.models import Comment, Post, PostRevision, Reaction, SavedPost
from feed.services import Document, Picture
from users.audience import Audience
from users.models import User

from . import pictures
from .content import CommentText, PostText
from .documents import pdf
from .schedule import Act, Publish, React, Rewrite, Say

BATCH = 100


class Stage:
    """Where the acts of a diary are performed; knows which row came of which text."""

    def __init__(self, members: Mapping[str, User], *, with_pictures: bool) -> None:
        self.members = members
        self.with_pictures = with_pictures
        self.posts: dict[PostText, Post] = {}
        self.comments: dict[CommentText, Comment] = {}
        self._named: dict[str, Post] = {}
        self._reacted: dict[tuple[int, int], datetime] = {}

    def play(self, acts: Iterable[Act]) -> None:
        """Perform the acts in their order, then give every row the time of its act."""
        for act in acts:
            self._perform(act)
        self._date_reactions()
        Post.objects.bulk_update(self.posts.values(), ["created_at", "edited_at"], batch_size=BATCH)
        Comment.objects.bulk_update(self.comments.values(), ["created_at"], batch_size=BATCH)

    def save(self, member: str, key: str) -> None:
        """Let a member put aside the post called `key`, half a day after it was written."""
        post = self._named[key]
        services.save_post(post=post, member=self.members[member])
        SavedPost.objects.filter(post=post, member=self.members[member]).update(created_at=post.created_at)

    def _perform(self, act: Act) -> None:
        match act:
            case Publish(at, text):
                post = self._repost(text) if text.repost else self._publish(text)
                post.created_at = at
                self.posts[text] = post
                if text.key:
                    self._named[text.key] = post
            case Rewrite(at, text):
                self._rewrite(text, at)
            case Say(at, text, comment, parent):
                self.comments[comment] = self._comment(text, comment, parent)
                self.comments[comment].created_at = at
            case React(at, text, name, kind):
                member = self.members[name]
                services.react_to_post(post=self.posts[text], member=member, kind=kind)
                self._reacted[self.posts[text].pk, member.pk] = at

    def _publish(self, text: PostText) -> Post:
        shown = [self._picture(text, number, spec) for number, spec in enumerate(text.pictures)]
        return services.publish_post(
            author=self.members[text.author],
            text=text.former.strip() or text.text,
            audience=Audience[text.audience.upper()],
            pictures=shown if self.with_pictures else [],
            document=_document(text.document) if text.document else None,
        )

    def _repost(self, text: PostText) -> Post:
        return services.repost(
            post=self._named[text.repost],
            by=self.members[text.author],
            text=text.text,
            audience=Audience[text.audience.upper()],
        )

    def _rewrite(self, text: PostText, at: datetime) -> None:
        former = self.posts[text]
        post = services.edit_post(post=former, text=text.text, audience=former.audience)
        PostRevision.objects.filter(post=post).update(replaced_at=at)
        post.created_at, post.edited_at = former.created_at, at
        self.posts[text] = post

    def _comment(self, text: PostText, comment: CommentText, parent: CommentText | None) -> Comment:
        return services.comment_on_post(
            post=self.posts[text],
            author=self.members[comment.author],
            text=comment.text,
            parent=self.comments[parent] if parent else None,
        )

    def _picture(self, text: PostText, number: int, spec: Mapping[str, Any]) -> Picture:
        data = dict(spec)
        kind, alt = data.pop("kind"), data.pop("alt")
        return Picture(pictures.drawn(kind, seed=f"{text.author}:{text.text[:40]}:{number}", **data), alt)

    def _date_reactions(self) -> None:
        rows = list(Reaction.objects.filter(post__in=self.posts.values()))
        for row in rows:
            row.created_at = self._reacted[row.post_id, row.member_id]
        Reaction.objects.bulk_update(rows, ["created_at"], batch_size=BATCH)


def _document(spec: Mapping[str, Any]) -> Document:
    return Document(pdf(spec["title"], spec["lines"]), spec["name"])
