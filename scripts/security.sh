#!/usr/bin/env bash
# Looks for what must not be in the code as it is now: known mistakes (bandit), secrets, and settings that are unsafe on a
# server. What was in it once, and was pushed, is known to others: docs/DEPLOYMENT.md says what to do then.
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

secrets() {
  git ls-files -z | grep --null-data --invert-match '^requirements.*\.txt$' \
    | xargs --null detect-secrets-hook --baseline .secrets.baseline
}

# With stand-ins for what the environment must hold; no server is asked.
deployment() {
  local folder
  folder=$(mktemp --directory)
  env DJANGO_ENVIRONMENT=production SECRET_KEY="$(python manage.py generate_secret_key)" ALLOWED_HOSTS=localhost \
    DATABASE_URL=postgres://nobody@localhost/nothing REDIS_URL=redis://:nothing@localhost/0 DATA_DIR="$folder" \
    sh -c 'python manage.py collectstatic --noinput --verbosity 0 && python manage.py check --deploy --fail-level WARNING'
  local code=$?
  rm -r "$folder"
  return $code
}

check "bandit" bandit --quiet --configfile pyproject.toml --recursive . -ll
check "secrets" secrets
check "check --deploy" deployment

if [ ${#failed[@]} -gt 0 ]; then
  (IFS=,; echo "Failed: ${failed[*]}" >&2)
  exit 1
fi
echo "Nothing found."
