"""Whether the sessions behind open sockets still hold."""

from collections.abc import Iterable, Sequence
from importlib import import_module
from typing import Any, NamedTuple

from django.conf import settings
from django.contrib.auth import (
    BACKEND_SESSION_KEY,
    HASH_SESSION_KEY,
    SESSION_KEY,
    get_backends,
    get_user_model,
    load_backend,
)
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.sessions.models import Session
from django.utils import timezone

from .frames import Tab


class Visitor(NamedTuple):
    """The member of a session, and what the session must still be like for the socket to stay open."""

    member_id: int
    session_key: str
    session_hash: str


def member_of_session(session_key: str) -> AbstractBaseUser | None:
    """The member of the session, checked as for a page, without changing anything; None where there is none."""
    session = import_module(settings.SESSION_ENGINE).SessionStore(session_key)
    backend = session.get(BACKEND_SESSION_KEY)
    if backend not in settings.AUTHENTICATION_BACKENDS:
        return None
    member: AbstractBaseUser | None = load_backend(backend).get_user(session[SESSION_KEY])
    if member is None:
        return None
    hashes = {member.get_session_auth_hash(), *member.get_session_auth_fallback_hash()}
    return member if session.get(HASH_SESSION_KEY) in hashes else None


def ended(tabs: Sequence[Tab]) -> set[Tab]:
    """Those of `tabs` whose session is over or whose member may not be signed in any more: two queries for all.

    A session ends by signing out, by time, and by a new password of the member, in whatever tab.
    """
    keys = {tab.session_key for tab in tabs}
    sessions = Session.objects.filter(session_key__in=keys, expire_date__gt=timezone.now())
    known = set(sessions.values_list("session_key", flat=True))
    hashes = _hashes_of({tab.member_id for tab in tabs})
    return {
        tab for tab in tabs if tab.session_key not in known or hashes.get(tab.member_id) != tab.session_hash
    }


def _hashes_of(member_ids: Iterable[int]) -> dict[int, str]:
    """What the sessions of those members who may be signed in must hold."""
    backends: list[Any] = [backend for backend in get_backends() if hasattr(backend, "user_can_authenticate")]
    members = get_user_model()._default_manager.in_bulk(list(member_ids))
    return {
        pk: member.get_session_auth_hash()
        for pk, member in members.items()
        if any(backend.user_can_authenticate(member) for backend in backends)
    }
