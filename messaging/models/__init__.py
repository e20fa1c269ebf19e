"""Who talks to whom, what was said in which order, and how far each has read."""

from .conversation import Conversation, Membership
from .entry import Attachment, Entry
from .entry_view import AttachmentView, EntryView
from .presence import Presence

__all__ = ["Attachment", "AttachmentView", "Conversation", "Entry", "EntryView", "Membership", "Presence"]
