"""Runs all benches and writes their tables and a plot to docs/performance.md: `python -m bench` (`make bench`).

Pages (bench.feed), Lighthouse (bench.lighthouse), messages and sockets (bench.ws), one after the other.
"""

import argparse
import json
import re
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

from scripts.programs import ROOT

RESULTS = ROOT / "test-results"
RESULTS_PAGE = ROOT / "docs" / "performance.md"
PLOT = ROOT / "docs" / "pictures" / "performance.svg"
FIGURES = re.compile(r"(?<=<!-- figures -->\n).*(?=<!-- end of figures -->)", re.DOTALL)
# The target: milliseconds of CPU for a page.
MAX_CPU_MS = 5.0


def format_pages_table(found: Mapping[str, Any]) -> str:
    """Return the results of bench.feed as a Markdown table."""
    lines = [
        f"Pages: {found['conditions']}.",
        "",
        "| page | CPU ms | requests/s | p50 ms | p99 ms | HTML | wire |",
        "| --- | --: | --: | --: | --: | --: | --: |",
    ]
    for name, row in found["pages"].items():
        lines.append(
            f"| {name} | {row['cpu']:.1f} | {row['rate']:.0f} | {row['p50']:.0f} | {row['p99']:.0f} | {row['html']:,} "
            f"| {row['wire']:,} |"
        )
    return "\n".join([*lines, ""])


def format_lighthouse_table(found: Mapping[str, Mapping[str, float]]) -> str:
    """Return the results of bench.lighthouse as a Markdown table."""
    names = list(next(iter(found.values())))
    lines = [f"| Lighthouse | {' | '.join(names)} |", f"| --- | {' | '.join('--:' for _name in names)} |"]
    lines += [
        f"| {page} | {' | '.join(f'{value:.3g}' if value < 1 else f'{value:.0f}' for value in row.values())} |"
        for page, row in found.items()
    ]
    return "\n".join([*lines, ""])


def format_messages_table(found: Mapping[str, Any]) -> str:
    """Return the results of bench.ws as a Markdown table."""
    lines = [f"Messages: {'; '.join(found['conditions'])}.", ""]
    lines += ["| layer | step | what | figure |", "| --- | --- | --- | --: |"]
    lines += [
        f"| {layer} | {row['step']} | {row['name']} | {row['value']:,.1f} {row['unit']} |"
        for layer, rows in found["figures"].items()
        for row in rows
    ]
    return "\n".join([*lines, ""])


def draw_plot(pages: Mapping[str, Mapping[str, float]]) -> str:
    """Return an SVG: a bar for the CPU time of each page, and a line at the target."""
    scale, height, left = 60, 26, 220
    bars = []
    for at, (name, row) in enumerate(pages.items()):
        top = at * height + 8
        bars.append(
            f'<text x="{left - 8}" y="{top + 13}" text-anchor="end">{name}</text>'
            f'<rect x="{left}" y="{top}" width="{row["cpu"] * scale:.0f}" height="18" fill="#0c655c"/>'
            f'<text x="{left + row["cpu"] * scale + 6:.0f}" y="{top + 13}">{row["cpu"]:.1f} ms</text>'
        )
    bottom, target = len(pages) * height + 8, left + MAX_CPU_MS * scale
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="900" height="{bottom + 8}" font-family="sans-serif" '
        f'font-size="13"><rect width="100%" height="100%" fill="#fff"/>{"".join(bars)}'
        f'<line x1="{target}" x2="{target}" y1="0" y2="{bottom}" stroke="#b0241c" stroke-dasharray="4"/></svg>\n'
    )


def write_results_page() -> None:
    """Write the newest results of all benches to docs/performance.md."""
    tables = {
        "bench-feed": format_pages_table,
        "lighthouse": format_lighthouse_table,
        "bench-ws": format_messages_table,
    }
    parts = []
    for name, format_table in tables.items():
        file = RESULTS / f"{name}.json"
        if file.is_file():
            found = json.loads(file.read_text())
            parts.append(format_table(found))
            if name == "bench-feed":
                PLOT.write_text(draw_plot(found["pages"]))
    text = RESULTS_PAGE.read_text()
    RESULTS_PAGE.write_text(FIGURES.sub(lambda _found: "\n".join(parts), text))


def main(arguments: list[str]) -> int:
    """Run the benches and write the page; return 1 when a bench fails or misses a target."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--minutes", default="1", help="how long messages are sent (1)")
    parser.add_argument(
        "--only-write", action="store_true", help="write the existing results without running anything"
    )
    options = parser.parse_args(arguments)
    status = 0
    if not options.only_write:
        for module, *rest in (
            ["bench.feed"],
            ["bench.lighthouse"],
            ["bench.ws", "--minutes", options.minutes],
        ):
            status |= subprocess.run([sys.executable, "-m", module, *rest], cwd=ROOT, check=False).returncode  # noqa: S603
    write_results_page()
    return int(status != 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
