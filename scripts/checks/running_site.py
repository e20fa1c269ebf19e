"""The server for the checks: the production stack on this machine, with a mail server."""

import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from scripts.visitor import Visitor

from ..programs import find_or_install
from ..servers import HOST, find_free_port
from ..stack import Stack, run_manage_command, running_stack
from .checklist import NAME
from .results import CheckFailed

ALICE = "alice"
RELOAD_SECONDS = 90.0
PDF = b"%PDF-1.7\n" + b"a plan " * 1000
CREATE_UPLOAD = f"""
from django.utils import timezone
from feed.services import Document, publish_post
from users.models import User
alice = User.objects.create_user("{ALICE}", "{ALICE}@example.org", PASSWORD, joined_at=timezone.now())
post = publish_post(author=alice, text="", document=Document({PDF!r}, "plan.pdf"))
print(post.pk, post.document)
"""


@dataclass(frozen=True)
class Upload:
    """A private file: its URL for members, and its name in the media folder."""

    address: str
    name: str


@dataclass
class RunningSite:
    """A running site and its controls. `folder` contains its data, `ports` are those of gunicorn and daphne."""

    origin: str
    http_origin: str
    certificate: Path | None
    environment: dict[str, str]
    folder: Path
    ports: tuple[int, ...] = ()
    nginx: str = ""
    restart: Callable[[], None] = lambda: None
    reload: Callable[[], None] = lambda: None
    mails: list[str] = field(default_factory=list)
    password: str = field(default_factory=lambda: secrets.token_urlsafe(16))

    @property
    def origins(self) -> dict[str, str]:
        """The real origins of the origins in the checklist."""
        return {f"https://{NAME}": self.origin, f"http://{NAME}": self.http_origin}

    @property
    def shell(self) -> str:
        """A shell function that makes `nginx` that of this site."""
        return f'nginx() {{ {self.nginx} "$@"; }}' if self.nginx else ""

    def visitor(self) -> Visitor:
        """Return an anonymous visitor."""
        return Visitor(self)

    @contextmanager
    def member(self) -> Iterator[Visitor]:
        """Sign Alice in for the block."""
        _ = self.upload
        with self.visitor() as visitor:
            visitor.sign_in(ALICE, self.password)
            yield visitor

    @cached_property
    def upload(self) -> Upload:
        """A private file, created once, together with its owner."""
        output = run_manage_command(
            self.environment, "shell", "--command", CREATE_UPLOAD.replace("PASSWORD", repr(self.password))
        )
        number, name = output.split()[-2:]
        return Upload(f"/posts/{number}/document/", name)

    def wait_for_mail(self, seconds: float = 30.0) -> str:
        """Return the next mail. Raises CheckFailed when none comes."""
        until = time.monotonic() + seconds
        while not self.mails:
            if time.monotonic() > until:
                raise CheckFailed(f"no mail came within {seconds:.0f} s")
            time.sleep(0.1)
        return self.mails.pop(0)


class _MailServer:
    """A mail server that stores its mails."""

    def __init__(self) -> None:
        self.mails: list[str] = []

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 -- aiosmtpd's
        content = envelope.content or b""
        self.mails.append(content if isinstance(content, str) else content.decode(errors="replace"))
        return "250 OK"


@contextmanager
def start_site() -> Iterator[RunningSite]:
    """Run the whole stack during the block. Raises as `running_stack` does."""
    mail_server = _MailServer()
    controller = Controller(mail_server, hostname=HOST, port=find_free_port())
    controller.start()
    try:
        with running_stack(EMAIL_PORT=str(controller.port)) as stack:
            yield _to_running_site(stack, mail_server.mails)
    finally:
        controller.stop()


def _to_running_site(stack: Stack, mails: list[str]) -> RunningSite:
    folder = stack.site.folder
    nginx = f"{find_or_install('nginx')['nginx']} -p {folder} -e stderr -c {folder / 'nginx.conf'}"

    def restart() -> None:
        for server in (stack.web, stack.ws, stack.nginx):
            server.stop()
            server.start()

    def reload() -> None:
        """Reload, and wait until all old workers have ended."""
        before = set(stack.web.children())
        stack.reload_web()
        until = time.monotonic() + RELOAD_SECONDS
        while before & set(stack.web.children()):
            if time.monotonic() > until:
                raise CheckFailed(f"old workers are still there after {RELOAD_SECONDS:.0f} s")
            time.sleep(0.1)

    return RunningSite(
        origin=stack.origin,
        http_origin=stack.http_origin,
        certificate=stack.certificate,
        environment={**stack.environment, "SITE_URL": stack.origin, "CURL_CA_BUNDLE": str(stack.certificate)},
        folder=folder.parent,
        ports=(stack.site.web_port, stack.site.ws_port),
        nginx=nginx,
        restart=restart,
        reload=reload,
        mails=mails,
    )
