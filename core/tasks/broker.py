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

from .celery_app import EXECUTE, PREFIX, QUEUE, app
from .registry import DEFAULT_SECONDS, HARD_MARGIN, find_task

# Seconds that a request waits for Redis at most, once in each rest of the breaker.
TIMEOUT_SECONDS = 0.5
breaker = Breaker("The queue of tasks", on_trip=metrics.count_redis_failure)
FAILURES = (KombuError, OperationalError, RedisError, OSError)


@cache
def _connection() -> Any:
    return app.connection_for_write(
        transport_options={
            "socket_connect_timeout": TIMEOUT_SECONDS,
            "socket_timeout": TIMEOUT_SECONDS,
            "max_retries": 0,
        }
    )


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


@cache
def _client() -> Redis:
    url: str = getattr(settings, "REDIS_URL", "")
    return Redis.from_url(url, socket_timeout=TIMEOUT_SECONDS, socket_connect_timeout=TIMEOUT_SECONDS)


def count_queued() -> int:
    """Return the number of messages that no worker has fetched. Raises RedisError."""
    return int(_client().llen(f"{PREFIX}{QUEUE}"))  # type: ignore[arg-type]
