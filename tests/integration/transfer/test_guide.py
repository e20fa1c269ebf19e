"""docs/DATABASE_MIGRATION.md: its bash blocks, in order and in one shell, bring the demo network over."""

import re
import subprocess
from pathlib import Path

from scripts.programs import ROOT

from .installation import Installation, administer, beside

GUIDE = ROOT / "docs" / "DATABASE_MIGRATION.md"


def test_its_commands_run_as_they_stand(installation: Installation, server: str, tmp_path: Path) -> None:
    admin = beside(server, "postgres")
    administer(admin, "DROP DATABASE IF EXISTS moved WITH (FORCE)")
    address = beside(server.replace("linkup@", "mover:it%27s%20secret@"), "moved")
    variables = {
        "SQLITE_FILE": str(installation.file),
        "SQLITE_MEDIA": str(installation.media),
        "EXPORT": str(tmp_path / "export"),
        "ADMIN_URL": admin,
        "DATABASE_URL": address,
        "MEDIA_ROOT": str(tmp_path / "media"),
        "DATA_DIR": str(tmp_path),
    }
    blocks = re.findall(r"^```bash\n(.*?)^```", GUIDE.read_text(), re.MULTILINE | re.DOTALL)
    assert len(blocks) == 6
    # Variables of the shell that are not exported, as an operator's are not.
    given = "".join(f"{name}={value!r}\n" for name, value in variables.items() if name != "DATA_DIR")
    done = subprocess.run(
        ["/bin/bash", "-euo", "pipefail", "-c", given + "\n".join(blocks)],
        cwd=ROOT,
        env={**installation.environment(), "DATA_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "reached: moved" in done.stdout
    assert done.stdout.count("The same: ") == 2
    assert "it's secret" not in done.stdout + done.stderr
