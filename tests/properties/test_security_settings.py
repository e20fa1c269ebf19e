"""Property 3: whatever the environment of production, the list of R3 is complete."""

import string
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.hypothesis_settings import property_settings

from .loading import COMPLETE, load

labels = st.text(string.ascii_lowercase + string.digits, min_size=1, max_size=12)
hosts = st.lists(st.builds("{}.example.org".format, labels), min_size=1, max_size=4, unique=True)
keys = st.text(string.ascii_letters + string.digits + "-_!@%^&*()", min_size=50, max_size=90)
# What an operator may set beside what is required; none of it may weaken what is not meant to be weakened.
extras = st.fixed_dictionaries(
    {},
    optional={
        "DATA_DIR": st.just("/tmp"),  # noqa: S108 -- nothing is written
        "MEDIA_ACCEL_PREFIX": st.just("/protected-media/"),
        "AWS_STORAGE_BUCKET_NAME": labels,
        "AWS_S3_CUSTOM_DOMAIN": st.builds("{}.cdn.example".format, labels),
        "CHANNEL_LAYER": st.sampled_from(["core", "pubsub"]),
        "EMAIL_USE_TLS": st.sampled_from(["True", "False"]),
        "TRUSTED_PROXIES": st.sampled_from(["127.0.0.1", "10.0.0.0/8,unix"]),
        "LOG_JSON": st.sampled_from(["1", "0"]),
        "DB_BEHIND_PGBOUNCER": st.sampled_from(["yes", "no"]),
        "SESSION_COOKIE_SECURE": st.just("False"),
        "CSRF_COOKIE_SECURE": st.just("False"),
        "X_FRAME_OPTIONS": st.just("ALLOWALL"),
    },
)


def check_list_of_r3(found: dict[str, Any]) -> None:
    """R3.1 to R3.10, and R13.6; the numbers are those of the requirements."""
    assert found["DEBUG"] is False  # 1
    assert found["SECURE_SSL_REDIRECT"] is True  # 4
    assert found["SECURE_HSTS_SECONDS"] == 365 * 24 * 60 * 60  # 5
    assert found["SECURE_HSTS_INCLUDE_SUBDOMAINS"] is True  # 5
    assert found["SECURE_HSTS_PRELOAD"] is True  # 5
    for cookie in ("SESSION_COOKIE", "CSRF_COOKIE"):  # 7
        assert found[f"{cookie}_SECURE"] is True
        assert found[f"{cookie}_HTTPONLY"] is True
        assert found[f"{cookie}_SAMESITE"] == "Lax"
        assert found[f"{cookie}_NAME"].startswith("__Host-")
    assert found["X_FRAME_OPTIONS"] == "DENY"  # 8
    assert found["SECURE_CONTENT_TYPE_NOSNIFF"] is True  # 9
    assert found["SECURE_BROWSER_XSS_FILTER"] is True  # 10
    assert found["SECURE_PROXY_SSL_HEADER"] == ("HTTP_X_FORWARDED_PROTO", "https")  # R13.6
    assert found["SECURE_REFERRER_POLICY"] == "same-origin"
    assert found["SECURE_CROSS_ORIGIN_OPENER_POLICY"] == "same-origin"


def check_policy(found: dict[str, Any]) -> None:
    """The policy in the place of the dropped header (R3.10): closed, with nonces, nothing unsafe, no other site."""
    policy = found["CONTENT_SECURITY_POLICY"]["DIRECTIVES"]
    assert policy["default-src"] == ["'none'"]
    assert len(policy["script-src"]) == 2
    assert policy["style-src"] == ["'self'"]
    assert "unsafe" not in str(policy)
    for directive in ("base-uri", "frame-ancestors"):
        assert policy[directive] == ["'none'"]
    assert policy["form-action"] == ["'self'"]
    origin = f"https://{found['STORAGES']['default'].get('OPTIONS', {}).get('custom_domain')}"
    assert set(map(str, policy["img-src"])) - {origin} == {"'self'", "data:", "blob:"}


def check_order(middleware: list[str]) -> None:
    """Headers before everything, HTTPS before pages, the token and the frame rule around every view."""
    places = {name.rpartition(".")[2]: place for place, name in enumerate(middleware)}
    assert places["SecurityHeadersMiddleware"] < places["CSPMiddleware"] < places["SecurityMiddleware"]
    assert places["SecurityMiddleware"] + 1 == places["WhiteNoiseMiddleware"]
    assert places["SecurityMiddleware"] < places["SessionMiddleware"] < places["CsrfViewMiddleware"]
    assert "XFrameOptionsMiddleware" in places


# Property 3 (R3.1 – R3.10)
@given(key=keys, names=hosts, extra=extras, debug=st.sampled_from([None, "False", "0", "no", "off", ""]))
@property_settings
def test_the_list_is_complete(key: str, names: list[str], extra: dict[str, str], debug: str | None) -> None:
    origins = [f"https://{name}" for name in names]
    environ = {
        **COMPLETE,
        **extra,
        "SECRET_KEY": key,
        "ALLOWED_HOSTS": ", ".join(names),
        "CSRF_TRUSTED_ORIGINS": ",".join(origins),
        **({} if debug is None else {"DEBUG": debug}),
    }
    found = load("production", environ)
    assert found["SECRET_KEY"] == key  # R3.2
    assert found["ALLOWED_HOSTS"] == names  # R3.3
    assert found["CSRF_TRUSTED_ORIGINS"] == origins  # R3.6
    check_list_of_r3(found)
    check_policy(found)
    check_order(found["MIDDLEWARE"])


# Property 3 (R3.4, R3.5): what has a switch, since it is hard to undo or a proxy does it, obeys the switch.
@given(
    redirect=st.booleans(),
    seconds=st.integers(min_value=0, max_value=10**9),
    subdomains=st.booleans(),
    preload=st.booleans(),
)
@property_settings
def test_switches_switch(redirect: bool, seconds: int, subdomains: bool, preload: bool) -> None:
    values = {
        "SECURE_SSL_REDIRECT": redirect,
        "SECURE_HSTS_SECONDS": seconds,
        "SECURE_HSTS_INCLUDE_SUBDOMAINS": subdomains,
        "SECURE_HSTS_PRELOAD": preload,
    }
    found = load("production", {**COMPLETE, **{name: str(value) for name, value in values.items()}})
    assert {name: found[name] for name in values} == values


# Property 3 (R3.1)
@pytest.mark.parametrize("word", ["True", "1", "yes", "on"])
def test_debug_is_on_only_when_the_environment_says_so(word: str) -> None:
    assert load("production", {**COMPLETE, "DEBUG": word})["DEBUG"] is True


def test_limits_and_time_outs_are_set() -> None:
    # Task 16.1 (R11.2, R11.3, R11.6, R11.7)
    found = load("production", COMPLETE)
    assert found["DATA_UPLOAD_MAX_MEMORY_SIZE"] == 50 * 1024 * 1024
    assert found["FILE_UPLOAD_MAX_MEMORY_SIZE"] == 10 * 1024 * 1024
    assert "core.web.compression.CompressionMiddleware" in found["MIDDLEWARE"]
    assert set(found["CACHE_TIMEOUTS"]) == {"default", "suggestions", "static", "media"}
    assert all(seconds > 0 for seconds in found["CACHE_TIMEOUTS"].values())
    assert found["CACHES"]["default"]["TIMEOUT"] == found["CACHE_TIMEOUTS"]["default"]
    assert found["WHITENOISE_MAX_AGE"] == found["CACHE_TIMEOUTS"]["static"]
    assert found["CACHES"]["default"]["OPTIONS"]["CONNECTION_POOL_KWARGS"]["max_connections"] > 0


def test_limits_of_accounts_are_set_one_by_one() -> None:
    limits = load("production", COMPLETE)["ACCOUNT_RATE_LIMITS"]
    assert {"login", "login_failed", "signup", "reset_password"} <= set(limits)
    assert limits["login_failed"].endswith("5/5m/key")
