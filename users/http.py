"""The typed request of a signed-in member."""

from django.contrib.auth.decorators import login_required as member_required
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest
from django_htmx.middleware import HtmxDetails

from .models import User

Viewer = User | AnonymousUser


class HtmxRequest(HttpRequest):
    """A request of anybody, with what htmx said about it."""

    htmx: HtmxDetails
    user: Viewer


class MemberRequest(HtmxRequest):
    """A request behind `member_required`: its `user` is a member."""

    user: User


__all__ = ["HtmxRequest", "MemberRequest", "Viewer", "member_required"]
