#!/usr/bin/env bash
# A private CA for one Skew server and its users, with OpenSSL.
#
#   deploy/make-certs.sh DIR server HOST...   DIR/server.pem and server.key, for these host names and addresses
#   deploy/make-certs.sh DIR user NAME...     DIR/NAME.pem and NAME.key, which name the user NAME
#
# The CA itself (DIR/ca.pem, ca.key) is made when there is none. Running it again makes new certificates, signed by the
# same CA; a server that uses the files takes up the new ones by itself. Keys are readable by their owner only. Give users
# ca.pem and their own two files; keep ca.key to yourself: whoever has it can be any user.
#
# CA_DAYS and DAYS (environment) say how long the CA and the others are good: default 3650 and 365 days.
set -euo pipefail

usage() { sed -n '2,/^set /{/^#/s/^# \{0,1\}//p}' "$0"; }
case "${1:-}" in -h | --help) usage; exit 0 ;; esac
[ $# -ge 3 ] || { usage >&2; exit 2; }
dir=$1 what=$2
shift 2
umask 077
mkdir -p "$dir"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

fail() { echo "make-certs: $1" >&2; exit 1; }

new_key() { openssl genpkey -quiet -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$1"; }

make_ca() {
  new_key "$work/ca.key"
  openssl req -x509 -new -key "$work/ca.key" -sha256 -days "${CA_DAYS:-3650}" -subj "/CN=Skew CA of $(uname -n)" \
    -addext "basicConstraints=critical,CA:TRUE,pathlen:0" -addext "keyUsage=critical,keyCertSign,cRLSign" \
    -out "$work/ca.pem"
  mv "$work/ca.key" "$dir/ca.key"
  mv "$work/ca.pem" "$dir/ca.pem"
  chmod 644 "$dir/ca.pem"
  echo "make-certs: new CA $dir/ca.pem" >&2
}

# make_certificate FILE COMMON-NAME EXTENSION...: signed by the CA. The key comes first, so that a reader never sees the new
# certificate with the old key for long; both appear by renaming.
make_certificate() {
  local file=$1 name=$2
  shift 2
  new_key "$work/key"
  openssl req -new -key "$work/key" -subj "/CN=$name" -out "$work/request"
  { printf '%s\n' "basicConstraints=critical,CA:FALSE" "keyUsage=critical,digitalSignature" "$@"; } >"$work/extensions"
  openssl x509 -req -in "$work/request" -CA "$dir/ca.pem" -CAkey "$dir/ca.key" -sha256 -days "${DAYS:-365}" \
    -set_serial "0x$(openssl rand -hex 16)" -extfile "$work/extensions" -out "$work/certificate" 2>"$work/log" || { cat "$work/log" >&2; fail "no certificate for '$name'"; }
  chmod 644 "$work/certificate"
  mv "$work/key" "$dir/$file.key"
  mv "$work/certificate" "$dir/$file.pem"
  echo "make-certs: $dir/$file.pem and $dir/$file.key" >&2
}

check_name() {
  [[ $1 =~ ^[A-Za-z0-9][A-Za-z0-9._@-]*$ ]] || { echo "make-certs: '$1' cannot be a name" >&2; exit 2; }
}

if [ ! -f "$dir/ca.key" ] && [ ! -f "$dir/ca.pem" ]; then make_ca; fi
for file in ca.key ca.pem; do
  [ -f "$dir/$file" ] || fail "$dir/$file is not there; bring it back, or remove the other file to begin anew with another CA"
done
case "$what" in
  server)
    names=()
    for host in "$@"; do
      if [[ $host =~ ^[0-9.]+$ || $host == *:* ]]; then names+=("IP:$host"); else check_name "$host"; names+=("DNS:$host"); fi
    done
    make_certificate server "$1" "extendedKeyUsage=serverAuth" "subjectAltName=$(IFS=,; echo "${names[*]}")"
    ;;
  user)
    for name in "$@"; do
      check_name "$name"
      case "$name" in ca | server) echo "make-certs: '$name' is the name of another file" >&2; exit 2 ;; esac
      make_certificate "$name" "$name" "extendedKeyUsage=clientAuth"
    done
    ;;
  *) echo "make-certs: '$what' is neither server nor user" >&2; usage >&2; exit 2 ;;
esac
