"""Signals of `users`, sent inside the transaction of the change."""

from django.dispatch import Signal

# A new member has confirmed the first address. Sends `member`.
member_joined = Signal()
# The audience of a member's presence was changed. Sends `user`.
presence_audience_changed = Signal()
