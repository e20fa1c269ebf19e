#!/usr/bin/env bash
# Brings an export into the PostgreSQL of DATABASE_URL. docs/DATABASE_MIGRATION.md tells the whole way.
set -euo pipefail

usage() {
  cat <<'TEXT'
Usage: DATABASE_URL=postgres://… scripts/import_data.sh FOLDER [--quiet]

Brings the export in FOLDER (scripts/export_data.sh) into an empty database that `manage.py migrate` has prepared.
It is there whole or not at all. Settings come from the environment, as for manage.py.
TEXT
}

case "${1:-}" in
  -h | --help)
    usage
    exit 0
    ;;
  "" | -*)
    usage >&2
    exit 2
    ;;
esac

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
python="$root/.venv/bin/python"
if [ ! -x "$python" ]; then python=python3; fi
exec "${PYTHON:-$python}" "$root/manage.py" import_data "$@"
