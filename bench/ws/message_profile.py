"""Profiles one message in one process: `python -m bench.ws.message_profile`, with the servers' settings.

Prints statements and milliseconds of each task that the servers run for it, and the most expensive functions.
"""

import cProfile
import io
import pstats
import statistics
import time
from collections.abc import Callable
from itertools import count, cycle
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

import django

REPETITIONS, MAX_FUNCTIONS = 60, 28
FORM = "application/x-www-form-urlencoded"


def main() -> None:
    """Print the cost of each task, and profiles of sending and delivery."""
    django.setup()
    tasks = _list_tasks()
    for _ in range(5):
        for task in tasks.values():
            task()
    print(f"== In one process, {REPETITIONS} times each (median)")
    for name, task in tasks.items():
        print(_cost(name, task))
    for name in ("send (HTTP request)", "delivery to an open conversation"):
        print(f"\n== {name}: statements\n{_statements(tasks[name])}")
        print(f"\n== {name}: functions by own time\n{_profile(tasks[name])}")


def _list_tasks() -> dict[str, Callable[[], object]]:
    """Return the tasks of the servers for one message and for a new tab, by name."""
    from messaging.models import Membership  # noqa: PLC0415 -- models need the settings

    # The last ones: the members of bench.crowd, which were created before, have no sessions.
    mine, other = Membership.objects.order_by("-pk").select_related("conversation")[:2]
    return {"send (HTTP request)": _create_sending(), **_deliveries(mine, other), **_arrivals(mine, other)}


def _create_sending() -> Callable[[], object]:
    from django.conf import settings  # noqa: PLC0415

    from messaging.models import Membership  # noqa: PLC0415

    # Several authors: a single one would exceed the rate limit.
    authors = Membership.objects.order_by("-pk")[:8:2]
    writers = cycle(_client(author, settings.SESSION_COOKIE_NAME) for author in authors)
    numbers = count(1)

    def send() -> None:
        form = urlencode({"text": f"Shall we meet on Thursday? Number {next(numbers)}", "client_id": uuid4()})
        client, path = next(writers)
        response = client.post(path, form, FORM, secure=True, headers={"host": "localhost"})
        if response.status_code != 201:
            raise RuntimeError(f"sending returned {response.status_code}: {response.content[:200]!r}")

    return send


def _deliveries(mine: Any, other: Any) -> dict[str, Callable[[], object]]:
    """Return the tasks for the socket of `other`, a membership in the same conversation as `mine`."""
    from core.sockets import handler_calls  # noqa: PLC0415
    from core.sockets.frames import TabState  # noqa: PLC0415
    from messaging.models import Conversation, Membership  # noqa: PLC0415
    from messaging.socket import receipts  # noqa: PLC0415

    tab, plain = TabState(other.member_id), TabState(other.member_id)
    event, cursors, watched, delivered = (
        {"type": f"messaging.{name}", "conversation": mine.conversation_id, "seq": mine.conversation.last_seq}
        for name in ("entry", "cursors", "watch", "delivered")
    )

    def watch() -> object:
        newest = Conversation.objects.values_list("last_seq", flat=True).get(pk=mine.conversation_id)
        return handler_calls.handle_frame(tab, {**watched, "seq": newest - 3})

    def deliver() -> object:
        tab.state["messaging"].seq -= 1
        return handler_calls.render_events(tab, [event])

    def receipt() -> None:
        Membership.objects.filter(pk=other.pk).update(delivered_seq=1, read_seq=0)
        handler_calls.handle_quick_frame(tab, delivered)
        receipts.flush()

    return {
        "watch, 3 entries behind": watch,
        "delivery to an open conversation": deliver,
        "delivery to another page": lambda: handler_calls.render_events(plain, [event]),
        "receipt of delivery, stored": receipt,
        "event of new cursors": lambda: handler_calls.render_events(tab, [cursors]),
        "a heartbeat of 1 tab": lambda: handler_calls.collect_heartbeats([tab]),
    }


def _arrivals(mine: Any, other: Any) -> dict[str, Callable[[], object]]:
    """Return the tasks when a tab connects."""
    from core.sockets import application, handler_calls  # noqa: PLC0415
    from core.sockets.frames import TabState  # noqa: PLC0415

    session, tab = _session_of(mine.member_id), TabState(other.member_id)
    return {
        "handshake": lambda: application.load_visitor(session),
        "a tab opens": lambda: handler_calls.open_tab(tab),
    }


def _client(writer: Any, cookie: str) -> tuple[Any, str]:
    """Return a signed-in test client of the member, and the URL to send messages to."""
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


def _cost(name: str, task: Callable[[], object]) -> str:
    elapsed, used = [], []
    for _ in range(REPETITIONS):
        started, cpu = time.perf_counter(), time.thread_time()
        task()
        elapsed.append(1000 * (time.perf_counter() - started))
        used.append(1000 * (time.thread_time() - cpu))
    queries = len(_capture_queries(task))
    medians = f"{statistics.median(elapsed):>7.2f} ms {statistics.median(used):>7.2f} ms CPU"
    return f"{name:<36} {queries:>3} statements {medians}"


def _capture_queries(task: Callable[[], object]) -> list[dict[str, Any]]:
    from django.db import connection  # noqa: PLC0415
    from django.test.utils import CaptureQueriesContext  # noqa: PLC0415

    with CaptureQueriesContext(connection) as captured:
        task()
    return captured.captured_queries


def _statements(task: Callable[[], object]) -> str:
    return "\n".join(
        f"{query['time']:>6} {' '.join(query['sql'].split())[:150]}" for query in _capture_queries(task)
    )


def _profile(task: Callable[[], object]) -> str:
    profile, output = cProfile.Profile(), io.StringIO()
    for _ in range(REPETITIONS):
        profile.runcall(task)
    pstats.Stats(profile, stream=output).sort_stats("tottime").print_stats(MAX_FUNCTIONS)
    return output.getvalue().partition("\n\n")[2]


if __name__ == "__main__":
    main()
