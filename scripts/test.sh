#!/bin/sh
# Installs what the tests need on Debian or Ubuntu, and runs the whole check. Needs root: containers are run.
set -eu
cd "$(dirname "$(readlink -f "$0")")/.."

# What the tests compare with and test against: real runtimes, a real registry, containerd and its client.
packages="runc crun containerd docker.io skopeo umoci docker-registry busybox-static tar gzip xz-utils zstd acl attr libcap2-bin openssl apache2-utils bsdutils curl procps util-linux mount"
missing=
for package in $packages; do
  dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing="$missing $package"
done
command -v npm >/dev/null || missing="$missing npm"
if [ -n "$missing" ]; then
  echo "Installing$missing"
  export DEBIAN_FRONTEND=noninteractive
  apt-get update -qq
  # Debian starts the daemons of its packages; the tests start their own.
  policy=/usr/sbin/policy-rc.d
  if [ ! -e "$policy" ]; then
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod +x "$policy"
    trap 'rm -f "$policy"' EXIT
  fi
  # shellcheck disable=SC2086
  apt-get install -y -qq --no-install-recommends $missing >/dev/null
fi

# A reader of layer images that is not ours; the system's own is too old up to Debian 13.
[ -x .tools/bin/fsck.erofs ] || scripts/newer-debian.sh sid .tools erofs-utils ||
  echo "Layer images will not be checked with fsck.erofs"

# Warnings would be about the machine's own Node, which only runs npm: the pinned one runs everything else.
npm ci --loglevel=error --no-audit --no-fund
npm run check
