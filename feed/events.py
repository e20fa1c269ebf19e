"""Signals that `feed` sends, inside the transaction of the change."""

from django.dispatch import Signal

# Sends `post` and `mentioned`, the mentioned members who may read it.
post_published = Signal()
# Sends `post` and `mentioned`, the mentioned members who may read it, except those mentioned before who could read it.
post_edited = Signal()
# Sends `post`, `by` and `mentioned`, as for a new post; the reposted one is `post.original`.
post_reposted = Signal()
# Sends `post`, `member` and `kind`; not sent when a reaction only changes its kind.
post_reacted = Signal()
# Sends `comment` and `mentioned`, as for a new post.
comment_published = Signal()
# Sends `comment` and `mentioned`, as for an edited post.
comment_edited = Signal()
