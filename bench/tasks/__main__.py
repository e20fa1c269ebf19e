"""Background tasks: what it costs to enqueue one, how soon it starts, how many a second, memory of a worker.

`python -m bench.tasks`: with a worker of Celery, calm (20 tasks/s) and as fast as possible; then without Redis, with
the thread of a process.
"""

import argparse
import json
import signal
import subprocess
import sys
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path

from scripts.programs import ROOT
from scripts.servers import Server, postgres_server, redis_server, temporary_folder
from scripts.stack import migrate, process_command, production_environment
from scripts.task_workers import WorkerServer, is_consuming

STANDARD, APPLICATION = "professional_network.celery", "bench.tasks.application"


def worker(url: str, folder: Path, environment: Mapping[str, str]) -> Server:
    """Return a worker with the task of the bench, which is not started."""
    command = [APPLICATION if part == STANDARD else part for part in process_command("work")]
    ready = lambda: is_consuming(url)  # noqa: E731
    return WorkerServer(
        command, ready, folder, None, signal.SIGTERM, environment=dict(environment), start_in=ROOT
    )


def run(environment: Mapping[str, str], number: int, per_second: float) -> dict[str, float]:
    """Run bench.tasks.work in a separate process; return its figures."""
    command = [sys.executable, "-m", "bench.tasks.work", str(number), str(per_second)]
    done = subprocess.run(  # noqa: S603 -- this Python, and our own module
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(done.stderr[-3000:])
    figures: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return figures


def memory_of(pids: list[int]) -> float:
    """Return the memory of the processes in MiB: their own, and their share of what they have in common."""
    total = 0
    for pid in pids:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
        total += next(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    return total / 1024


def show(title: str, figures: Mapping[str, float]) -> None:
    """Print the figures of one run."""
    print(title)
    for name, value in figures.items():
        print(f"  {name:40} {value:10.3f}", flush=True)


def main() -> None:
    """Print all figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tasks", type=int, default=400)
    number = parser.parse_args().tasks
    with ExitStack() as exit_stack:
        database = exit_stack.enter_context(postgres_server(fsync="on", synchronous_commit="on"))
        cache = exit_stack.enter_context(redis_server())
        folder = exit_stack.enter_context(temporary_folder(None))
        environment = production_environment(
            database.url,
            cache.url,
            folder,
            LOG_LEVEL="WARNING",
            DJANGO_SETTINGS_MODULE="professional_network.settings",
        )
        migrate(environment)
        work = worker(cache.url, folder, environment)
        work.start()
        exit_stack.callback(work.stop)
        show("Celery, 20 tasks/s", run(environment, number, 20))
        show("Celery, as fast as possible", run(environment, number * 5, 0))
        pids = [work.process.pid, *work.children()] if work.process else []
        show("memory of the worker", {"MiB, all processes": memory_of(pids)})
        work.stop()
        thread = {**environment, "TASK_EXECUTOR": "thread"}
        show("without Redis: the thread of a process, 20 tasks/s", run(thread, number, 20))
        show("without Redis: the thread of a process, as fast as possible", run(thread, number * 5, 0))


if __name__ == "__main__":
    main()
