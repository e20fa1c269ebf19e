#!/usr/bin/env bash
# Measures the tests' coverage on SQLite and PostgreSQL together; the pages land in htmlcov/.
set -euo pipefail
cd "$(dirname "$0")/.."
python=.venv/bin/python

"$python" -m coverage erase
for database in sqlite postgres; do
  "$python" -m pytest -q -n auto --database="$database" --cov --cov-append --cov-report= --cov-fail-under=0 || failed=1
done
"$python" -m coverage html --quiet
"$python" -m coverage report
exit "${failed:-0}"
