#!/usr/bin/env bash
# Builds everything with AddressSanitizer (with its leak check) and UndefinedBehaviorSanitizer, and everything without
# LibTorch with ThreadSanitizer, and runs the tests of each, but for those labelled soak. Every report is a failure, also of
# a program that a test has started and that nobody asks how it ended. Takes an hour or two on two cores.
#
#   deploy/sanitize.sh [dev|tsan] [CTEST-OPTION...]     one of the two; options such as -R NAME choose tests
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# Tests talk to servers of their own on this machine: no proxy, nobody's credentials.
export no_grpc_proxy=127.0.0.1,localhost
unset SKEW_SERVER SKEW_TOKEN SKEW_CA SKEW_CERT SKEW_KEY
presets=(dev tsan)
case "${1:-}" in dev | tsan) presets=("$1"); shift ;; esac

deploy/install-packages.sh
deploy/fetch-datasets.sh mnist fashion-mnist
failed=0
for preset in "${presets[@]}"; do
  echo "== $preset"
  cmake --preset "$preset" -DSKEW_UNITY=ON >/dev/null
  cmake --build --preset "$preset"
  reports=$PWD/build/$preset/reports
  rm -rf "$reports"
  mkdir "$reports"
  # tsan's other options are in the preset, which replaces what the environment says.
  ASAN_OPTIONS=log_path=$reports/asan UBSAN_OPTIONS=print_stacktrace=1:log_path=$reports/ubsan \
    ctest --preset "$preset" --no-tests=error -j 2 --label-exclude soak "$@" || failed=1
  for report in "$reports"/*; do
    [ -f "$report" ] || continue
    failed=1
    echo "== $report"
    cat "$report"
  done
done
exit "$failed"
