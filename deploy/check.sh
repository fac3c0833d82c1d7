#!/usr/bin/env bash
# Installs packages, builds, lints and runs the tests that need no GPU, but for those labelled soak. Ends with ctest's own summary.
#
#   deploy/check.sh [--soak]     --soak: also the tests that load or kill for many minutes
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
selection=(--label-exclude soak)
[ "${1:-}" != --soak ] || selection=()

deploy/install-packages.sh

echo "== build"
cmake --preset release >/dev/null
cmake --build --preset release

echo "== lint"
deploy/lint.sh

echo "== data"
deploy/fetch-datasets.sh mnist fashion-mnist

echo "== tests"
ctest --preset release --no-tests=error -j 2 "${selection[@]}"
