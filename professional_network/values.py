"""Parsers of single environment variables. Each returns the parsed value, or raises ValueError with a hint.

A wrong but unambiguous value is corrected, any other is refused: at start, not at the first request, mail or backup.
Messages never repeat the value, which may be a secret.
"""

import re
from collections.abc import Callable, Iterable
from email.utils import getaddresses
from ipaddress import ip_address, ip_network
from pathlib import Path
from urllib.parse import unquote, urlsplit

from redis import Redis

TRUE_WORDS = {"1", "true", "yes", "on"}
FALSE_WORDS = {"0", "false", "no", "off"}
PORTS = (1, 65_535)
DEFAULT_PORTS = {"http": 80, "https": 443}
LONGEST_TITLE = 40
REDIS_SCHEMES = {"redis", "rediss", "unix"}

_label = r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?"
_name = re.compile(rf"{_label}(\.{_label})*")
_number = re.compile(r"[+-]?[0-9]{1,18}")
_local_part = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
_named_address = re.compile(r"(?P<name>[^<>]*)<\s*(?P<address>[^<>\s]+)\s*>")
_control = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_specials = re.compile(r'[()<>\[\]:;@\\,."]')


def parse_flag(value: str) -> bool:
    """Parse a boolean in the usual words."""
    word = value.lower()
    if word in TRUE_WORDS | FALSE_WORDS:
        return word in TRUE_WORDS
    raise ValueError("use True or False")


def parse_items(value: str) -> list[str]:
    """Split at commas, and drop blanks and empty parts."""
    return [item.strip() for item in value.split(",") if item.strip()]


def parse_number(value: str, least: int, most: int) -> int:
    """Parse a whole number in ASCII digits, from `least` to `most`."""
    if not _number.fullmatch(value):
        raise ValueError("use a whole number")
    number = int(value)
    if not least <= number <= most:
        raise ValueError(f"use a whole number from {least} to {most}")
    return number


def parse_name(value: str) -> str:
    """Parse a host: a name (in any script) or an address; IPv6 without brackets."""
    try:
        return str(ip_address(value.removeprefix("[").removesuffix("]")))
    except ValueError:
        pass
    # A trailing dot means the same name; Django and libraries compare without it.
    name = value.lower().removesuffix(".")
    if not name.isascii():
        try:
            if set(name) & set("ßς\u200c\u200d"):  # IDNA 2003 and 2008 differ on these
                raise ValueError
            name = name.encode("idna").decode("ascii")
        except ValueError:
            raise ValueError("use the form of the name that begins with xn--") from None
    # The last part is never a number: that would be a malformed address.
    if not _name.fullmatch(name) or len(name) > 253 or name.rpartition(".")[2].isdecimal():
        raise ValueError("use a name alone, such as network.example.org, without https://, port, path or *")
    return name


def parse_host(value: str) -> str:
    """Parse the host of a server, whose port is a separate variable."""
    try:
        return parse_name(value)
    except ValueError:
        raise ValueError(
            "use a name or an address alone; the port is a separate variable, and no scheme is needed"
        ) from None


def parse_mail_domain(value: str) -> str:
    """Parse the domain of mail addresses: a name that mail exchangers (MX) can be looked up for."""
    try:
        name = parse_name(value)
        is_address = ":" in name or name.rpartition(".")[2].isdecimal()
    except ValueError:
        is_address = True
    # A signature and a long domain would not fit into an address.
    if is_address or "_" in name or len(name) > 180:
        raise ValueError("use the domain of mail addresses alone, such as reply.example.org")
    return name


def parse_allowed_hosts(value: str) -> list[str]:
    """Parse names for Django's ALLOWED_HOSTS: IPv6 in brackets, `.example.org` for all subdomains."""
    items = parse_items(value)
    if not items:
        raise ValueError("use at least one name")
    hosts = []
    for item in items:
        if item.startswith("*."):
            raise ValueError("write .example.org, with a dot and no *, for all names below example.org")
        dot = "." if item.startswith(".") else ""
        # `check --deploy` refuses "*".
        name = item if item == "*" else parse_name(item.removeprefix("."))
        hosts.append(f"[{name}]" if ":" in name else dot + name)
    return hosts


def parse_origin(value: str) -> str:
    """Parse `https://network.example.org`, optionally with a port, without a trailing slash."""
    return _parse_origin(value, parse_name)


def parse_origins(value: str) -> list[str]:
    """Parse several origins; `https://*.example.org` is for all subdomains."""

    def parse_with_star(host: str) -> str:
        return "*." + parse_name(host[2:]) if host.startswith("*.") else parse_name(host)

    return [_parse_origin(item, parse_with_star) for item in parse_items(value)]


def _parse_origin(value: str, parse: Callable[[str], str]) -> str:
    message = "use an origin such as https://network.example.org: the scheme and the name, without a path"
    try:
        parts = urlsplit(value)
        port, host = parts.port, parts.hostname or ""
        rest = (parts.path.rstrip("/"), parts.query, parts.fragment, parts.username, parts.password)
        if parts.scheme not in DEFAULT_PORTS or any(rest) or port == 0:
            raise ValueError
        name = parse(host)
    except ValueError:
        raise ValueError(message) from None
    shown = f"[{name}]" if ":" in name else name
    return f"{parts.scheme}://{shown}" + (f":{port}" if port and port != DEFAULT_PORTS[parts.scheme] else "")


def parse_networks(value: str) -> list[str]:
    """Parse addresses, ranges such as 10.0.0.0/8, and the word `unix`."""
    items = parse_items(value)
    try:
        for item in items:
            if item != "unix":
                ip_network(item, strict=False)
    except ValueError:
        raise ValueError("use addresses, ranges such as 10.0.0.0/8, or the word unix") from None
    return items


def parse_path(value: str, base: Path) -> str:
    """Parse a path; a relative one starts at `base`, not at the working directory."""
    if value.startswith("~") or _control.search(value):
        raise ValueError("use a full path: ~ is a different folder for each user")
    return str(base / value)


def parse_title(value: str) -> str:
    """Parse a name that people read, of at most 40 characters."""
    if _control.search(value) or len(value) > LONGEST_TITLE:
        raise ValueError(f"use one line of at most {LONGEST_TITLE} characters")
    return value


def parse_mailbox(value: str) -> str:
    """Parse `Name <address>` or an address alone, for a mail header: a name with a comma is quoted."""
    if _control.search(value):
        raise ValueError("use one line, without control characters")
    match = _named_address.fullmatch(value)
    if match is None:
        return _address(value)
    name = match["name"].strip()
    if len(name) > 1 and name[0] == name[-1] == '"':
        name = re.sub(r"\\(.)", r"\1", name[1:-1])
    address = _address(match["address"])
    if _specials.search(name):
        name = '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'
    mailbox = f"{name} <{address}>".strip()
    if [found for _, found in getaddresses([mailbox])] != [address]:
        raise ValueError("use Name <address>, such as LinkUp <no-reply@example.org>")
    return mailbox


def parse_mail_address(value: str) -> str:
    """Parse an address alone, without a name: the sender of an envelope."""
    if _control.search(value):
        raise ValueError("use one line, without control characters")
    return _address(value)


def parse_mailboxes(value: str) -> list[tuple[str, str]]:
    """Parse names and addresses; a name may be empty."""
    if _control.search(value):
        raise ValueError("use one line, without control characters")
    return [(name, _address(address)) for name, address in getaddresses([value])]


def _address(value: str) -> str:
    local, _, domain = value.strip().rpartition("@")
    if not _local_part.fullmatch(local) or len(local) > 64:
        raise ValueError("use mail addresses such as no-reply@example.org or LinkUp <no-reply@example.org>")
    if domain.startswith("[") and domain.endswith("]"):
        return f"{local}@[{ip_address(domain[1:-1].removeprefix('IPv6:'))}]"
    try:
        return f"{local}@{parse_name(domain)}"
    except ValueError:
        raise ValueError("use mail addresses such as no-reply@example.org") from None


def parse_redis_url(value: str) -> str:
    """Parse redis://, rediss:// (TLS) or unix://, with the number of the database, if any, as the path."""
    try:
        parts = urlsplit(value)
        is_valid = parts.scheme in REDIS_SCHEMES and not parts.fragment
        if parts.scheme == "unix":
            is_valid = is_valid and not parts.hostname and parts.port is None and len(unquote(parts.path)) > 1
        else:
            parse_name(parts.hostname or "")
            number = parts.path.strip("/")
            is_number = not number or number.isdecimal()
            is_valid = is_valid and parts.port != 0 and "/" not in number and is_number
        if is_valid:
            # redis-py parses it with the options of the query, without connecting.
            Redis.from_url(value).connection_pool.make_connection()
    except (ValueError, TypeError, AttributeError, OSError):
        is_valid = False
    if not is_valid:
        raise ValueError(
            "use redis://:password@host:6379/0, rediss:// for TLS, or unix:///path/of/the.sock?db=0; characters "
            "such as @ / # ? in the password are written as %40 %2F %23 %3F"
        )
    return value


def choice_words(choices: Iterable[str]) -> str:
    """Join choices as `one, two or three`."""
    *first, last = choices
    return f"{', '.join(first)} or {last}" if first else last
