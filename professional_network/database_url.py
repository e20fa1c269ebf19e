"""Converts a PostgreSQL URL, or its parts, to Django's settings, as libpq parses them (R1.3).

dj-database-url takes everything before the first `/` for the host, so that a `/` in a password silently changes server
and database, and it supports one host only. Here such a URL is refused, and several hosts are libpq's failover.
"""

import re
from typing import Any
from urllib.parse import parse_qsl, unquote

import psycopg2
from psycopg2.extensions import make_dsn

from .values import PORTS, parse_name, parse_number

SCHEMES = ("postgres", "postgresql", "pgsql")
ENGINE = "django.db.backends.postgresql"
SHAPE = "use postgres://user:password@host:5432/name"
QUOTE = f"{SHAPE}; characters such as @ / # ? % in user or password are written as %40 %2F %23 %3F %25"
# Values of options that libpq checks only when it connects.
OPTION_VALUES = {
    "sslmode": {"disable", "allow", "prefer", "require", "verify-ca", "verify-full"},
    "target_session_attrs": {"any", "read-write", "read-only", "primary", "standby", "prefer-standby"},
    "channel_binding": {"disable", "prefer", "require"},
    "gssencmode": {"disable", "prefer", "require"},
}
_bad_percent = re.compile(r"%(?![0-9A-Fa-f]{2})")

Database = dict[str, Any]


def is_postgres_url(url: str) -> bool:
    """Return whether `url` has a scheme of PostgreSQL, without checking the rest."""
    return url.partition("://")[0] in SCHEMES


def parse_postgres_url(url: str) -> Database:
    """Return the settings of the database `url`. Raises ValueError with a hint how to write it."""
    scheme, found, rest = url.partition("://")
    if scheme not in SCHEMES or not found:
        raise ValueError(SHAPE)
    rest, _, query = rest.partition("?")
    authority, _, name = rest.partition("/")
    # An unquoted special character changes where password, host and database begin.
    if (
        "#" in url
        or " " in url
        or _bad_percent.search(url)
        or authority.count("@") > 1
        or set(name) & set("/@:")
    ):
        raise ValueError(QUOTE)
    if not name:
        raise ValueError(SHAPE)
    account, _, servers = authority.rpartition("@")
    user, _, password = account.partition(":")
    options = _parse_options(query)
    host, port = (
        _parse_servers(servers) if servers else (str(options.pop("host", "")), options.pop("port", ""))
    )
    return build_database(
        host=host,
        port=port,
        name=unquote(name),
        user=unquote(user),
        password=unquote(password),
        options=options,
    )


def build_database(
    *, host: str, port: int | str, name: str, user: str, password: str, options: Database | None = None
) -> Database:
    """Return the settings from the parts; of several hosts, libpq uses the one that accepts writes."""
    options = dict(options or {})
    if "," in host:
        options.setdefault("target_session_attrs", "read-write")
    parts = {"HOST": host, "PORT": port, "NAME": name, "USER": user, "PASSWORD": password}
    # Django sets other defaults, but not this one, which our code reads.
    return {"ENGINE": ENGINE, **parts, "OPTIONS": options, "DISABLE_SERVER_SIDE_CURSORS": False}


def parse_database_host(value: str) -> str:
    """Parse a name, an address, the folder of a socket, or several of them with commas."""
    try:
        return ",".join(item if item.startswith("/") else parse_name(item) for item in value.split(","))
    except ValueError:
        raise ValueError(
            "use a name, an address or the folder of the socket (/var/run/postgresql); the port goes into DB_PORT, "
            "a URL into DATABASE_URL"
        ) from None


def _parse_servers(text: str) -> tuple[str, int | str]:
    """Return host and port, or lists of them in libpq's format."""
    pairs: list[tuple[str, int]] = []
    for item in text.split(","):
        if item.startswith("["):
            host, _, port = item[1:].partition("]")
            port = port.removeprefix(":") if port.startswith(":") or not port else "no port"
        else:
            host, _, port = item.partition(":")
        host = unquote(host)
        try:
            number = parse_number(port, *PORTS) if port else 0
            pairs.append((host if host.startswith("/") else parse_name(host), number))
        except ValueError:
            raise ValueError(QUOTE) from None
    hosts, ports = ",".join(host for host, _ in pairs), [port for _, port in pairs]
    if len(pairs) == 1:
        return hosts, ports[0] or ""
    return hosts, ",".join(str(port or 5432) for port in ports)


def _parse_options(query: str) -> Database:
    """Return the options of the query for libpq: only known ones, each once."""
    pairs = parse_qsl(query, keep_blank_values=True, separator="&")
    options: Database = dict(pairs)
    if len(options) < len(pairs) or not all(options.values()):
        raise ValueError("give each option of the query once, with a value")
    if set(options) & {"dbname", "user", "password", "service", "passfile"}:
        raise ValueError("name user, password and database before the ?")
    if schema := options.pop("currentSchema", ""):
        options["options"] = f"-c search_path={schema} {options.get('options', '')}".strip()
    for name, allowed in OPTION_VALUES.items():
        if options.get(name, next(iter(allowed))) not in allowed:
            raise ValueError(f"{name} is one of {', '.join(sorted(allowed))}")
    try:
        make_dsn(**options)
    except psycopg2.ProgrammingError:
        raise ValueError("the query names an option that libpq does not know") from None
    return {name: int(value) if value.isdecimal() else value for name, value in options.items()}
