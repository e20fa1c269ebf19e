"""The numbers and switches of production that no variable changes, and the bounds of those that one does."""

from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from .loading import COMPLETE, at, load

MIB = 1024 * 1024
DAY = 86_400

# Each is somebody's decision: whoever changes one says so here as well.
FIXED: dict[str, Any] = {
    # Who may come in, and what strangers may try.
    "ACCOUNT_CHANGE_EMAIL": True,
    "ACCOUNT_CONFIRM_EMAIL_ON_GET": False,
    "ACCOUNT_EMAIL_NOTIFICATIONS": True,
    "ACCOUNT_EMAIL_VERIFICATION": "mandatory",
    "ACCOUNT_LOGOUT_ON_GET": False,
    "ACCOUNT_LOGOUT_ON_PASSWORD_CHANGE": False,
    "ACCOUNT_PRESERVE_USERNAME_CASING": False,
    "ACCOUNT_PREVENT_ENUMERATION": True,
    "ACCOUNT_REAUTHENTICATION_REQUIRED": True,
    "ACCOUNT_SESSION_REMEMBER": True,
    "ACCOUNT_USERNAME_MIN_LENGTH": 3,
    "AUTH_PASSWORD_VALIDATORS.1.OPTIONS.min_length": 10,
    "DEMO_NETWORK": False,
    "PASSWORD_RESET_TIMEOUT": 3600,
    "WHITENOISE_ALLOW_ALL_ORIGINS": False,
    # What a member may do.
    "MEMBER_LIMITS.post": ((20, 60), (200, DAY)),
    "MEMBER_LIMITS.comment": ((40, 60), (1000, DAY)),
    "MEMBER_LIMITS.invitation": ((30, 60), (200, DAY)),
    "MEMBER_LIMITS.reached": ((200, DAY),),
    "MEMBER_LIMITS.reached_when_new": ((20, DAY),),
    "MEMBER_LIMITS.search": ((120, 60),),
    "MEMBER_LIMITS.upload": ((40, 60), (600, DAY)),
    # What one request may bring.
    "DATA_UPLOAD_MAX_MEMORY_SIZE": 50 * MIB,
    "DATA_UPLOAD_MAX_NUMBER_FIELDS": 500,
    "DATA_UPLOAD_MAX_NUMBER_FILES": 14,
    "FILE_UPLOAD_MAX_MEMORY_SIZE": 10 * MIB,
    "FILE_UPLOAD_PERMISSIONS": 0o644,
    "REQUEST_MAX_BODY": 128 * MIB,
    "REQUEST_MAX_FORM": MIB,
    "REQUEST_MAX_JSON": 64 * 1024,
    # How long anybody waits for something that does not answer.
    "CACHES.default.OPTIONS.CONNECTION_POOL_KWARGS.max_connections": 50,
    "CACHES.default.OPTIONS.SOCKET_CONNECT_TIMEOUT": 0.5,
    "CACHES.default.OPTIONS.SOCKET_TIMEOUT": 0.5,
    "CACHES.default.VERSION": 2,
    "CHANNEL_LAYERS.default.CONFIG.hosts.0.socket_connect_timeout": 1,
    "DATABASES.default.CONN_HEALTH_CHECKS": True,
    "DATABASES.default.OPTIONS.keepalives_count": 3,
    "DATABASES.default.OPTIONS.keepalives_idle": 10,
    "DATABASES.default.OPTIONS.keepalives_interval": 3,
    "DATABASES.default.OPTIONS.tcp_user_timeout": 3000,
    "EMAIL_TIMEOUT": 10,
    # How long copies are good for.
    "CACHE_TIMEOUTS": {"default": 300, "suggestions": 600, "static": 3600, "media": 7 * DAY},
    "CONTENT_SECURITY_POLICY.DIRECTIVES.upgrade-insecure-requests": True,
    "TEMPLATES.0.OPTIONS.loaders.0.0": "theme.loaders.CompactLoader",
    "USE_I18N": True,
    "USE_TZ": True,
}

LARGEST = 2**31 - 1
# The least and the most that a variable may say.
BOUNDS: dict[str, tuple[int, int]] = {
    "CHANNEL_CAPACITY": (1, LARGEST),
    "CHANNEL_EXPIRY": (1, DAY),
    "DB_CONNECT_TIMEOUT": (1, 600),
    "DB_CONN_MAX_AGE": (0, DAY),
    "DB_POOL_SIZE": (1, 1000),
    "DB_STATEMENT_TIMEOUT": (1, LARGEST),
    "DRAIN_SECONDS": (0, 3600),
    "EMAIL_PORT": (1, 65_535),
    "MAIL_TO_NON_MEMBERS_PER_HOUR": (0, LARGEST),
    "MEMBER_LIMITS_FACTOR": (0, 1_000_000),
    "PASSWORD_HASHES_AT_ONCE": (0, LARGEST),
    "SECURE_HSTS_SECONDS": (0, LARGEST),
    "SECURITY_TXT_DAYS": (0, LARGEST),
    "UNCONFIRMED_ACCOUNT_DAYS": (0, LARGEST),
    "WORK_CONCURRENCY": (1, 1000),
}


def test_what_no_variable_changes_is_what_was_decided() -> None:
    settings = load("production", COMPLETE)
    found = {place: at(place, settings) for place in FIXED}
    assert found == FIXED


def test_numbers_are_taken_up_to_their_bounds_and_no_further() -> None:
    for place, beyond in ((0, -1), (1, 1)):
        inside = {name: str(bounds[place]) for name, bounds in BOUNDS.items()}
        load("production", {**COMPLETE, **inside})
        outside = {name: str(bounds[place] + beyond) for name, bounds in BOUNDS.items()}
        with pytest.raises(ImproperlyConfigured) as refusal:
            load("production", {**COMPLETE, **outside})
        assert {name for name in BOUNDS if f"- {name}: malformed" in str(refusal.value)} == set(BOUNDS)
