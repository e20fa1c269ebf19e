"""The server that the checks ask: the production stack of this machine, with a mail server beside it."""

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

from ..programs import obtain
from ..servers import HOST, free_port
from ..stack import Stack, manage, running_stack
from .page import NAME
from .rows import CheckFailed

ALICE = "alice"
RELOAD_SECONDS = 90.0
PDF = b"%PDF-1.7\n" + b"a plan " * 1000
PREPARE = f"""
from django.utils import timezone
from feed.services import Document, publish_post
from users.models import User
alice = User.objects.create_user("{ALICE}", "{ALICE}@example.org", PASSWORD, joined_at=timezone.now())
post = publish_post(author=alice, text="", document=Document({PDF!r}, "plan.pdf"))
print(post.pk, post.document)
"""


@dataclass(frozen=True)
class Upload:
    """A private file: the address where members get it, and its name in the media folder."""

    address: str
    name: str


@dataclass
class Place:
    """A site, and how its operator reaches it. `folder` holds its data, `ports` those of gunicorn and daphne."""

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
        """What the page's addresses stand for."""
        return {f"https://{NAME}": self.origin, f"http://{NAME}": self.http_origin}

    @property
    def shell(self) -> str:
        """What makes `nginx` in a command that of this place."""
        return f'nginx() {{ {self.nginx} "$@"; }}' if self.nginx else ""

    def visitor(self) -> Visitor:
        """Somebody who has not signed in."""
        return Visitor(self)

    @contextmanager
    def member(self) -> Iterator[Visitor]:
        """Alice, signed in."""
        _ = self.upload
        with self.visitor() as visitor:
            visitor.sign_in(ALICE, self.password)
            yield visitor

    @cached_property
    def upload(self) -> Upload:
        """Made once, with the member whose it is."""
        said = manage(
            self.environment, "shell", "--command", PREPARE.replace("PASSWORD", repr(self.password))
        )
        number, name = said.split()[-2:]
        return Upload(f"/posts/{number}/document/", name)

    def wait_for_mail(self, seconds: float = 30.0) -> str:
        """The next mail to Alice; CheckFailed when none comes."""
        until = time.monotonic() + seconds
        while not self.mails:
            if time.monotonic() > until:
                raise CheckFailed(f"no mail came within {seconds:.0f} s")
            time.sleep(0.1)
        return self.mails.pop(0)


class _Box:
    """A mail server that keeps what it gets."""

    def __init__(self) -> None:
        self.mails: list[str] = []

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 -- aiosmtpd's
        content = envelope.content or b""
        self.mails.append(content if isinstance(content, str) else content.decode(errors="replace"))
        return "250 OK"


@contextmanager
def running_place() -> Iterator[Place]:
    """The whole stack for the time of the block. Raises what `running_stack` raises."""
    box = _Box()
    controller = Controller(box, hostname=HOST, port=free_port())
    controller.start()
    try:
        with running_stack(EMAIL_PORT=str(controller.port)) as stack:
            yield _place(stack, box.mails)
    finally:
        controller.stop()


def _place(stack: Stack, mails: list[str]) -> Place:
    folder = stack.site.folder
    nginx = f"{obtain('nginx')['nginx']} -p {folder} -e stderr -c {folder / 'nginx.conf'}"

    def restart() -> None:
        for server in (stack.web, stack.ws, stack.nginx):
            server.stop()
            server.start()

    def reload() -> None:
        """Until none of the workers is an old one."""
        before = set(stack.web.children())
        stack.reload_web()
        until = time.monotonic() + RELOAD_SECONDS
        while before & set(stack.web.children()):
            if time.monotonic() > until:
                raise CheckFailed(f"old workers are still there after {RELOAD_SECONDS:.0f} s")
            time.sleep(0.1)

    return Place(
        origin=stack.origin,
        http_origin=stack.http_origin,
        certificate=stack.certificate,
        environment={**stack.environment, "SITE_URL": stack.origin, "CURL_CA_BUNDLE": str(stack.certificate)},
        folder=folder.parent,
        ports=(stack.site.web, stack.site.ws),
        nginx=nginx,
        restart=restart,
        reload=reload,
        mails=mails,
    )
