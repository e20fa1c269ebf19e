"""Workers of background tasks: how they end, and whether they are ready."""

import os
import signal
from contextlib import suppress
from typing import cast

import redis

from .servers import Server


class WorkerServer(Server):
    """A worker of Celery. When its main process is gone, what it has started goes, too, as a service's processes do.

    Celery's beat would run on for ever.
    """

    def kill(self) -> None:
        group = self.process.pid if self.process else 0
        super().kill()
        _kill_group(group)

    def stop(self) -> None:
        group = self.process.pid if self.process else 0
        super().stop()
        _kill_group(group)


def _kill_group(group: int) -> None:
    if group:
        with suppress(ProcessLookupError):
            os.killpg(group, signal.SIGKILL)


def is_consuming(redis_url: str) -> bool:
    """Return whether a worker waits for messages in this Redis."""
    client = redis.Redis.from_url(redis_url, socket_connect_timeout=1, socket_timeout=1)
    try:
        clients = cast(list[dict[str, str]], client.client_list())
        return any(connected["cmd"] == "brpop" for connected in clients)
    except redis.RedisError:
        return False
    finally:
        client.close()
