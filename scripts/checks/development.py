"""Checks that LinkUp starts on a developer's machine."""

import signal
import sys
from contextlib import ExitStack

from ..programs import ROOT
from ..servers import HOST, Server, free_port, temporary_folder
from ..stack import answers_health, manage, production_environment
from .server import expect_health, expect_page


def development_starts() -> str:
    """Run migrate and runserver on a new SQLite file; request a page and the health endpoints."""
    with ExitStack() as until_the_end:
        folder = until_the_end.enter_context(temporary_folder(None))
        environment = production_environment("", "", folder, DJANGO_ENVIRONMENT="development")
        environment = {name: value for name, value in environment.items() if value and name != "EMAIL_HOST"}
        manage(environment, "migrate", "--verbosity", "0")
        port = free_port()
        command = [sys.executable, "manage.py", "runserver", "--noreload", f"{HOST}:{port}"]
        (folder / "server").mkdir()
        server = Server(
            command,
            lambda: answers_health(port),
            folder / "server",
            None,
            signal.SIGTERM,
            environment=environment,
            start_in=ROOT,
        )
        server.start()
        until_the_end.callback(server.stop)
        expect_page(port)
        expect_health(port)
    return "runserver, home page, health"
