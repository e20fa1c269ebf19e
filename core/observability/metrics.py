"""The figures of /metrics, counted where things happen (docs/MONITORING.md has the table).

Labels come from the code, never from a visitor: names of views, not addresses. A name that changes here changes in
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

# Seconds. Pages of this house take some hundredths; what takes a second is slow, what takes ten is broken.
BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
# What a browser gives as the reason for closing, as far as it is told from others.
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


def _shared_folder() -> ProcessIds | None:
    """Where the processes of this machine count together (PROMETHEUS_MULTIPROC_DIR); None: each by itself.

    A folder that cannot be written costs figures, not the start of the server.
    """
    folder = getattr(settings, "METRICS_FOLDER", "")
    if not folder:
        return None
    try:
        slots = ProcessIds(Path(folder))
        slots.mine()
    except OSError as error:
        logger.warning("figures are kept in memory: the folder for them cannot be used (%s)", error.strerror)
        return None
    # prometheus_client asks the environment for it, where it is not when .env has it.
    os.environ.setdefault("PROMETHEUS_MULTIPROC_DIR", folder)
    return slots


shared = _shared_folder()
# prometheus_client has chosen by the environment, which may name a folder that cannot be used.
values.ValueClass = (
    values.MultiProcessValue(shared.mine) if shared else values.MutexValue  # type: ignore[no-untyped-call]
)
disable_created_metrics()  # type: ignore[no-untyped-call]
registry = CollectorRegistry()

requests = Counter(
    "linkup_http_requests", "Requests answered.", ["method", "view", "status"], registry=registry
)
seconds = Histogram(
    "linkup_http_request_duration_seconds",
    "Time until the answer began.",
    ["view"],
    buckets=BUCKETS,
    registry=registry,
)
under_way = Gauge(
    "linkup_http_requests_in_progress",
    "Requests being answered.",
    multiprocess_mode="livesum",
    registry=registry,
)
exceptions = Counter(
    "linkup_http_exceptions", "Faults that became a 500 or 503.", ["view", "exception"], registry=registry
)
security_events = Counter(
    "linkup_security_events", "Lines of the security log from WARNING on.", ["event"], registry=registry
)

tabs = Gauge(
    "linkup_websockets_open", "Open tabs of members.", multiprocess_mode="livesum", registry=registry
)
tabs_closed = Counter(
    "linkup_websockets_closed",
    "Tabs that closed: by whom, with which code.",
    ["by", "code"],
    registry=registry,
)
tabs_refused = Counter("linkup_websockets_refused", "Handshakes answered with 403.", registry=registry)
frames_refused = Counter(
    "linkup_websocket_frames_refused", "Frames of tabs that were not heard.", ["reason"], registry=registry
)
hints = Counter(
    "linkup_hints",
    "Hints for tabs: brought to the channel layer, or dropped.",
    ["outcome"],
    registry=registry,
)

mail = Counter("linkup_mail", "Messages handed to the mail server, or not.", ["outcome"], registry=registry)
redis_failures = Counter("linkup_redis_failures", "Times that Redis did not answer us.", registry=registry)
redis_failed_at = Gauge(
    "linkup_redis_failed_timestamp_seconds",
    "When Redis last did not answer us; 0 for never.",
    multiprocess_mode="max",
    registry=registry,
)


def _begin_at_zero() -> None:
    """Tell these from the start, so that the first one is seen as an increase."""
    for figure, labels in (
        (security_events, [*SECURITY_EVENTS.values(), OTHER]),
        (frames_refused, ["flood", "malformed", "too_large"]),
        (hints, ["sent", "dropped"]),
        (mail, ["sent", "failed"]),
    ):
        for label in labels:
            figure.labels(label)
    for code in SERVER_CODES:
        tabs_closed.labels("server", code)


_begin_at_zero()


@cache
def count_answer(method: str, view: str, status: int) -> Callable[[], None]:
    """What counts one answer. Kept, as finding a figure by its labels costs more than counting."""
    count: Callable[[], None] = requests.labels(method, view, status).inc
    return count


@cache
def take_seconds(view: str) -> Callable[[float], None]:
    """What takes the seconds of one answer of `view`."""
    take: Callable[[float], None] = seconds.labels(view).observe
    return take


def tab_closed(by_us: int, by_the_tab: int) -> None:
    """Count an end: `by_us` is the code we closed with, 0 where we did not; else the code that came counts."""
    if by_us:
        tabs_closed.labels("server", by_us).inc()
    else:
        tabs_closed.labels("client", by_the_tab if by_the_tab in CLIENT_CODES else OTHER).inc()


def redis_failed() -> None:
    """Count that Redis did not answer."""
    redis_failures.inc()
    redis_failed_at.set_to_current_time()


class SecurityLines(logging.Handler):
    """Counts lines of the security log by what they tell of."""

    def emit(self, record: logging.LogRecord) -> None:
        security_events.labels(SECURITY_EVENTS.get(record.name, OTHER)).inc()


# One object: a logger takes it once.
security_lines = SecurityLines(logging.WARNING)


def count_security_lines() -> None:
    """From now on count them, each once. To be called again where logging was configured anew, which forgets it."""
    for name in ("security", "django.security"):
        logging.getLogger(name).addHandler(security_lines)


def told() -> Iterator[Metric]:
    """What was counted so far, by all processes of the shared folder or by this one, and how many they are."""
    living = 1
    if shared is None:
        yield from registry.collect()
    else:
        living, files = shared.living()
        yield from MultiProcessCollector.merge(files)  # type: ignore[no-untyped-call]
    yield GaugeMetricFamily("linkup_processes", "Processes whose figures these are.", value=living)


def sweep() -> None:
    """Forget the figures of processes that have ended, such as those of an older version.

    For a process that does nothing else: gunicorn starts with one.
    """
    if shared is not None:
        shared.sweep()
