"""The client's IP address: that of the peer, or what a trusted proxy says."""

from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from django.conf import settings
from django.http import HttpRequest

# Stands in TRUSTED_PROXIES for a peer on a unix socket, which has no address.
UNIX = "unix"
# What nginx appends for such a peer of its own.
NGINX_ON_SOCKET = "unix:"

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network


def client_address(request: HttpRequest) -> str:
    """The address of the one who asks: the peer's, unless the peer is a proxy named in TRUSTED_PROXIES.

    Each proxy appends to X-Forwarded-For whom it was asked by, so the list is read from its end: the first entry
    that is no trusted proxy is the client, and whatever stands before it may be forged (RFC 7239 8.1). The same holds
    where an entry is no address: a proxy that appended `unknown` or `_hidden` for its own client says nothing about the
    entry before, which that client may have sent. Then the client is the last proxy that is known. "" for a peer on a
    unix socket that is not trusted, or that names nobody. An IPv4-mapped IPv6 address is returned as IPv4, so that
    limits and logs know each client by one address.
    """
    peer = str(request.META.get("REMOTE_ADDR", ""))
    client = str(parse_address(peer) or peer)
    if not _is_trusted(peer):
        return client
    for entry in reversed(str(request.META.get("HTTP_X_FORWARDED_FOR", "")).split(",")):
        if entry.strip() == NGINX_ON_SOCKET and _is_trusted(""):
            continue
        address = parse_address(entry)
        if address is None:
            break
        client = str(address)
        if not _is_trusted(client):
            break
    return client


def from_trusted_proxy(request: HttpRequest) -> bool:
    """Whether the peer is a proxy named in TRUSTED_PROXIES, whose forwarded headers may be believed."""
    return _is_trusted(str(request.META.get("REMOTE_ADDR", "")))


def parse_address(text: str) -> Address | None:
    """The address in an entry of X-Forwarded-For, with or without a port, or None where there is none.

    An IPv4 address in the clothes of IPv6 is given as IPv4. An IPv6 address with a zone is refused: a zone may hold
    any text.
    """
    text = text.strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ip_address(text)
    except ValueError:
        return None
    if isinstance(address, IPv6Address):
        if address.scope_id is not None:
            return None
        return address.ipv4_mapped or address
    return address


def parse_network(text: str) -> Network | None:
    """One entry of TRUSTED_PROXIES, an address or a range such as 10.0.0.0/8, or None where it is neither."""
    try:
        return ip_network(text.strip(), strict=False)
    except ValueError:
        return None


def _is_trusted(peer: str) -> bool:
    trusted = tuple(settings.TRUSTED_PROXIES)
    if not peer:
        return UNIX in trusted
    address = parse_address(peer)
    return address is not None and any(address in network for network in _networks(trusted))


@lru_cache(maxsize=8)
def _networks(entries: tuple[str, ...]) -> tuple[Network, ...]:
    return tuple(network for network in map(parse_network, entries) if network is not None)
