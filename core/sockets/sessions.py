"""Whether the sessions of open sockets are still valid."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from django.contrib.auth import (
    get_backends,
    get_user_model,
)
from django.contrib.sessions.models import Session
from django.utils import timezone

from .frames import TabState


class Visitor(NamedTuple):
    """The member of a session, with the key and the hash that must stay valid for the socket to stay open."""

    member_id: int
    session_key: str
    session_hash: str


def tabs_with_ended_session(tabs: Sequence[TabState]) -> set[TabState]:
    """Return those of `tabs` whose session has ended or whose member may not sign in any more, with two queries.

    A session ends by signing out, by time, and by a new password, in any tab.
    """
    keys = {tab.session_key for tab in tabs}
    sessions = Session.objects.filter(session_key__in=keys, expire_date__gt=timezone.now())
    known = set(sessions.values_list("session_key", flat=True))
    backends: list[Any] = [backend for backend in get_backends() if hasattr(backend, "user_can_authenticate")]
    members = get_user_model()._default_manager.in_bulk(list({tab.member_id for tab in tabs}))
    hashes = {
        pk: member.get_session_auth_hash()
        for pk, member in members.items()
        if any(backend.user_can_authenticate(member) for backend in backends)
    }
    return {
        tab for tab in tabs if tab.session_key not in known or hashes.get(tab.member_id) != tab.session_hash
    }
