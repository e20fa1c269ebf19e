"""LinkUp's changes to gunicorn: workers that overlap at a reload, and an access log without secrets."""

import re
import time
from threading import Thread
from typing import Any

from gunicorn.glogging import Logger
from gunicorn.workers.gthread import ThreadWorker

# Indexes of `ages`, an array that the workers of one master share: the age of the youngest worker when the last reload
# began, and of the youngest that is ready. gunicorn numbers its workers; each is one older than the one before.
RELOADED, READY = 0, 1
POLL_SECONDS = 0.05


class OverlappingWorker(ThreadWorker):  # type: ignore[misc]
    """A threaded worker that keeps serving during a reload until a new worker is ready, so that no request waits."""

    ages: Any

    def is_needed(self) -> bool:
        """Return whether the workers that replace this one are still starting."""
        return bool(self.ages[READY] <= self.ages[RELOADED] >= self.age)

    def handle_exit(self, sig: Any, frame: Any) -> None:
        """Stop at once, or once a new worker is ready, at the latest after half of `graceful_timeout`."""
        stop = super().handle_exit

        def stop_when_replaced() -> None:
            deadline = time.monotonic() + self.cfg.graceful_timeout / 2
            while self.is_needed() and time.monotonic() < deadline:
                time.sleep(POLL_SECONDS)
            stop(sig, frame)

        if self.is_needed():
            Thread(target=stop_when_replaced, daemon=True).start()
        else:
            stop(sig, frame)


class AccessLog(Logger):  # type: ignore[misc]
    """Logs requests without the query string and without the keys of links in mails."""

    key = re.compile(r"^(/(?:accounts/[^/]+|notifications/unsubscribe)/).+")

    def atoms(self, resp: Any, req: Any, environ: dict[str, Any], request_time: Any) -> dict[str, Any]:
        """Set `r` to the raw path: a decoded one could forge a line."""
        atoms: dict[str, Any] = super().atoms(resp, req, environ, request_time)
        path = str(environ["RAW_URI"]).partition("?")[0]
        atoms["r"] = f"{environ['REQUEST_METHOD']} " + self.key.sub(r"\1…", path)
        return atoms
