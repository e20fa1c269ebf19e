#!/usr/bin/env bash
# Compiles pyproject.toml into the pinned lists, with the hashes of every file that a package may come as: what is installed
# is what was looked at, whoever serves it. pip is told --no-deps, since the lists are whole. Versions already pinned stay,
# unless pyproject.toml asks otherwise.
set -euo pipefail
cd "$(dirname "$0")/.."

compile() {
  .venv/bin/uv pip compile -q --python-version 3.11 --universal --generate-hashes --no-emit-index-url --no-header "$@"
}

compile pyproject.toml -o requirements.txt
compile pyproject.toml --group dev -c requirements.txt -o requirements-dev.txt
# Apart from the others: what looks for known holes, and servers for machines without them.
compile --group audit -c requirements-dev.txt -o requirements-audit.txt
compile --group programs --no-deps -o requirements-programs.txt
