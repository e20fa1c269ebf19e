"""The client's IP address: that of the peer, or the one that a trusted proxy forwards."""

from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from django.conf import settings
from django.http import HttpRequest

# The entry of TRUSTED_PROXIES for a peer on a unix socket, which has no address.
UNIX = "unix"
# The entry that nginx appends for its own peer on a unix socket.
NGINX_ON_SOCKET = "unix:"

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network


def client_address(request: HttpRequest) -> str:
    """Return the client's address: the peer's, unless the peer is a proxy of TRUSTED_PROXIES.

    Each proxy appends its client to X-Forwarded-For, so the list is read from its end: the first entry that is not a
    trusted proxy is the client, and all entries before it may be forged (RFC 7239 8.1). Reading also stops at an entry
    that is not an address (`unknown`, `_hidden`): the client is then the last known proxy. Returns "" for a peer on a
    unix socket that is not trusted or forwards no address. IPv4-mapped IPv6 addresses are returned as IPv4, so that
    limits and logs use one address per client.
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
    """Return whether the peer is a proxy of TRUSTED_PROXIES, whose forwarded headers are trusted."""
    return _is_trusted(str(request.META.get("REMOTE_ADDR", "")))


def parse_address(text: str) -> Address | None:
    """Return the address in an entry of X-Forwarded-For, with or without a port; None for anything else.

    IPv4-mapped IPv6 addresses are returned as IPv4. IPv6 addresses with a zone are refused: a zone may be any text.
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
    """Return an address or a range such as 10.0.0.0/8 of TRUSTED_PROXIES; None for anything else."""
    try:
        return ip_network(text.strip(), strict=False)
    except ValueError:
        return None


def _is_trusted(peer: str) -> bool:
    trusted = tuple(settings.TRUSTED_PROXIES)
    if not peer:
        return UNIX in trusted
    address = parse_address(peer)
    return address is not None and any(address in network for network in _parse_networks(trusted))


@lru_cache(maxsize=8)
def _parse_networks(entries: tuple[str, ...]) -> tuple[Network, ...]:
    return tuple(network for network in map(parse_network, entries) if network is not None)
