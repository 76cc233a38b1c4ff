#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Unmodified Debian kernels boot under vmxl to user space and power off.  TAP.
#
# usage: guests.sh NAME...      /lab/NAME is a kernel; /lab/demo.cpio the initramfs
#
# shellcheck shell=dash

n=0
echo "TAP version 13"
echo "1..$#"
for name; do
	n=$((n + 1))
	if vmxl run --kernel "/lab/$name" --initrd /lab/demo.cpio --memory 256M \
		--cmdline "console=ttyS0 quiet panic=-1" >/tmp/console 2>/tmp/errors </dev/null &&
	   grep -q "guest: Linux " /tmp/console && grep -q "guest: powering off" /tmp/console; then
		echo "ok $n $name: $(grep -o 'guest: Linux [^#]*' /tmp/console)"
	else
		echo "not ok $n $name"
		tail -n 20 /tmp/console /tmp/errors | sed 's/^/# /'
	fi
done
