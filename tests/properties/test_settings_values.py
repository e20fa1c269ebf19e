"""Values that look sensible: each is understood, or refused at the start in the one message (R7.9)."""

from email import message_from_bytes, policy
from email.utils import getaddresses
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.mail import EmailMessage
from django.test import override_settings

from professional_network.env import Environment
from scripts.programs import ROOT

from .loading import COMPLETE, fresh, load
from .refused_values import PARTS, REFUSED, REFUSED_PARTS, REFUSED_TOGETHER, URL


def faults_of(environ: dict[str, str]) -> list[str]:
    """The lines of the one message; empty when it starts."""
    try:
        load("production", {**COMPLETE, **environ})
    except ImproperlyConfigured as refusal:
        if "hunter2" in str(refusal):
            return ["the message repeats the value"]
        return [line.removeprefix("  - ") for line in str(refusal).splitlines() if line.startswith("  - ")]
    return []


def test_what_cannot_work_is_refused_by_name_and_by_that_name_alone() -> None:
    wrong = []
    for name, values, words in REFUSED:
        for value in values:
            found = faults_of({name: value})
            if len(found) != 1 or name not in found[0].partition(": ")[0] or words not in found[0]:
                wrong.append((name, value, found))
    for changed, expected in REFUSED_PARTS:
        found = sorted(faults_of({**PARTS, **changed}))
        if len(found) != len(expected) or not all(
            a.startswith(b) for a, b in zip(found, expected, strict=True)
        ):
            wrong.append(("parts", str(changed), found))
    for changed, expected in REFUSED_TOGETHER:
        found = faults_of(changed)
        if len(found) != 1 or not found[0].startswith(expected[0]):
            wrong.append(("together", str(changed), found))
    assert not wrong


def database(**expected: Any) -> dict[str, Any]:
    return {"DATABASES": expected}


UNDERSTOOD: list[tuple[dict[str, str], dict[str, Any]]] = [
    ({"ALLOWED_HOSTS": "A.Example, b.example."}, {"ALLOWED_HOSTS": ["a.example", "b.example"]}),
    ({"ALLOWED_HOSTS": "::1,[::2],10.0.0.1"}, {"ALLOWED_HOSTS": ["[::1]", "[::2]", "10.0.0.1"]}),
    (
        {"ALLOWED_HOSTS": ".example.org"},
        {"ALLOWED_HOSTS": [".example.org"], "SITE_URL": "https://example.org"},
    ),
    ({"ALLOWED_HOSTS": "verein-köln.example"}, {"ALLOWED_HOSTS": ["xn--verein-kln-lcb.example"]}),
    ({"ALLOWED_HOSTS": "web_1,localhost"}, {"ALLOWED_HOSTS": ["web_1", "localhost"]}),
    (
        {"SITE_URL": "https://A.example/"},
        {"SITE_URL": "https://a.example", "EMAIL_SUBJECT_PREFIX": "[a.example] "},
    ),
    ({"SITE_URL": "https://[::1]:8443"}, {"SITE_URL": "https://[::1]:8443"}),
    ({"SITE_URL": "https://a.example:443"}, {"SITE_URL": "https://a.example"}),
    (
        {"CSRF_TRUSTED_ORIGINS": "https://A.example/, https://b.example:443,https://*.c.example:8443"},
        {"CSRF_TRUSTED_ORIGINS": ["https://a.example", "https://b.example", "https://*.c.example:8443"]},
    ),
    ({"TRUSTED_PROXIES": "10.0.0.7/8, unix,::1"}, {"TRUSTED_PROXIES": ["10.0.0.7/8", "unix", "::1"]}),
    ({"EMAIL_HOST": "[::1]"}, {"EMAIL_HOST": "::1"}),
    (
        {"EMAIL_HOST_USER": "u", "EMAIL_HOST_PASSWORD": " p '\n"},
        {"EMAIL_HOST_USER": "u", "EMAIL_HOST_PASSWORD": " p '"},
    ),
    ({"LOG_LEVEL": "debug", "CHANNEL_LAYER": "PubSub"}, {"LOG_LEVEL": "DEBUG", "CHANNEL_LAYER": "pubsub"}),
    (
        {"LOG_DIR": "logs", "MEDIA_ROOT": "a/b"},
        {"LOG_DIR": str(ROOT / "logs"), "MEDIA_ROOT": ROOT / "a" / "b"},
    ),
    (
        {"DATA_DIR": "/srv/linkup", "LOG_DIR": ""},
        {"LOG_DIR": "/srv/linkup/logs", "DRAIN_FILE": "/srv/linkup/drain"},
    ),
    ({"SECRET_KEY_FALLBACKS": "former, older"}, {"SECRET_KEY_FALLBACKS": ["former", "older"]}),
    ({"REDIS_URL": "unix:///run/redis/redis.sock?db=1"}, {"REDIS_URL": "unix:///run/redis/redis.sock?db=1"}),
    ({"REDIS_URL": "unix:///r"}, {"REDIS_URL": "unix:///r"}),
    ({"REDIS_URL": "redis://u:p%40ss@[::1]:6380/3"}, {"REDIS_URL": "redis://u:p%40ss@[::1]:6380/3"}),
    ({"REDIS_URL": "rediss://h/0?ssl_cert_reqs=none"}, {"REDIS_URL": "rediss://h/0?ssl_cert_reqs=none"}),
    ({"ADMINS": "a@a.example, B <b@b.example>"}, {"ADMINS": [("", "a@a.example"), ("B", "b@b.example")]}),
    ({"ADMINS": '"Verein, Köln" <a@a.example>'}, {"ADMINS": [("Verein, Köln", "a@a.example")]}),
    ({"DATABASE_URL": "postgres://u:p%2F%40@db/n"}, database(PASSWORD="p/@", HOST="db", PORT="", NAME="n")),
    ({"DATABASE_URL": "postgres://u:p@[::1]:6/n"}, database(HOST="::1", PORT=6)),
    (
        {"DATABASE_URL": "postgres://u:p@%2Fvar%2Frun%2Fpostgresql/n"},
        database(HOST="/var/run/postgresql", USER="u"),
    ),
    (
        {"DATABASE_URL": "postgres:///n?host=/var/run/postgresql"},
        database(HOST="/var/run/postgresql", USER=""),
    ),
    ({"DATABASE_URL": "postgres://u:p@h1:5432,h2:5433/n"}, database(HOST="h1,h2", PORT="5432,5433")),
    ({"DATABASE_URL": "postgres://u:p@h1,[::1]/n"}, database(HOST="h1,::1", PORT="5432,5432")),
    (
        {**PARTS, "DB_HOST": "/var/run/postgresql", "DB_PASSWORD": ""},
        database(HOST="/var/run/postgresql", NAME="n"),
    ),
    ({**PARTS, "DB_HOST": "::1"}, database(HOST="::1", PORT=5432)),
    ({**PARTS, "DB_HOST": "[::1]"}, database(HOST="::1")),
    ({**PARTS, "DB_HOST": "h1,h2"}, database(HOST="h1,h2")),
    ({**PARTS, "DB_PASSWORD": " p "}, database(PASSWORD=" p ")),
    ({**PARTS, "DB_PASSWORD": "'p'\n"}, database(PASSWORD="'p'")),
    ({**PARTS, "DB_PASSWORD": "p@ss/w:rd#%"}, database(PASSWORD="p@ss/w:rd#%")),
]


def found_in(loaded: dict[str, Any], expected: dict[str, Any]) -> dict[str, Any]:
    default = loaded["DATABASES"]["default"]
    return {
        name: {part: default[part] for part in value} if name == "DATABASES" else loaded[name]
        for name, value in expected.items()
    }


def test_what_has_one_meaning_is_understood() -> None:
    wrong = []
    for environ, expected in UNDERSTOOD:
        try:
            found = found_in(load("production", {**COMPLETE, **environ}), expected)
        except ImproperlyConfigured as refusal:
            found = {"refused": str(refusal)}
        if found != expected:
            wrong.append((environ, found))
    assert not wrong


# What libpq gets for each query, beside what is always there.
QUERIES: list[tuple[dict[str, str], dict[str, Any]]] = [
    ({"DATABASE_URL": URL}, {"connect_timeout": 2, "tcp_user_timeout": 3000}),
    ({"DATABASE_URL": URL + "?connect_timeout=30"}, {"connect_timeout": 30}),
    (
        {"DATABASE_URL": URL + "?keepalives_idle=60&tcp_user_timeout=0"},
        {"keepalives_idle": 60, "tcp_user_timeout": 0},
    ),
    ({"DATABASE_URL": URL, "DB_CONNECT_TIMEOUT": "9"}, {"connect_timeout": 9}),
    ({"DATABASE_URL": "postgres://u:p@h1,h2/n"}, {"target_session_attrs": "read-write"}),
    ({"DATABASE_URL": "postgres://u:p@h1,h2/n?target_session_attrs=any"}, {"target_session_attrs": "any"}),
]
SESSION = "-c statement_timeout=15000 -c lock_timeout=5000 -c idle_in_transaction_session_timeout=30000"
SESSIONS: list[tuple[dict[str, str], str | None]] = [
    ({}, SESSION),
    ({"DB_STATEMENT_TIMEOUT": "7"}, SESSION.replace("15000", "7")),
    # The last one counts: what the URL says is heard.
    ({"DATABASE_URL": URL + "?options=-c%20lock_timeout=9"}, f"{SESSION} -c lock_timeout=9"),
    ({"DATABASE_URL": URL + "?currentSchema=linkup"}, f"{SESSION} -c search_path=linkup"),
    ({"DB_BEHIND_PGBOUNCER": "True"}, None),
]


def test_the_query_of_the_url_reaches_libpq() -> None:
    wrong: list[tuple[Any, ...]] = []
    for environ, expected in QUERIES:
        options = load("production", {**COMPLETE, **environ})["DATABASES"]["default"]["OPTIONS"]
        if not expected.items() <= options.items():
            wrong.append((environ, options))
    for environ, session in SESSIONS:
        options = load("production", {**COMPLETE, **environ})["DATABASES"]["default"]["OPTIONS"]
        if options.get("options") != session:
            wrong.append((environ, options))
    assert not wrong


SENDERS = {
    "Verein für Musik, Köln <no-reply@example.org>": ("Verein für Musik, Köln", "no-reply@example.org"),
    '"Verein für Musik, Köln" <no-reply@example.org>': ("Verein für Musik, Köln", "no-reply@example.org"),
    '"Müller, Søn: \\"Netz\\"" <a@b.example>': ('Müller, Søn: "Netz"', "a@b.example"),
    "Ümläut: Köln; Ärzte <a@b.example>": ("Ümläut: Köln; Ärzte", "a@b.example"),
    "LinkUp (Köln) <no-reply@example.org>": ("LinkUp (Köln)", "no-reply@example.org"),
    'The "Net"; a: b @ c <a@b.example>': ('The "Net"; a: b @ c', "a@b.example"),
    "Dr. A. B. <a@b.example>": ("Dr. A. B.", "a@b.example"),
    "A\\B <a@b.example>": ("A\\B", "a@b.example"),
    "no-reply@example.org": ("", "no-reply@example.org"),
    "<no-reply@example.org>": ("", "no-reply@example.org"),
    "日本, 語 <a@mailhost>": ("日本, 語", "a@mailhost"),
    "LinkUp <a@köln.example>": ("LinkUp", "a@xn--kln-sna.example"),
    "LinkUp <a@[192.0.2.1]>": ("LinkUp", "a@[192.0.2.1]"),
}


def test_the_name_of_a_sender_may_hold_any_sign_and_the_mail_can_be_made() -> None:
    wrong = []
    for value, (name, address) in SENDERS.items():
        loaded = load("production", {**COMPLETE, "DEFAULT_FROM_EMAIL": value})
        mailbox = loaded["DEFAULT_FROM_EMAIL"]
        with override_settings(DEFAULT_FROM_EMAIL=mailbox):
            sent = EmailMessage("s", "t", to=["x@example.org"]).message().as_bytes()
        sender = message_from_bytes(sent, policy=policy.default)["From"].addresses
        if (
            getaddresses([mailbox]) != [(name, address)]
            or [(each.display_name, each.addr_spec) for each in sender] != [(name, address)]
            or loaded["SERVER_EMAIL"] != mailbox
        ):
            wrong.append((value, mailbox, sender))
    assert not wrong


def test_the_host_alone_asks_for_the_other_parts_and_not_for_a_url() -> None:
    assert faults_of({"DATABASE_URL": "", "DB_HOST": "db"}) == [
        f"{name}: missing (the other parts of the database are given)"
        for name in ("DB_NAME", "DB_USER", "DB_PASSWORD")
    ]


def test_in_development_too_a_url_of_postgresql_is_read_as_libpq_reads_it() -> None:
    with pytest.raises(ImproperlyConfigured, match="DATABASE_URL: malformed, sslmode is one of"):
        load("development", {"DATABASE_URL": "postgres://u:hunter2@h/n?sslmode=on"})


def test_a_dotenv_with_a_byte_order_mark_is_read(tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes(b"\xef\xbb\xbfMADE_UP_NAME='a b'\r\nMADE_UP_SECRET=' p '\r\n")
    environment = Environment(tmp_path / ".env")
    assert (environment.text("MADE_UP_NAME"), environment.secret("MADE_UP_SECRET")) == ("a b", " p ")


def test_a_fault_that_the_first_module_found_is_told_at_the_second_try_too() -> None:
    told = []
    with fresh({**COMPLETE, "TIME_ZONE": "Berlin", "CHANNEL_LAYER": "x"}):
        for _ in range(2):
            with pytest.raises(ImproperlyConfigured) as refusal:
                import_module("professional_network.settings.production")
            told.append(str(refusal.value))
    assert told[0] == told[1]
    assert "TIME_ZONE" in told[1]


def test_what_was_mended_is_not_told_again() -> None:
    environment = Environment()
    environment.errors.append("PORT: malformed")
    with pytest.raises(ImproperlyConfigured, match="PORT: malformed"):
        environment.raise_errors()
    environment.raise_errors()


@pytest.mark.parametrize(
    ("arguments", "port"),
    [
        (["manage.py", "runserver", "8120"], "8120"),
        (["manage.py", "runserver", "--noreload", "0.0.0.0:8121"], "8121"),
        (["manage.py", "runserver", "[::1]:8122"], "8122"),
        (["manage.py", "runserver"], "8123"),
        (["manage.py", "seed_demo", "7"], "8123"),
    ],
)
def test_in_development_links_in_mail_lead_to_the_port_that_serves(
    monkeypatch: pytest.MonkeyPatch, arguments: list[str], port: str
) -> None:
    monkeypatch.setattr("sys.argv", arguments)
    assert load("development", {"PORT": "8123"})["SITE_URL"] == f"http://localhost:{port}"
    assert load("development", {"SITE_URL": "http://localhost:1"})["SITE_URL"] == "http://localhost:1"
