"""The conversations of the cast."""

from collections.abc import Iterator

import pytest

from messaging import presence, services
from messaging.models import Conversation
from messaging.socket import receipts
from tests.cast import connect, make_member
from users.models import User


@pytest.fixture(autouse=True)
def _no_tabs() -> Iterator[None]:
    """The next test's members may have the same ids: nothing that tabs of these said is kept for them."""
    yield
    presence.clear_tabs()
    receipts.clear_waiting()


@pytest.fixture
def conversation(alice: User, bob: User) -> Conversation:
    """The conversation of Alice and Bob, empty."""
    return services.start_direct(by=alice, other=bob)


@pytest.fixture
def dora(alice: User) -> User:
    """Another connection of Alice; Bob does not know her."""
    dora = make_member("dora")
    connect(alice, dora)
    return dora


@pytest.fixture
def group(alice: User, bob: User, dora: User) -> Conversation:
    """Alice's group with Bob and Dora; its first two entries say that they came."""
    return services.start_group(by=alice, members=[bob, dora], title="Harbour")


@pytest.fixture
def erin(alice: User) -> User:
    """A connection of Alice who is in no conversation so far."""
    erin = make_member("erin")
    connect(alice, erin)
    return erin
