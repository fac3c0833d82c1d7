#!/usr/bin/env bash
# From a fresh Debian 12 machine to a table of results: installs packages, builds, fetches MNIST, starts the daemon, runs
# a small real study (deploy/examples/quickstart.yaml), prints its results and fetches sample images.
# Running it again costs no installation, build or training of the classifier.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

say() { printf '\n== %s\n' "$*"; }

say "packages"
deploy/install-packages.sh

say "build (the first one takes some minutes)"
cmake --preset release -DSKEW_BUILD_TESTS=OFF -B build/quickstart >/dev/null
cmake --build build/quickstart --target skewd skew-worker skewctl

say "data"
deploy/fetch-datasets.sh mnist

say "daemon"
state=build/quickstart/state
bin=$PWD/build/quickstart/bin
mkdir -p -m 700 "$state"
# The server and the credentials that its caller may work with are others.
unset SKEW_TOKEN SKEW_CA SKEW_CERT SKEW_KEY
rm -f "$state/addresses"
"$bin/skewd" --state-dir "$state" --datasets data --listen 127.0.0.1:0 --address-file "$state/addresses" \
  2>"$state/skewd.log" &
daemon=$!
trap 'kill "$daemon" 2>/dev/null; wait "$daemon" 2>/dev/null || true' EXIT
for _ in $(seq 100); do
  [ -s "$state/addresses" ] && break
  kill -0 "$daemon" 2>/dev/null || { cat "$state/skewd.log" >&2; exit 1; }
  sleep 0.1
done
[ -s "$state/addresses" ] || { echo "quickstart: skewd does not serve after 10 s:" >&2; cat "$state/skewd.log" >&2; exit 1; }
SKEW_SERVER=$(head -n 1 "$state/addresses")
export SKEW_SERVER
echo "skewd listens on $SKEW_SERVER; its log is $state/skewd.log"

say "study (deploy/examples/quickstart.yaml)"
# The first line it prints is the job's id, the results follow.
"$bin/skewctl" submit deploy/examples/quickstart.yaml --watch | tee "$state/results.txt"
job=$(head -n 1 "$state/results.txt")

say "samples"
"$bin/skewctl" fetch "$job.1" samples.png --out "$state/samples-dcgan.png"
"$bin/skewctl" fetch "$job.2" samples.png --out "$state/samples-vae.png"
echo "Generated digits: $state/samples-dcgan.png and $state/samples-vae.png"
