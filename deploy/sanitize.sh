#!/usr/bin/env bash
# Builds everything with AddressSanitizer (with its leak check) and UndefinedBehaviorSanitizer, and everything without
# LibTorch with ThreadSanitizer, and runs the tests of each, but for those labelled soak. Every report is a failure. Takes
# an hour or two on two cores.
#
#   deploy/sanitize.sh [dev|tsan] [CTEST-OPTION...]     one of the two; options such as -R NAME choose tests
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
presets=(dev tsan)
case "${1:-}" in dev | tsan) presets=("$1"); shift ;; esac

deploy/install-packages.sh
deploy/fetch-datasets.sh mnist
for preset in "${presets[@]}"; do
  echo "== $preset"
  cmake --preset "$preset" -DSKEW_UNITY=ON >/dev/null
  cmake --build --preset "$preset"
  ctest --preset "$preset" --no-tests=error -j 2 --label-exclude soak "$@"
done
