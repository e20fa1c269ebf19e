"""`make checkpoint`: its table says what holds, and its exit code whether all does."""

import pytest

from scripts import checkpoint
from scripts.checkpoint import CheckFailed, look, main, table


def broken() -> str:
    raise CheckFailed("the first line\nand the rest")


def test_a_check_that_holds_is_ok() -> None:
    row = look("it is there", lambda: "all of it")
    assert (row.holds, row.detail) == (True, "all of it")
    assert table([row]).splitlines()[1].startswith("ok     it is there")


def test_a_check_that_fails_is_told_in_full() -> None:
    row = look("it is there", broken)
    told = table([row])
    assert not row.holds
    assert "FAILED it is there" in told
    assert told.endswith("it is there:\nthe first line\nand the rest")


def test_one_that_fails_does_not_keep_the_others_from_being_made(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(checkpoint, "CHECKS", (("one", broken), ("two", lambda: "fine")))
    assert main() == 1
    assert "ok     two" in capsys.readouterr().out


def test_all_that_hold_are_a_success(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkpoint, "CHECKS", (("two", lambda: "fine"),))
    assert main() == 0


def test_the_example_of_the_repository_is_complete() -> None:
    assert "all 4 required ones" in checkpoint.example_is_complete()
