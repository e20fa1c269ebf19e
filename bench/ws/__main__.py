"""Measures messages and sockets, compared with a baseline: `python -m bench.ws`. See ../README.md."""

import argparse
import json
import os
import platform
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import UTC, datetime

from scripts.programs import ROOT
from scripts.servers import redis_server

from . import steps
from .generator_process import GeneratorProcess
from .measurements import Measurement, format_table
from .servers import DAPHNES, THREADS, WORKERS, PreparedDatabase, prepare_database, run_module, run_servers

LAYERS = ("core", "pubsub")
STEPS: dict[str, Callable[[steps.StepSetup], list[Measurement]]] = {
    "calm": steps.measure_single_messages, "load": steps.measure_load, "idle": steps.measure_idle_sockets,
    "storm": steps.measure_reconnects,
}  # fmt: skip
RESULT = ROOT / "test-results" / "bench-ws.json"


def print_line(text: str = "") -> None:
    """Print a line without buffering."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def parse_options(arguments: Sequence[str]) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(prog="python -m bench.ws", description=__doc__)
    parser.add_argument(
        "--minutes", type=float, default=1.0, help="of load, and of idling (1; the targets are for 10)"
    )
    parser.add_argument("--calm", type=float, default=30.0, help="seconds of one message every 100 ms (30)")
    parser.add_argument(
        "--flood", type=float, default=15.0, help="seconds of as many messages as possible (15)"
    )
    parser.add_argument("--rate", type=float, default=150.0, help="messages a second under load (150)")
    parser.add_argument("--sockets", type=int, default=5000, help="idle sockets (5000)")
    parser.add_argument("--storm", type=int, default=2000, help="sockets that reconnect at once (2000)")
    parser.add_argument("--layers", nargs="+", choices=LAYERS, default=LAYERS)
    parser.add_argument(
        "--steps", nargs="*", choices=["baseline", *STEPS, "profile"], default=["baseline", *STEPS, "profile"]
    )
    parser.add_argument(
        "--receipt",
        choices=["delivered", "read", ""],
        default="delivered",
        help="the receipt that readers send",
    )
    parser.add_argument("--list", action="store_true", help="readers show the list of conversations, too")
    parser.add_argument("--no-fsync", action="store_true", help="PostgreSQL commits without the disk")
    return parser.parse_args(arguments)


def measure_layer(
    database: PreparedDatabase, layer: str, options: steps.StepOptions, wanted: Sequence[str]
) -> list[Measurement]:
    """Run the wanted steps on one layer; return their measurements."""
    measurements: list[Measurement] = []
    if "baseline" in wanted:
        with run_servers(database, layer, only_echo=True) as servers, GeneratorProcess() as listener:
            measurements += steps.measure_echo(servers, listener, options)
        with run_servers(database, layer, only_echo=True) as servers, GeneratorProcess() as listener:
            measurements += steps.measure_echo_memory(servers, listener, options)
    for name in [name for name in STEPS if name in wanted]:
        print_line(f"  {layer}: {name} …")
        # Separate servers for each step, because memory is measured.
        with (
            run_servers(database, layer, only_echo=False) as servers,
            GeneratorProcess() as listener,
            GeneratorProcess() as writer,
        ):
            setup = steps.StepSetup(database, servers, listener, writer, options)
            setup.configure_listener()
            measurements += STEPS[name](setup)
    return measurements


def _describe_conditions(options: argparse.Namespace) -> list[str]:
    when, load = f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC", os.getloadavg()[0]
    machine = (
        f"{platform.machine()}, {os.cpu_count()} cores, load {load:.1f}, Python {platform.python_version()}"
    )
    disk = "without fsync" if options.no_fsync else "and fsync"
    servers = (
        f"gunicorn {WORKERS} × {THREADS}, {DAPHNES} daphnes, PostgreSQL with synchronous_commit {disk}, Redis"
    )
    readers = (
        f"readers send {options.receipt or 'no'} receipts{', with the list shown' if options.list else ''}"
    )
    return [
        f"{when}, {machine}",
        f"{servers}; the generators on the same machine, no proxy and no TLS between",
        f"{options.minutes:g} minutes of load and of idling, {readers}",
    ]


def _store_results(conditions: list[str], results: dict[str, list[Measurement]]) -> None:
    """Store the results so far, in case the run is interrupted."""
    data = {
        layer: [{**asdict(row), "verdict": row.verdict} for row in measurements]
        for layer, measurements in results.items()
    }
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(json.dumps({"conditions": conditions, "figures": data}, indent=1))


def main(arguments: Sequence[str]) -> int:
    """Run the steps, print the tables and store them; always returns 0, because missed targets are no error."""
    options = parse_options(arguments)
    step_options = steps.StepOptions(
        options.calm, 60 * options.minutes, options.rate, options.flood, 60 * options.minutes, options.sockets,
        options.storm, options.receipt, options.list,
    )  # fmt: skip
    conditions = _describe_conditions(options)
    print_line("\n".join(conditions))
    results: dict[str, list[Measurement]] = {}
    with prepare_database(
        max(options.sockets, options.storm, 2 * steps.LOAD_PAIRS), fsync=not options.no_fsync
    ) as database:
        common = steps.measure_commits(database)
        for layer in options.layers:
            results[layer] = [*common, *measure_layer(database, layer, step_options, options.steps)]
            print_line(f"\n== CHANNEL_LAYER={layer}\n{format_table(results[layer])}\n")
            _store_results(conditions, results)
        if "profile" in options.steps:
            with redis_server() as redis:
                print_line(
                    run_module({**database.environment, "REDIS_URL": redis.url}, "bench.ws.message_profile")
                )
    missed = [
        f"{layer}: {row.step}, {row.name}"
        for layer, measurements in results.items()
        for row in measurements
        if not row.is_met
    ]
    print_line(
        "All targets are met."
        if not missed
        else "Missed targets:\n" + "\n".join(f"- {line}" for line in missed)
    )
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
