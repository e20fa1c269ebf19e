#!/usr/bin/env python3
"""Compares a SQLite file, or an export, with the PostgreSQL of DATABASE_URL: `scripts/verify_migration.py SOURCE`.

Exit code 0: the same; 1: differences, listed; 2: could not be compared. docs/DATABASE_MIGRATION.md has all steps.
"""

import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def find_python() -> str:
    """Return the Python in which LinkUp is installed, as the shell scripts in this folder find it.

    The `python3` of PATH, which runs this file when it is executed directly, may not have Django.
    """
    installed = ROOT / ".venv" / "bin" / "python"
    return os.environ.get("PYTHON") or (str(installed) if os.access(installed, os.X_OK) else sys.executable)


def main() -> None:
    """Replace this process with `manage.py verify_migration` and the same arguments."""
    python = find_python()
    os.execvp(python, [python, str(ROOT / "manage.py"), "verify_migration", *sys.argv[1:]])  # noqa: S606


if __name__ == "__main__":
    main()
