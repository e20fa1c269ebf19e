#!/usr/bin/env bash
# Runs every static check, all of them even when one fails, and names those that failed.
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1
PATH="$PWD/.venv/bin:$PATH"
failed=()

check() {
  local name=$1
  shift
  printf -- '-- %s\n' "$name"
  "$@" || failed+=("$name")
}

migrations() {
  DJANGO_SETTINGS_MODULE=professional_network.settings.test python manage.py makemigrations --check --dry-run
}

# Tests that run beside make and remove folders, which djlint would meet on its way.
mapfile -t templates < <(git ls-files --cached --others --exclude-standard -- '*.html')
# Whatever in deploy/docker begins as a shell script does, with or without an ending.
mapfile -t of_images < <(grep --recursive --files-with-matches --max-count=1 '^#!/bin/\(ba\)\?sh' deploy/docker)

check "ruff check" ruff check --quiet .
check "ruff format" ruff format --check --quiet .
check "mypy" mypy
check "import-linter" lint-imports --no-logo
check "djlint format" djlint "${templates[@]}" --check
check "djlint lint" djlint "${templates[@]}" --quiet --lint
check "migrations" migrations
check "migration linter" python -m scripts.migration_linter
check "shellcheck" shellcheck scripts/*.sh .ci/run "${of_images[@]}"

if [ ${#failed[@]} -gt 0 ]; then
  (IFS=,; echo "Failed: ${failed[*]}" >&2)
  exit 1
fi
echo "Lint is clean."
