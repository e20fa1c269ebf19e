"""gunicorn (R13): threads for pages, and with WEB_SERVER=asgi pages and WebSocket on one port.

`gunicorn` reads it from its working directory, and again at each reload (HUP). docs/SETTINGS.md has all variables.
"""

import os
import subprocess
import sys
from ctypes import c_int
from multiprocessing.sharedctypes import RawArray
from pathlib import Path
from typing import Any

from professional_network.env import BASE_DIR, Environment

# A reload reads this file again in the same process; what it imports must be the new version, too.
sys.modules.pop("professional_network.web_workers", None)
from professional_network.web_workers import READY, RELOADED, AccessLog, OverlappingWorker  # noqa: E402

# Not the instance of the settings: that one is read once, and a reload should read .env again.
env = Environment(BASE_DIR / ".env")

SERVERS: dict[str, tuple[type | str, str]] = {
    # Ordinary Django views are several times quicker in threads than under any ASGI server.
    "gthread": (OverlappingWorker, "professional_network.wsgi:application"),
    # For platforms that route one port only.
    "asgi": ("asgi", "professional_network.asgi:application"),
}


def count_cores() -> int:
    """Return the number of processor cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


worker_class, wsgi_app = SERVERS[env.choice("WEB_SERVER", "gthread", tuple(SERVERS))]

# A platform that sets PORT connects to all interfaces; otherwise only a proxy on this machine may connect.
# With systemd's socket activation neither is used: systemd passes the socket.
port = env.port("PORT", 8000)
bind = f"0.0.0.0:{port}" if env.text("PORT") else f"127.0.0.1:{port}"
backlog = 1024
proc_name = "linkup"

workers = env.number("WEB_CONCURRENCY", count_cores(), least=1, most=1_000)
threads = env.number("WEB_THREADS", 4, least=1, most=1_000)
worker_connections = 1000

# Seconds. A worker without a heartbeat for `timeout` is replaced; a stopping one has `graceful_timeout` to finish its
# requests, which is less than systemd's TimeoutStopSec.
timeout = env.number("WEB_TIMEOUT", 30, least=1, most=86_400)
graceful_timeout = 30
keepalive = 5
# Workers are replaced after this many requests, not all at once.
max_requests = 20_000
max_requests_jitter = 2_000

# The limits of nginx in deploy/nginx/linkup.conf, for platforms without it.
limit_request_line = 8190
limit_request_fields = 100
limit_request_field_size = 16_380
websocket_max_message_size = 1024 * 1024
asgi_lifespan = "off"

# Only these may set X-Forwarded-Proto; gunicorn always trusts a unix socket.
forwarded_allow_ips = ",".join(
    proxy for proxy in env.networks("TRUSTED_PROXIES", "127.0.0.1,::1") if proxy != "unix"
)
# Header names with an underscore would be mistaken for those with a hyphen.
header_map = "drop"

# The platform, systemd or Docker stores this output; LinkUp's own log files are Django's (R9).
accesslog = "-"
errorlog = "-"
access_log_format = '%(h)s "%(r)s" %(s)s %(b)s %(M)sms %({x-request-id}o)s'
logger_class = AccessLog
control_socket_disable = True
# The heartbeat is a file, which never waits for a disk when it is in memory.
worker_tmp_dir = "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108 -- a folder of the system


def on_starting(server: Any) -> None:
    """Exit with one message when the settings are invalid, instead of a trace from each worker.

    A separate process checks them, since a reload cannot load again what the master has loaded. It also deletes the
    metrics of ended processes.
    """
    server.ages = RawArray(c_int, 2)
    env.raise_errors()
    statements = [
        f"import {wsgi_app.partition(':')[0]}",
        "from core.observability import metrics",
        "metrics.remove_ended_processes()",
    ]
    command = [sys.executable, "-c", "; ".join(statements)]
    done = subprocess.run(  # noqa: S603 -- this Python, and one of two modules
        command, cwd=BASE_DIR, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    if done.returncode:
        _, is_settings_error, message = done.stderr.rpartition("ImproperlyConfigured: ")
        sys.exit(message.strip() if is_settings_error else done.stderr)
    # A file that the last `manage.py drain` left must not make the new server unready.
    data = Path(env.path("DATA_DIR", BASE_DIR))
    Path(env.path("DRAIN_FILE", data / "drain")).unlink(missing_ok=True)


def on_reload(server: Any) -> None:
    """Store the age of the youngest worker when a reload begins."""
    server.ages[RELOADED] = server.worker_age


def post_fork(server: Any, worker: Any) -> None:
    """Let the worker read `.env` again, which may have changed before a reload."""
    worker.ages = server.ages
    sys.modules.pop("professional_network.env", None)


def post_worker_init(worker: Any) -> None:
    """Tell the old workers that a new one is ready, and prepare what hands over background tasks."""
    worker.ages[READY] = max(worker.ages[READY], worker.age)
    # After the fork, with the settings that the worker has read.
    from core.tasks import prepare_executor  # noqa: PLC0415

    prepare_executor()
