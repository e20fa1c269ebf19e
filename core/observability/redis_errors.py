"""Describes errors of Redis to operators: unreachable, read-only, wrong password, and others."""

from asyncio import CancelledError

from redis import exceptions

# Errors that Redis reports itself. The order matters: some classes derive from others.
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
    """Return the cause of `error` as the end of a sentence, without its own text, which may contain a URL."""
    causes = [cause for cause in (error, error.__cause__, error.__context__) if cause is not None]
    for cause in causes:
        for kind, words in _CLASSES:
            if isinstance(cause, kind):
                return words
        if isinstance(cause, exceptions.ResponseError):
            code = str(cause).partition(" ")[0]
            return _WORDS.get(code, f"answers with an error ({type(cause).__name__})")
    # Timeouts of asyncio are caused by a cancellation, which is not informative.
    named = error if isinstance(error.__cause__, CancelledError) else error.__cause__ or error
    return f"does not answer ({type(named).__name__})"
