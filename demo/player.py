"""Performs the planned acts through the services, and dates the rows afterwards."""

from collections.abc import Iterable, Mapping
from datetime import datetime

from feed import services
from feed.models import Comment, Post, PostRevision, Reaction, SavedPost
from feed.services import Document, Picture
from users.audience import Audience
from users.models import User

from . import pictures
from .content import CommentText, PostText
from .documents import render_pdf
from .schedule import Act, Publish, React, Rewrite, WriteComment

BATCH = 100


class Player:
    """Performs the acts of a schedule; maps each text to its row."""

    def __init__(self, members: Mapping[str, User], *, with_pictures: bool) -> None:
        self.members = members
        self.with_pictures = with_pictures
        self.posts: dict[PostText, Post] = {}
        self.comments: dict[CommentText, Comment] = {}
        self._named: dict[str, Post] = {}
        self._reacted: dict[tuple[int, int], datetime] = {}

    def play_all(self, acts: Iterable[Act]) -> None:
        """Perform the acts in their order, then set the time of every row."""
        for act in acts:
            match act:
                case Publish(at, text):
                    post = self._publish_post(text)
                    post.created_at = at
                    self.posts[text] = post
                    if text.key:
                        self._named[text.key] = post
                case Rewrite(at, text):
                    former = self.posts[text]
                    post = services.edit_post(post=former, text=text.text, audience=former.audience)
                    PostRevision.objects.filter(post=post).update(replaced_at=at)
                    post.created_at, post.edited_at = former.created_at, at
                    self.posts[text] = post
                case WriteComment(at, text, comment, parent):
                    self.comments[comment] = services.comment_on_post(
                        post=self.posts[text],
                        author=self.members[comment.author],
                        text=comment.text,
                        parent=self.comments[parent] if parent else None,
                    )
                    self.comments[comment].created_at = at
                case React(at, text, name, kind):
                    member = self.members[name]
                    services.react_to_post(post=self.posts[text], member=member, kind=kind)
                    self._reacted[self.posts[text].pk, member.pk] = at
        rows = list(Reaction.objects.filter(post__in=self.posts.values()))
        for row in rows:
            row.created_at = self._reacted[row.post_id, row.member_id]
        Reaction.objects.bulk_update(rows, ["created_at"], batch_size=BATCH)
        Post.objects.bulk_update(self.posts.values(), ["created_at", "edited_at"], batch_size=BATCH)
        Comment.objects.bulk_update(self.comments.values(), ["created_at"], batch_size=BATCH)

    def save_post(self, member: str, key: str) -> None:
        """Save the post called `key` for a member, dated like the post."""
        post = self._named[key]
        services.save_post(post=post, member=self.members[member])
        SavedPost.objects.filter(post=post, member=self.members[member]).update(created_at=post.created_at)

    def _publish_post(self, text: PostText) -> Post:
        author, audience = self.members[text.author], Audience[text.audience.upper()]
        if text.repost:
            return services.repost_post(
                post=self._named[text.repost], by=author, text=text.text, audience=audience
            )
        images = []
        for number, spec in enumerate(text.pictures if self.with_pictures else []):
            data = dict(spec)
            kind, alt = data.pop("kind"), data.pop("alt")
            seed = f"{text.author}:{text.text[:40]}:{number}"
            images.append(Picture(pictures.draw_picture(kind, seed=seed, **data), alt))
        sheet = text.document
        return services.publish_post(
            author=author,
            text=text.former.strip() or text.text,
            audience=audience,
            pictures=images,
            document=Document(render_pdf(sheet["title"], sheet["lines"]), sheet["name"]) if sheet else None,
        )
