#!/usr/bin/env bash
# Makes .venv and fills it from requirements.txt (with "dev": requirements-dev.txt), only when something changed.
set -euo pipefail
cd "$(dirname "$0")/.."

requirements="requirements.txt"
if [ "${1:-}" = dev ]; then requirements="requirements-dev.txt"; fi
python=.venv/bin/python
# What was installed last time, kept word for word: the same words again mean that nothing is to be done.
stamp=".venv/installed-$requirements"

new_enough() {
  "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null
}

find_python() {
  local candidate
  for candidate in ${PYTHON:-} python3 python3.14 python3.13 python3.12 python3.11; do
    if new_enough "$candidate"; then
      echo "$candidate"
      return
    fi
  done
  {
    echo "LinkUp needs Python 3.11 or newer, and found: $(python3 --version 2>&1 || true)"
    echo "Install it (Debian 12, Ubuntu 24.04: apt-get install python3 python3-venv; macOS: brew install python)"
    echo "or name one: make PYTHON=/path/to/python3.12 …"
  } >&2
  return 1
}

make_venv() {
  local base
  base=$(find_python)
  echo "Making .venv with $("$base" --version) …"
  if "$base" -m venv --clear .venv; then return; fi
  # Debian ships the venv module as a separate package.
  if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -q -y python3-venv
    "$base" -m venv --clear .venv && return
  fi
  echo "Python cannot make a virtual environment here. Debian, Ubuntu: apt-get install python3-venv" >&2
  return 1
}

# The lists hold everything that is needed; without --no-deps pip asks for hashes of `coverage[toml]` beside `coverage`.

# The lines of the list about one package: its version and its hashes.
pinned() {
  awk -v start="^$1==" '$0 ~ start {on = 1} on {print} on && !/\\$/ {exit}' requirements-dev.txt
}

install_dev() {
  # uv is ten times quicker than pip; where it cannot reach the registry, pip does the same work.
  pinned uv | "$python" -m pip install -q --no-deps --require-hashes -r /dev/stdin
  if .venv/bin/uv pip install -q --python "$python" --no-deps --require-hashes -r requirements-dev.txt; then return; fi
  echo "uv could not install the packages; trying pip …" >&2
  "$python" -m pip install -q --no-deps --require-hashes -r requirements-dev.txt
}

if ! new_enough "$python"; then make_venv; fi
if cmp -s "$requirements" "$stamp"; then exit 0; fi

echo "Installing $requirements …"
rm -f .venv/installed-*
export PIP_DISABLE_PIP_VERSION_CHECK=1
if [ "$requirements" = requirements.txt ]; then
  "$python" -m pip install -q --no-deps --require-hashes -r requirements.txt
else
  install_dev
  # Whoever has the development packages has those of requirements.txt too.
  cp requirements.txt .venv/installed-requirements.txt
fi
cp "$requirements" "$stamp"
