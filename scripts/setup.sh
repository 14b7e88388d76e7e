#!/bin/sh
# Installs what running containers needs: the npm packages of this checkout, its programs in one file each, and runc.
set -eu
cd "$(dirname "$(readlink -f "$0")")/.."

if [ ! -d node_modules/@slipway ]; then
  command -v npm >/dev/null || {
    echo "slipway: Cannot set up: npm is missing; install Node.js 20 or later with npm" >&2
    exit 125
  }
  echo "slipway: installing npm packages"
  npm ci --omit=dev --loglevel=error --no-audit --no-fund
  # Without it, everything runs from source: slower to start, and larger.
  npm run -s build || echo "slipway: Cannot build; running from source" >&2
fi

if ! command -v runc >/dev/null; then
  if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
    echo "slipway: Cannot set up: runc is not on the PATH; install it" >&2
    exit 125
  fi
  echo "slipway: installing runc"
  export DEBIAN_FRONTEND=noninteractive
  apt-get install -y -qq --no-install-recommends runc >/dev/null 2>&1 || {
    apt-get update -qq
    apt-get install -y -qq --no-install-recommends runc >/dev/null
  }
fi
