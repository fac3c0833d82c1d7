#!/usr/bin/env bash
# Measures, on this machine and in one run: ms per training update and generated images per second for dcgan and vae,
# beside the same networks in plain PyTorch, in turn; and the service: durable submissions, lists of a store with a
# million runs (5 GB in /tmp meanwhile), thousands of watchers, loss series.
#
#   deploy/bench.sh [PAIRS]     pairs of runs, default 3; medians and the spread of the ratios are printed
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
pairs=${1:-3}

deploy/install-packages.sh
cmake --preset release >/dev/null
cmake --build --preset release --target skewd skew-worker skewctl skew-train-bench python_stubs
deploy/fetch-datasets.sh mnist

out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
for _ in $(seq "$pairs"); do
  OMP_NUM_THREADS=1 taskset -c 0 build/release/bin/skew-train-bench --threads 1 >>"$out/skew"
  OMP_NUM_THREADS=1 taskset -c 0 /usr/bin/python3 tests/bench/peer.py --threads 1 >>"$out/peer"
done
/usr/bin/python3 tests/bench/table.py "$out/skew" "$out/peer" /dev/null

# The service.
cmake --build --preset release --target skew-service-bench skew-loss-bench
bin=$PWD/build/release/bin
echo
"$bin/skew-service-bench" --skewd "$bin/skewd" --worker "$bin/scripted-worker"
OMP_NUM_THREADS=1 "$bin/skew-loss-bench"
