"""`python -m bench.make_crowd --members N --posts N`: fill the database of the settings with a crowd for benches."""

import argparse
import os
import sys

import django
from django.conf import settings


def main(arguments: list[str]) -> int:
    """Make the crowd; 1, with a sentence on stderr, where that cannot be done."""
    parser = argparse.ArgumentParser(prog="python -m bench.make_crowd", description=__doc__)
    parser.add_argument("--members", type=int, required=True, help="members, one of them `bench`")
    parser.add_argument("--posts", type=int, required=True, help="posts of the crowd, each with reactions")
    options = parser.parse_args(arguments)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "professional_network.settings")
    django.setup()

    from bench import crowd  # noqa: PLC0415 -- models exist from here on
    from demo.people import PASSWORD  # noqa: PLC0415

    try:
        if not settings.DEMO_NETWORK:
            raise crowd.CrowdRefused("the passwords are public: for a development or test database only")
        crowd.make(members=options.members, posts=options.posts, say=lambda words: print(f"  {words}"))
    except crowd.CrowdRefused as error:
        print(f"No crowd was made: {error}.", file=sys.stderr)
        return 1
    print(f"Sign in as {crowd.BENCH} with the password {PASSWORD}.")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
