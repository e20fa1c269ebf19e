"""Publishing a comment within the limits of its author, however it was typed: on a page or in a mail."""

from core.web import rate_limits
from network.reach import consume_reach
from users.models import User

from . import services
from .models import Comment, Post
from .rendering import render_text


def comment_within_limits(
    *, post: Post, author: User, text: str, parent: Comment | None = None, audience_seen: int | None = None
) -> Comment:
    """Comment as feed.services.comment_on_post does, and count it.

    Raises core.web.rate_limits.RateLimited, too: for more comments, or more people mentioned, than a member may.
    """
    rate_limits.consume("comment", author.pk)
    rendered = render_text(text, author=author)
    consume_reach(author, rendered.newly_mentioned())
    return services.comment_on_post(
        post=post, author=author, text=rendered, parent=parent, audience_seen=audience_seen
    )
