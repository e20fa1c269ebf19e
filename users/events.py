"""Facts that `users` announces, inside the transaction that makes them true."""

from django.dispatch import Signal

# An address was confirmed for the first time: a new member. Sends `member`.
member_joined = Signal()
