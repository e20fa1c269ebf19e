"""docs/DATABASE_MIGRATION.md: its bash blocks, in order and in one shell, move the demo network, and back."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from scripts.programs import ROOT
from scripts.servers import HOST, find_free_port
from scripts.stack import NO_REDIS, production_environment
from scripts.visitor import SimpleSite, Visitor
from tests.integration.deployment.blocks import blocks_of
from tests.integration.deployment.shell import Shell
from tests.transfer.network import PASSWORD

from .installation import WRITE, Installation, administer, beside, manage

GUIDE = ROOT / "docs" / "DATABASE_MIGRATION.md"
BLOCKS = [block for block in blocks_of(GUIDE) if block.language == "bash"]
END_WITH_ME = "trap 'kill $(jobs -p) 2>/dev/null || true' EXIT"


@pytest.fixture
def variables(sqlite: Installation, server: str, tmp_path: Path) -> dict[str, str]:
    """What an operator says in the first block; not exported, as an operator's are not."""
    admin = beside(server, "postgres")
    administer(admin, "DROP DATABASE IF EXISTS moved WITH (FORCE)")
    (tmp_path / "target").mkdir()
    return {
        "SQLITE_FILE": str(sqlite.file),
        "SQLITE_MEDIA": str(sqlite.media),
        "SQLITE_PORT": str(find_free_port()),
        "EXPORT": str(tmp_path / "export"),
        "TARGET_DATA": str(tmp_path / "target"),
        "ADMIN_URL": admin,
        "DATABASE_URL": beside(server.replace("linkup@", "mover:it%27s%20secret@"), "moved"),
    }


@pytest.fixture
def shell(sqlite: Installation, variables: dict[str, str], tmp_path: Path) -> Iterator[Shell]:
    (tmp_path / "shell").mkdir()
    operator = Shell(tmp_path / "shell", sqlite.environment())
    assignments = "".join(f"{name}={value!r}\n" for name, value in variables.items())
    operator.type(f"cd '{ROOT}'\n{assignments}", "given")
    # The site that the guide starts goes with the shell, also when a block fails.
    operator.type(END_WITH_ME, "end")
    yield operator
    operator.leave()


def switched(variables: dict[str, str], folder: Path) -> dict[str, str]:
    """The site on PostgreSQL, in development settings, so that a test's client needs no HTTPS."""
    return Installation(folder).environment(DATABASE_URL=variables["DATABASE_URL"])


def test_its_commands_run_as_they_stand(
    shell: Shell, variables: dict[str, str], sqlite: Installation, tmp_path: Path
) -> None:
    before = sqlite.sha256()
    said: dict[str, str] = {}
    for block in BLOCKS:
        if block.section == "Rollback" and "Rollback" not in said:
            # The site was switched, and a member has written since.
            output = manage(switched(variables, tmp_path / "target"), "shell", "--command", WRITE)
            assert "posted: 302" in output
            assert sqlite.sha256() == before
            assert sqlite.file.stat().st_mode & 0o222 == 0
        said[block.section] = said.get(block.section, "") + shell.run(block)
        if "runserver" in block.text:
            _members_are_back(int(variables["SQLITE_PORT"]))
    assert "reached: moved" in said["2. Set up PostgreSQL"]
    assert said["5. Verify"].count("The same: ") == 2
    assert "compared with themselves" not in said["5. Verify"]
    assert (tmp_path / "target" / "media").is_dir()
    # What going back would cost is named.
    assert re.search(r"Different: feed.post \d+: is in the target only", said["Rollback"])
    everything = "".join(said.values())
    assert "it's secret" not in everything
    databases = shell.type('pg "$ADMIN_URL" -c "SELECT datname FROM pg_database"', "databases")
    assert "moved" not in databases.split()


def _members_are_back(port: int) -> None:
    """On SQLite a member signs in, does not see what came after the switch, and writes."""
    with Visitor(SimpleSite(f"http://{HOST}:{port}")) as alice:
        assert "After the switch" not in alice.follow_redirect(alice.sign_in("alice", PASSWORD)).text
        written = alice.follow_redirect(
            alice.submit_form("/", "/posts/", text="Back on SQLite", audience="1")
        )
    assert "Back on SQLite" in written.text


def test_the_settings_of_the_services_refuse_sqlite(sqlite: Installation, tmp_path: Path) -> None:
    """Why the way back does not go by the services: the page says so."""
    environment = production_environment(f"sqlite:///{sqlite.file}", NO_REDIS, tmp_path)
    with pytest.raises(AssertionError, match="LinkUp cannot start"):
        manage(environment, "check")
    text = " ".join(GUIDE.read_text().split())
    assert "production settings refuse it" in text
    # The file that the units read, and not the one beside manage.py.
    edited = re.findall(r"(?m)^sudo (?:nano|cp -p) (\S+)", GUIDE.read_text())
    units = "".join(path.read_text() for path in (ROOT / "deploy" / "systemd").glob("*.service"))
    assert edited
    assert set(edited) == set(re.findall(r"(?m)^EnvironmentFile=(\S+)", units))
    rollback = "".join(block.text for block in blocks_of(GUIDE) if block.section == "Rollback")
    assert "systemctl start" not in rollback
