"""`make chaos-digests`: all members have a digest due, and the worker is killed when half of them are sent.

Ends with 1 when a member has none, or two. A mail whose transmission the kill interrupts may be transmitted twice, as
one message: both have the same Message-ID, by which mail servers and programs drop the second one.
"""

import argparse
import re
import subprocess
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller

from scripts.programs import ROOT
from scripts.servers import find_free_port

from .site import Site, running_site

MESSAGE_ID = re.compile(rb"^Message-ID:\s*(\S+)", re.MULTILINE | re.IGNORECASE)
SUBJECT = re.compile(rb"^Subject:\s*(.*)", re.MULTILINE | re.IGNORECASE)


@dataclass
class MailSink:
    """A mail server that stores recipients and Message-IDs only."""

    # By recipient, the Message-ID of each transmission.
    received: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    subjects: Counter[str] = field(default_factory=Counter)

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802 -- aiosmtpd's name
        """Take one message in."""
        found, subject = MESSAGE_ID.search(envelope.content), SUBJECT.search(envelope.content)
        assert found
        assert subject
        for recipient in envelope.rcpt_tos:
            self.received[recipient].append(found[1].decode())
        self.subjects[subject[1].decode()[:40]] += 1
        return "250 OK"

    def complaints(self, members: int) -> list[str]:
        """Return which members have no mail, or two."""
        expected = {f"member{number}@example.org" for number in range(1, members + 1)}
        doubled = sorted(address for address, ids in self.received.items() if len(set(ids)) > 1)
        found = {
            "lost": sorted(expected - self.received.keys()),
            "doubled": doubled,
            "unknown": sorted(self.received.keys() - expected),
        }
        return [f"{name}: {len(these)}, such as {these[:5]}" for name, these in found.items() if these]

    @property
    def repeated_transmissions(self) -> int:
        """How many messages were transmitted again with the same Message-ID."""
        return sum(len(ids) - len(set(ids)) for ids in self.received.values())


@dataclass(frozen=True)
class DigestRun:
    """What one run measured."""

    complaints: list[str]
    sent_at_kill: int
    repeated: int
    # Until the last digest was stored, from the start; without those between the kill and the first one after it.
    seconds: float
    resumed_after: float
    delivered_after: float
    # CPU of the worker's processes, of both lives, in seconds.
    cpu: float
    subjects: dict[str, int]


@contextmanager
def running_digests(**variables: str) -> Iterator[tuple[Site, MailSink]]:
    """Run a site whose mail goes to a sink."""
    sink = MailSink()
    controller = Controller(sink, hostname="127.0.0.1", port=find_free_port())
    controller.start()
    try:
        with running_site(EMAIL_PORT=str(controller.port), **variables) as site:
            yield site, sink
    finally:
        controller.stop()


def send_and_kill(site: Site, sink: MailSink, members: int) -> DigestRun:
    """Let all digests be due, kill the worker at half, and wait until all have arrived."""

    def covered() -> int:
        ((number,),) = site.run(
            "SELECT count(*) FROM notifications_digestschedule WHERE covered_until IS NOT NULL"
        )
        return int(number)

    subprocess.run(
        [sys.executable, "-m", "tests.integration.tasks.digest_members", str(members)],
        cwd=ROOT,
        env=site.environment,
        check=True,
    )
    site.run("ANALYZE")
    begun = time.monotonic()
    to_half = site.wait(lambda: covered() >= members // 2, 60 + members / 10, "half of the digests")
    cpu = cpu_of(site)
    killed = time.monotonic()
    site.kill_processes()
    sent_at_kill = covered()
    site.work.start()
    site.wait(lambda: covered() > sent_at_kill, 150, "the first digest after the kill")
    resumed_after = time.monotonic() - killed
    to_end = site.wait(lambda: covered() == members, 60 + members / 10, "all digests")
    cpu += cpu_of(site)
    outbox = "SELECT 1 FROM core_outgoingmail LIMIT 1"
    site.wait(lambda: not site.run(outbox), 60 + members / 10, "all mail is delivered")
    return DigestRun(
        complaints=sink.complaints(members),
        sent_at_kill=sent_at_kill,
        repeated=sink.repeated_transmissions,
        seconds=to_half + to_end,
        resumed_after=resumed_after,
        delivered_after=time.monotonic() - begun,
        cpu=cpu,
        subjects=dict(sink.subjects.most_common(3)),
    )


def cpu_of(site: Site) -> float:
    """Return the CPU seconds of the worker's processes so far."""
    pids = [*site.work.children(), *([site.work.process.pid] if site.work.process else [])]
    ticks = 0
    for pid in pids:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / 100


def main(arguments: list[str]) -> int:
    """Run it once, and say what was measured."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--members", type=int, default=10_000)
    members = parser.parse_args(arguments).members
    with running_digests(TASKS_AT_USUAL_PACE="1") as (site, sink):
        run = send_and_kill(site, sink, members)
    print(
        f"{members} digests, the worker killed after {run.sent_at_kill}: {run.complaints or 'each member one mail'}"
    )
    print(f"  transmitted twice, as the same message: {run.repeated}")
    print(f"  building all: {run.seconds:.0f} s, {1000 * run.seconds / members:.1f} ms each")
    print(f"  CPU of the worker, delivery included: {1000 * run.cpu / members:.1f} ms each")
    print(f"  the first digest after the kill: {run.resumed_after:.0f} s")
    print(f"  the last mail has arrived: {run.delivered_after:.0f} s after the start")
    print(f"  subjects: {run.subjects}")
    return 1 if run.complaints else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
