"""Before a server stops, tabs are sent elsewhere: `manage.py drain`, and SIGTERM."""

import asyncio
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from threading import Thread

import pytest
from django.core.management import call_command
from django.test import override_settings

from core.database.thread_pool import in_database
from core.observability import drain as drains
from core.observability.drain import Drain, drain
from core.sockets import hub as hubs
from users.models import User

from .socket_client import PATIENCE, Refused, SocketClient, cookie_of, until

pytestmark = pytest.mark.usefixtures("registry", "fresh_breakers")


@pytest.fixture
def drain_file(tmp_path: Path) -> Iterator[Path]:
    """Where `manage.py drain` leaves its word."""
    path = tmp_path / "drain"
    with override_settings(DRAIN_FILE=str(path)):
        yield path


@pytest.mark.django_db(transaction=True)
async def test_when_the_file_appears_tabs_are_sent_elsewhere_and_nobody_new_is_taken(
    alice: User, drain_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hubs, "DRAIN_EVERY", 0.02)
    cookie = await cookie_of(alice)
    async with await SocketClient.of(alice) as tab:
        await in_database(drain_file.touch)
        assert await tab.closed(3) == 1012
    with pytest.raises(Refused):
        await SocketClient(cookie).open()
    await in_database(drain_file.unlink)
    async with await SocketClient.of(alice):
        pass


def test_a_file_that_an_earlier_drain_left_means_nothing(drain_file: Path) -> None:
    drain_file.touch()
    long_ago = time.time() - 86_400
    os.utime(drain_file, (long_ago, long_ago))
    assert not drain.is_on


@pytest.fixture
def terminations() -> Iterator[list[int]]:
    """What the server's own way of stopping was called with."""
    called: list[int] = []
    before = signal.signal(signal.SIGTERM, lambda number, frame: called.append(number))
    yield called
    signal.signal(signal.SIGTERM, before)


@pytest.mark.django_db(transaction=True)
async def test_on_sigterm_tabs_go_first_and_then_the_server_stops(
    alice: User, terminations: list[int]
) -> None:
    cookie = await cookie_of(alice)
    tab = await SocketClient.of(alice)
    os.kill(os.getpid(), signal.SIGTERM)
    await asyncio.sleep(0)
    with pytest.raises(Refused):
        await SocketClient(cookie).open()
    assert terminations == []
    assert await tab.closed() == 1012
    await until(lambda: bool(terminations))
    assert terminations == [signal.SIGTERM]


async def test_tabs_that_do_not_go_keep_the_server_only_for_a_while(
    terminations: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drains, "CLOSE_SECONDS", 0.1)
    Drain().close_on_sigterm(lambda: None, lambda: False)
    os.kill(os.getpid(), signal.SIGTERM)
    await until(lambda: bool(terminations))


async def test_who_asks_twice_is_not_kept_waiting(
    terminations: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    # Longer than this test waits, so only the second signal can end the wait.
    monkeypatch.setattr(drains, "CLOSE_SECONDS", 6 * PATIENCE)
    Drain().close_on_sigterm(lambda: None, lambda: False)
    for _ in range(2):
        os.kill(os.getpid(), signal.SIGTERM)
    await until(lambda: bool(terminations))


async def test_the_way_of_a_server_that_listens_on_its_loop_is_kept() -> None:
    called: list[int] = []
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, called.append, 1)
    try:
        Drain().close_on_sigterm(lambda: None, lambda: True)
        os.kill(os.getpid(), signal.SIGTERM)
        await until(lambda: bool(called))
    finally:
        loop.remove_signal_handler(signal.SIGTERM)


async def test_in_a_thread_no_signal_is_watched() -> None:
    before = signal.getsignal(signal.SIGTERM)
    thread = Thread(target=Drain().close_on_sigterm, args=(lambda: None, lambda: True))
    thread.start()
    thread.join()
    assert signal.getsignal(signal.SIGTERM) == before


def test_the_command_makes_the_folder_that_is_not_there_yet(tmp_path: Path) -> None:
    file = tmp_path / "new" / "drain"
    with override_settings(DRAIN_FILE=str(file)):
        call_command("drain", "--seconds", "0")
        assert file.exists()
        call_command("drain", "--off")
    assert not file.exists()
