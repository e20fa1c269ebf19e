"""What `check --deploy` says about a server that is not ready to be one."""

from pathlib import Path
from typing import Any

import pytest
from django.core.checks import CheckMessage, run_checks
from django.core.management.utils import get_random_secret_key
from django.test import override_settings

from core.checks import TAG
from tests.cases import all_cases

# The checks only read it; no connection is opened in between.
pytestmark = pytest.mark.filterwarnings("ignore:Overriding setting DATABASES")

STRONG = "Zq8-v3)w1(m5&n7*b9^c2%x4$z6#a0!sKe4Wp7Rt2Uy9Io1Lh6Gf3"
READY: dict[str, Any] = {
    "DEBUG": False,
    "SECRET_KEY": STRONG,
    "ALLOWED_HOSTS": ["network.example.org"],
    "CHANNEL_LAYERS": {"default": {"BACKEND": "channels_redis.core.RedisChannelLayer"}},
    "CACHES": {"default": {"BACKEND": "core.database.cache.FallbackCache"}},
    "DATABASES": {"default": {"ENGINE": "django.db.backends.postgresql"}},
    "EMAIL_BACKEND": "django.core.mail.backends.smtp.EmailBackend",
    "TRUSTED_PROXIES": ["127.0.0.1", "::1", "10.0.0.0/8", "unix"],
    "REDIS_URL": "redis://:secret@cache.example/0",
}


def found(**changed: Any) -> list[CheckMessage]:
    """What our checks say of a server whose settings are READY but for `changed`."""
    with override_settings(**{**READY, **changed}):
        return run_checks(tags=[TAG], include_deployment_checks=True)


def ids(messages: list[CheckMessage]) -> set[str]:
    return {str(message.id) for message in messages}


def test_a_ready_server_lacks_only_hashed_static_files() -> None:
    with all_cases() as case:
        with case("a ready server lacks only hashed static files"):
            assert ids(found()) == {"linkup.W008"}
        with case("a redis on a socket or that wants a certificate needs no password"):
            for url in (
                "unix:///run/redis/redis.sock?db=0",
                "rediss://h/0?ssl_certfile=/a&ssl_keyfile=/b",
                "redis://u:p@h/0",
            ):
                assert ids(found(REDIS_URL=url)) == {"linkup.W008"}, url
        with case("a key of django s own making is strong"):
            assert all(
                "linkup.E002" not in ids(found(SECRET_KEY=get_random_secret_key())) for _number in range(50)
            )
        with case("without deploy nobody is bothered"):
            assert run_checks(tags=[TAG]) == []


def test_with_the_manifest_nothing_is_left_and_without_it_nothing_may_start(tmp_path: Path) -> None:
    storages = {"staticfiles": {"BACKEND": "core.files.static_files.StaticStorage"}}
    files = {"STORAGES": storages, "STATIC_ROOT": str(tmp_path)}
    assert ids(found(**files)) == {"linkup.E008"}
    (tmp_path / "staticfiles.json").write_text('{"version": "1.1", "paths": {}, "hash": ""}')
    assert ids(found(**files)) == set()


LAYER = {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}
FAULTS: list[tuple[str, str, Any]] = [
    ("linkup.E001", "DEBUG", True),
    ("linkup.E002", "SECRET_KEY", "development-only-never-use-this-key-on-a-server" + STRONG),
    ("linkup.E002", "SECRET_KEY", "test-only-" + STRONG),
    ("linkup.E002", "SECRET_KEY", "django-insecure-" + STRONG),
    ("linkup.E002", "SECRET_KEY", STRONG[:49]),
    ("linkup.E002", "SECRET_KEY", "a" * 80),
    ("linkup.E002", "SECRET_KEY", "0123456789" * 8),
    ("linkup.E003", "ALLOWED_HOSTS", ["*"]),
    ("linkup.E003", "ALLOWED_HOSTS", ["network.example.org", "*"]),
    ("linkup.E004", "CHANNEL_LAYERS", LAYER),
    ("linkup.E004", "CHANNEL_LAYERS", {}),
    ("linkup.E005", "CACHES", {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}),
    ("linkup.E005", "CACHES", {"default": {"BACKEND": "core.database.json_cache.JsonMemoryCache"}}),
    ("linkup.E005", "CACHES", {"default": {"BACKEND": "django.core.cache.backends.dummy.DummyCache"}}),
    ("linkup.E006", "DATABASES", {"default": {"ENGINE": "django.db.backends.sqlite3"}}),
    ("linkup.W007", "EMAIL_BACKEND", "django.core.mail.backends.console.EmailBackend"),
    ("linkup.W007", "EMAIL_BACKEND", "django.core.mail.backends.locmem.EmailBackend"),
    ("linkup.E009", "TRUSTED_PROXIES", ["localhost"]),
    ("linkup.E009", "TRUSTED_PROXIES", ["10.0.0.300"]),
    ("linkup.E010", "TRUSTED_PROXIES", ["0.0.0.0/0"]),
    ("linkup.E010", "TRUSTED_PROXIES", ["::/0"]),
    ("linkup.W012", "REDIS_URL", "redis://127.0.0.1:6379/0"),
    ("linkup.W012", "REDIS_URL", "rediss://default@cache.example/0"),
    ("linkup.E012", "SECURITY_CONTACT", ["the administrators"]),
    ("linkup.E012", "SECURITY_CONTACT", ["security@example.org", "http://example.org/security"]),
    ("linkup.E012", "SECURITY_CONTACT", ["security@example.org\nContact: mailto:thief@example.org"]),
    ("linkup.E013", "SECURITY_TXT_DAYS", 0),
    ("linkup.E013", "SECURITY_TXT_DAYS", 400),
]


def test_each_problem_has_a_hint() -> None:
    with all_cases() as case:
        for fault, setting, value in FAULTS:
            with case(f"{fault!r}, {setting!r}, {value!r}"):
                messages = found(**{setting: value})
                assert ids(messages) == {fault, "linkup.W008"}
                assert all(message.hint for message in messages)
                assert all(STRONG[:20] not in str(message) for message in messages)
