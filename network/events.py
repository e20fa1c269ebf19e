"""Facts that `network` announces, inside the transaction that makes them true."""

from django.dispatch import Signal

# Someone asked to connect. Sends `connection` (its `inviter` asked).
invitation_sent = Signal()
# The two are connected from now on. Sends `connection` and `by`, the member whose act completed it.
connection_made = Signal()
# The connection of the two has ended. Sends `member`, whose act it was, and `other`.
connection_removed = Signal()
# Sends `follower` and `followed`.
member_followed = Signal()
# The same.
member_unfollowed = Signal()
# The two vanish for each other. Sends `blocker` and `blocked`.
member_blocked = Signal()
