"""Where the time of one message goes, in one process: `python -m bench.ws.profile`, in the settings of the servers.

Statements and milliseconds of each thing that the servers do for it, and the functions that take most.
"""

import cProfile
import io
import pstats
import statistics
import time
from collections.abc import Callable, Iterator
from itertools import count, cycle
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

import django

REPEATED, SHOWN = 60, 28
FORM = "application/x-www-form-urlencoded"


def main() -> None:
    """Print a table, and the profile of a send and of its delivery."""
    django.setup()
    works = _works()
    for _ in range(5):
        for work in works.values():
            work()
    print(f"== In one process, {REPEATED} times each (median)")
    for name, work in works.items():
        print(_cost(name, work))
    for name in ("send (HTTP request)", "delivery to an open conversation"):
        print(f"\n== {name}: statements\n{_statements(works[name])}")
        print(f"\n== {name}: functions by their own time\n{_profile(works[name])}")


def _works() -> dict[str, Callable[[], object]]:
    """What the servers do for one message, by name: for its author, for the others, and for those who only come in."""
    from messaging.models import Membership  # noqa: PLC0415 -- models can be imported once the settings stand

    # The last ones: the crowd, which came before, has no sessions.
    mine, other = Membership.objects.order_by("-pk").select_related("conversation")[:2]
    return {"send (HTTP request)": _sending(), **_deliveries(mine, other), **_arrivals(mine, other)}


def _sending() -> Callable[[], object]:
    from django.conf import settings  # noqa: PLC0415

    from messaging.models import Membership  # noqa: PLC0415

    # In turns: one alone would be told that nobody writes so fast.
    authors = Membership.objects.order_by("-pk")[:8:2]
    writers = cycle(_client(author, settings.SESSION_COOKIE_NAME) for author in authors)
    numbers = count(1)

    def send() -> None:
        form = urlencode({"text": f"Shall we meet on Thursday? Number {next(numbers)}", "client_id": uuid4()})
        client, path = next(writers)
        answer = client.post(path, form, FORM, secure=True, headers={"host": "localhost"})
        if answer.status_code != 201:
            raise RuntimeError(f"the send was answered with {answer.status_code}: {answer.content[:200]!r}")

    return send


def _deliveries(mine: Any, other: Any) -> dict[str, Callable[[], object]]:
    """What the sockets of `other`, who is in the same conversation as `mine`, are told and say."""
    from core.sockets import handler_calls  # noqa: PLC0415
    from core.sockets.frames import TabState  # noqa: PLC0415
    from messaging.models import Conversation, Membership  # noqa: PLC0415
    from messaging.socket import receipts  # noqa: PLC0415

    tab, plain = TabState(other.member_id), TabState(other.member_id)
    hint, cursors, watched, delivered = (
        {"type": f"messaging.{name}", "conversation": mine.conversation_id, "seq": mine.conversation.last_seq}
        for name in ("entry", "cursors", "watch", "delivered")
    )

    def watch() -> object:
        newest = Conversation.objects.values_list("last_seq", flat=True).get(pk=mine.conversation_id)
        return handler_calls.handle_frame(tab, {**watched, "seq": newest - 3})

    def deliver() -> object:
        tab.state["messaging"].seq -= 1
        return handler_calls.render_events(tab, [hint])

    def receipt() -> None:
        Membership.objects.filter(pk=other.pk).update(delivered_seq=1, read_seq=0)
        handler_calls.handle_quick_frame(tab, delivered)
        receipts.flush()

    return {
        "watch, 3 entries behind": watch,
        "delivery to an open conversation": deliver,
        "delivery to another page": lambda: handler_calls.render_events(plain, [hint]),
        "delivered: noted and stored": receipt,
        "the cursors' hint": lambda: handler_calls.render_events(tab, [cursors]),
        "a heartbeat of 1 tab": lambda: handler_calls.collect_heartbeats([tab]),
    }


def _arrivals(mine: Any, other: Any) -> dict[str, Callable[[], object]]:
    """What it takes until a tab is there."""
    from core.sockets import application, handler_calls  # noqa: PLC0415
    from core.sockets.frames import TabState  # noqa: PLC0415

    session, tab = _session_of(mine.member_id), TabState(other.member_id)
    return {
        "handshake": lambda: application.load_visitor(session),
        "a tab opens": lambda: handler_calls.open_tab(tab),
    }


def _client(writer: Any, cookie: str) -> tuple[Any, str]:
    """A browser of the member, and where the member writes."""
    from django.test import Client  # noqa: PLC0415

    client = Client(headers={"accept": "application/json"})
    client.cookies[cookie] = _session_of(writer.member_id)
    return client, f"/messages/{writer.conversation_id}/send/"


def _session_of(member: int) -> str:
    from django.contrib.sessions.models import Session  # noqa: PLC0415

    for session in Session.objects.order_by("session_key").iterator():
        if session.get_decoded().get("_auth_user_id") == str(member):
            return session.session_key
    raise LookupError(member)


def _cost(name: str, work: Callable[[], object]) -> str:
    taken, used = [], []
    for _ in range(REPEATED):
        started, cpu = time.perf_counter(), time.thread_time()
        work()
        taken.append(1000 * (time.perf_counter() - started))
        used.append(1000 * (time.thread_time() - cpu))
    asked = sum(1 for _ in _asked(work))
    medians = f"{statistics.median(taken):>7.2f} ms {statistics.median(used):>7.2f} ms CPU"
    return f"{name:<36} {asked:>3} statements {medians}"


def _asked(work: Callable[[], object]) -> Iterator[dict[str, Any]]:
    from django.db import connection  # noqa: PLC0415
    from django.test.utils import CaptureQueriesContext  # noqa: PLC0415

    with CaptureQueriesContext(connection) as captured:
        work()
    yield from captured.captured_queries


def _statements(work: Callable[[], object]) -> str:
    return "\n".join(f"{query['time']:>6} {' '.join(query['sql'].split())[:150]}" for query in _asked(work))


def _profile(work: Callable[[], object]) -> str:
    profile, told = cProfile.Profile(), io.StringIO()
    for _ in range(REPEATED):
        profile.runcall(work)
    pstats.Stats(profile, stream=told).sort_stats("tottime").print_stats(SHOWN)
    return told.getvalue().partition("\n\n")[2]


if __name__ == "__main__":
    main()
