#!/usr/bin/env python
"""Compares a SQLite file, or an export, with the PostgreSQL of DATABASE_URL: `scripts/verify_migration.py SOURCE`.

Exit code 0: the same; 1: differences, listed; 2: could not be compared. docs/DATABASE_MIGRATION.md tells the whole way.
"""

import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
NOT_COMPARED = 2


def main() -> None:
    """Run `manage.py verify_migration` with our arguments."""
    # Run by its path, Python looks for modules beside this file, where ours are not.
    sys.path[0] = str(ROOT)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "professional_network.settings")

    from django.core.exceptions import ImproperlyConfigured  # noqa: PLC0415 -- after the path
    from django.core.management import execute_from_command_line  # noqa: PLC0415

    try:
        execute_from_command_line([sys.argv[0], "verify_migration", *sys.argv[1:]])
    except ImproperlyConfigured as error:
        print(error, file=sys.stderr)
        sys.exit(NOT_COMPARED)


if __name__ == "__main__":
    main()
