#!/usr/bin/env bash
# Compares what is generated after training in fp32 and in bf16, over seeds, and prints the table (hours with defaults).
#
#   deploy/precision.sh [OPTIONS]     of tests/bench/precision.py, for example --iterations 3 --steps 500
set -euo pipefail
export no_grpc_proxy=127.0.0.1,localhost  # where a proxy is set, it is not for this machine
cd "$(dirname "${BASH_SOURCE[0]}")/.."

deploy/install-packages.sh >&2
cmake --preset release >&2
cmake --build --preset release --target skewd skew-worker skew-frechet skew_python >&2
deploy/fetch-datasets.sh mnist >&2
export SKEW_BIN=$PWD/build/release/bin SKEW_SOURCE=$PWD SKEW_TEST_DATA=${SKEW_TEST_DATA:-$PWD/data}
PYTHONPATH=build/release/python:tests/e2e exec /usr/bin/python3 tests/bench/precision.py "$@"
