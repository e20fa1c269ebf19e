"""Audience of content and closeness of a viewer: content is shown if `audience <= closeness`."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class Audience(models.IntegerChoices):
    """The people that may see something, from the widest group to the narrowest."""

    PUBLIC = 0, _("Everyone")
    MEMBERS = 1, _("Members")
    CONNECTIONS = 2, _("My connections")
    ME = 3, _("Only me")


class PresenceAudience(models.IntegerChoices):
    """The people that may see that a member is online, from the widest group to the narrowest; never strangers."""

    CONTACTS = 1, _("My connections, and members I have a conversation with")
    CONNECTIONS = 2, _("My connections")
    NOBODY = 3, _("Nobody")


class Closeness(models.IntegerChoices):
    """How close a viewer is to a member, on the scale of Audience."""

    VISITOR = 0, _("Visitor")
    MEMBER = 1, _("Member")
    CONNECTION = 2, _("Connection")
    SELF = 3, _("Me")
