"""Whom a request comes from: nobody can choose the own address, whatever is sent along."""

from ipaddress import ip_address, ip_network

import pytest
from django.core.cache import cache
from django.test import Client, RequestFactory, override_settings
from hypothesis import example, given
from hypothesis import strategies as st

from core.web.client_ip import client_address, from_trusted_proxy, parse_address
from tests.cases import all_cases
from users.tests.accounts import sign_in

PROXIES = ["127.0.0.1", "::1", "10.0.0.0/8", "fd00::/8"]
addresses = st.ip_addresses().map(str)
trusted = st.sampled_from(["127.0.0.1", "::1", "::ffff:127.0.0.1", "fd00::7"]) | st.ip_addresses(
    network="10.0.0.0/8"
).map(str)
strangers = addresses.filter(
    lambda text: (
        not any(ip_address(text) in ip_network(entry) for entry in PROXIES)
        and not str(text).startswith("::ffff:")
        and ip_address(text).version == 4
    )
)
noise = st.text(max_size=30).filter(lambda text: parse_address(text) is None and "," not in text)


def seen(peer: str, forwarded: str | None = None, proxies: list[str] | None = None) -> str:
    request = RequestFactory().get("/", REMOTE_ADDR=peer)
    if forwarded is not None:
        request.META["HTTP_X_FORWARDED_FOR"] = forwarded
    with override_settings(TRUSTED_PROXIES=PROXIES if proxies is None else proxies):
        return client_address(request)


@given(peer=strangers, forwarded=st.lists(addresses | noise).map(",".join))
def test_a_stranger_is_the_peer_whatever_is_forwarded(peer: str, forwarded: str) -> None:
    assert seen(peer, forwarded) == peer


@given(peer=addresses, forwarded=st.lists(addresses | noise).map(",".join))
def test_without_proxies_everybody_is_the_peer(peer: str, forwarded: str) -> None:
    assert seen(peer, forwarded, []) == str(parse_address(peer))


def test_a_peer_is_known_by_its_address_or_its_socket() -> None:
    with all_cases() as case:
        with case("an ipv4 peer in the clothes of ipv6 is the same peer"):
            assert seen("::ffff:203.0.113.9") == seen("203.0.113.9") == "203.0.113.9"
            assert seen("::ffff:127.0.0.1", "unknown") == "127.0.0.1"
        with case("a proxy that hears another one through a socket is passed over"):
            assert seen("", "6.6.6.6, 203.0.113.9, unix:", ["unix"]) == "203.0.113.9"
            assert seen("127.0.0.1", "203.0.113.9, unix:", ["127.0.0.1"]) == "127.0.0.1"
        with case("a peer on a unix socket is trusted only when configured"):
            assert seen("", "203.0.113.9", ["unix"]) == "203.0.113.9"
            assert seen("", "203.0.113.9", ["127.0.0.1"]) == ""
            assert seen("", None, ["unix"]) == ""
        for peer, expected in [("10.1.2.3", True), ("203.0.113.9", False), ("", False), ("bad", False)]:
            with case((peer, expected)), override_settings(TRUSTED_PROXIES=PROXIES):
                assert from_trusted_proxy(RequestFactory().get("/", REMOTE_ADDR=peer)) is expected


@given(
    forged=st.lists(addresses | noise, max_size=4),
    client=strangers,
    path=st.lists(trusted, max_size=4),
    peer=trusted,
)
def test_behind_proxies_it_is_the_last_one_that_is_no_proxy(
    forged: list[str], client: str, path: list[str], peer: str
) -> None:
    assert seen(peer, ", ".join([*forged, client, *path])) == client


@given(
    forged=st.lists(addresses | noise, max_size=4),
    unknown=noise | st.sampled_from(["unknown", "_hidden", "unix:"]),
    path=st.lists(trusted, max_size=4),
    peer=trusted,
)
@example(forged=[], unknown="", path=[], peer="::ffff:127.0.0.1")
def test_entries_before_an_unnamed_client_are_not_trusted(
    forged: list[str], unknown: str, path: list[str], peer: str
) -> None:
    assert seen(peer, ", ".join([*forged, unknown, *path])) == str(parse_address((path or [peer])[0]))


@given(entries=st.lists(noise), peer=trusted)
def test_noise_alone_leaves_the_peer(entries: list[str], peer: str) -> None:
    assert seen(peer, ",".join(entries)) == str(parse_address(peer))


@given(text=st.text())
def test_what_is_taken_for_an_address_is_one(text: str) -> None:
    address = parse_address(text)
    if address is not None:
        assert str(ip_address(str(address))) == str(address)
        assert str(address).isprintable()


def test_an_entry_is_an_address_in_each_of_its_forms_or_none() -> None:
    with all_cases() as case:
        for entry, address in [
            ("203.0.113.9", "203.0.113.9"),
            (" 203.0.113.9:4711 ", "203.0.113.9"),
            ("2001:DB8::1", "2001:db8::1"),
            ("[2001:db8::1]:443", "2001:db8::1"),
            ("[2001:db8::1]", "2001:db8::1"),
            ("::ffff:203.0.113.9", "203.0.113.9"),
        ]:
            with case((entry, address)):
                assert str(parse_address(entry)) == address
        for entry in [
            "",
            "unknown",
            "_hidden",
            "localhost",
            "203.0.113",
            "203.0.113.256",
            "0x7f.0.0.1",
            "010.0.0.1",
            "fe80::1%eth0",
            "1",
        ]:
            with case(entry):
                assert parse_address(entry) is None


@pytest.mark.django_db
def test_limits_go_by_the_true_address() -> None:
    """Ten wrong passwords a minute from one address: behind the proxy as well, and forging helps nobody."""
    cache.clear()

    def attempt(number: int, client: str, peer: str = "127.0.0.1") -> bool:
        browser = Client(REMOTE_ADDR=peer, headers={"X-Forwarded-For": f"198.51.100.{number}, {client}"})
        return "Too many failed" in sign_in(browser, f"nobody{number}", "wrong").content.decode()

    with override_settings(TRUSTED_PROXIES=["127.0.0.1"]):
        assert [attempt(number, "203.0.113.9") for number in range(11)] == [False] * 10 + [True]
        assert not attempt(20, "203.0.113.10")
        assert [attempt(30 + number, "x", "192.0.2.7") for number in range(11)] == [False] * 10 + [True]
