#!/usr/bin/env bash
# Builds the stylesheets with Tailwind, and the sprite of icons; with "check" it builds beside and compares instead.
set -euo pipefail
cd "$(dirname "$0")/.."

# Source and built file in turns.
sheets=(
  professional_network/assets/app.css theme/static/theme/app.css
  messaging/assets/messages.css messaging/static/messaging/messages.css
)

build() {
  .venv/bin/tailwindcss --input "$1" --output "$2" --minify 2>&1 | grep -v '^$' >&2
}

.venv/bin/python -m scripts.icon_sprite "$@"
fresh=$(mktemp)
trap 'rm -f "$fresh"' EXIT
for ((at = 0; at < ${#sheets[@]}; at += 2)); do
  source=${sheets[at]} built=${sheets[at + 1]}
  if [ "${1:-}" != check ]; then
    build "$source" "$built"
    continue
  fi
  build "$source" "$fresh"
  if ! cmp -s "$fresh" "$built"; then
    echo "$built is not what $source and the templates give. Run: make css" >&2
    exit 1
  fi
  echo "$built is fresh."
done
