"""PostgreSQL, Redis, workers and a producer of tasks; how they are killed, and the checker of effects."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg2

from scripts.programs import ROOT
from scripts.servers import Server, die_with_parent, redis_server, temporary_folder
from scripts.stack import production_environment
from tests.testkit.prepared_files import migrated_postgres
from tests.testkit.workers import make_worker

# Without any unique key, so that it shows what happened twice.
TABLE = "CREATE TABLE test_effects (kind text NOT NULL, number bigint NOT NULL, at timestamptz DEFAULT now())"
APPLICATION = "tests.integration.tasks.worker_app"


@dataclass
class Site:
    """What runs, and the numbers of the effects that must be there in the end."""

    postgres: Server
    redis: Server
    work: Server
    producer: "subprocess.Popen[str]"
    folder: Path
    environment: dict[str, str]
    expected: set[int] = field(default_factory=set)
    last_number: int = 0
    restarts: int = 0

    def run(self, statement: str) -> list[tuple[Any, ...]]:
        """Run a statement of PostgreSQL; return its rows."""
        with closing(psycopg2.connect(self.postgres.url)) as connection, connection.cursor() as cursor:
            cursor.execute(statement)
            connection.commit()
            return cursor.fetchall() if cursor.description else []

    def ask_producer(self, line: str) -> list[int]:
        """Let the producer enqueue; return the numbers of the effects."""
        write, read = self.producer.stdin, self.producer.stdout
        assert write
        assert read
        print(line, file=write, flush=True)
        numbers: list[int] = json.loads(read.readline())
        return numbers

    def produce(self, number: int, seed: int) -> None:
        """Enqueue so many tasks."""
        self.expected |= set(self.ask_producer(f"{self.last_number + 1} {number} {seed}"))
        self.last_number += number

    def produce_long(self, milliseconds: int) -> int:
        """Enqueue one task with usual limits that takes so long; return its number."""
        self.last_number += 1
        self.ask_producer(f"long {self.last_number} {milliseconds}")
        self.expected.add(self.last_number)
        return self.last_number

    def waiting(self) -> int:
        """Return the number of tasks of the tests that are not done."""
        ((number,),) = self.run(
            "SELECT count(*) FROM core_queuedtask"
            " WHERE name LIKE 'tests.%' AND state = 'waiting' AND key IS DISTINCT FROM 'periodic:tests.tick'"
        )
        return int(number)

    def wait(self, until: Callable[[], bool], seconds: float, what: str) -> float:
        """Wait until it is so; return the seconds it took. Raises AssertionError after `seconds`."""
        begun = time.monotonic()
        while not until():
            self.supervise()
            assert time.monotonic() - begun < seconds, f"not within {seconds} s: {what}\n{self.describe()}"
            time.sleep(0.05)
        return time.monotonic() - begun

    def wait_until_done(self, seconds: float = 60.0) -> float:
        """Wait until no task waits; return the seconds it took."""
        return self.wait(lambda: self.waiting() == 0, seconds, f"{self.waiting()} tasks wait")

    def complaints(self) -> list[str]:
        """Return what is wrong with the effects: lost, doubled, or of a transaction that was rolled back."""
        counts = Counter(
            number for (number,) in self.run("SELECT number FROM test_effects WHERE kind = 'note'")
        )
        lost = sorted(self.expected - set(counts))
        doubled = sorted(number for number, count in counts.items() if count > 1)
        unknown = sorted(set(counts) - self.expected)
        failed = self.run("SELECT id, name, last_error FROM core_queuedtask WHERE state = 'failed'")
        found = {"lost": lost, "doubled": doubled, "unknown": unknown, "failed": failed}
        return [f"{name}: {numbers}" for name, numbers in found.items() if numbers]

    def describe(self) -> str:
        """Return what waits, how the worker is, and the end of its log."""
        rows = self.run("SELECT * FROM core_queuedtask ORDER BY due_at LIMIT 50")
        seen = self.run("SELECT name, now() - seen_at FROM core_taskworker")
        log = (self.work.folder / "log").read_text(errors="replace")
        return "\n".join([*map(str, rows), str(seen), f"children: {self.work.children()}", log[-3000:]])

    def supervise(self) -> None:
        """Start the worker again when it has ended by itself, as its service does (Restart=always).

        Celery ends when Redis goes away at the moment at which a message is acknowledged.
        """
        if self.work.process and self.work.process.poll() is not None:
            self.restarts += 1
            self.work.kill()
            self.work.start()

    # -- Faults
    def kill_worker(self) -> None:
        """Kill all processes of the worker at once, as when the power fails, and start it again."""
        self.kill_processes()
        self.work.start()

    def kill_processes(self) -> None:
        """Kill all processes of the worker at once."""
        if self.work.process:
            with suppress(ProcessLookupError):
                os.killpg(self.work.process.pid, signal.SIGKILL)
        self.work.kill()

    def kill_main(self) -> None:
        """Kill the main process of the worker alone: its children go on for a moment. Start it again."""
        if self.work.process:
            self.work.process.kill()
            self.work.process.wait()
            time.sleep(0.1)
        self.work.kill()
        self.work.start()

    def kill_child(self, rng: random.Random) -> None:
        """Kill one process that executes tasks (or beat); the worker replaces it."""
        if children := self.work.children():
            with suppress(ProcessLookupError):
                os.kill(rng.choice(children), signal.SIGKILL)

    def restart_worker(self) -> None:
        """Stop it as a deployment does, and start it again."""
        self.work.stop()
        self.work.start()

    def restart_redis(self) -> None:
        """Kill Redis, and start an empty one."""
        self.redis.kill()
        self.redis.start()

    def break_something(self, rng: random.Random) -> str:
        """Do one of these; return its name."""
        faults: dict[str, Callable[[], object]] = {
            "worker killed": self.kill_worker,
            "main process killed": self.kill_main,
            "child killed": lambda: self.kill_child(rng),
            "worker stopped": self.restart_worker,
            "Redis killed": self.restart_redis,
        }
        name = rng.choice(sorted(faults))
        faults[name]()
        return name


def start_producer(environment: dict[str, str]) -> "subprocess.Popen[str]":
    """Start the process that enqueues."""
    return subprocess.Popen(
        [sys.executable, "-m", "tests.integration.tasks.producer"],
        cwd=ROOT,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        preexec_fn=die_with_parent(signal.SIGKILL),  # noqa: PLW1509 -- one prctl call, no locks
    )


@contextmanager
def running_site(**variables: str) -> Iterator[Site]:
    """Run everything during the block."""
    with ExitStack() as exit_stack:
        postgres = exit_stack.enter_context(migrated_postgres())
        cache = exit_stack.enter_context(redis_server())
        folder = exit_stack.enter_context(temporary_folder(None))
        environment = production_environment(
            postgres.url,
            cache.url,
            folder,
            DJANGO_SETTINGS_MODULE="professional_network.settings",
            LOG_LEVEL="WARNING",
            **variables,
        )
        work = make_worker(cache.url, folder, environment, APPLICATION)
        producer = exit_stack.enter_context(start_producer(environment))
        exit_stack.callback(producer.kill)
        site = Site(postgres, cache, work, producer, folder, environment)
        site.run(TABLE)
        exit_stack.callback(work.stop)
        work.start()
        yield site


def run_seed(site: Site, seed: int, *, tasks: int = 15) -> str:
    """Enqueue tasks, break something meanwhile, and wait until all are done; return what was broken."""
    rng = random.Random(seed)
    site.produce(tasks, seed)
    # At a random moment of their execution.
    time.sleep(rng.random() / 10)
    broken = site.break_something(rng)
    site.produce(tasks, seed + 1_000_000)
    try:
        site.wait_until_done()
    except AssertionError as error:
        error.add_note(f"seed {seed}: {broken}")
        raise
    return broken
