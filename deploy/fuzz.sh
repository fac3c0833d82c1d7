#!/usr/bin/env bash
# Fuzzes what takes bytes from outside (tests/fuzz/) with libFuzzer, AddressSanitizer and UndefinedBehaviorSanitizer, one
# target after the other, and prints a line for each: executions, coverage, findings.
#
#   deploy/fuzz.sh [SECONDS] [TARGET...]     default: 600 seconds for each of spec, idx, rpc, worker, checkpoint
#   MERGE=1 deploy/fuzz.sh ...               then also makes tests/fuzz/corpus anew from the inputs that reach the most
#
# New inputs and whatever is found are below build/fuzz/corpus/TARGET and build/fuzz/findings/TARGET. Exit code 1 when
# something was found: replay it with build/fuzz/bin/fuzz_TARGET FILE, fix it, and keep the file in tests/fuzz/corpus/TARGET/found.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

seconds=600
if [[ ${1:-} =~ ^[0-9]+$ ]]; then
  seconds=$1
  shift
fi
targets=("$@")
[ $# -gt 0 ] || targets=(spec idx rpc worker checkpoint)

# What an input may be and take: bytes, seconds, MiB in all and in one allocation. Leaks are the business of the dev
# preset: here, the threads of a daemon would be taken for them.
longest() { case $1 in rpc | worker) echo 8192 ;; *) echo 4096 ;; esac; }
# The entropic schedule would take four fifths of the time with as much code as a daemon has.
limits() {
  echo "-max_len=$(longest "$1") -timeout=60 -rss_limit_mb=3000 -malloc_limit_mb=512 -detect_leaks=0 -entropic=0"
}

cmake --preset fuzz >/dev/null
cmake --build --preset fuzz --target "${targets[@]/#/fuzz_}" >&2

export ASAN_OPTIONS=${ASAN_OPTIONS:-detect_leaks=0:malloc_context_size=8:quarantine_size_mb=64}
# State directories in memory: what is fuzzed syncs its files.
[ -n "${TMPDIR:-}" ] || ! [ -w /dev/shm ] || export TMPDIR=/dev/shm

failed=0
for target in "${targets[@]}"; do
  program=build/fuzz/bin/fuzz_$target
  kept=tests/fuzz/corpus/$target
  corpus=build/fuzz/corpus/$target
  findings=build/fuzz/findings/$target
  log=build/fuzz/$target.log
  rm -rf "$findings"
  mkdir -p "$kept" "$corpus" "$findings"
  "$program" --seeds "$corpus"
  dictionary=()
  [ ! -f "tests/fuzz/$target.dict" ] || dictionary=("-dict=tests/fuzz/$target.dict")
  # shellcheck disable=SC2046
  "$program" $(limits "$target") "${dictionary[@]}" -max_total_time="$seconds" -artifact_prefix="$findings/" \
    -print_final_stats=1 "$corpus" "$kept" >"$log" 2>&1 || true
  found=$(find "$findings" -type f | wc -l)
  [ "$found" -eq 0 ] && grep -q '^Done ' "$log" || failed=1
  printf '%s: %s executions in %s s, coverage %s, %s findings\n' "$target" \
    "$(sed -n 's/^stat::number_of_executed_units: *//p' "$log" | tail -1)" "$seconds" \
    "$(grep -o 'cov: [0-9]* ft: [0-9]*' "$log" | tail -1)" "$found"
  if [ -n "${MERGE:-}" ]; then
    # As few as reach all of the code, however often; those in found/, which once broke something, stay in any case.
    merged=$(mktemp -d)
    # shellcheck disable=SC2046
    "$program" $(limits "$target") -set_cover_merge=1 -use_counters=0 "$merged" "$kept" "$corpus" >>"$log" 2>&1
    find "$kept" -maxdepth 1 -type f -delete
    cp "$merged"/* "$kept"
    rm -rf "$merged"
  fi
done
exit $failed
