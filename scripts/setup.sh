#!/bin/sh
# Installs what running containers needs: the npm packages of this checkout, its programs in one file each, and runc. Beside
# it ISA-L, where Debian has it: layers are inflated faster with it, and work without.
set -eu
cd "$(dirname "$(readlink -f "$0")")/.."

# need PROGRAM: from the Debian package of that name where it is missing.
need() {
  command -v "$1" >/dev/null && return
  if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
    echo "slipway: Cannot set up: $1 is not on the PATH; install it" >&2
    exit 125
  fi
  echo "slipway: installing $1"
  export DEBIAN_FRONTEND=noninteractive
  apt-get install -y -qq --no-install-recommends "$1" >/dev/null 2>&1 || {
    apt-get update -qq
    apt-get install -y -qq --no-install-recommends "$1" >/dev/null
  }
}

if [ ! -d node_modules/@slipway ]; then
  need npm
  echo "slipway: installing npm packages"
  . scripts/npm-ci.sh
  npm_ci --omit=dev
  # Without it, everything runs from source: slower to start, and larger.
  npm run -s build || echo "slipway: Cannot build; running from source" >&2
fi

need runc
[ "$(id -u)" != 0 ] || DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends libisal2 >/dev/null 2>&1 || true
