"""Signals of `network`, sent inside the transaction of the change."""

from django.dispatch import Signal

# An invitation was sent. Sends `connection`, with its `inviter`.
invitation_sent = Signal()
# Two members are now connected. Sends `connection` and `by`, the member that accepted.
connection_made = Signal()
# A connection has ended. Sends `member`, that ended it, and `other`.
connection_removed = Signal()
# Sends `follower` and `followed`.
member_followed = Signal()
# Sends `follower` and `followed`.
member_unfollowed = Signal()
# The two members are hidden from each other. Sends `blocker` and `blocked`.
member_blocked = Signal()
