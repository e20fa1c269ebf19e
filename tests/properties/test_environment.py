"""Properties 1, 2, 6 and 7: what the environment makes of the settings."""

import string
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from hypothesis import given
from hypothesis import strategies as st

from tests.hypothesis_settings import property_settings

from .loading import COMPLETE, load, load_both

REQUIRED = ["SECRET_KEY", "DATABASE_URL", "ALLOWED_HOSTS", "REDIS_URL"]
names = st.text(string.ascii_lowercase, min_size=1, max_size=12)
# What an environment may hold: no NUL, no lone surrogate; blanks at the ends are not part of a value.
secrets = st.text(st.characters(codec="utf-8", exclude_categories=("C", "Z")), min_size=1, max_size=30)
# What means something in an address hardly ever comes up among all of Unicode.
passwords = secrets | st.text("/@:#?%&+ =", min_size=1)
ports = st.integers(min_value=1, max_value=65535)


# Property 1 (R1.1, R1.2, R1.3)
@given(user=names, password=passwords, host=names, port=ports, name=names)
@property_settings
def test_production_uses_the_postgresql_of_the_parts(
    user: str, password: str, host: str, port: int, name: str
) -> None:
    parts = {"DB_HOST": host, "DB_PORT": str(port), "DB_NAME": name, "DB_USER": user, "DB_PASSWORD": password}
    database = load("production", {**COMPLETE, "DATABASE_URL": "", **parts})["DATABASES"]["default"]
    assert database["ENGINE"] == "django.db.backends.postgresql"
    found = {key: database[key] for key in ("HOST", "PORT", "NAME", "USER", "PASSWORD")}
    assert found == {"HOST": host, "PORT": port, "NAME": name, "USER": user, "PASSWORD": password}
    assert (database["CONN_MAX_AGE"], database["CONN_HEALTH_CHECKS"]) == (60, True)


# Property 1 (R1.1, R1.3)
@given(user=names, host=names, port=ports, name=names, mode=st.sampled_from(["require", "verify-full"]))
@property_settings
def test_production_uses_the_postgresql_of_the_url_with_its_options(
    user: str, host: str, port: int, name: str, mode: str
) -> None:
    url = f"postgres://{user}:pass%40word@{host}:{port}/{name}?sslmode={mode}"
    database = load("production", {**COMPLETE, "DATABASE_URL": url})["DATABASES"]["default"]
    assert database["PASSWORD"] == "pass@word"
    assert (database["HOST"], database["PORT"], database["NAME"]) == (host, port, name)
    assert database["OPTIONS"]["sslmode"] == mode
    assert database["OPTIONS"]["connect_timeout"] == 2


# Property 1 (R1.2)
def test_development_stays_on_sqlite() -> None:
    database = load("development", {})["DATABASES"]["default"]
    assert database["ENGINE"] == "django.db.backends.sqlite3"
    assert database["OPTIONS"]["transaction_mode"] == "IMMEDIATE"


# Property 2 (R2.1, R2.3, R2.4)
@pytest.mark.parametrize("module", ["development", "test", "production"])
def test_every_environment_imports_base_and_overrides_only_what_differs(module: str) -> None:
    base, chosen = load_both(module, COMPLETE)
    assert set(base) - set(chosen) == set()
    same = [name for name in base if chosen[name] == base[name]]
    # Most settings are the same everywhere; what a module repeats without a difference would show here.
    assert len(same) > 0.6 * len(base)
    assert "csp.middleware.CSPMiddleware" in chosen["MIDDLEWARE"]


# Property 2 (R2.4): a module changes its own copies, never those of base.
def test_production_leaves_base_as_it_was() -> None:
    base, production = load_both("production", COMPLETE)
    assert "whitenoise.middleware.WhiteNoiseMiddleware" in production["MIDDLEWARE"]
    assert "whitenoise.middleware.WhiteNoiseMiddleware" not in base["MIDDLEWARE"]
    assert base["STORAGES"]["staticfiles"] != production["STORAGES"]["staticfiles"]
    assert "upgrade-insecure-requests" not in base["CONTENT_SECURITY_POLICY"]["DIRECTIVES"]


# Property 2 (R2.2)
@pytest.mark.parametrize("environment", ["development", "test", "production"])
def test_the_package_picks_by_django_environment(environment: str) -> None:
    picked = load("", {**COMPLETE, "DJANGO_ENVIRONMENT": environment})
    assert picked["DEBUG"] is (environment == "development")
    assert picked["DJANGO_ENVIRONMENT"] == environment


# Property 2 (R2.2)
@given(environment=secrets.filter(lambda word: word not in {"development", "test", "production"}))
@property_settings
def test_an_unknown_environment_is_refused_with_the_list(environment: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="development, production, test"):
        load("", {**COMPLETE, "DJANGO_ENVIRONMENT": environment})


# Property 6 (R7.3–R7.7, R7.9)
@given(missing=st.sets(st.sampled_from(REQUIRED), min_size=1))
@property_settings
def test_what_is_missing_is_named_all_at_once(missing: set[str]) -> None:
    with pytest.raises(ImproperlyConfigured) as refusal:
        load("production", {name: value for name, value in COMPLETE.items() if name not in missing})
    message = str(refusal.value)
    assert {name for name in REQUIRED if f"- {name}:" in message} == missing
    assert ".env.example" in message
    assert "generate_secret_key" in message


MALFORMED: dict[str, Any] = {
    "DATABASE_URL": ["mysql://u:hunter2@h/n", "postgres://u:hunter2@h", "postgres://u:hunter2@h:port/n", "nonsense"],
    "REDIS_URL": ["http://:hunter2@h", "redis://", "redis://:hunter2@h:port/0", "nonsense"],
    "DB_CONN_MAX_AGE": ["soon", "1.5"],
    "SECURE_SSL_REDIRECT": ["perhaps"],
    "SECURE_HSTS_SECONDS": ["a year"],
    "CHANNEL_LAYER": ["memory"],
    "EMAIL_PORT": ["smtp"],
}  # fmt: skip


# Property 6 (R7.9): malformed values are named too, and never repeated, since they may be secrets.
@given(
    faults=st.dictionaries(
        st.sampled_from(sorted(MALFORMED)), st.integers(min_value=0, max_value=1), min_size=1
    )
)
@property_settings
def test_what_is_malformed_is_named_all_at_once(faults: dict[str, int]) -> None:
    broken = {name: MALFORMED[name][index % len(MALFORMED[name])] for name, index in faults.items()}
    with pytest.raises(ImproperlyConfigured) as refusal:
        load("production", {**COMPLETE, **broken})
    message = str(refusal.value)
    assert {name for name in MALFORMED if f"- {name}:" in message} == set(broken)
    assert "hunter2" not in message


# Property 6 (R7.8)
def test_optional_variables_have_defaults() -> None:
    loaded = load("production", COMPLETE)
    assert loaded["DEBUG"] is False
    assert loaded["SECURE_HSTS_SECONDS"] == 31_536_000
    assert loaded["CSRF_TRUSTED_ORIGINS"] == []
    assert loaded["TRUSTED_PROXIES"] == ["127.0.0.1", "::1"]


# Property 6 (R7.2)
@given(word=st.sampled_from(["1", "true", "YES", "On", "0", "false", "No", "off"]))
@property_settings
def test_a_flag_takes_the_usual_words(word: str) -> None:
    loaded = load("production", {**COMPLETE, "DEBUG": word})
    assert loaded["DEBUG"] is (word.lower() in {"1", "true", "yes", "on"})


# Property 7 (R8.1, R8.2, R8.5)
@given(host=names, port=ports, tls=st.booleans(), capacity=st.integers(min_value=1, max_value=10**6))
@property_settings
def test_production_has_the_redis_layer_of_the_url(host: str, port: int, tls: bool, capacity: int) -> None:
    url = f"{'rediss' if tls else 'redis'}://:secret@{host}:{port}/1"
    loaded = load("production", {**COMPLETE, "REDIS_URL": url, "CHANNEL_CAPACITY": str(capacity)})
    layer = loaded["CHANNEL_LAYERS"]["default"]
    assert layer["BACKEND"] == "channels_redis.core.RedisChannelLayer"
    assert [one["address"] for one in layer["CONFIG"]["hosts"]] == [url]
    assert (layer["CONFIG"]["capacity"], layer["CONFIG"]["expiry"]) == (capacity, 60)
    assert loaded["CACHES"]["default"]["LOCATION"] == url


# Property 7 (R8.1)
def test_the_pubsub_layer_can_be_chosen() -> None:
    layer = load("production", {**COMPLETE, "CHANNEL_LAYER": "pubsub"})["CHANNEL_LAYERS"]["default"]
    assert layer["BACKEND"] == "channels_redis.pubsub.RedisPubSubChannelLayer"


# Property 7 (R8.3)
@pytest.mark.parametrize("module", ["development", "test"])
def test_elsewhere_the_layer_is_in_memory(module: str) -> None:
    layer = load(module, COMPLETE | {"DATABASE_URL": ""})["CHANNEL_LAYERS"]["default"]
    assert layer["BACKEND"] == "channels.layers.InMemoryChannelLayer"
