"""The metrics of this process (docs/MONITORING.md has the table).

Label values come from the code, never from a request: names of views, not URLs. A name that changes here must change in
deploy/monitoring, too; tests/integration/test_metrics.py compares them.
"""

import logging
import os
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

from django.conf import settings
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics, values
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector

from .multiprocess_dir import ProcessIds

logger = logging.getLogger(__name__)

# Seconds. Pages take some hundredths; a second is slow, ten seconds are broken.
BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
# Close codes of browsers that are counted separately.
CLIENT_CODES = {1000, 1001, 1005, 1006}
SERVER_CODES = (1008, 1009, 1012, 4401)
OTHER = "other"
SECURITY_EVENTS = {
    "security.login": "sign_in_failed",
    "security.denied": "permission_denied",
    "security.limit": "limit_hit",
    "django.security.csrf": "csrf",
    "django.security.DisallowedHost": "disallowed_host",
}


def _open_shared_folder() -> ProcessIds | None:
    """Open the folder that all processes of this machine share (PROMETHEUS_MULTIPROC_DIR); None without one.

    When the folder cannot be written, the server starts with the metrics of each process in memory.
    """
    folder = getattr(settings, "METRICS_FOLDER", "")
    if not folder:
        return None
    try:
        process_ids = ProcessIds(Path(folder))
        process_ids.own_id()
    except OSError as error:
        logger.warning("metrics are kept in memory: their folder cannot be used (%s)", error.strerror)
        return None
    # prometheus_client reads the environment, which lacks the variable when it is set in .env.
    os.environ.setdefault("PROMETHEUS_MULTIPROC_DIR", folder)
    return process_ids


shared = _open_shared_folder()
# prometheus_client chose by the environment variable, whose folder may be unusable.
values.ValueClass = (
    values.MultiProcessValue(shared.own_id) if shared else values.MutexValue  # type: ignore[no-untyped-call]
)
disable_created_metrics()  # type: ignore[no-untyped-call]
registry = CollectorRegistry()

requests = Counter(
    "linkup_http_requests", "Requests with a response.", ["method", "view", "status"], registry=registry
)
seconds = Histogram(
    "linkup_http_request_duration_seconds",
    "Time until the response began.",
    ["view"],
    buckets=BUCKETS,
    registry=registry,
)
under_way = Gauge(
    "linkup_http_requests_in_progress",
    "Requests being served.",
    multiprocess_mode="livesum",
    registry=registry,
)
exceptions = Counter(
    "linkup_http_exceptions", "Exceptions that became a 500 or 503.", ["view", "exception"], registry=registry
)
security_events = Counter(
    "linkup_security_events", "Lines of the security log, WARNING and above.", ["event"], registry=registry
)

open_sockets = Gauge(
    "linkup_websockets_open", "Open tabs of members.", multiprocess_mode="livesum", registry=registry
)
sockets_closed = Counter(
    "linkup_websockets_closed",
    "Closed tabs, by side and close code.",
    ["by", "code"],
    registry=registry,
)
sockets_refused = Counter("linkup_websockets_refused", "Handshakes rejected with 403.", registry=registry)
frames_refused = Counter(
    "linkup_websocket_frames_refused", "Rejected frames of tabs.", ["reason"], registry=registry
)
events = Counter(
    "linkup_hints",
    "Events for tabs: sent to the channel layer, or dropped.",
    ["outcome"],
    registry=registry,
)

mail = Counter("linkup_mail", "Messages sent to the mail server, or failed.", ["outcome"], registry=registry)
task_attempts = Counter(
    "linkup_task_attempts",
    "Attempts of background tasks: done, to be tried again, or failed in the end.",
    ["outcome"],
    registry=registry,
)
redis_failures = Counter("linkup_redis_failures", "Times that Redis did not answer.", registry=registry)
redis_failed_at = Gauge(
    "linkup_redis_failed_timestamp_seconds",
    "When Redis last did not answer; 0 for never.",
    multiprocess_mode="max",
    registry=registry,
)


# These start at zero, so that the first count is visible as an increase.
for metric, labels in (
    (security_events, [*SECURITY_EVENTS.values(), OTHER]),
    (frames_refused, ["flood", "malformed", "too_large"]),
    (events, ["sent", "dropped"]),
    (mail, ["sent", "failed", "suppressed"]),
    (task_attempts, ["done", "retried", "failed"]),
):
    for label in labels:
        metric.labels(label)
for code in SERVER_CODES:
    sockets_closed.labels("server", code)


@cache
def count_response(method: str, view: str, status: int) -> Callable[[], None]:
    """Return a function that counts one response. Cached, since looking up labels costs more than counting."""
    count: Callable[[], None] = requests.labels(method, view, status).inc
    return count


@cache
def observe_seconds(view: str) -> Callable[[float], None]:
    """Return a function that records the duration of one response of `view`."""
    observe: Callable[[float], None] = seconds.labels(view).observe
    return observe


def count_closed_socket(server_code: int, client_code: int) -> None:
    """Count a closed socket: `server_code` is the code that the server closed with, or 0 if the client closed."""
    if server_code:
        sockets_closed.labels("server", server_code).inc()
    else:
        sockets_closed.labels("client", client_code if client_code in CLIENT_CODES else OTHER).inc()


def count_redis_failure() -> None:
    """Count a failure of Redis."""
    redis_failures.inc()
    redis_failed_at.set_to_current_time()


class SecurityLines(logging.Handler):
    """Counts lines of the security log by kind of event."""

    def emit(self, record: logging.LogRecord) -> None:
        security_events.labels(SECURITY_EVENTS.get(record.name, OTHER)).inc()


# A single object, which a logger adds only once.
security_lines = SecurityLines(logging.WARNING)


def count_security_lines() -> None:
    """Start counting the lines of the security log. Call it again after logging was reconfigured."""
    for name in ("security", "django.security"):
        logging.getLogger(name).addHandler(security_lines)


def collect_metrics() -> Iterator[Metric]:
    """Yield the metrics of all processes of the shared folder or of this one, and the number of processes."""
    processes = 1
    if shared is None:
        yield from registry.collect()
    else:
        processes, files = shared.live_files()
        yield from MultiProcessCollector.merge(files)  # type: ignore[no-untyped-call]
    yield GaugeMetricFamily("linkup_processes", "Processes whose metrics these are.", value=processes)


def remove_ended_processes() -> None:
    """Delete the metrics of processes that have ended, such as those of an older version.

    For a separate process, which gunicorn runs when it starts.
    """
    if shared is not None:
        shared.remove_ended()
