"""Deployment checks of `check --deploy` beyond Django's own (R3), each with a hint how to fix the problem."""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from django.apps import AppConfig
from django.conf import settings
from django.contrib.staticfiles.storage import ManifestFilesMixin, staticfiles_storage
from django.core import checks
from django.core.checks import CheckMessage, Error

from .mail_signing import CannotSign, sign_message
from .web.client_ip import UNIX, parse_network
from .web.security_contacts import as_uri

TAG = "linkup"
SHORTEST_KEY = 50
SHORTEST_TOKEN = 32
FEWEST_CHARACTERS = 12
# Prefixes of keys that are published in a repository, ours or Django's.
KNOWN_KEYS = ("development-only", "test-only", "django-insecure-", "change")
MEMORY_LAYERS = ("channels.layers.InMemoryChannelLayer",)
MEMORY_CACHES = (
    "core.database.json_cache.JsonMemoryCache",
    "django.core.cache.backends.locmem.",
    "django.core.cache.backends.dummy.",
)
QUIET_MAIL = tuple(
    f"django.core.mail.backends.{kind}." for kind in ("console", "dummy", "filebased", "locmem")
)
WIDEST_NETWORK = 8
DAYS_OF_A_YEAR = 366

Check = Callable[..., list[CheckMessage]]


def check_debug(app_configs: list[AppConfig] | None, **options: Any) -> list[CheckMessage]:
    """With DEBUG, error pages show settings and code to visitors (R3.1)."""
    hint = "Remove DEBUG from the environment; False is the default."
    return [Error("DEBUG is on.", hint=hint, id="linkup.E001")] if settings.DEBUG else []


def check_secret_key(app_configs: list[AppConfig] | None, **options: Any) -> list[CheckMessage]:
    """Anyone who guesses the key can sign sessions and links for any member (R3.2)."""
    key = str(settings.SECRET_KEY)
    problems = {
        "is published in a repository": key.startswith(KNOWN_KEYS),
        f"is shorter than {SHORTEST_KEY} characters": len(key) < SHORTEST_KEY,
        f"has fewer than {FEWEST_CHARACTERS} different characters": len(set(key)) < FEWEST_CHARACTERS,
    }
    hint = "Create one with `python manage.py generate_secret_key`."
    found = [description for description, is_present in problems.items() if is_present]
    return [Error(f"SECRET_KEY {found[0]}.", hint=hint, id="linkup.E002")] if found else []


def check_hosts(app_configs: list[AppConfig] | None, **options: Any) -> list[CheckMessage]:
    """When any Host header is accepted, links in mail can point to another site (R3.3)."""
    hint = "Name the hosts: ALLOWED_HOSTS=network.example.org"
    if "*" in settings.ALLOWED_HOSTS:
        return [Error("ALLOWED_HOSTS accepts any name (*).", hint=hint, id="linkup.E003")]
    return []


def check_channel_layer(app_configs: list[AppConfig] | None, **options: Any) -> list[CheckMessage]:
    """An in-memory layer reaches only the process that publishes (R8.1)."""
    backend = settings.CHANNEL_LAYERS.get("default", {}).get("BACKEND", "")
    hint = "Use a Redis layer: set REDIS_URL and use the production settings."
    if backend in MEMORY_LAYERS or not backend:
        return [Error("The channel layer is limited to one process.", hint=hint, id="linkup.E004")]
    return []


def check_cache(app_configs: list[AppConfig] | None, **options: Any) -> list[CheckMessage]:
    """With one cache per process, rate limits count per process and restart from zero (R11.1)."""
    backend = settings.CACHES["default"]["BACKEND"]
    hint = "Use core.database.cache.FallbackCache: set REDIS_URL and use the production settings."
    if backend.startswith(MEMORY_CACHES):
        return [Error("The cache and the rate limits are per process.", hint=hint, id="linkup.E005")]
    return []


def check_database(app_configs: list[AppConfig] | None, **options: Any) -> list[CheckMessage]:
    """SQLite allows one writer at a time, and is bound to the disk of one machine (R1.1)."""
    hint = "Set DATABASE_URL=postgres://user:password@host:5432/name"
    if settings.DATABASES["default"].get("ENGINE", "").endswith("sqlite3"):
        return [Error("The database is SQLite.", hint=hint, id="linkup.E006")]
    return []


def check_mail(app_configs: list[AppConfig] | None, **options: Any) -> list[CheckMessage]:
    """Without mail, new members cannot confirm their address."""
    hint = "Set EMAIL_HOST and use the production settings."
    if settings.EMAIL_BACKEND.startswith(QUIET_MAIL):
        return [checks.Warning("Mail is not sent.", hint=hint, id="linkup.W007")]
    return []


def check_mail_signing(app_configs: list[AppConfig] | None, **options: Any) -> list[CheckMessage]:
    """Mail is not sent without the signature that was asked for: it would wait, and nobody would notice."""
    if settings.DKIM_SELECTOR:
        try:
            sign_message(b"From: check@localhost\r\n\r\n")
        except CannotSign as error:
            hint = "docs/MAIL.md describes signatures; without DKIM_SELECTOR and DKIM_KEY_FILE, LinkUp does not sign."
            return [Error(f"Mail cannot be signed: {error}.", hint=hint, id="linkup.E014")]
    return []


def check_static_manifest(app_configs: list[AppConfig] | None, **options: Any) -> list[CheckMessage]:
    """Pages look up the hashed name of each static file in the manifest, and fail without it (R4.2, R4.5)."""
    hint = "Run `python manage.py collectstatic --no-input` and restart."
    storage: object = staticfiles_storage
    if not isinstance(storage, ManifestFilesMixin):
        message = "Static files have no hashed names, so browsers may use outdated copies."
        return [checks.Warning(message, hint="Use the production settings.", id="linkup.W008")]
    if storage.read_manifest() is None:
        return [Error("The manifest of static files is missing.", hint=hint, id="linkup.E008")]
    return []


def check_trusted_proxies(app_configs: list[AppConfig] | None, **options: Any) -> list[CheckMessage]:
    """A wrongly trusted proxy lets clients forge their address and bypass rate limits."""
    problems: list[CheckMessage] = []
    for entry in settings.TRUSTED_PROXIES:
        network = parse_network(entry)
        if network is None and entry != UNIX:
            hint = f"Use addresses, ranges such as 10.0.0.0/8, or the word {UNIX}."
            message = f"TRUSTED_PROXIES: {entry!r} is not an address."
            problems.append(Error(message, hint=hint, id="linkup.E009"))
        elif network is not None and network.prefixlen < WIDEST_NETWORK:
            hint = "List only the addresses of your proxies."
            message = f"TRUSTED_PROXIES: the range {entry} is too large."
            problems.append(Error(message, hint=hint, id="linkup.E010"))
    return problems


def check_metrics_token(app_configs: list[AppConfig] | None, **options: Any) -> list[CheckMessage]:
    """Anyone who guesses the token can read the metrics."""
    token = str(getattr(settings, "METRICS_TOKEN", ""))
    hint = "Create one with `python manage.py generate_secret_key`; without a token /metrics is off."
    if token and (len(token) < SHORTEST_TOKEN or len(set(token)) < FEWEST_CHARACTERS):
        message = (
            f"METRICS_TOKEN is easy to guess: it needs {SHORTEST_TOKEN} characters, "
            f"{FEWEST_CHARACTERS} of them different."
        )
        return [Error(message, hint=hint, id="linkup.E011")]
    return []


def check_redis_password(app_configs: list[AppConfig] | None, **options: Any) -> list[CheckMessage]:
    """Without a password, anyone who can connect to Redis can read and change LinkUp's data there (R8)."""
    url = str(getattr(settings, "REDIS_URL", ""))
    hint = (
        "Set requirepass in redis.conf and use redis://:password@host:6379/0, or a unix socket of mode 770."
    )
    if not url or url.startswith("unix:") or urlsplit(url).password or "ssl_certfile=" in url:
        return []
    return [checks.Warning("REDIS_URL has no password.", hint=hint, id="linkup.W012")]


def check_security_contact(app_configs: list[AppConfig] | None, **options: Any) -> list[CheckMessage]:
    """Security researchers need a contact (RFC 9116)."""
    hint = "Use mail addresses or https:// URLs, separated by commas."
    found: list[CheckMessage] = [
        Error(f"SECURITY_CONTACT: {entry!r} is not a contact.", hint=hint, id="linkup.E012")
        for entry in settings.SECURITY_CONTACT
        if not as_uri(entry)
    ]
    if not 1 <= settings.SECURITY_TXT_DAYS < DAYS_OF_A_YEAR:
        found.append(
            Error(
                "SECURITY_TXT_DAYS must be at least one day and less than a year.",
                hint="180 is usual.",
                id="linkup.E013",
            )
        )
    return found


CHECKS: tuple[Check, ...] = (
    check_debug,
    check_secret_key,
    check_hosts,
    check_channel_layer,
    check_cache,
    check_database,
    check_mail,
    check_mail_signing,
    check_static_manifest,
    check_trusted_proxies,
    check_metrics_token,
    check_redis_password,
    check_security_contact,
)


def register_checks() -> None:
    """Register the checks for `check --deploy` and `check --deploy --tag linkup`."""
    for check in CHECKS:
        checks.register(check, TAG, deploy=True)
