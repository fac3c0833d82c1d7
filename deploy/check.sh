#!/usr/bin/env bash
# Installs packages, builds, lints and runs every test that needs no GPU. Ends with ctest's own summary.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

deploy/install-packages.sh

echo "== build"
cmake --preset release >/dev/null
cmake --build --preset release

echo "== lint"
deploy/lint.sh

echo "== data"
deploy/fetch-datasets.sh mnist

echo "== tests"
export SKEW_TEST_DATA=$PWD/data
ctest --preset release --no-tests=error -j 2
