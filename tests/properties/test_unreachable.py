"""Properties 9 and 10: wrong credentials and addresses are logged without their secrets, and people get an answer."""

import logging
import socket
import string
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from channels.layers import channel_layers
from django.core.cache import cache, caches
from django.db import DEFAULT_DB_ALIAS, connections, transaction
from django.db.utils import ConnectionHandler
from django.test import Client, override_settings
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.database import cache as fallback
from core.database.db_errors import outages
from core.sockets import publisher
from tests.hypothesis_settings import property_settings

pytestmark = pytest.mark.slow

# Long enough that no log line holds one by chance.
secrets = st.text(string.ascii_letters + string.digits + "!$%&*+-~^", min_size=12, max_size=30)
GUARDED = "linkup_guarded"


@pytest.fixture(scope="module")
def guarded_role(django_db_setup: None, django_db_blocker: Any) -> None:
    """A role of the run's own PostgreSQL that needs a password, where everybody else is trusted."""
    with django_db_blocker.unblock(), connections[DEFAULT_DB_ALIAS].cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [GUARDED])
        if cursor.fetchone() is None:
            cursor.execute(f"CREATE ROLE {GUARDED} LOGIN PASSWORD 'the-right-one-{GUARDED}'")
        cursor.execute("SHOW hba_file")
        (file,) = cursor.fetchone()
        lines = [f"host all {GUARDED} all scram-sha-256", "local all all trust", "host all all all trust"]
        cursor.execute(f"COPY (SELECT unnest(%s)) TO '{file}'", [lines])
        cursor.execute("SELECT pg_reload_conf()")


def closed_port() -> int:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        return int(holder.getsockname()[1])


@contextmanager
def database(**wrong: Any) -> Iterator[None]:
    """The application finds its database with these parts of the address in place of the right ones."""
    right = connections[DEFAULT_DB_ALIAS]
    options = {"connect_timeout": 2}
    handler = ConnectionHandler({"default": {**right.settings_dict, "OPTIONS": options, **wrong}})
    connections[DEFAULT_DB_ALIAS] = handler["default"]
    try:
        yield
    finally:
        connections[DEFAULT_DB_ALIAS].close()
        connections[DEFAULT_DB_ALIAS] = right


# Property 9 (R1.4)
@pytest.mark.postgres_only
@pytest.mark.django_db(transaction=True)
@given(password=secrets, fault=st.sampled_from(["password", "role", "database", "port"]))
@settings(property_settings, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_wrong_database_credentials_are_logged_without_the_password(
    guarded_role: None,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    password: str,
    fault: str,
) -> None:
    faults: dict[str, dict[str, Any]] = {
        "password": {"USER": GUARDED},
        "role": {"USER": "nobody_of_that_name"},
        "database": {"NAME": "no_such_database"},
        "port": {"PORT": closed_port()},
    }
    wrong = faults[fault]
    monkeypatch.setattr(outages._throttle, "_seconds", 0)
    outages._throttle.reset()
    caplog.clear()
    with database(PASSWORD=password, **wrong), caplog.at_level(logging.INFO):
        where = connections[DEFAULT_DB_ALIAS].settings_dict
        response = Client(raise_request_exception=False).get("/posts/1/")
        name, host, port = str(where["NAME"]), str(where["HOST"]), str(where["PORT"])
    assert response.status_code == 503
    assert int(response["Retry-After"]) > 0
    assert password not in response.content.decode()
    assert "Traceback" not in response.content.decode()
    said = [record.getMessage() for record in caplog.records if "does not answer" in record.getMessage()]
    assert any(name in line and host in line and port in line and "OperationalError" in line for line in said)
    assert password not in caplog.text


@contextmanager
def redis(url: str) -> Iterator[None]:
    """The application finds its cache and its channel layer at `url`."""
    backend = {
        "BACKEND": "core.database.cache.FallbackCache",
        "LOCATION": url,
        "OPTIONS": {"SOCKET_CONNECT_TIMEOUT": 0.5},
    }
    layer = {"BACKEND": "channels_redis.core.RedisChannelLayer", "CONFIG": {"hosts": [url]}}
    with override_settings(CACHES={"default": backend}, CHANNEL_LAYERS={"default": layer}):
        channel_layers.backends = {}
        for breaker in (fallback.breaker, publisher.breaker):
            breaker.reset()
        yield
    channel_layers.backends = {}
    caches.close_all()
    for breaker in (fallback.breaker, publisher.breaker):
        breaker.reset()


# Property 10 (R8.4)
@pytest.mark.django_db(transaction=True)
@given(password=secrets, scheme=st.sampled_from(["redis", "rediss"]))
@settings(property_settings, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_with_a_wrong_redis_url_the_application_answers_on(
    caplog: pytest.LogCaptureFixture, password: str, scheme: str
) -> None:
    caplog.clear()
    quoted = password.replace("%", "%25")
    with redis(f"{scheme}://:{quoted}@127.0.0.1:{closed_port()}/0"), caplog.at_level(logging.INFO):
        cache.set("kept", "in the table", 60)
        assert cache.get("kept") == "in the table"
        with transaction.atomic():
            publisher.publish("member.1", {"type": "post.published", "id": 1})
        assert publisher.flush()
        response = Client().get("/accounts/login/")
        cache.clear()
    assert response.status_code == 200
    assert "Redis (cache) does not answer" in caplog.text
    assert "The channel layer does not answer" in caplog.text
    assert password not in caplog.text
    assert quoted not in caplog.text
