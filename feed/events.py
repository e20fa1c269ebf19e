"""Facts that `feed` announces, inside the transaction that makes them true."""

from django.dispatch import Signal

# Sends `post` and `mentioned`, the members named in it who may see it.
post_published = Signal()
# Sends `post`.
post_edited = Signal()
# Sends `post` and `by`; the reposted one is `post.original`.
post_reposted = Signal()
# Sends `post`, `member` and `kind`; not sent when a reaction only changes its kind.
post_reacted = Signal()
# Sends `comment` and `mentioned`, as above.
comment_published = Signal()
