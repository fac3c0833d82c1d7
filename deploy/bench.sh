#!/usr/bin/env bash
# Measures, on this machine and in one run: training updates, their parts and generation in both precisions, beside the
# same networks in plain PyTorch, in turn, and beside what a large matrix product reaches; whole studies beside a PyTorch
# loop, alone and beside a busy process; and the service: durable submissions, lists of a store with a million runs (5 GB
# in /tmp meanwhile), thousands of watchers, loss series. An hour on two cores.
#
#   deploy/bench.sh [PAIRS]     pairs of runs, default 5; medians and spreads are printed as Markdown
set -euo pipefail
export no_grpc_proxy=127.0.0.1,localhost  # where a proxy is set, it is not for this machine
cd "$(dirname "${BASH_SOURCE[0]}")/.."
pairs=${1:-5}

deploy/install-packages.sh >&2
cmake --preset release >&2
cmake --build --preset release --target skewd skew-worker skew-train-bench skew-service-bench skew-loss-bench \
  skew_python >&2
deploy/fetch-datasets.sh mnist >&2
bin=$PWD/build/release/bin

out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
for pair in $(seq "$pairs"); do
  OMP_NUM_THREADS=1 taskset -c 0 "$bin/skew-train-bench" --benchmark_min_time=2 \
    --benchmark_out="$out/skew-$pair.json" >&2
  OMP_NUM_THREADS=1 taskset -c 0 /usr/bin/python3 tests/bench/peer.py --threads 1 >"$out/peer-$pair.json"
done
/usr/bin/python3 tests/bench/table.py "$out"

echo
SKEW_BIN=$bin SKEW_SOURCE=$PWD SKEW_TEST_DATA=$PWD/data PYTHONPATH=build/release/python:tests/e2e:tests/bench \
  /usr/bin/python3 tests/bench/study.py --pairs "$(((pairs + 1) / 2))" --busy

echo
"$bin/skew-service-bench" --skewd "$bin/skewd" --worker "$bin/scripted-worker"
OMP_NUM_THREADS=1 "$bin/skew-loss-bench"
