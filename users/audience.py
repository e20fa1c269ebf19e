"""Who may see what, as one comparison: shown when its audience is at most as narrow as the viewer is close."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class Audience(models.IntegerChoices):
    """The circle that may see something, from the widest to the narrowest."""

    PUBLIC = 0, _("Everyone")
    MEMBERS = 1, _("Members")
    CONNECTIONS = 2, _("My connections")
    ME = 3, _("Only me")


class PresenceAudience(models.IntegerChoices):
    """Who may see that a member is online, from the widest to the narrowest. Strangers never may."""

    CONTACTS = 1, _("My connections, and members I have a conversation with")
    CONNECTIONS = 2, _("My connections")
    NOBODY = 3, _("Nobody")


class Closeness(models.IntegerChoices):
    """How close a viewer is to a member; the same steps as Audience, so that `audience <= closeness` decides."""

    VISITOR = 0, _("Visitor")
    MEMBER = 1, _("Member")
    CONNECTION = 2, _("Connection")
    SELF = 3, _("Me")
