#!/bin/sh
# Makes the disk of a modern host for test/modern: usage: modern-image.sh FOLDER. Writes FOLDER/vmlinux, a kernel that
# QEMU starts without an initrd, and FOLDER/root.img: Debian 13 with systemd, cgroups of version 2 only, AppArmor, runc,
# crun, CRIU and containerd. Packages come from the mirror that apt is configured for. Needs root, and a Debian mirror.
set -eu
release=trixie
packages="systemd systemd-sysv dbus udev kmod iproute2 procps apparmor runc crun criu libcriu2 containerd e2fsprogs
 busybox-static docker-registry skopeo umoci tar gzip util-linux mount ca-certificates iptables"

mkdir -p "$1"
cd "$1"
mirror=$(apt-get indextargets --format '$(ORIGIN) $(REPO_URI)' 'Identifier: Packages' |
  sed -n 's/^Debian //p' | grep -v security | head -1)
[ -n "$mirror" ] || {
  echo "modern-image.sh: apt has no Debian mirror" >&2
  exit 1
}
keys=/usr/share/keyrings/debian-archive-keyring.gpg

# The kernel is unpacked here: what installs one in the guest would make an initrd as well.
rm -rf apt kernel root root.img vmlinux
mkdir -p apt/lists/partial apt/cache/archives/partial apt/none
echo "deb [signed-by=$keys] $mirror $release main" >apt/sources.list
apt_flags="-o Dir::Etc::sourcelist=$PWD/apt/sources.list -o Dir::Etc::sourceparts=$PWD/apt/none
 -o Dir::State::lists=$PWD/apt/lists -o Dir::Cache=$PWD/apt/cache -o Acquire::Languages=none -o APT::Sandbox::User=root"
# shellcheck disable=SC2086
newer() { program=$1 && shift && "$program" -q $apt_flags "$@"; }
newer apt-get -q update
image=$(newer apt-cache depends linux-image-cloud-amd64 |
  sed -n 's/^ *Depends: \(linux-image-[0-9].*\)/\1/p' | head -1)
newer apt-get -q download "$image"
dpkg-deb --extract "$image"_*.deb kernel
rm "$image"_*.deb
version=$(ls kernel/usr/lib/modules)
# A bzImage holds the kernel compressed, somewhere.
for offset in $(LC_ALL=C grep -aboP '\x28\xb5\x2f\xfd' "kernel/boot/vmlinuz-$version" | cut -d: -f1); do
  tail -c "+$((offset + 1))" "kernel/boot/vmlinuz-$version" | zstd -dc >vmlinux 2>/dev/null || :
  [ "$(head -c 4 vmlinux | tail -c 3)" = ELF ] && break
done

mmdebstrap -q --variant=minbase --mode=root --aptopt='Acquire::Languages "none"' \
  --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/doc/*' \
  --dpkgopt='path-exclude=/usr/share/locale/*' --dpkgopt=force-unsafe-io \
  --include="$(echo $packages | tr ' ' ',')" "$release" root "deb [signed-by=$keys] $mirror $release main"
mkdir -p root/usr/lib/modules root/slipway root/data
cp -a "kernel/usr/lib/modules/$version" root/usr/lib/modules/
chroot root depmod -a "$version"
echo modern >root/etc/hostname
printf '127.0.0.1 localhost modern\n' >root/etc/hosts
printf '/dev/nvme0n1 / ext4 defaults,noatime 0 0\nLABEL=slipway /slipway ext4 defaults,noatime 0 0\n' >root/etc/fstab
# Without systemd: the job alone.
cat >root/slipway-init <<'INIT'
#!/bin/sh
mount -t devtmpfs dev /dev
mount -t proc proc /proc
mount -t sysfs sys /sys
modprobe virtio_blk
mount LABEL=slipway /slipway
exec /slipway/test/modern/guest/job.sh
INIT
chmod +x root/slipway-init
# What the machine is started for: the command line of the kernel says it.
cat >root/etc/systemd/system/slipway-job.service <<'UNIT'
[Unit]
Description=What this machine was started for
After=multi-user.target
[Service]
Type=oneshot
Delegate=yes
TimeoutStartSec=infinity
ExecStart=/slipway/test/modern/guest/job.sh
StandardOutput=file:/dev/ttyS0
StandardError=inherit
[Install]
WantedBy=graphical.target
UNIT
chroot root systemctl -q enable slipway-job
chroot root systemctl -q set-default graphical.target
chroot root systemctl -q disable containerd docker-registry 2>/dev/null || :
chroot root systemctl -q mask apt-daily.timer apt-daily-upgrade.timer e2scrub_all.timer e2scrub_reap.service \
  fstrim.timer dpkg-db-backup.timer getty.target serial-getty@ttyS0.service

mke2fs -q -t ext4 -d root -L root root.img 3G
rm -rf root kernel apt
