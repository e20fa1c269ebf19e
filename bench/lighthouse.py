"""Runs Lighthouse on pages of the demo network in the production stack, as a phone and as a desktop.

`python -m bench.lighthouse [--pages home,post]`: npm installs Lighthouse into test-results/lighthouse first. Prints a
table and writes test-results/lighthouse.json. The exit code is 1 when a score misses its target.
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import product
from pathlib import Path
from typing import Any

from playwright.sync_api import sync_playwright

from scripts.programs import CHROMIUM_ARGUMENTS, ROOT, find_or_install
from scripts.servers import find_free_port, temporary_folder
from scripts.stack import Stack, running_stack, seed_demo

# The last version for node 20.
VERSION = "12.8.2"
FOLDER = ROOT / "test-results" / "lighthouse"
PAGES = {
    "sign-in": "/accounts/login/",
    "home": "/",
    "post": "/posts/197/",
    "member": "/members/bob/",
    "network": "/network/",
    "connections": "/network/connections/",
    "directory": "/members/",
    "notifications": "/notifications/",
    "messages": "/messages/",
    "settings": "/settings/profile/",
}
# Pages that search engines may index.
PUBLIC_PAGES = {"sign-in"}
TARGETS = {"performance": 97, "accessibility": 100, "best-practices": 100, "seo": 100}
CHROME = (*CHROMIUM_ARGUMENTS, "--ignore-certificate-errors")
ATTEMPTS = 3
METRICS = {
    "LCP ms": "largest-contentful-paint",
    "CLS": "cumulative-layout-shift",
    "TBT ms": "total-blocking-time",
    "wire": "total-byte-weight",
    "nodes": "dom-size",
}


def find_or_install_lighthouse() -> Path:
    """Return the command of Lighthouse; npm installs it if necessary."""
    command = FOLDER / "node_modules" / ".bin" / "lighthouse"
    if not command.exists():
        FOLDER.mkdir(parents=True, exist_ok=True)
        npm = str(find_or_install("npm")["npm"])
        arguments = ["install", "--prefix", str(FOLDER), "--ignore-scripts", "--no-audit", "--no-fund"]
        subprocess.run([npm, *arguments, f"lighthouse@{VERSION}"], check=True)  # noqa: S603
    return command


def run_lighthouse(command: Path, url: str, report: Path, *, desktop: bool, port: int) -> dict[str, Any]:
    """Return Lighthouse's report of the page at `url`, in the browser at `port`, and keep it in the file `report`.

    Raises CalledProcessError.
    """
    arguments = [
        str(command),
        url,
        "--quiet",
        "--output=json",
        f"--output-path={report}",
        f"--port={port}",
    ]
    arguments += [f"--only-categories={','.join(TARGETS)}", *(["--preset=desktop"] if desktop else [])]
    for attempt in range(ATTEMPTS):
        # Sometimes it misses the start of the navigation (NO_NAVSTART) and has to be run again.
        ended = subprocess.run(arguments, check=attempt == ATTEMPTS - 1, timeout=180)  # noqa: S603
        if ended.returncode == 0:
            break
    found: dict[str, Any] = json.loads(report.read_text())
    return found


def read_scores(report: dict[str, Any]) -> dict[str, float]:
    """Return the scores (0 to 100) and the metrics of a report."""
    scores = {name: round(100 * (report["categories"][name]["score"] or 0)) for name in TARGETS}
    return scores | {name: report["audits"][audit]["numericValue"] for name, audit in METRICS.items()}


def find_missed_targets(name: str, report: dict[str, Any]) -> list[str]:
    """Return the targets that a page misses, with the audits that cost points."""
    missed = []
    for category, target in TARGETS.items():
        if category == "seo" and name not in PUBLIC_PAGES:
            refs = [ref for ref in report["categories"]["seo"]["auditRefs"] if ref["id"] != "is-crawlable"]
            # None: the audit does not apply to the page.
            score = 100 * all(report["audits"][ref["id"]]["score"] in (1, None) for ref in refs)
        else:
            score = round(100 * (report["categories"][category]["score"] or 0))
        if score < target:
            audits = [
                ref["id"]
                for ref in report["categories"][category]["auditRefs"]
                if ref["weight"] and report["audits"][ref["id"]]["score"] not in (1, None)
            ]
            missed.append(f"{category} {score}, the target is {target}: {', '.join(audits)}")
    return missed


@contextmanager
def running_browser(stack: Stack, folder: Path, *, signed_in: bool) -> Iterator[int]:
    """Run Chromium during the block, perhaps signed in; yields its debugging port. Lighthouse keeps the cookies."""
    port = find_free_port()
    with sync_playwright() as playwright:
        context = playwright.chromium.launch_persistent_context(
            folder / "profile",
            executable_path=find_or_install("chromium")["chromium"],
            args=[*CHROME, f"--remote-debugging-port={port}"],
            ignore_https_errors=True,
        )
        if signed_in:
            page = context.pages[0]
            page.goto(f"{stack.origin}/accounts/login/")
            page.fill("input[name=login]", "alice")
            page.fill("input[name=password]", "linkup-demo")
            page.press("input[name=password]", "Enter")
            page.wait_for_load_state("networkidle")
            page.goto("about:blank")
        yield port
        context.close()


def measure_pages(stack: Stack, pages: list[str]) -> tuple[dict[str, dict[str, float]], list[str]]:
    """Return the rows of the table by page and device, and the missed targets."""
    command = find_or_install_lighthouse()
    rows, missed = {}, []
    for signed_in in (False, True):
        chosen = [page for page in pages if (page not in PUBLIC_PAGES) == signed_in]
        with temporary_folder(None) as folder, running_browser(stack, folder, signed_in=signed_in) as port:
            for page, device in product(chosen, ("phone", "desktop")):
                url = stack.origin + PAGES[page]
                file, is_desktop = FOLDER / f"{page}-{device}.json", device == "desktop"
                report = run_lighthouse(command, url, file, desktop=is_desktop, port=port)
                name = f"{page}, {device}"
                rows[name] = read_scores(report)
                print(f"{name:<24}", *(f"{value:>8.6g}" for value in rows[name].values()), flush=True)
                missed += [f"{name}: {words}" for words in find_missed_targets(page, report)]
    return rows, missed


def main(arguments: list[str]) -> int:
    """Print the table; return 1 when a score misses its target."""
    parser = argparse.ArgumentParser(prog="python -m bench.lighthouse", description=__doc__)
    parser.add_argument("--pages", default=",".join(PAGES), help="which pages, by name (all)")
    pages = parser.parse_args(arguments).pages.split(",")
    with running_stack() as stack:
        seed_demo(stack)
        print(f"{'':<24}", *(f"{name[:8]:>8}" for name in (*TARGETS, *METRICS)), flush=True)
        rows, missed = measure_pages(stack, pages)
    (ROOT / "test-results" / "lighthouse.json").write_text(json.dumps(rows, indent=2))
    print("\n".join(["All targets are met."] if not missed else ["Missed targets:", *missed]))
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
