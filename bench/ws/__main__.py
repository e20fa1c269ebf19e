"""Messages and sockets, with the limit beside them: `python -m bench.ws`. See README.md of the folder above."""

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
from .figures import Figure, table
from .remote import Remote
from .stage import DAPHNES, THREADS, WORKERS, Base, base, run_module, servers

LAYERS = ("core", "pubsub")
STEPS: dict[str, Callable[[steps.Scene], list[Figure]]] = {
    "calm": steps.calm, "load": steps.load, "idle": steps.idle, "storm": steps.storm,
}  # fmt: skip
RESULT = ROOT / "test-results" / "bench-ws.json"


def say(words: str = "") -> None:
    """Print at once."""
    sys.stdout.write(f"{words}\n")
    sys.stdout.flush()


def options(arguments: Sequence[str]) -> argparse.Namespace:
    """What was asked for on the command line."""
    parser = argparse.ArgumentParser(prog="python -m bench.ws", description=__doc__)
    parser.add_argument(
        "--minutes", type=float, default=1.0, help="of load, and of idling (1; the bar says 10)"
    )
    parser.add_argument("--calm", type=float, default=30.0, help="seconds of one message every 100 ms (30)")
    parser.add_argument(
        "--flood", type=float, default=15.0, help="seconds of as many messages as it takes (15)"
    )
    parser.add_argument("--rate", type=float, default=150.0, help="messages a second under load (150)")
    parser.add_argument("--sockets", type=int, default=5000, help="idle sockets (5000)")
    parser.add_argument("--storm", type=int, default=2000, help="sockets that come back at once (2000)")
    parser.add_argument("--layers", nargs="+", choices=LAYERS, default=LAYERS)
    parser.add_argument(
        "--steps", nargs="*", choices=["limit", *STEPS, "profile"], default=["limit", *STEPS, "profile"]
    )
    parser.add_argument(
        "--receipt",
        choices=["delivered", "read", ""],
        default="delivered",
        help="what readers say of a message",
    )
    parser.add_argument(
        "--list", action="store_true", help="readers have the list of conversations in view, too"
    )
    parser.add_argument("--no-fsync", action="store_true", help="PostgreSQL commits without the disk")
    return parser.parse_args(arguments)


def measured(on: Base, layer: str, chosen: steps.Options, wanted: Sequence[str]) -> list[Figure]:
    """All wanted figures of one layer."""
    figures: list[Figure] = []
    if "limit" in wanted:
        with servers(on, layer, bare=True) as up, Remote() as listener:
            figures += steps.echo(up, listener, chosen)
        with servers(on, layer, bare=True) as up, Remote() as listener:
            figures += steps.bare_memory(up, listener, chosen)
    for name in [name for name in STEPS if name in wanted]:
        say(f"  {layer}: {name} …")
        # Separate servers for each step: nothing of the one before is in their memory.
        with servers(on, layer, bare=False) as up, Remote() as listener, Remote() as writer:
            scene = steps.Scene(on, up, listener, writer, chosen)
            scene.begin()
            figures += STEPS[name](scene)
    return figures


def _conditions(asked: argparse.Namespace) -> list[str]:
    when, load = f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC", os.getloadavg()[0]
    machine = (
        f"{platform.machine()}, {os.cpu_count()} cores, load {load:.1f}, Python {platform.python_version()}"
    )
    disk = "without fsync" if asked.no_fsync else "and fsync"
    servers = (
        f"gunicorn {WORKERS} × {THREADS}, {DAPHNES} daphnes, PostgreSQL with synchronous_commit {disk}, Redis"
    )
    readers = f"readers say {asked.receipt or 'nothing'}{', with the list in view' if asked.list else ''}"
    return [
        f"{when}, {machine}",
        f"{servers}; the generators on the same machine, no proxy and no TLS between",
        f"{asked.minutes:g} minutes of load and of idling, {readers}",
    ]


def _keep(conditions: list[str], result: dict[str, list[Figure]]) -> None:
    """Store what there is, also when the rest is broken off."""
    told = {
        layer: [{**asdict(each), "verdict": each.verdict} for each in figures]
        for layer, figures in result.items()
    }
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(json.dumps({"conditions": conditions, "figures": told}, indent=1))


def main(arguments: Sequence[str]) -> int:
    """Measure, print the table and store it; always 0: figures are no test."""
    asked = options(arguments)
    chosen = steps.Options(
        asked.calm, 60 * asked.minutes, asked.rate, asked.flood, 60 * asked.minutes, asked.sockets, asked.storm,
        asked.receipt, asked.list,
    )  # fmt: skip
    conditions = _conditions(asked)
    say("\n".join(conditions))
    result: dict[str, list[Figure]] = {}
    with base(max(asked.sockets, asked.storm, 2 * steps.LOAD_PAIRS), fsync=not asked.no_fsync) as on:
        common = steps.commits(on)
        for layer in asked.layers:
            result[layer] = [*common, *measured(on, layer, chosen, asked.steps)]
            say(f"\n== CHANNEL_LAYER={layer}\n{table(result[layer])}\n")
            _keep(conditions, result)
        if "profile" in asked.steps:
            with redis_server() as redis:
                say(run_module({**on.environment, "REDIS_URL": redis.url}, "bench.ws.profile"))
    below = [
        f"{layer}: {figure.step}, {figure.name}"
        for layer in result
        for figure in result[layer]
        if not figure.is_well
    ]
    say(
        "Every figure holds its bar."
        if not below
        else "Below the bar:\n" + "\n".join(f"- {line}" for line in below)
    )
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
