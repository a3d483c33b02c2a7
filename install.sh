#!/bin/sh
# Installs chatd of a release, after checking its checksum: the executable, the manual page and shell completions.
#
#     sh install.sh                       # to /usr/local as root, to ~/.local as anybody else
#     sh install.sh --prefix /opt/chatd
#
# The copy that is part of a release knows where that release is. CHATD_INSTALL_URL names another folder with the files of one.
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
    *) fail "$1 is not known here; there is only --prefix DIR" ;;
  esac
done
case $prefix in
  /*) ;;
  *) fail "--prefix needs a folder from the root, as in /opt/chatd" ;;
esac
[ -n "$url" ] || fail "this copy knows no release: take the one of a release, or set CHATD_INSTALL_URL"

case $(uname -s) in
  Linux) system=unknown-linux-gnu ;;
  Darwin) system=apple-darwin ;;
  *) fail "there is no chatd for $(uname -s) that this script can install; the archive for Windows is a zip file" ;;
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

fetch "$url/SHA256SUMS" SHA256SUMS || fail "$url/SHA256SUMS could not be fetched"
archive=$(sed -n "s/^[0-9a-f]\{64\}  \(chatd-[^/]*-$machine-$system\.tar\.gz\)\$/\1/p" SHA256SUMS)
[ -n "$archive" ] || fail "the release has nothing for $machine-$system"
case $archive in *"
"*) fail "the release has more than one archive for $machine-$system" ;; esac
fetch "$url/$archive" "$archive" || fail "$url/$archive could not be fetched"
grep "  $archive\$" SHA256SUMS >sum
check sum || fail "$archive is not what SHA256SUMS says: nothing was installed"

tar -xzf "$archive"
folder=${archive%.tar.gz}
[ -f "$folder/chatd" ] || fail "$archive holds no chatd"
mkdir -p "$prefix/bin" "$prefix/share/man/man1" "$prefix/share/bash-completion/completions" \
  "$prefix/share/zsh/site-functions" "$prefix/share/fish/vendor_completions.d"
# Under another name first, so that a chatd that runs is not written over, and a half one is never there.
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
  *) echo "Your PATH does not name $prefix/bin." ;;
esac
