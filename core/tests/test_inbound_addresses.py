"""Signed addresses: what they carry, and which are refused."""

from datetime import UTC, date, datetime, timedelta

import pytest
from django.conf import settings
from django.test import override_settings

from core.inbound_mail import InvalidAddress, make_address, read_address
from tests.cases import all_cases

DOMAIN = "in.example.org"
LARGE = 2**49 - 1


def test_an_address_carries_its_numbers_in_any_case() -> None:
    with all_cases() as case:
        for numbers in [(), (0,), (1, 2, 3), (127, 128, 16_384), (LARGE, LARGE, LARGE)]:
            with case(numbers):
                address = make_address("bounce", DOMAIN, *numbers)
                assert len(address.partition("@")[0]) <= 64
                assert address == address.lower()
                for spelling in (address, address.upper()):
                    found = read_address(spelling)
                    assert (found.kind, found.domain, found.numbers) == ("bounce", DOMAIN, numbers)
                    assert found.issued == datetime.now(UTC).date()
    for unfit in ((LARGE, LARGE, LARGE, LARGE), (-1,)):
        with pytest.raises(ValueError, match="address"):
            make_address("bounce", DOMAIN, *unfit)


def test_what_this_server_has_not_signed_is_refused() -> None:
    address = make_address("bounce", DOMAIN, 7)
    token = address[len("bounce+") : -len(DOMAIN) - 1]
    forged = [
        "", "@", "bounce", "bounce@" + DOMAIN, f"bounce+@{DOMAIN}", f"reply+{token}@{DOMAIN}",
        f"bounce+{token[:-1]}@{DOMAIN}", f"bounce+{token}a@{DOMAIN}", f"bounce+{'a' * 57}@{DOMAIN}",
        f"bounce+{token}@{DOMAIN}\n", f" bounce+{token}@{DOMAIN}", f"bounce+{token}@{DOMAIN}, b@c.example",
        f"bounce+{'a' * 300}@{DOMAIN}", f"bounce+{token}@{'d' * 300}", f"bounce+{token}\u0130@{DOMAIN}",
    ]  # fmt: skip
    for index, character in enumerate(token[:-1]):
        other = "b" if character == "a" else "a"
        forged.append(f"bounce+{token[:index]}{other}{token[index + 1 :]}@{DOMAIN}")
    with all_cases() as case:
        for text in forged:
            with case(text), pytest.raises(InvalidAddress):
                read_address(text)


def test_an_old_key_still_reads_and_another_does_not() -> None:
    address = make_address("bounce", DOMAIN, 7)
    with override_settings(SECRET_KEY="new" * 20, SECRET_KEY_FALLBACKS=[settings.SECRET_KEY]):
        assert read_address(address).numbers == (7,)
    with override_settings(SECRET_KEY="new" * 20), pytest.raises(InvalidAddress):
        read_address(address)


def test_an_address_expires_by_its_day() -> None:
    today, valid_for = datetime.now(UTC).date(), timedelta(days=30)
    for days, is_expired in ((0, False), (30, False), (31, True), (-1, False), (-3, True)):
        issued = today - timedelta(days=days)
        assert read_address(make_address("bounce", DOMAIN, issued=issued)).is_expired(valid_for) is is_expired
    assert read_address(make_address("bounce", DOMAIN, issued=date(2026, 1, 2))).issued == date(2026, 1, 2)
