"""What members do in conversations. Whatever adds an entry holds the conversation's row until the transaction ends."""

from .attachments import File, Picture
from .conversations import (
    accept_conversation,
    add_members,
    decline_conversation,
    leave_conversation,
    mute_conversation,
    remove_member,
    rename_conversation,
    start_direct,
    start_group,
    unmute_conversation,
)
from .cursors import CursorPosition, move_cursors
from .messages import delete_message, edit_message
from .send import SentMessage, send_message, was_sent
from .start import send_first_message

__all__ = [
    "CursorPosition",
    "File",
    "Picture",
    "SentMessage",
    "accept_conversation",
    "add_members",
    "decline_conversation",
    "delete_message",
    "edit_message",
    "leave_conversation",
    "move_cursors",
    "mute_conversation",
    "remove_member",
    "rename_conversation",
    "send_first_message",
    "send_message",
    "start_direct",
    "start_group",
    "unmute_conversation",
    "was_sent",
]
