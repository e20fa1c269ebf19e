#!/usr/bin/env bash
# Builds the stylesheet with Tailwind, and the sprite of icons; with "check" it builds beside and compares instead.
set -euo pipefail
cd "$(dirname "$0")/.."

source=professional_network/assets/app.css
built=theme/static/theme/app.css

build() {
  .venv/bin/tailwindcss --input "$source" --output "$1" --minify 2>&1 | grep -v '^$' >&2
}

.venv/bin/python -m scripts.icon_sprite "$@"
if [ "${1:-}" != check ]; then
  build "$built"
  exit 0
fi

fresh=$(mktemp)
trap 'rm -f "$fresh"' EXIT
build "$fresh"
if ! cmp -s "$fresh" "$built"; then
  echo "$built is not what $source and the templates give. Run: make css" >&2
  exit 1
fi
echo "$built is fresh."
