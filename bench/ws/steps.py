"""The steps of bench.ws, run on the servers of one channel layer; each returns measurements."""

import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import psycopg2

from .generator_process import GeneratorProcess
from .measurements import Measurement, format_percentiles, median_ms, percentile
from .servers import PreparedDatabase, RunningServers

CALM_RATE = 10.0
LOAD_PAIRS = 400
STORM_BEHIND = 3
STORM_SECONDS = 60.0
# A lost event is noticed with the next heartbeat.
HEARTBEAT_SECONDS = 25.0
# Sockets opened before memory is measured, so that threads and connections exist.
WARM_UP_SOCKETS = 100
FLOOD_CONCURRENCY = 8
ECHO_PAIRS = 16


@dataclass(frozen=True)
class StepOptions:
    """Durations in seconds, numbers of sockets, and `rate` in messages per second."""

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
class StepSetup:
    """The servers of a step, and its two generators: one receives messages, the other sends them."""

    database: PreparedDatabase
    servers: RunningServers
    listener: GeneratorProcess
    writer: GeneratorProcess
    options: StepOptions

    def list_members(self, count: int) -> list[dict[str, Any]]:
        """Return the first `count` members; their tabs have all entries of the pair's conversation."""
        newest = dict(self.database.query("SELECT id, last_seq FROM messaging_conversation"))
        return [
            {**member, "watched": member["conversation"], "have": newest[member["conversation"]]}
            for member in self.database.members["members"][:count]
        ]

    def cpu_seconds(self) -> dict[str, float]:
        return self.servers.cpu_seconds(listener=self.listener.pid, writer=self.writer.pid)

    def configure_listener(self) -> None:
        """Send the ports and options to the receiving generator."""
        self.listener.run_command(
            "configure", daphne=self.servers.ports["daphne"], gunicorn=self.servers.ports["gunicorn"][0],
            cookies=self.database.members["cookies"], receipt=self.options.receipt, shows_list=self.options.shows_list,
        )  # fmt: skip


def measure_commits(database: PreparedDatabase) -> list[Measurement]:
    """Measure a commit of one row on this disk."""
    taken = []
    connection = psycopg2.connect(database.postgres.url)
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
        Measurement(
            "baseline",
            "commit of one row, p50",
            median_ms(taken),
            "ms",
            details=f"p99 {format_percentiles(taken, 0.99)} worst",
        )
    ]


def measure_echo(
    servers: RunningServers, listener: GeneratorProcess, options: StepOptions
) -> list[Measurement]:
    """Measure the baseline: the echo consumer on the same layer and server."""
    listener.run_command("open_echo_pairs", ports=servers.ports["daphne"], pairs=ECHO_PAIRS)
    listener.run_command("echo_steadily", rate=50, seconds=2)  # warm-up
    calm = listener.run_command("echo_steadily", rate=CALM_RATE, seconds=min(options.calm, 10))
    loaded = listener.run_command("echo_steadily", rate=options.rate, seconds=min(options.load, 15))
    flood = listener.run_command("echo_flood", seconds=min(options.flood, 10))
    listener.run_command("close_echo_pairs")
    named = f"{options.rate:g}/s"
    return [
        Measurement("baseline", "echo, calm, p50", median_ms(calm["times"]), "ms", details=_percentiles(calm["times"])),
        Measurement("baseline", f"echo at {named}, p50", median_ms(loaded["times"]), "ms",
               details=f"{_percentiles(loaded['times'])}, lost {loaded['sent'] - len(loaded['times'])}"),
        Measurement("baseline", "echo, maximum", len(flood["times"]) / flood["seconds"], "/s"),
    ]  # fmt: skip


def measure_echo_memory(
    servers: RunningServers, listener: GeneratorProcess, options: StepOptions
) -> list[Measurement]:
    """Measure the baseline: memory of an echo consumer in a group."""
    listener.run_command("open_echo_pairs", ports=servers.ports["daphne"], pairs=0)
    warm = min(WARM_UP_SOCKETS, options.sockets // 2)
    listener.run_command("hold_sockets", count=warm)
    time.sleep(2)
    before = servers.memory("daphne")
    opened = listener.run_command("hold_sockets", count=options.sockets)
    time.sleep(3)
    each = (servers.memory("daphne") - before) / max(1, opened - warm) / 1000
    closed = listener.run_command("count_closed")
    listener.run_command("close_echo_pairs")
    return [
        Measurement(
            "baseline",
            "memory of an echo consumer in a group",
            each,
            "kB",
            details=f"{opened} sockets, {closed} closed",
        )
    ]


def measure_single_messages(setup: StepSetup) -> list[Measurement]:
    """Send one message every 100 ms."""
    _open_readers(setup)
    write_log = setup.writer.run_command("write_steadily", rate=CALM_RATE, seconds=setup.options.calm)
    receive_log = setup.listener.run_command(
        "wait_for_messages", count=len(write_log["sent"]), seconds=HEARTBEAT_SECONDS + 5
    )
    setup.listener.run_command("close_tabs")
    delays = _delivery_seconds(write_log, receive_log)
    acknowledged = [acked - started for _, _, started, acked in write_log["sent"]]
    return [
        Measurement(
            "calm", "send → other socket, p50", median_ms(delays), "ms", 15, details=_percentiles(delays)
        ),
        Measurement("calm", "send → other socket, p99", 1000 * percentile(delays, 0.99), "ms", 50),
        Measurement(
            "calm",
            "send → acknowledged, p50",
            median_ms(acknowledged),
            "ms",
            details=_percentiles(acknowledged),
        ),
        _lost("calm", write_log, receive_log),
    ]


def measure_load(setup: StepSetup) -> list[Measurement]:
    """Send many messages for a while, each to one other socket; then as many as possible."""
    _open_readers(setup)
    options, before, started = setup.options, setup.cpu_seconds(), time.monotonic()
    write_log = setup.writer.run_command("write_steadily", rate=options.rate, seconds=options.load)
    seconds, used = time.monotonic() - started, _subtract(setup.cpu_seconds(), before)
    receive_log = setup.listener.run_command(
        "wait_for_messages", count=len(write_log["sent"]), seconds=HEARTBEAT_SECONDS + 5
    )
    delays = _delivery_seconds(write_log, receive_log)
    acknowledged = [acked - begun for _, _, begun, acked in write_log["sent"]]
    measurements = [
        Measurement("load", f"committed of {options.rate:g} a second", _rate(write_log), "/s",
               0.98 * options.rate, is_minimum=True,
               details=f"{len(write_log['sent'])} messages in {write_log['seconds']:.0f} s"),
        Measurement("load", "send → acknowledged, p95", 1000 * percentile(acknowledged, 0.95), "ms", 150,
               details=_percentiles(acknowledged)),
        Measurement("load", "send → other socket, p99", 1000 * percentile(delays, 0.99), "ms", 500,
               details=_percentiles(delays)),
        _lost("load", write_log, receive_log),
        *_check_order(setup, write_log, receive_log),
        *_cpu("load", used, seconds, len(write_log["sent"])),
        Measurement("load", "generator late, p99", 1000 * percentile(write_log["late"], 0.99), "ms"),
        *_measure_flood(setup),
        _warnings("load", setup),
    ]  # fmt: skip
    setup.listener.run_command("close_tabs")
    return measurements


def _measure_flood(setup: StepSetup) -> list[Measurement]:
    seconds = setup.options.flood
    before = setup.cpu_seconds()
    write_log = setup.writer.run_command("write_flood", concurrency=FLOOD_CONCURRENCY, seconds=seconds)
    used = _subtract(setup.cpu_seconds(), before)
    receive_log = setup.listener.run_command(
        "wait_for_messages", count=len(write_log["sent"]), seconds=HEARTBEAT_SECONDS + 5
    )
    delays = _delivery_seconds(write_log, receive_log)
    return [
        Measurement("flood", f"committed, {FLOOD_CONCURRENCY} at once", _rate(write_log), "/s",
               details=f"to the other socket {_percentiles(delays)}"),
        _lost("flood", write_log, receive_log),
        *_cpu("flood", used, write_log["seconds"], len(write_log["sent"])),
    ]  # fmt: skip


def measure_idle_sockets(setup: StepSetup) -> list[Measurement]:
    """Keep very many visible tabs open without messages, each of another member."""
    members = [{**member, "watched": 0} for member in setup.list_members(setup.options.sockets)]
    warm = min(WARM_UP_SOCKETS, len(members) // 2)
    setup.listener.run_command("open_tabs", members=members[:warm])
    time.sleep(3)
    before = setup.servers.memory("daphne")
    opened = setup.listener.run_command("open_tabs", members=members[warm:])
    time.sleep(3)
    first = setup.servers.memory("daphne")
    used, started = setup.cpu_seconds(), time.monotonic()
    time.sleep(setup.options.idle)
    used, seconds = _subtract(setup.cpu_seconds(), used), time.monotonic() - started
    last, log = (
        setup.servers.memory("daphne"),
        setup.listener.run_command("wait_for_messages", count=0, seconds=0),
    )
    setup.listener.run_command("close_tabs")
    count = len(members) - warm
    closed, refused = sum(log["closed"].values()), log["refused"]
    return [
        Measurement("idle", f"open of {len(members)} after {seconds:.0f} s", log["open"], "", len(members),
               is_minimum=True, details=f"opened in {opened['seconds']:.1f} s"),
        Measurement("idle", "closed unasked or refused", closed + refused, "", 0, details=f"{log['closed']}"),
        Measurement("idle", "memory of a socket in daphne", (last - before) / count / 1000, "kB", 60,
               details=f"{(first - before) / count / 1000:.1f} kB at first; daphne {last / 1e6:.0f} MB in all"),
        *[Measurement("idle", f"{part}, seconds of CPU a minute", 60 * used[part] / seconds, "s")
          for part in ("daphne", "postgres", "redis", "listener")],
        Measurement("idle", "heartbeats", log["frames"].get("heartbeat", 0), ""),
        _warnings("idle", setup),
    ]  # fmt: skip


def measure_reconnects(setup: StepSetup) -> list[Measurement]:
    """Close all sockets at once; measure how long their tabs need to resync, and pages meanwhile."""
    members = setup.list_members(setup.options.storm)
    setup.listener.run_command("open_tabs", members=members)
    time.sleep(3)
    _pages(setup, 3)  # warm-up
    calm_pages = _pages(setup, 5)
    before = setup.cpu_seconds()
    setup.listener.send_command("reconnect_all", behind=STORM_BEHIND, seconds=STORM_SECONDS)
    setup.writer.send_command("read_pages", **_page_arguments(setup, 20))
    outcome = setup.listener.read_result()
    used = _subtract(setup.cpu_seconds(), before)
    pages = setup.writer.read_result()
    log = setup.listener.run_command("wait_for_messages", count=0, seconds=0)
    setup.listener.run_command("close_tabs")
    synced, count = outcome["synced"], len(members)
    lasted = synced[-1] if synced else 0.0
    during = pages[: max(1, int(lasted / 0.1))]
    return [
        Measurement("storm", f"in sync of {count}", len(synced), "", count, is_minimum=True,
               details=f"{outcome['failures']} attempts failed, closed {log['closed']}"),
        Measurement("storm", "until the last is in sync", lasted, "s", 15,
               details=f"half after {percentile(synced, 0.5):.1f}, 95 % after {percentile(synced, 0.95):.1f}"),
        Measurement("storm", "a page meanwhile, p95", 1000 * percentile(during, 0.95), "ms", 1000,
               details=f"p50/p95/worst {format_percentiles(during, 0.5, 0.95)} of {len(during)}; "
                      f"before {format_percentiles(calm_pages, 0.5, 0.95)}"),
        *_cpu("storm", used, lasted, count),
        _warnings("storm", setup),
    ]  # fmt: skip


def _warnings(step: str, setup: StepSetup) -> Measurement:
    words = setup.servers.summarize_warnings()
    return Measurement(
        step,
        "kinds of warnings in the servers' logs",
        len(words.split("; ")) if words else 0,
        "",
        details=words,
    )


def _page_arguments(setup: StepSetup, seconds: float) -> dict[str, Any]:
    members = setup.database.members
    at = {
        "port": setup.servers.ports["gunicorn"][0],
        "session": members["reader"],
        "cookies": members["cookies"],
    }
    return {**at, "every": 0.1, "seconds": seconds}


def _pages(setup: StepSetup, seconds: float) -> list[float]:
    pages: list[float] = setup.writer.run_command("read_pages", **_page_arguments(setup, seconds))
    return pages


def _open_readers(setup: StepSetup) -> None:
    """Open the conversations of one member of each pair; the other one writes. Includes a warm-up."""
    members = setup.list_members(2 * LOAD_PAIRS)
    writers = {"port": setup.servers.ports["gunicorn"][0], "cookies": setup.database.members["cookies"]}
    setup.writer.run_command("create_writers", members=members[::2], **writers)
    setup.listener.run_command("open_tabs", members=members[1::2])
    time.sleep(3)
    warm = setup.writer.run_command("write_steadily", rate=20, seconds=2)
    setup.listener.run_command("wait_for_messages", count=len(warm["sent"]), seconds=HEARTBEAT_SECONDS + 5)


def _rate(write_log: Mapping[str, Any]) -> float:
    rate: float = len(write_log["sent"]) / write_log["seconds"]
    return rate


def _delivery_seconds(write_log: Mapping[str, Any], receive_log: Mapping[str, Any]) -> list[float]:
    """Return the seconds from the sending of each message to the other socket."""
    started = {number: begun for number, _, begun, _ in write_log["sent"]}
    return [at - started[number] for number, _, _, at in receive_log["received"] if number in started]


def _percentiles(values: Sequence[float]) -> str:
    return f"p50/p95/p99/worst {format_percentiles(values, 0.5, 0.95, 0.99)}"


def _lost(step: str, write_log: Mapping[str, Any], receive_log: Mapping[str, Any]) -> Measurement:
    sent = {number for number, *_ in write_log["sent"]}
    lost = len(sent - {number for number, *_ in receive_log["received"]})
    refused = write_log["refused"]
    details = f"refused {len(refused)} {sorted(set(refused))}, retried {write_log['retried']}, "
    details += f"skipped {write_log['skipped']}, "
    return Measurement(
        step,
        "acknowledged and lost",
        lost,
        "",
        0,
        details=f"{details}fetched without an event {receive_log['fetched']}",
    )


def _check_order(
    setup: StepSetup, write_log: Mapping[str, Any], receive_log: Mapping[str, Any]
) -> list[Measurement]:
    """Check that each message was received once and in order, and that the stored numbers have no gaps."""
    numbers_by_conversation: dict[int, list[int]] = defaultdict(list)
    for number, conversation, _, _ in receive_log["received"]:
        numbers_by_conversation[conversation].append(number)
    doubled = sum(len(numbers) - len(set(numbers)) for numbers in numbers_by_conversation.values())
    disordered = receive_log["disordered"] + sum(
        numbers != sorted(numbers) for numbers in numbers_by_conversation.values()
    )
    [(gaps,)] = setup.database.query(
        "SELECT count(*) FROM (SELECT c.id FROM messaging_conversation c JOIN messaging_entry e"
        " ON e.conversation_id = c.id GROUP BY c.id HAVING count(*) <> c.last_seq) AS wrong"
    )
    return [
        Measurement(
            "load", "doubled", doubled, "", 0, details=f"repeated frames ignored {receive_log['repeated']}"
        ),
        Measurement("load", "reordered", disordered, "", 0),
        Measurement("load", "conversations with a gap or a double, stored", gaps, "", 0),
    ]


def _subtract(after: Mapping[str, float], before: Mapping[str, float]) -> dict[str, float]:
    return {name: value - before[name] for name, value in after.items()}


def _cpu(step: str, used: Mapping[str, float], seconds: float, count: int) -> list[Measurement]:
    """Return the CPU seconds per 1,000, by part, and the load of other processes."""
    parts = {name: value for name, value in used.items() if name not in {"machine", "loops"}}
    by_part = ", ".join(f"{name} {1000 * value / max(1, count):.2f}" for name, value in parts.items())
    by_part += f" (daphnes' loops {1000 * used['loops'] / max(1, count):.2f})"
    others = max(0.0, used["machine"] - sum(parts.values()))
    details = f"{by_part}; others on this machine {others / max(0.1, seconds):.2f} cores"
    return [
        Measurement(
            step, "seconds of CPU per 1,000", 1000 * sum(parts.values()) / max(1, count), "s", details=details
        )
    ]
