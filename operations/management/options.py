"""What several commands take on their command line."""

from argparse import ArgumentTypeError
from collections.abc import Callable

from django.core.management.base import CommandParser


def number_from(least: int) -> Callable[[str], int]:
    """The type of an option that is a whole number from `least` on."""

    def parse_number(text: str) -> int:
        if not text.isdecimal() or int(text) < least:
            raise ArgumentTypeError(f"{text} is not a number from {least} on")
        return int(text)

    return parse_number


def add_missing_files_option(parser: CommandParser) -> None:
    """--missing-files N: of so many rows the operator knows that their files are lost."""
    parser.add_argument(
        "--missing-files",
        type=number_from(0),
        metavar="N",
        default=0,
        help="so many rows are known to name files that are lost (default: 0)",
    )
