"""The conditions that a viewer, or a column of viewers, may read a post or a comment (decision 0039)."""

from typing import Any, cast

from django.contrib.auth.models import AnonymousUser
from django.db.models import F, OuterRef, Q

from network.models import Viewer, available_to, connected_with
from users.audience import Audience, Closeness


def post_readable_by(viewer: Viewer | OuterRef, path: str = "") -> Q:
    """The condition that `viewer` may read the post at the lookup `path` ("" for the queried post itself).

    If each row has its own viewer, `viewer` is a reference to that column, as in network.models.available_to:
    OuterRef("recipient"); for a column of the query around this one, OuterRef(OuterRef("pk")).

    The author must be available to the viewer and the post not hidden. The audience decides the rest: visitors read
    posts for everyone, members also posts for members, the author and connections also posts for connections.
    """
    author, audience = _lookup(path, "author"), _lookup(path, "audience")
    available = available_to(viewer, author)
    if isinstance(viewer, AnonymousUser):
        return available & post_readable_at(Closeness.VISITOR, path)
    own: Any = viewer
    if isinstance(viewer, OuterRef):
        # As a value of the query itself, where an OuterRef is one level too deep.
        column = cast(Any, viewer).name
        own = column if isinstance(column, F) else F(column)
    is_own = Q(**{author: own})
    # "=" instead of "<=": PostgreSQL then expects few such posts and looks their connections up one by one.
    for_connections = Q(**{audience: Audience.CONNECTIONS}) & connected_with(viewer, author)
    is_shown = Q(**{_lookup(path, "hidden_at"): None})
    return available & is_shown & (Q(**{f"{audience}__lte": Audience.MEMBERS}) | is_own | for_connections)


def post_readable_at(closeness: int, path: str = "") -> Q:
    """The same for a viewer of known closeness to an author known to be available to the viewer."""
    return Q(**{_lookup(path, "hidden_at"): None, _lookup(path, "audience__lte"): int(closeness)})


def comment_readable_by(viewer: Viewer | OuterRef, path: str = "") -> Q:
    """The condition that `viewer`, who may read the post, may read the comment at the lookup `path`."""
    return available_to(viewer, _lookup(path, "author")) & comment_is_shown(path)


def comment_is_shown(path: str = "") -> Q:
    """The part that is the same for all viewers: not hidden, and not deleted, except while it has replies."""
    exists = Q(**{_lookup(path, "deleted_at"): None}) | Q(**{_lookup(path, "reply_count__gt"): 0})
    return Q(**{_lookup(path, "hidden_at"): None}) & exists


def _lookup(path: str, name: str) -> str:
    return f"{path}__{name}" if path else name
