"""Facts that `feed` announces, inside the transaction that makes them true."""

from django.dispatch import Signal

# Sends `post` and `mentioned`, the members named in it who may see it.
post_published = Signal()
# Sends `post` and `mentioned`, those named in it who may see it, and who were not, or might not, before.
post_edited = Signal()
# Sends `post`, `by` and `mentioned`, as of a new post; the reposted one is `post.original`.
post_reposted = Signal()
# Sends `post`, `member` and `kind`; not sent when a reaction only changes its kind.
post_reacted = Signal()
# Sends `comment` and `mentioned`, as of a new post.
comment_published = Signal()
# Sends `comment` and `mentioned`, as of an edited post.
comment_edited = Signal()
