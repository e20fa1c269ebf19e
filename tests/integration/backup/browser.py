"""A browser without a screen, and gunicorn on a restored network for it."""

import re
import signal
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from http.cookiejar import CookieJar
from pathlib import Path

from scripts.programs import ROOT
from scripts.servers import HOST, Server, free_port
from scripts.stack import answers_health, web_command


@contextmanager
def served(environment: dict[str, str], folder: Path) -> Iterator[str]:
    """gunicorn with this environment; yields its address."""
    port = free_port()
    variables = {**environment, "WEB_CONCURRENCY": "1"}
    server = Server(
        web_command(port),
        lambda: answers_health(port),
        folder,
        None,
        signal.SIGTERM,
        environment=variables,
        start_in=ROOT,
    )
    server.start()
    try:
        yield f"http://{HOST}:{port}"
    finally:
        server.stop()


class Browser:
    """Keeps cookies, follows redirects, and sends the token of the page with each form."""

    def __init__(self, origin: str) -> None:
        self.origin = origin
        self._open = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(CookieJar())).open

    def get(self, path: str) -> bytes:
        """What is there; HTTPError for anything but a success."""
        with self._open(f"{self.origin}{path}", timeout=60) as answer:
            data: bytes = answer.read()
            return data

    def send(self, page: str, path: str, **fields: str) -> str:
        """Send a form of `page` to `path`; the page on which it ends."""
        found = re.search(rb'name="csrfmiddlewaretoken" value="([^"]+)"', self.get(page))
        assert found is not None
        body = urllib.parse.urlencode({**fields, "csrfmiddlewaretoken": found[1].decode()}).encode()
        with self._open(f"{self.origin}{path}", body, timeout=60) as answer:
            return str(answer.read().decode())
