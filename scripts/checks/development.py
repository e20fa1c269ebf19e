"""Checks that LinkUp starts on a developer's machine."""

import signal
import sys
from contextlib import ExitStack

from ..programs import ROOT
from ..servers import HOST, Server, find_free_port, temporary_folder
from ..stack import is_healthy, production_environment, run_manage_command
from .server import expect_health, expect_page


def check_development_server() -> str:
    """Run migrate and runserver on a new SQLite file; request a page and the health endpoints."""
    with ExitStack() as exit_stack:
        folder = exit_stack.enter_context(temporary_folder(None))
        environment = production_environment("", "", folder, DJANGO_ENVIRONMENT="development")
        environment = {name: value for name, value in environment.items() if value and name != "EMAIL_HOST"}
        run_manage_command(environment, "migrate", "--verbosity", "0")
        port = find_free_port()
        command = [sys.executable, "manage.py", "runserver", "--noreload", f"{HOST}:{port}"]
        (folder / "server").mkdir()
        server = Server(
            command,
            lambda: is_healthy(port),
            folder / "server",
            None,
            signal.SIGTERM,
            environment=environment,
            start_in=ROOT,
        )
        server.start()
        exit_stack.callback(server.stop)
        expect_page(port)
        expect_health(port)
    return "runserver, home page, health"
