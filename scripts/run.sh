#!/usr/bin/env bash
# Starts the development server on an SQLite file that holds a small demo network. `make run` calls this.
set -euo pipefail
cd "$(dirname "$0")/.."

port=${PORT:-8000}
# The settings of development make the links in mail from it.
export PORT=$port
python=.venv/bin/python
export DJANGO_ENVIRONMENT=development
unset DJANGO_SETTINGS_MODULE

if ! "$python" - "$port" <<'PYTHON'; then
import socket, sys
with socket.socket() as probe:
    probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        probe.bind(("127.0.0.1", int(sys.argv[1])))
    except (OSError, OverflowError, ValueError):
        sys.exit(1)
PYTHON
  echo "Port $port is taken or not a port. Choose another one: make run PORT=8001" >&2
  exit 1
fi

"$python" manage.py migrate --verbosity 0
"$python" manage.py seed_demo --once
cat <<TEXT

  LinkUp runs on http://localhost:$port (use this name: passkeys do not work with a bare address)

  Sign in as alice, bob, charlie, mona (moderator) or admin (staff) with the password linkup-demo.
  Mail appears here, in this window. Ctrl-C stops the server; the data stays.

TEXT
exec "$python" manage.py runserver "127.0.0.1:$port"
