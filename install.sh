#!/bin/sh
# Installs chatd from a release: the executable, the manual page and shell completions, after a check of their checksum.
#
#     sh install.sh                       # to /usr/local as root, else to ~/.local
#     sh install.sh --prefix /opt/chatd
#
# The install.sh of a release has its URL built in. CHATD_INSTALL_URL overrides it: the folder with the files of a release.
set -eu

url=${CHATD_INSTALL_URL:-}

fail() {
  echo "install.sh: $1" >&2
  exit 1
}

if [ "$(id -u)" = 0 ]; then prefix=/usr/local; else prefix=$HOME/.local; fi
while [ $# -gt 0 ]; do
  case $1 in
    --prefix)
      [ $# -ge 2 ] || fail "--prefix needs a folder"
      prefix=$2
      shift 2
      ;;
    --prefix=*)
      prefix=${1#--prefix=}
      shift
      ;;
    *) fail "unknown option $1: the only one is --prefix DIR" ;;
  esac
done
case $prefix in
  /*) ;;
  *) fail "--prefix needs an absolute path, such as /opt/chatd" ;;
esac
[ -n "$url" ] || fail "this copy has no URL of a release: use the install.sh of a release, or set CHATD_INSTALL_URL"

case $(uname -s) in
  Linux) system=unknown-linux-gnu ;;
  Darwin) system=apple-darwin ;;
  *) fail "this script has no chatd for $(uname -s); for Windows, unpack the zip file of the release" ;;
esac
case $(uname -m) in
  x86_64 | amd64) machine=x86_64 ;;
  aarch64 | arm64) machine=aarch64 ;;
  *) fail "there is no chatd for $(uname -m)" ;;
esac
if [ "$system" = unknown-linux-gnu ] && [ -e /etc/alpine-release ]; then
  fail "chatd needs glibc, which Alpine does not have"
fi

if command -v curl >/dev/null; then
  fetch() { curl --fail --silent --show-error --location --output "$2" "$1"; }
elif command -v wget >/dev/null; then
  fetch() { wget --quiet --output-document "$2" "$1"; }
else
  fail "curl or wget is needed"
fi
if command -v sha256sum >/dev/null; then
  check() { sha256sum --check --status "$1"; }
elif command -v shasum >/dev/null; then
  check() { shasum --algorithm 256 --check --status "$1"; }
else
  fail "sha256sum or shasum is needed"
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
cd "$work"

fetch "$url/SHA256SUMS" SHA256SUMS || fail "cannot download $url/SHA256SUMS"
archive=$(sed -n "s/^[0-9a-f]\{64\}  \(chatd-[^/]*-$machine-$system\.tar\.gz\)\$/\1/p" SHA256SUMS)
[ -n "$archive" ] || fail "the release has no archive for $machine-$system"
case $archive in *"
"*) fail "the release has more than one archive for $machine-$system" ;; esac
fetch "$url/$archive" "$archive" || fail "cannot download $url/$archive"
grep "  $archive\$" SHA256SUMS >sum
check sum || fail "$archive has another checksum than in SHA256SUMS: nothing was installed"

tar -xzf "$archive"
folder=${archive%.tar.gz}
[ -f "$folder/chatd" ] || fail "$archive contains no chatd"
mkdir -p "$prefix/bin" "$prefix/share/man/man1" "$prefix/share/bash-completion/completions" \
  "$prefix/share/zsh/site-functions" "$prefix/share/fish/vendor_completions.d"
# Copied under another name and renamed, so that a running chatd is not overwritten and no partial file is ever run.
cp "$folder/chatd" "$prefix/bin/.chatd.new"
chmod 755 "$prefix/bin/.chatd.new"
mv -f "$prefix/bin/.chatd.new" "$prefix/bin/chatd"
cp "$folder/chatd.1" "$prefix/share/man/man1/chatd.1"
cp "$folder/completions/chatd.bash" "$prefix/share/bash-completion/completions/chatd"
cp "$folder/completions/chatd.zsh" "$prefix/share/zsh/site-functions/_chatd"
cp "$folder/completions/chatd.fish" "$prefix/share/fish/vendor_completions.d/chatd.fish"

echo "$("$prefix/bin/chatd" --version) is in $prefix/bin"
case :$PATH: in
  *":$prefix/bin:"*) ;;
  *) echo "Add $prefix/bin to your PATH." ;;
esac
