#!/usr/bin/env bash
# clang-format on everything; clang-tidy and clang's thread-safety analysis on the sources that changed since a commit.
#
#   deploy/lint.sh            changed since the commit before this one, or not committed yet
#   deploy/lint.sh main       changed since main
#   deploy/lint.sh --all      all of them (half an hour on two cores: a unit with LibTorch takes most of a minute)
#
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

if [ ! -e .git ]; then
  echo "lint: this is no git checkout, which is what says which files there are: skipped"
  exit 0
fi
git ls-files '*.cc' '*.h' | xargs clang-format-14 --dry-run --Werror

base=${1:-HEAD~1}
if [ "$base" != --all ] && ! git rev-parse --quiet --verify "$base^{commit}" >/dev/null; then
  echo "lint: there is no commit $base to compare with; for clang-tidy on all sources: deploy/lint.sh --all"
  exit 0
fi
if [ "$base" = --all ]; then
  list=$(git ls-files '*.cc')
else
  list=$(git diff --name-only --diff-filter=d "$base" -- '*.cc' && git ls-files -o --exclude-standard '*.cc')
fi
mapfile -t sources < <(sort -u <<<"$list" | sed '/^$/d')
echo "lint: clang-tidy on ${#sources[@]} sources"
[ ${#sources[@]} -gt 0 ] || exit 0
# The commands of single sources, not of batches; and the headers that protoc makes.
cmake --preset release -B build/lint -DSKEW_UNITY=OFF >/dev/null
cmake --build build/lint --target skew_proto_sources >/dev/null
printf '%s\n' "${sources[@]}" | xargs -P "$(nproc)" -n 1 sh -c '
  out=$(clang-tidy-14 -p build/lint --quiet --warnings-as-errors="*" --extra-arg=-Wthread-safety "$0" 2>&1) ||
    { printf "%s\n" "$out"; exit 1; }'
