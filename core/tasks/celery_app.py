"""Celery's part: it carries ids of rows from the relay to workers. The table is the record; nothing here needs to last.

Nothing in Celery has an ETA or a countdown: with Redis, messages beyond the visibility timeout would be delivered again
and again. What is due later stays in the table.
"""

from urllib.parse import parse_qs, urlsplit

from celery import Celery
from django.conf import settings
from redis.connection import parse_url

QUEUE = "tasks"
# The users of a shared Redis may be limited to keys with this prefix.
PREFIX = "linkup:"
# Seconds after which Redis delivers an unacknowledged message again. It must be longer than the longest task, in all
# three places that Celery reads. Messages are acknowledged before they are executed, so that only those count that a
# worker has fetched and not begun.
VISIBILITY_TIMEOUT = 12 * 3600
# How often due tasks are handed over, in seconds, and how long an unread order to do so is kept.
RELAY_EVERY = 1.0
RELAY_EXPIRES = 10.0
EXECUTE = "core.tasks.execute"
RELAY = "core.tasks.relay"


def broker_url(redis_url: str) -> str:
    """Return REDIS_URL as Celery writes it: `redis+socket://` for a unix socket."""
    if not redis_url.startswith("unix:"):
        return redis_url.partition("?")[0]
    parts = urlsplit(redis_url)
    (number,) = parse_qs(parts.query).get("db", ["0"])
    return f"redis+socket://{parts.netloc}{parts.path}?virtual_host={number}"


def tls_options(redis_url: str) -> dict[str, object]:
    """Return the options of TLS in REDIS_URL, such as the file of an authority; empty without TLS."""
    if not redis_url.startswith("rediss:"):
        return {}
    options: dict[str, object] = parse_url(redis_url)  # type: ignore[no-untyped-call]
    of_tls = {name: value for name, value in options.items() if name.startswith("ssl_")}
    return {"ssl_cert_reqs": "required", **of_tls}


OPTIONS: dict[str, object] = {
    "broker_transport_options": {
        "visibility_timeout": VISIBILITY_TIMEOUT,
        "global_keyprefix": PREFIX,
        # None by default: a silent Redis would hold a worker for ever.
        "socket_connect_timeout": 3.0,
        "socket_timeout": 10.0,
        "socket_keepalive": True,
        "health_check_interval": 10,
    },
    "result_backend_transport_options": {"visibility_timeout": VISIBILITY_TIMEOUT},
    "visibility_timeout": VISIBILITY_TIMEOUT,
    # Workers wait for Redis as long as it takes, when they start and later.
    "broker_connection_retry_on_startup": True,
    "broker_connection_max_retries": None,
    "broker_connection_timeout": 3.0,
    # After a lost connection Celery would fetch less until as many tasks have ended as were running.
    "worker_enable_prefetch_count_reduction": False,
    # It cancels only tasks that are acknowledged late, and there are none; False would warn at each reconnection.
    "worker_cancel_long_running_tasks_on_connection_loss": True,
    # Late acknowledgement and rejection have nothing to add: a row outlives its message and its worker.
    "task_acks_late": False,
    "task_ignore_result": True,
    "task_store_errors_even_if_ignored": False,
    "task_publish_retry": False,
    "task_default_queue": QUEUE,
    "task_serializer": "json",
    "accept_content": ["json"],
    "worker_prefetch_multiplier": 1,
    # Pictures and documents leave a process larger than it needs to be (in kB).
    "worker_max_memory_per_child": 400_000,
    # `celery inspect` would need a queue for each worker, which is lost with Redis.
    "worker_enable_remote_control": False,
    "worker_hijack_root_logger": False,
    "worker_redirect_stdouts": False,
    # In memory: the only entry is due at once, and the times of tasks are in the table.
    "beat_scheduler": "celery.beat:Scheduler",
    "beat_max_loop_interval": RELAY_EVERY,
    "beat_schedule": {
        "relay": {"task": RELAY, "schedule": RELAY_EVERY, "options": {"expires": RELAY_EXPIRES}},
    },
    "enable_utc": True,
    "timezone": "UTC",
}


def make_app(redis_url: str, concurrency: int) -> Celery:
    """Return Celery with all options, without its fixup for Django, which closes the database around each task."""
    made = Celery("linkup", fixups=set())
    made.conf.update(
        OPTIONS,
        broker_url=broker_url(redis_url),
        broker_use_ssl=tls_options(redis_url) or None,
        worker_concurrency=concurrency,
    )
    return made


app = make_app(getattr(settings, "REDIS_URL", ""), getattr(settings, "WORK_CONCURRENCY", 1))
