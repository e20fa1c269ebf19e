"""What members are told of, and through which channels unless they choose otherwise."""

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
class About:
    """What the settings say of a kind, and what holds for members who chose nothing."""

    icon: str
    words: Promise
    mail: bool
    # Messages have a page of their own.
    page: bool = True

    def default(self, channel: Channel) -> bool:
        return self.page if channel is Channel.PAGE else self.mail


ABOUT: dict[Kind, About] = {
    Kind.INVITATION: About("user-plus", _("Somebody asks to connect with you."), mail=True),
    Kind.CONNECTION: About("user-check", _("Somebody accepts your invitation."), mail=True),
    Kind.FOLLOW: About("rss", _("Somebody begins to follow you."), mail=False),
    Kind.REACTION: About("thumbs-up", _("Somebody reacts to your post."), mail=False),
    Kind.COMMENT: About("message-circle", _("Somebody comments on your post."), mail=True),
    Kind.REPLY: About("message-square", _("Somebody replies where you commented."), mail=True),
    Kind.MENTION: About("at-sign", _("Somebody names you in a post or a comment."), mail=True),
    Kind.REPOST: About("repeat-2", _("Somebody shares your post."), mail=False),
    Kind.MESSAGE: About("mail", _("Somebody writes to you while you are away."), mail=True, page=False),
}

# What the page can be narrowed to.
GROUPS: dict[str, tuple[Kind, ...]] = {
    "posts": (Kind.REACTION, Kind.COMMENT, Kind.REPLY, Kind.REPOST),
    "mentions": (Kind.MENTION,),
    "network": (Kind.INVITATION, Kind.CONNECTION, Kind.FOLLOW),
}


def channels_of(kind: Kind) -> list[Channel]:
    """The channels that a member can switch for `kind`."""
    return list(Channel) if ABOUT[kind].page else [Channel.MAIL]
