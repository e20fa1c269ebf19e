"""The names under which tabs listen (core.sockets.publisher)."""


def conversation_topic(conversation_id: int) -> str:
    """Tabs that have this conversation open."""
    return f"conversation.{conversation_id}"


def presence_topic(member_id: int) -> str:
    """Tabs that show whether this member is there."""
    return f"presence.{member_id}"
