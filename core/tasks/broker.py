"""Hands tasks to Celery's workers through Redis, in bounded time and only while Redis answers."""

from functools import cache
from typing import Any

from django.conf import settings
from kombu.exceptions import KombuError, OperationalError
from kombu.pools import producers
from redis import Redis
from redis.exceptions import RedisError

from core.observability import metrics
from core.observability.breaker import Breaker

from .celery_app import EXECUTE, PREFIX, QUEUE, RELAY, RELAY_EXPIRES, app
from .registry import DEFAULT_SECONDS, HARD_MARGIN, find_task

# Seconds that a request waits for Redis at most, once in each rest of the breaker.
TIMEOUT_SECONDS = 0.5
breaker = Breaker("The queue of tasks", on_trip=metrics.count_redis_failure)
FAILURES = (KombuError, OperationalError, RedisError, OSError)


QUICK = {"socket_connect_timeout": TIMEOUT_SECONDS, "socket_timeout": TIMEOUT_SECONDS, "max_retries": 0}


@cache
def _connection() -> Any:
    return app.connection_for_write(transport_options=QUICK)


def send_task(row_id: int, name: str) -> bool:
    """Hand the row to the workers; return False when Redis is down, so that the relay does it later."""
    if breaker.is_open:
        return False
    definition = find_task(name)
    soft = definition.seconds if definition else DEFAULT_SECONDS
    try:
        with producers[_connection()].acquire(block=True, timeout=TIMEOUT_SECONDS) as producer:
            app.send_task(
                EXECUTE,
                args=[row_id],
                producer=producer,
                soft_time_limit=soft,
                time_limit=soft + HARD_MARGIN,
                retry=False,
            )
    except FAILURES as error:
        breaker.trip(error)
        return False
    breaker.reset()
    return True


def send_relay() -> None:
    """Ask the workers to hand over what is due, as beat does. Raises one of FAILURES.

    By a connection that is used once: this is for a thread of a process that forks, and the child would find the locks
    of a pool as they were at that moment.
    """
    with app.connection_for_write(transport_options=QUICK) as connection:
        app.send_task(RELAY, connection=connection, expires=RELAY_EXPIRES, retry=False)


@cache
def _client() -> Redis:
    url: str = getattr(settings, "REDIS_URL", "")
    return Redis.from_url(url, socket_timeout=TIMEOUT_SECONDS, socket_connect_timeout=TIMEOUT_SECONDS)


def count_queued() -> int:
    """Return the number of messages that no worker has fetched. Raises RedisError."""
    return int(_client().llen(f"{PREFIX}{QUEUE}"))  # type: ignore[arg-type]
