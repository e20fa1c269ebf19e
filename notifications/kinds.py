"""The kinds of notifications, and the channels that are on by default."""

from dataclasses import dataclass

from django.db import models
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


class Kind(models.TextChoices):
    INVITATION = "invitation", _("Invitations")
    CONNECTION = "connection", _("New connections")
    FOLLOW = "follow", _("New followers")
    REACTION = "reaction", _("Reactions")
    COMMENT = "comment", _("Comments")
    REPLY = "reply", _("Replies")
    MENTION = "mention", _("Mentions")
    REPOST = "repost", _("Shared posts")
    MESSAGE = "message", _("Messages")


class Channel(models.TextChoices):
    PAGE = "page", _("On LinkUp")
    MAIL = "mail", _("E-mail")


@dataclass(frozen=True)
class KindInfo:
    """The icon and description of a kind, and the channels that are on by default."""

    icon: str
    description: Promise
    mail: bool
    # Off for messages: the inbox shows them.
    page: bool = True

    def wanted_by_default(self, channel: Channel) -> bool:
        return self.page if channel is Channel.PAGE else self.mail


KIND_INFO: dict[Kind, KindInfo] = {
    Kind.INVITATION: KindInfo("user-plus", _("Someone asks to connect with you."), mail=True),
    Kind.CONNECTION: KindInfo("user-check", _("Someone accepts your invitation."), mail=True),
    Kind.FOLLOW: KindInfo("rss", _("Someone starts following you."), mail=False),
    Kind.REACTION: KindInfo("thumbs-up", _("Someone reacts to your post."), mail=False),
    Kind.COMMENT: KindInfo("message-circle", _("Someone comments on your post."), mail=True),
    Kind.REPLY: KindInfo("message-square", _("Someone replies where you commented."), mail=True),
    Kind.MENTION: KindInfo("at-sign", _("Someone mentions you in a post or a comment."), mail=True),
    Kind.REPOST: KindInfo("repeat-2", _("Someone shares your post."), mail=False),
    Kind.MESSAGE: KindInfo(
        "mail", _("Someone sends you a message while you are away."), mail=True, page=False
    ),
}

# The kinds behind each filter of the page.
GROUPS: dict[str, tuple[Kind, ...]] = {
    "posts": (Kind.REACTION, Kind.COMMENT, Kind.REPLY, Kind.REPOST),
    "mentions": (Kind.MENTION,),
    "network": (Kind.INVITATION, Kind.CONNECTION, Kind.FOLLOW),
}


def channels_of(kind: Kind) -> list[Channel]:
    """The channels that a member can turn on or off for `kind`."""
    return list(Channel) if KIND_INFO[kind].page else [Channel.MAIL]
