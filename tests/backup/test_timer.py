"""The nightly timer: it runs the command of the guide, and may do little else."""

import configparser
import shlex
from datetime import UTC, datetime
from pathlib import Path

import pytest

from operations.backup import destinations
from operations.management.commands.backup import Command
from scripts.programs import ROOT

UNITS = ROOT / "deploy" / "systemd"

# The same on every database.
pytestmark = pytest.mark.sqlite_only


def unit(name: str) -> configparser.RawConfigParser:
    parser = configparser.RawConfigParser(strict=False)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read(UNITS / name)
    return parser


def test_the_service_runs_the_command_and_names_no_key() -> None:
    words = shlex.split(unit("linkup-backup.service")["Service"]["ExecStart"])
    assert words[:3] == ["/srv/linkup/.venv/bin/python", "manage.py", "backup"]
    options = Command().create_parser("manage.py", "backup").parse_args(words[3:])
    assert options.destination == Path("/var/backups/linkup")
    assert options.key_file == Path("/etc/linkup/backup.key")
    assert options.keep == 14


def test_the_service_may_write_backups_and_little_else() -> None:
    service, work = unit("linkup-backup.service")["Service"], unit("linkup-work.service")["Service"]
    assert service["ReadWritePaths"].split() == ["/var/backups/linkup", "/srv/linkup/logs"]
    assert service["UMask"] == "0077"
    hardening = [key for key in work if key.startswith(("Protect", "Private", "Restrict", "System", "Cap"))]
    assert len(hardening) > 10
    assert {key: service[key] for key in hardening} == {key: work[key] for key in hardening}


def test_the_timer_runs_each_night_and_makes_up_for_a_missed_one() -> None:
    timer = unit("linkup-backup.timer")["Timer"]
    assert timer["OnCalendar"] == "*-*-* 02:30:00"
    assert timer["Persistent"] == "true"


def test_names_tell_the_site_and_the_time() -> None:
    assert (
        destinations.new_name(datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC))
        == "linkup-localhost-20260102T030405Z.backup"
    )
