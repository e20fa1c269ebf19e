"""Each check of `make checkpoint` fails when what it looks at is broken."""

import http.server
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from scripts.checks import checklist, repository, server
from scripts.checks.checklist import ChecklistItem
from scripts.checks.results import CheckFailed
from scripts.checks.running_site import PDF, RunningSite, Upload
from scripts.programs import ROOT
from scripts.servers import HOST
from scripts.stack import production_environment
from scripts.suite import Stage
from scripts.visitor import UnexpectedResponse

pytestmark = pytest.mark.night

HERE = {line.title: line for line in checklist.read_checklist() if line.where == checklist.HERE}


# -- The code -------------------------------------------------------------------------------
def test_a_variable_that_the_example_lacks(tmp_path: Path) -> None:
    example = tmp_path / ".env.example"
    example.write_text((ROOT / ".env.example").read_text().replace("\nREDIS_URL=", "\n# "))
    with pytest.raises(CheckFailed, match="missing: REDIS_URL"):
        repository.check_env_example(example)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A repository with our .gitignore."""
    subprocess.run(["git", "init", "--quiet", str(tmp_path)], check=True)  # noqa: S607
    (tmp_path / ".gitignore").write_text((ROOT / ".gitignore").read_text())
    return tmp_path


def test_a_secret_that_git_does_not_ignore(checkout: Path) -> None:
    assert repository.check_gitignore(checkout)
    ignored = checkout / ".gitignore"
    ignored.write_text(ignored.read_text().replace(".env.*\n", ""))
    with pytest.raises(CheckFailed, match=r"not ignored: \.env\.production"):
        repository.check_gitignore(checkout)


def test_a_secret_that_was_added_all_the_same(checkout: Path) -> None:
    (checkout / ".env").touch()
    subprocess.run(["git", "add", "--force", ".env"], cwd=checkout, check=True)  # noqa: S607
    with pytest.raises(CheckFailed, match=r"but in the repository: \.env"):
        repository.check_gitignore(checkout)


@pytest.mark.parametrize("path", ["core/gone.py", "gone.sh", "docs/GONE*.md", "gone/"])
def test_a_file_of_the_plan_that_is_gone(checkout: Path, path: str) -> None:
    plan = checkout / "plan.md"
    plan.write_text(f"Words about `core/other.py`.\n\n| 1 | done | `plan.md`, `{path}` |\n")
    with pytest.raises(CheckFailed, match="not there: "):
        repository.check_plan_paths(plan, checkout)
    plan.write_text("| 1 | done | `plan.md` |\n")
    assert repository.check_plan_paths(plan, checkout) == "1 paths"


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("## On a server", "## Elsewhere", "no section"),
        ("(docs/DEPLOYMENT.md)", "(docs/GONE.md)", "does not link to docs/DEPLOYMENT.md"),
        ("(CONTRIBUTING.md)", "(GONE.md)", "broken links: GONE.md"),
    ],
)
def test_a_readme_that_leads_nowhere(tmp_path: Path, old: str, new: str, told: str) -> None:
    for name in ("docs", "deploy", "LICENSE", "CONTRIBUTING.md"):
        (tmp_path / name).symlink_to(ROOT / name)
    readme = tmp_path / "README.md"
    readme.write_text((ROOT / "README.md").read_text().replace(old, new))
    with pytest.raises(CheckFailed, match=told):
        repository.check_readme_links(readme)


def test_a_guide_that_no_test_runs(tmp_path: Path) -> None:
    for name in ("docs", "deploy", "tests"):
        (tmp_path / name).mkdir()
    (tmp_path / "docs" / "WAY.md").write_text("```bash\ntrue\n```\n")
    with pytest.raises(CheckFailed, match=r"no test runs the blocks of WAY\.md"):
        repository.check_guides_are_tested(tmp_path)
    (tmp_path / "tests" / "test_way.py").write_text('PAGE = "WAY.md"\n')
    assert repository.check_guides_are_tested(tmp_path) == "1 pages: WAY.md"


def test_a_test_that_fails_or_is_skipped(tmp_path: Path) -> None:
    broken = tmp_path / "test_broken.py"
    broken.write_text(
        "import pytest\ndef test_a(): assert 0\ndef test_b(): pytest.skip('')\ndef test_c(): pass\n"
    )
    stage = Stage("checkpoint-broken", ("-c", os.devnull, "--rootdir", str(tmp_path), str(broken)))
    with pytest.raises(CheckFailed, match=r"2 of 3: .*test_a failed; .*test_b skipped"):
        repository.run_all_tests([stage])


def test_settings_that_cannot_be_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        repository, "UNUSED_SERVERS", ("mysql://nobody@localhost/nothing", "redis://127.0.0.1:1/0")
    )
    with pytest.raises(RuntimeError, match="DATABASE_URL"):
        repository.check_settings_import()


# -- Commands on a server that is not well --------------------------------------------------
BROKEN: list[tuple[str, dict[str, str], str]] = [
    ("settings are complete and safe", {"SECURE_HSTS_SECONDS": "0"}, "exit code 1"),
    ("tables fit the code", {"DJANGO_ENVIRONMENT": "development", "DATABASE_URL": ""}, "exit code 1"),
    ("static files are there", {}, "does not show '0 static files copied'"),
]


@pytest.mark.parametrize(("what", "variables", "told"), BROKEN, ids=[what for what, _, _ in BROKEN])
def test_a_command_finds_the_fault(what: str, variables: dict[str, str], told: str, tmp_path: Path) -> None:
    environment = {**production_environment(*repository.UNUSED_SERVERS, tmp_path), **variables}
    environment = {name: value for name, value in environment.items() if value}
    with pytest.raises(CheckFailed, match=told):
        checklist.run_command(HERE[what], environment, {})


def test_a_configuration_that_nginx_does_not_read() -> None:
    with pytest.raises(CheckFailed, match="does not show 'test is successful'"):
        checklist.run_command(HERE["nginx's files are well"], dict(os.environ), {}, "nginx() { echo emerg; }")


# -- A site that is not well ----------------------------------------------------------------
Answers = dict[str, tuple[int, str]]
FORM = '<form><input type="hidden" name="csrfmiddlewaretoken" value="t"></form>'
UPLOAD = Upload("/posts/1/document/", "private/documents/a.pdf")
# What a site that is well says, as far as these checks ask.
WELL: Answers = {
    "GET /": (200, "LinkUp"),
    "GET /health/": (200, '{"status": "ok"}'),
    "GET /health/db/": (200, '{"status": "ok"}'),
    "GET /health/redis/": (200, '{"status": "ok"}'),
    "GET /readiness/": (200, '{"status": "ok", "checks": {}}'),
    "GET /accounts/login/": (200, FORM),
    "POST /accounts/login/": (302, ""),
    "GET /accounts/password/reset/": (200, FORM),
    "POST /accounts/password/reset/": (302, ""),
    "GET /ws/": (101, ""),
}


class Site(http.server.ThreadingHTTPServer):
    """Answers as it was told; the private file goes to who sends a cookie."""

    daemon_threads = True

    def __init__(self, answers: Answers) -> None:
        self.answers = answers
        self.to_all = False
        self.when_asked: Callable[[], None] = lambda: None
        super().__init__((HOST, 0), Answering)


class Answering(http.server.BaseHTTPRequestHandler):
    server: Site
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.answer()

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.server.when_asked()
        self.answer()

    def answer(self) -> None:
        status, text = self.server.answers.get(f"{self.command} {self.path}", (404, ""))
        if self.path == UPLOAD.address and ("Cookie" not in self.headers and not self.server.to_all):
            status, text = 404, ""
        self.send_response(status)
        if self.command == "POST":
            self.send_header("Set-Cookie", "session=s")
        if status == 302:
            self.send_header("Location", "/")
        if status != 101:
            self.send_header("Content-Length", str(len(text.encode())))
        self.end_headers()
        self.wfile.write(b"" if status == 101 else text.encode())

    def log_message(self, *args: object) -> None:
        """Say nothing."""


class Known(RunningSite):
    """A place whose member and file are there already."""

    upload = UPLOAD


@contextmanager
def place(tmp_path: Path, **changes: tuple[int, str]) -> Iterator[tuple[Known, Site]]:
    answers = {**WELL, f"GET {UPLOAD.address}": (200, PDF.decode())}
    site = Site({**answers, **changes})
    threading.Thread(target=site.serve_forever, daemon=True).start()
    origin = f"http://{HOST}:{site.server_port}"
    environment = {"PATH": os.environ["PATH"]}
    try:
        yield Known(origin, origin, None, environment, tmp_path, (site.server_port,)), site
    finally:
        site.shutdown()
        site.server_close()


FAILED = (CheckFailed, UnexpectedResponse)


def failure(check: Callable[[RunningSite], str], tmp_path: Path, **changes: tuple[int, str]) -> str:
    """What a check says of a site that answers so."""
    with place(tmp_path, **changes) as (known, _), pytest.raises(FAILED) as failed:
        check(known)
    return str(failed.value)


def test_a_site_that_is_well_is_found_well(tmp_path: Path) -> None:
    with place(tmp_path) as (known, _):
        assert server.check_both_servers(known)
        assert server.check_sockets(known)
        assert server.check_private_files(known)
        assert server.check_restart_keeps_uploads(known)


@pytest.mark.parametrize(
    ("path", "status", "text"),
    [
        ("/", 500, "LinkUp"),
        ("/", 200, "Welcome to nginx"),
        ("/health/", 503, '{"status": "failing"}'),
        ("/readiness/", 200, '{"status": "failing"}'),
        ("/health/redis/", 404, ""),
    ],
)
def test_a_page_that_is_not_well(tmp_path: Path, path: str, status: int, text: str) -> None:
    assert "returned" in failure(server.check_both_servers, tmp_path, **{f"GET {path}": (status, text)})


@pytest.mark.parametrize("what", ["pages answer", "database and Redis answer"])
@pytest.mark.parametrize("answer", [(503, '{"status": "failing", "checks": {}}'), (200, '{"status": "?"}')])
def test_a_health_address_that_is_not_well(tmp_path: Path, what: str, answer: tuple[int, str]) -> None:
    changes = {"GET /health/": answer, "GET /readiness/": answer}
    with place(tmp_path, **changes) as (known, _), pytest.raises(CheckFailed):
        checklist.run_command(HERE[what], known.environment, known.origins)


@pytest.mark.parametrize("answer", [(200, "no TLS here"), (302, "")])
def test_a_site_that_does_not_lead_to_https(tmp_path: Path, answer: tuple[int, str]) -> None:
    with (
        place(tmp_path, **{"GET /": answer}) as (known, _),
        pytest.raises(CheckFailed, match="does not show"),
    ):
        checklist.run_command(HERE["HTTP leads to HTTPS"], known.environment, known.origins)


@pytest.mark.parametrize("status", [200, 403, 502])
def test_a_socket_that_does_not_open(tmp_path: Path, status: int) -> None:
    told = failure(server.check_sockets, tmp_path, **{"GET /ws/": (status, "")})
    assert told == f"the handshake returned {status}"


def test_a_sign_in_that_does_not_work(tmp_path: Path) -> None:
    told = failure(server.check_sockets, tmp_path, **{"POST /accounts/login/": (200, "wrong password")})
    assert told == "signing in returned 200: wrong password"


@pytest.mark.parametrize("status", [200, 429, 500])
def test_a_letter_that_cannot_be_asked_for(tmp_path: Path, status: int) -> None:
    told = failure(server.check_mail, tmp_path, **{"POST /accounts/password/reset/": (status, "")})
    assert told == f"asking for a new password returned {status}"


def test_a_letter_that_never_comes(tmp_path: Path) -> None:
    with place(tmp_path) as (known, _), pytest.raises(CheckFailed, match="no mail came within 0 s"):
        known.wait_for_mail(0.2)


@pytest.mark.parametrize(
    "letter", ["To: bob@example.org", "To: alice@example.org\n\nhttps://else.example.org/"]
)
def test_a_letter_for_somebody_else(tmp_path: Path, letter: str) -> None:
    with place(tmp_path) as (known, site):
        site.when_asked = lambda: known.mails.append(letter)
        with pytest.raises(CheckFailed, match="not for alice, or has no link"):
            server.check_mail(known)


def test_logs_that_are_not_written(tmp_path: Path) -> None:
    assert failure(server.check_logs, tmp_path) == "django.log is not there"
    (tmp_path / "logs").mkdir()
    for name in server.LOGS:
        (tmp_path / "logs" / name).touch(mode=0o640)
    assert failure(server.check_logs, tmp_path) == "a failed sign-in is not in security.log"
    (tmp_path / "logs" / "security.log").chmod(0o644)
    assert "security.log belongs to user" in failure(server.check_logs, tmp_path)


def test_a_private_file_for_everybody(tmp_path: Path) -> None:
    with place(tmp_path) as (known, site):
        site.to_all = True
        with pytest.raises(CheckFailed, match="a visitor gets /posts/1/document/: 200"):
            server.check_private_files(known)
    pdf = PDF.decode()
    for way in ("media", "protected-media"):
        told = failure(server.check_private_files, tmp_path, **{f"GET /{way}/{UPLOAD.name}": (206, pdf)})
        assert told == f"a visitor gets /{way}/{UPLOAD.name}: 206"


def test_a_private_file_for_nobody(tmp_path: Path) -> None:
    told = failure(server.check_private_files, tmp_path, **{f"GET {UPLOAD.address}": (200, "")})
    assert told == "/posts/1/document/ returned 200, 0 bytes"


@pytest.mark.parametrize("after", [(404, ""), (200, "other bytes")])
def test_an_upload_that_is_gone_after_a_restart(tmp_path: Path, after: tuple[int, str]) -> None:
    with place(tmp_path) as (known, site):
        known.restart = lambda: site.answers.update({f"GET {UPLOAD.address}": after})
        with pytest.raises(CheckFailed, match=f"returned {after[0]}, {len(after[1])} bytes"):
            server.check_restart_keeps_uploads(known)


def test_a_reload_that_loses_somebody(tmp_path: Path) -> None:
    with place(tmp_path) as (known, site):
        known.reload = lambda: site.answers.update({"GET /accounts/login/": (502, "")})
        with pytest.raises(CheckFailed, match=r"'502': \d+"):
            server.check_reload(known)


def test_a_doctor_with_findings(tmp_path: Path) -> None:
    environment = production_environment(*repository.UNUSED_SERVERS, tmp_path)
    sick = Known("https://localhost:1", "http://localhost:1", None, environment, tmp_path)
    with pytest.raises(CheckFailed, match=r"exit code 1:(.|\n)*failure +database"):
        server.check_doctor(sick)


def test_a_backup_that_cannot_be_made(tmp_path: Path) -> None:
    environment = production_environment(*repository.UNUSED_SERVERS, tmp_path)
    sick = Known("https://localhost:1", "http://localhost:1", None, environment, tmp_path)
    with pytest.raises(RuntimeError, match=r"backup .*failed"):
        server.check_backup(sick)


def test_a_line_whose_program_is_missing() -> None:
    gone = ChecklistItem("x", "x", "`a-program-that-nobody-has`", "", checklist.HERE)
    with pytest.raises(CheckFailed, match="exit code 127"):
        checklist.run_command(gone, {"PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin"}, {})
