"""What `check --deploy` asks of a server, beyond Django's own list (R3): each fault with what to do about it."""

from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

from django.apps import AppConfig
from django.conf import settings
from django.contrib.staticfiles.storage import ManifestFilesMixin, staticfiles_storage
from django.core import checks
from django.core.checks import CheckMessage, Error

from .web.client_ip import UNIX, parse_network
from .web.security_contacts import as_uri

TAG = "linkup"
SHORTEST_KEY = 50
SHORTEST_TOKEN = 32
FEWEST_CHARACTERS = 12
# Beginnings of keys that stand in a repository, ours or Django's.
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
    """DEBUG shows settings and code to whoever meets an error (R3.1)."""
    hint = "Remove DEBUG from the environment; False is the default."
    return [Error("DEBUG is on.", hint=hint, id="linkup.E001")] if settings.DEBUG else []


def check_secret_key(app_configs: list[AppConfig] | None, **options: Any) -> list[CheckMessage]:
    """Who guesses the key signs sessions and links for anybody (R3.2)."""
    key = str(settings.SECRET_KEY)
    faults = {
        "is one that everybody can read in a repository": key.startswith(KNOWN_KEYS),
        f"is shorter than {SHORTEST_KEY} characters": len(key) < SHORTEST_KEY,
        f"has fewer than {FEWEST_CHARACTERS} different characters": len(set(key)) < FEWEST_CHARACTERS,
    }
    hint = "`python manage.py generate_secret_key` makes one."
    found = [words for words, holds in faults.items() if holds]
    return [Error(f"SECRET_KEY {found[0]}.", hint=hint, id="linkup.E002")] if found else []


def check_hosts(app_configs: list[AppConfig] | None, **options: Any) -> list[CheckMessage]:
    """With any Host accepted, links in mail can be made to lead elsewhere (R3.3)."""
    hint = "Name the hosts: ALLOWED_HOSTS=network.example.org"
    if "*" in settings.ALLOWED_HOSTS:
        return [Error("ALLOWED_HOSTS accepts any name (*).", hint=hint, id="linkup.E003")]
    return []


def check_channel_layer(app_configs: list[AppConfig] | None, **options: Any) -> list[CheckMessage]:
    """A layer in memory reaches only the process that speaks (R8.1)."""
    backend = settings.CHANNEL_LAYERS.get("default", {}).get("BACKEND", "")
    hint = "Use a Redis layer: set REDIS_URL and take the settings of production."
    if backend in MEMORY_LAYERS or not backend:
        return [Error("The channel layer stays inside one process.", hint=hint, id="linkup.E004")]
    return []


def check_cache(app_configs: list[AppConfig] | None, **options: Any) -> list[CheckMessage]:
    """With a cache per process, limits count once per process and not at all after a restart (R11.1)."""
    backend = settings.CACHES["default"]["BACKEND"]
    hint = "Use core.database.cache.FallbackCache: set REDIS_URL and take the settings of production."
    if backend.startswith(MEMORY_CACHES):
        return [Error("The cache stays inside one process, so limits do too.", hint=hint, id="linkup.E005")]
    return []


def check_database(app_configs: list[AppConfig] | None, **options: Any) -> list[CheckMessage]:
    """SQLite lets one writer in at a time, and lives on one machine's disk (R1.1)."""
    hint = "Set DATABASE_URL=postgres://user:password@host:5432/name"
    if settings.DATABASES["default"].get("ENGINE", "").endswith("sqlite3"):
        return [Error("The database is SQLite.", hint=hint, id="linkup.E006")]
    return []


def check_mail(app_configs: list[AppConfig] | None, **options: Any) -> list[CheckMessage]:
    """Without mail nobody can confirm an address, so nobody can join."""
    hint = "Set EMAIL_HOST and take the settings of production."
    if settings.EMAIL_BACKEND.startswith(QUIET_MAIL):
        return [checks.Warning("Mail is not sent to anybody.", hint=hint, id="linkup.W007")]
    return []


def check_static_manifest(app_configs: list[AppConfig] | None, **options: Any) -> list[CheckMessage]:
    """Pages ask the manifest for the hashed name of each file, and fail without it (R4.2, R4.5)."""
    hint = "Run `python manage.py collectstatic --no-input` and restart."
    storage: object = staticfiles_storage
    if not isinstance(storage, ManifestFilesMixin):
        words = "Static files have no hashed names, so browsers may keep old ones."
        return [checks.Warning(words, hint="Take the settings of production.", id="linkup.W008")]
    if storage.read_manifest() is None:
        return [Error("The manifest of static files is missing.", hint=hint, id="linkup.E008")]
    return []


def check_trusted_proxies(app_configs: list[AppConfig] | None, **options: Any) -> list[CheckMessage]:
    """A proxy trusted by mistake lets visitors choose their address, and slip through the limits."""
    return list(_faults_of_proxies(settings.TRUSTED_PROXIES))


def _faults_of_proxies(entries: list[str]) -> Iterator[CheckMessage]:
    for entry in entries:
        network = parse_network(entry)
        if network is None and entry != UNIX:
            hint = f"Use addresses, ranges such as 10.0.0.0/8, or the word {UNIX}."
            yield Error(f"TRUSTED_PROXIES: {entry!r} is no address.", hint=hint, id="linkup.E009")
        elif network is not None and network.prefixlen < WIDEST_NETWORK:
            hint = "Name the addresses of your proxies only."
            yield Error(f"TRUSTED_PROXIES trusts half the world: {entry}.", hint=hint, id="linkup.E010")


def check_metrics_token(app_configs: list[AppConfig] | None, **options: Any) -> list[CheckMessage]:
    """Who guesses it reads how the house is doing, as often as he likes."""
    token = str(getattr(settings, "METRICS_TOKEN", ""))
    hint = "`python manage.py generate_secret_key` makes one; without a token there is no /metrics."
    if token and (len(token) < SHORTEST_TOKEN or len(set(token)) < FEWEST_CHARACTERS):
        words = (
            f"METRICS_TOKEN is easy to guess: shorter than {SHORTEST_TOKEN} characters, or always the same."
        )
        return [Error(words, hint=hint, id="linkup.E011")]
    return []


def check_redis_password(app_configs: list[AppConfig] | None, **options: Any) -> list[CheckMessage]:
    """Whoever reaches a Redis without a password reads and changes what LinkUp keeps there (R8)."""
    url = str(getattr(settings, "REDIS_URL", ""))
    hint = (
        "Set requirepass in redis.conf and use redis://:password@host:6379/0, or a unix socket of mode 770."
    )
    if not url or url.startswith("unix:") or urlsplit(url).password or "ssl_certfile=" in url:
        return []
    return [checks.Warning("Redis is reached without a password.", hint=hint, id="linkup.W012")]


def check_security_contact(app_configs: list[AppConfig] | None, **options: Any) -> list[CheckMessage]:
    """Whoever finds a hole must find somebody to tell (RFC 9116)."""
    hint = "Use mail addresses or addresses that begin with https://, separated by commas."
    found: list[CheckMessage] = [
        Error(f"SECURITY_CONTACT: {entry!r} is no contact.", hint=hint, id="linkup.E012")
        for entry in settings.SECURITY_CONTACT
        if not as_uri(entry)
    ]
    if not 1 <= settings.SECURITY_TXT_DAYS < DAYS_OF_A_YEAR:
        found.append(
            Error(
                "SECURITY_TXT_DAYS is less than a day, or a year and more.",
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
    check_static_manifest,
    check_trusted_proxies,
    check_metrics_token,
    check_redis_password,
    check_security_contact,
)


def register_checks() -> None:
    """Make the checks known to `check --deploy` and to `check --deploy --tag linkup`."""
    for check in CHECKS:
        checks.register(check, TAG, deploy=True)
