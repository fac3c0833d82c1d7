#!/usr/bin/env bash
# Installs packages, builds, lints and runs the tests that need no GPU, but for those labelled soak. Ends with ctest's own summary.
#
#   deploy/check.sh [--soak]     --soak: also the tests that load or kill for many minutes
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# Tests talk to servers of their own on this machine: no proxy, nobody's credentials.
export no_grpc_proxy=127.0.0.1,localhost
unset SKEW_SERVER SKEW_TOKEN SKEW_CA SKEW_CERT SKEW_KEY
usage() { sed -n '2,/^set /{/^#/s/^# \{0,1\}//p}' deploy/check.sh; }
selection=(--label-exclude soak)
for argument in "$@"; do
  case "$argument" in
    --soak) selection=() ;;
    -h|--help) usage; exit 0 ;;
    *) echo "check: unknown argument '$argument'" >&2; usage >&2; exit 2 ;;
  esac
done

deploy/install-packages.sh

echo "== build"
cmake --preset release >/dev/null
cmake --build --preset release

echo "== lint"
deploy/lint.sh

echo "== data"
deploy/fetch-datasets.sh mnist fashion-mnist

echo "== tests"
# One more than there are cores: many tests mostly wait, for time to pass.
ctest --preset release --no-tests=error -j "$(($(nproc) + 1))" "${selection[@]}"
