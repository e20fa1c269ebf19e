"""Describes an error of Redis to an operator: unreachable, read-only, or wrong password."""

from asyncio import CancelledError

from redis import exceptions

# A Redis that answers, with what is wrong. The order counts: some classes derive from others.
_CLASSES: tuple[tuple[type[Exception], str], ...] = (
    (exceptions.ReadOnlyError, "refuses writes: it is a read-only replica"),
    (exceptions.OutOfMemoryError, "refuses writes: its memory is full"),
    (exceptions.NoPermissionError, "refuses this user (check the ACL)"),
    (exceptions.AuthenticationError, "refuses the password or user of REDIS_URL"),
    (exceptions.BusyLoadingError, "is loading its data"),
    (exceptions.MasterDownError, "refuses writes: it is a replica without its primary"),
    (exceptions.ClusterDownError, "is a cluster that is down; LinkUp needs a single server"),
    (exceptions.MovedError, "is a cluster; LinkUp needs a single server"),
)
_WORDS = {
    "MISCONF": "refuses writes: it cannot save its snapshot to the disk",
    "NOREPLICAS": "refuses writes: it has too few replicas",
}


def describe_redis_error(error: BaseException) -> str:
    """What `error` says of the server, as the end of a sentence; never its own text, which may hold an address."""
    causes = [cause for cause in (error, error.__cause__, error.__context__) if cause is not None]
    for cause in causes:
        for kind, words in _CLASSES:
            if isinstance(cause, kind):
                return words
        if isinstance(cause, exceptions.ResponseError):
            code = str(cause).partition(" ")[0]
            return _WORDS.get(code, f"answers with an error ({type(cause).__name__})")
    # asyncio's time limits come from a cancellation, which says nothing.
    named = error if isinstance(error.__cause__, CancelledError) else error.__cause__ or error
    return f"does not answer ({type(named).__name__})"
