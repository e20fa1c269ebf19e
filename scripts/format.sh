#!/usr/bin/env bash
# Formats Python files and templates.
set -euo pipefail
cd "$(dirname "$0")/.."
PATH="$PWD/.venv/bin:$PATH"

ruff check --quiet --fix . || true
ruff format .
djlint . --quiet --reformat || true
