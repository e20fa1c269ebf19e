#!/usr/bin/env python3
"""Compares a SQLite file, or an export, with the PostgreSQL of DATABASE_URL: `scripts/verify_migration.py SOURCE`.

Exit code 0: the same; 1: differences, listed; 2: could not be compared. docs/DATABASE_MIGRATION.md tells the whole way.
"""

import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def our_python() -> str:
    """The Python that LinkUp is installed in, found as the scripts beside this one find it.

    The first one of `PATH`, which runs this file when it is called by its path, may know nothing of Django.
    """
    installed = ROOT / ".venv" / "bin" / "python"
    return os.environ.get("PYTHON") or (str(installed) if os.access(installed, os.X_OK) else sys.executable)


def main() -> None:
    """Become `manage.py verify_migration` with our arguments."""
    python = our_python()
    os.execvp(python, [python, str(ROOT / "manage.py"), "verify_migration", *sys.argv[1:]])  # noqa: S606


if __name__ == "__main__":
    main()
