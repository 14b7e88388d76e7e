#!/bin/sh
# Makes programs of a later Debian runnable here, beside the system's own: usage: newer-debian.sh RELEASE FOLDER PACKAGE...
# Downloads the packages with all libraries that they need from the mirror that apt is configured for, unpacks them to
# FOLDER/root, and gives each of their programs a starter in FOLDER/bin that uses those libraries and no others. Nothing
# is installed. Fails where there is no Debian mirror.
set -eu
release=$1
mkdir -p "$2"
folder=$(readlink -f "$2")
shift 2

mirror=$(apt-get indextargets --format '$(ORIGIN) $(REPO_URI)' 'Identifier: Packages' |
  sed -n 's/^Debian //p' | grep -v security | head -1)
[ -n "$mirror" ] || {
  echo "newer-debian.sh: apt has no Debian mirror" >&2
  exit 1
}

# An apt of its own that believes that nothing is installed.
state=$(mktemp -d)
trap 'rm -rf "$state"' EXIT
mkdir -p "$state/lists/partial" "$state/cache/archives/partial" "$state/none"
: >"$state/status"
echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror $release main" >"$state/sources.list"
newer() {
  apt-get -qq -o Dir::Etc::sourcelist="$state/sources.list" -o Dir::Etc::sourceparts="$state/none" \
    -o Dir::State::lists="$state/lists" -o Dir::State::status="$state/status" -o Dir::Cache="$state/cache" \
    -o Acquire::Languages=none -o APT::Sandbox::User=root "$@"
}
newer update
newer install -y --download-only --no-install-recommends "$@" >/dev/null

rm -rf "$folder/root" "$folder/bin"
mkdir -p "$folder/root" "$folder/bin"
for archive in "$state"/cache/archives/*.deb; do dpkg-deb --extract "$archive" "$folder/root"; done
loader=$(find "$folder/root" -name 'ld-linux*.so.*' | head -1)
libraries=$(find "$folder/root" -name '*.so.*' -printf '%h\n' | sort -u | paste -sd:)
for package in "$@"; do
  for program in $(dpkg-deb --contents "$state/cache/archives/${package}"_*.deb |
    sed -nE 's|^-rwx.* \./(usr/s?bin/.*)$|\1|p'); do
    starter=$folder/bin/$(basename "$program")
    printf '#!/bin/sh\nexec "%s" --library-path "%s" "%s" "$@"\n' "$loader" "$libraries" "$folder/root/$program" >"$starter"
    chmod +x "$starter"
  done
done
