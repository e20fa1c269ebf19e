#!/usr/bin/env bash
# Exports a SQLite installation into a folder. docs/DATABASE_MIGRATION.md tells the whole way.
set -euo pipefail

usage() {
  cat <<'TEXT'
Usage: scripts/export_data.sh FOLDER [--source FILE] [--media FOLDER] [--without-media-files]
                              [--missing-files N] [--quiet]

Writes the whole network (every table, every uploaded file) into FOLDER, for scripts/import_data.sh.
The SQLite file is opened read-only. Settings come from the environment, as for manage.py.
Exit code 0: exported; 1: refused; 3: exported, and files that rows name were not there (more than N).
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
exec "${PYTHON:-$python}" "$root/manage.py" export_data "$@"
