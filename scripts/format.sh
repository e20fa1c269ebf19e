#!/usr/bin/env bash
# Rewrites Python files and templates in the house style.
set -euo pipefail
cd "$(dirname "$0")/.."
PATH="$PWD/.venv/bin:$PATH"

ruff check --quiet --fix . || true
ruff format .
djlint . --quiet --reformat || true
