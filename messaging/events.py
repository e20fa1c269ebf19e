"""Facts that `messaging` announces, inside the transaction that makes them true."""

from django.dispatch import Signal

# A message was stored. Sends `entry` and `first_unread_of`, the memberships for which it is the first unread one of the
# conversation (muted and declined ones left out).
message_sent = Signal()
