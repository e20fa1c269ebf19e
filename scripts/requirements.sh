#!/usr/bin/env bash
# Compiles pyproject.toml into the two pinned lists. Versions already pinned stay, unless pyproject.toml asks otherwise.
set -euo pipefail
cd "$(dirname "$0")/.."

compile() {
  .venv/bin/uv pip compile -q pyproject.toml --python-version 3.11 --universal --no-emit-index-url --no-header "$@"
}

compile -o requirements.txt
compile --group dev -c requirements.txt -o requirements-dev.txt
