"""What is done, step by step, with the servers of one channel layer; each step gives figures."""

import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import psycopg2

from .figures import Figure, median, percentile, times
from .remote import Remote
from .stage import Base, Servers

CALM_RATE = 10.0
LOAD_PAIRS = 400
STORM_BEHIND = 3
STORM_SECONDS = 60.0
# A hint that was lost is made good by the next heartbeat.
HEARTBEAT = 25.0
# Sockets that are there before memory is measured, so that threads and connections are.
WARM = 100
FLOOD_AT_ONCE = 8
ECHO_PAIRS = 16


@dataclass(frozen=True)
class Options:
    """How long and how much. `rate` is in messages a second."""

    calm: float
    load: float
    rate: float
    flood: float
    idle: float
    sockets: int
    storm: int
    receipt: str
    shows_list: bool


@dataclass(frozen=True)
class Scene:
    """What a step works with: servers, and the two generators, one that listens and one that writes."""

    base: Base
    up: Servers
    listener: Remote
    writer: Remote
    options: Options

    def people(self, count: int) -> list[dict[str, Any]]:
        """The first `count` members; each has everything in the conversation of the pair."""
        newest = dict(self.base.asked("SELECT id, last_seq FROM messaging_conversation"))
        return [
            {**who, "watched": who["conversation"], "have": newest[who["conversation"]]}
            for who in self.base.people["members"][:count]
        ]

    def cpu(self) -> dict[str, float]:
        return self.up.cpu(listener=self.listener.pid, writer=self.writer.pid)

    def begin(self) -> None:
        """Tell the generators where the servers are."""
        self.listener.do(
            "place", daphne=self.up.ports["daphne"], gunicorn=self.up.ports["gunicorn"][0],
            cookies=self.base.people["cookies"], receipt=self.options.receipt, shows_list=self.options.shows_list,
        )  # fmt: skip


def commits(base: Base) -> list[Figure]:
    """How long the barest commit takes on this disk."""
    taken = []
    connection = psycopg2.connect(base.postgres.url)
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE bench_commit (number integer)")
        connection.commit()
        for number in range(300):
            cursor.execute("INSERT INTO bench_commit VALUES (%s)", [number])
            started = time.monotonic()
            connection.commit()
            taken.append(time.monotonic() - started)
    connection.close()
    return [
        Figure(
            "limit", "commit of one row, p50", median(taken), "ms", beside=f"p99 {times(taken, 0.99)} worst"
        )
    ]


def echo(up: Servers, listener: Remote, options: Options) -> list[Figure]:
    """The limit: the bare consumer, through the same layer and the same kind of server."""
    listener.do("echoes_are", ports=up.ports["daphne"], pairs=ECHO_PAIRS)
    listener.do("echo", rate=50, seconds=2)  # warm
    calm = listener.do("echo", rate=CALM_RATE, seconds=min(options.calm, 10))
    loaded = listener.do("echo", rate=options.rate, seconds=min(options.load, 15))
    flood = listener.do("echo_flood", seconds=min(options.flood, 10))
    listener.do("echoes_end")
    named = f"{options.rate:g}/s"
    return [
        Figure("limit", "bare echo, calm, p50", median(calm["times"]), "ms", beside=_percentiles(calm["times"])),
        Figure("limit", f"bare echo at {named}, p50", median(loaded["times"]), "ms",
               beside=f"{_percentiles(loaded['times'])}, lost {loaded['said'] - len(loaded['times'])}"),
        Figure("limit", "bare echo, most", len(flood["times"]) / flood["seconds"], "/s"),
    ]  # fmt: skip


def bare_memory(up: Servers, listener: Remote, options: Options) -> list[Figure]:
    """The limit: memory of a bare consumer in a group."""
    listener.do("echoes_are", ports=up.ports["daphne"], pairs=0)
    warm = min(WARM, options.sockets // 2)
    listener.do("hold", count=warm)
    time.sleep(2)
    before = up.rss("daphne")
    there = listener.do("hold", count=options.sockets)
    time.sleep(3)
    each = (up.rss("daphne") - before) / max(1, there - warm) / 1000
    closed = listener.do("held_closed")
    listener.do("echoes_end")
    return [
        Figure(
            "limit",
            "memory of a bare consumer in a group",
            each,
            "kB",
            beside=f"{there} sockets, {closed} closed",
        )
    ]


def calm(scene: Scene) -> list[Figure]:
    """One message every now and then."""
    _tabs_of_readers(scene)
    told = scene.writer.do("write", rate=CALM_RATE, seconds=scene.options.calm)
    heard = scene.listener.do("received", count=len(told["sent"]), seconds=HEARTBEAT + 5)
    scene.listener.do("close")
    there = _ways(told, heard)
    acknowledged = [acked - started for _, _, started, acked in told["sent"]]
    return [
        Figure("calm", "send → other socket, p50", median(there), "ms", 15, beside=_percentiles(there)),
        Figure("calm", "send → other socket, p99", 1000 * percentile(there, 0.99), "ms", 50),
        Figure(
            "calm", "send → acknowledged, p50", median(acknowledged), "ms", beside=_percentiles(acknowledged)
        ),
        _lost("calm", told, heard),
    ]


def load(scene: Scene) -> list[Figure]:
    """Many messages for a while, each to one other socket; then as many as it takes."""
    _tabs_of_readers(scene)
    options, before, started = scene.options, scene.cpu(), time.monotonic()
    told = scene.writer.do("write", rate=options.rate, seconds=options.load)
    seconds, used = time.monotonic() - started, _less(scene.cpu(), before)
    heard = scene.listener.do("received", count=len(told["sent"]), seconds=HEARTBEAT + 5)
    there = _ways(told, heard)
    acknowledged = [acked - begun for _, _, begun, acked in told["sent"]]
    figures = [
        Figure("load", f"committed of {options.rate:g} a second", len(told["sent"]) / told["seconds"], "/s",
               0.98 * options.rate, least=True, beside=f"{len(told['sent'])} messages in {told['seconds']:.0f} s"),
        Figure("load", "send → acknowledged, p95", 1000 * percentile(acknowledged, 0.95), "ms", 150,
               beside=_percentiles(acknowledged)),
        Figure("load", "send → other socket, p99", 1000 * percentile(there, 0.99), "ms", 500,
               beside=_percentiles(there)),
        _lost("load", told, heard),
        *_order(scene, told, heard),
        *_cpu("load", used, seconds, len(told["sent"])),
        Figure("load", "generator late, p99", 1000 * percentile(told["late"], 0.99), "ms"),
        *_flood(scene),
        _warnings("load", scene),
    ]  # fmt: skip
    scene.listener.do("close")
    return figures


def _flood(scene: Scene) -> list[Figure]:
    seconds = scene.options.flood
    before = scene.cpu()
    told = scene.writer.do("write_flood", at_once=FLOOD_AT_ONCE, seconds=seconds)
    used = _less(scene.cpu(), before)
    heard = scene.listener.do("received", count=len(told["sent"]), seconds=HEARTBEAT + 5)
    there = _ways(told, heard)
    return [
        Figure("most", f"committed, {FLOOD_AT_ONCE} at once", len(told["sent"]) / told["seconds"], "/s",
               beside=f"to the other socket {_percentiles(there)}"),
        _lost("most", told, heard),
        *_cpu("most", used, told["seconds"], len(told["sent"])),
    ]  # fmt: skip


def idle(scene: Scene) -> list[Figure]:
    """Very many tabs that do nothing; each another member, in view."""
    people = [{**who, "watched": 0} for who in scene.people(scene.options.sockets)]
    warm = min(WARM, len(people) // 2)
    scene.listener.do("open", people=people[:warm])
    time.sleep(3)
    before = scene.up.rss("daphne")
    opened = scene.listener.do("open", people=people[warm:])
    time.sleep(3)
    first = scene.up.rss("daphne")
    used, started = scene.cpu(), time.monotonic()
    time.sleep(scene.options.idle)
    used, seconds = _less(scene.cpu(), used), time.monotonic() - started
    last, log = scene.up.rss("daphne"), scene.listener.do("received", count=0, seconds=0)
    scene.listener.do("close")
    count = len(people) - warm
    closed, refused = sum(log["closed"].values()), log["refused"]
    return [
        Figure("idle", f"open of {len(people)} after {seconds:.0f} s", log["open"], "", len(people), least=True,
               beside=f"opened in {opened['seconds']:.1f} s"),
        Figure("idle", "closed unasked or refused", closed + refused, "", 0, beside=f"{log['closed']}"),
        Figure("idle", "memory of a socket in daphne", (last - before) / count / 1000, "kB", 60,
               beside=f"{(first - before) / count / 1000:.1f} kB at first; daphne {last / 1e6:.0f} MB in all"),
        *[Figure("idle", f"{part}, seconds of CPU a minute", 60 * used[part] / seconds, "s")
          for part in ("daphne", "postgres", "redis", "listener")],
        Figure("idle", "heartbeats", log["frames"].get("heartbeat", 0), ""),
        _warnings("idle", scene),
    ]  # fmt: skip


def storm(scene: Scene) -> list[Figure]:
    """All tabs lose their socket at once and come back, each a few messages behind; meanwhile somebody reads pages."""
    people = scene.people(scene.options.storm)
    scene.listener.do("open", people=people)
    time.sleep(3)
    _pages(scene, 3)  # warm
    calm_pages = _pages(scene, 5)
    before = scene.cpu()
    scene.listener.begin("storm", behind=STORM_BEHIND, seconds=STORM_SECONDS)
    scene.writer.begin("pages", **_asked(scene, 20))
    told = scene.listener.end()
    used = _less(scene.cpu(), before)
    pages = scene.writer.end()
    log = scene.listener.do("received", count=0, seconds=0)
    scene.listener.do("close")
    synced, count = told["synced"], len(people)
    lasted = synced[-1] if synced else 0.0
    during = pages[: max(1, int(lasted / 0.1))]
    return [
        Figure("storm", f"in sync of {count}", len(synced), "", count, least=True,
               beside=f"{told['failures']} attempts failed, closed {log['closed']}"),
        Figure("storm", "until the last is in sync", lasted, "s", 15,
               beside=f"half after {percentile(synced, 0.5):.1f}, 95 % after {percentile(synced, 0.95):.1f}"),
        Figure("storm", "a page meanwhile, p95", 1000 * percentile(during, 0.95), "ms", 1000,
               beside=f"p50/p95/worst {times(during, 0.5, 0.95)} of {len(during)}; "
                      f"before {times(calm_pages, 0.5, 0.95)}"),
        *_cpu("storm", used, lasted, count),
        _warnings("storm", scene),
    ]  # fmt: skip


def _warnings(step: str, scene: Scene) -> Figure:
    words = scene.up.warnings()
    return Figure(
        step,
        "kinds of warnings in the servers' logs",
        len(words.split("; ")) if words else 0,
        "",
        beside=words,
    )


def _asked(scene: Scene, seconds: float) -> dict[str, Any]:
    people = scene.base.people
    at = {"port": scene.up.ports["gunicorn"][0], "session": people["reader"], "cookies": people["cookies"]}
    return {**at, "every": 0.1, "seconds": seconds}


def _pages(scene: Scene, seconds: float) -> list[float]:
    pages: list[float] = scene.writer.do("pages", **_asked(scene, seconds))
    return pages


def _tabs_of_readers(scene: Scene) -> None:
    """One of each pair has the conversation open, the other writes. All is warm afterwards."""
    people = scene.people(2 * LOAD_PAIRS)
    writers = {"port": scene.up.ports["gunicorn"][0], "cookies": scene.base.people["cookies"]}
    scene.writer.do("writers_are", people=people[::2], **writers)
    scene.listener.do("open", people=people[1::2])
    time.sleep(3)
    warm = scene.writer.do("write", rate=20, seconds=2)
    scene.listener.do("received", count=len(warm["sent"]), seconds=HEARTBEAT + 5)


def _ways(told: Mapping[str, Any], heard: Mapping[str, Any]) -> list[float]:
    """Seconds from the sending of each message to the other socket."""
    started = {number: begun for number, _, begun, _ in told["sent"]}
    return [at - started[number] for number, _, _, at in heard["received"] if number in started]


def _percentiles(values: Sequence[float]) -> str:
    return f"p50/p95/p99/worst {times(values, 0.5, 0.95, 0.99)}"


def _lost(step: str, told: Mapping[str, Any], heard: Mapping[str, Any]) -> Figure:
    sent = {number for number, *_ in told["sent"]}
    lost = len(sent - {number for number, *_ in heard["received"]})
    beside = f"refused {len(told['refused'])} {sorted(set(told['refused']))}, retried {told['retried']}, "
    beside += f"not even sent {told['skipped']}, "
    return Figure(
        step, "acknowledged and lost", lost, "", 0, beside=f"{beside}without a hint {heard['fetched']}"
    )


def _order(scene: Scene, told: Mapping[str, Any], heard: Mapping[str, Any]) -> list[Figure]:
    """Whether each message came once, in the order of its number and of its sending, and stands so in the database."""
    places: dict[int, list[int]] = defaultdict(list)
    for number, conversation, _, _ in heard["received"]:
        places[conversation].append(number)
    doubled = sum(len(numbers) - len(set(numbers)) for numbers in places.values())
    disordered = heard["disordered"] + sum(numbers != sorted(numbers) for numbers in places.values())
    [(gaps,)] = scene.base.asked(
        "SELECT count(*) FROM (SELECT c.id FROM messaging_conversation c JOIN messaging_entry e"
        " ON e.conversation_id = c.id GROUP BY c.id HAVING count(*) <> c.last_seq) AS wrong"
    )
    return [
        Figure("load", "doubled", doubled, "", 0, beside=f"sent again and passed over {heard['repeated']}"),
        Figure("load", "reordered", disordered, "", 0),
        Figure("load", "conversations with a gap or a double, stored", gaps, "", 0),
    ]


def _less(after: Mapping[str, float], before: Mapping[str, float]) -> dict[str, float]:
    return {name: value - before[name] for name, value in after.items()}


def _cpu(step: str, used: Mapping[str, float], seconds: float, count: int) -> list[Figure]:
    """Seconds of processor time per thousand, by part, and what else the machine did."""
    parts = {name: value for name, value in used.items() if name not in {"machine", "loops"}}
    told = ", ".join(f"{name} {1000 * value / max(1, count):.2f}" for name, value in parts.items())
    told += f" (daphnes' loops {1000 * used['loops'] / max(1, count):.2f})"
    others = max(0.0, used["machine"] - sum(parts.values()))
    beside = f"{told}; others on this machine {others / max(0.1, seconds):.2f} cores"
    return [
        Figure(
            step, "seconds of CPU per 1,000", 1000 * sum(parts.values()) / max(1, count), "s", beside=beside
        )
    ]
