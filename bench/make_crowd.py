"""`python -m bench.make_crowd --members N --posts N`: create many members and posts for benches."""

import argparse
import os
import sys

import django
from django.conf import settings


def main(arguments: list[str]) -> int:
    """Create the members and posts; return 1, with a message on stderr, when that is refused."""
    parser = argparse.ArgumentParser(prog="python -m bench.make_crowd", description=__doc__)
    parser.add_argument("--members", type=int, required=True, help="members, one of them `bench`")
    parser.add_argument("--posts", type=int, required=True, help="posts of the crowd, each with reactions")
    options = parser.parse_args(arguments)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "professional_network.settings")
    django.setup()

    from bench import crowd  # noqa: PLC0415 -- models need the settings
    from demo.people import PASSWORD  # noqa: PLC0415

    try:
        if not settings.DEMO_NETWORK:
            raise crowd.CrowdRefused("the passwords are public: for a development or test database only")
        crowd.create_crowd(
            members=options.members, posts=options.posts, report_progress=lambda text: print(f"  {text}")
        )
    except crowd.CrowdRefused as error:
        print(f"No crowd was made: {error}.", file=sys.stderr)
        return 1
    print(f"Sign in as {crowd.BENCH} with the password {PASSWORD}.")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
