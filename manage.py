#!/usr/bin/env python
"""The door for commands: runs one management command with the settings of this environment."""

import os
import sys

# Not 1, which some commands give for what they found: verify_migration for differences.
WRONG_SETTINGS = 2


def main() -> None:
    from django.conf import settings
    from django.core.exceptions import ImproperlyConfigured
    from django.core.management import execute_from_command_line

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "professional_network.settings")
    if sys.argv[1:2] == ["generate_secret_key"]:
        # The one command that must work before there are settings: a key is what they wait for.
        settings.configure(INSTALLED_APPS=["core"])
    try:
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as error:
        print(error, file=sys.stderr)
        sys.exit(WRONG_SETTINGS)


if __name__ == "__main__":
    main()
