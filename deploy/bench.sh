#!/usr/bin/env bash
# Measures, on this machine and in one run: training updates, their parts and generation in both precisions, beside the
# same networks in plain PyTorch, in turn, and beside what a large matrix product reaches; and the daemon's submission
# rate, event latency and memory.
#
#   deploy/bench.sh [PAIRS]     pairs of runs, default 5; medians and spreads are printed as Markdown
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
pairs=${1:-5}

deploy/install-packages.sh
cmake --preset release >/dev/null
cmake --build --preset release --target skewd skew-worker skewctl skew-train-bench python_stubs
deploy/fetch-datasets.sh mnist

out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
for pair in $(seq "$pairs"); do
  OMP_NUM_THREADS=1 taskset -c 0 build/release/bin/skew-train-bench --benchmark_min_time=2 \
    --benchmark_out="$out/skew-$pair.json" >&2
  OMP_NUM_THREADS=1 taskset -c 0 /usr/bin/python3 tests/bench/peer.py --threads 1 >"$out/peer-$pair.json"
done
export SKEW_BIN=$PWD/build/release/bin SKEW_SOURCE=$PWD SKEW_TEST_DATA=$PWD/data
PYTHONPATH=build/release/tests/e2e/stubs:tests/e2e /usr/bin/python3 tests/bench/service_bench.py >"$out/service"
/usr/bin/python3 tests/bench/table.py "$out"
