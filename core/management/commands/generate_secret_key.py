"""`manage.py generate_secret_key`: print a new SECRET_KEY."""

from typing import Any

from django.core.management.base import BaseCommand
from django.core.management.utils import get_random_secret_key


class Command(BaseCommand):
    help = "Print a new random SECRET_KEY for .env. Needs no server settings."
    requires_system_checks = []

    def handle(self, *args: Any, **options: Any) -> None:
        # Two of Django's keys: 100 characters, about 560 bits. `#` and `$` are special in .env files and shells.
        key = get_random_secret_key() + get_random_secret_key()
        self.stdout.write(key.translate(str.maketrans("#$", "-_")))
