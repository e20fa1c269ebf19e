"""Facts that `users` announces, inside the transaction that makes them true."""

from django.dispatch import Signal

# An address was confirmed for the first time: a new member. Sends `member`.
member_joined = Signal()
# Who may see whether the member is online was changed. Sends `user`.
presence_audience_changed = Signal()
