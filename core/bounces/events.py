"""Signals of `core.bounces`, sent inside the transaction of the change."""

from django.dispatch import Signal

# An address gets less mail or none from now on. Sends `address` (folded) and `problem`: a status code, or "complaint".
address_suppressed = Signal()
# An address gets all mail again. Sends `address`.
address_allowed = Signal()
