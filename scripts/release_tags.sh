#!/usr/bin/env bash
# Under which names the image of a version goes out, a line each: its own, and `latest` when no release is newer.
# A version such as v1.0.0-rc1 is never the latest.  release_tags.sh v0.2.0 ghcr.io/example/linkup
set -euo pipefail
version=${1:?the tag} image=${2:?the image}

echo "$image:${version#v}"
newest=$({ git tag --list; echo "$version"; } | grep -E '^v[0-9]+\.[0-9]+\.[0-9]+$' | sort --version-sort | tail -n 1 || true)
if [ "$version" = "$newest" ]; then echo "$image:latest"; fi
