#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# The module comes and goes: load, unload, load again; not while it is used; not
# beside KVM; and bad input leaves the log quiet.  TAP.
#
# shellcheck shell=dash

dir=$(dirname "$0")
n=0

result()
{
	n=$((n + 1))
	if [ "$1" = 0 ]; then
		echo "ok $n $2"
	else
		echo "not ok $n $2"
	fi
}

# The last lines the kernel said since the mark: dmesg has no "since".
mark()
{
	lines=$(dmesg | wc -l)
}

said()
{
	dmesg | tail -n +$((lines + 1))
}

loaded()
{
	grep -q '^vmx_lite ' /proc/modules
}

echo "TAP version 13"
echo "1..12"

! loaded
result $? "not loaded at the start"
insmod /modules/vmx-lite.ko && [ -c /dev/vmx-lite ]
result $? "load"
rmmod vmx_lite && [ ! -e /dev/vmx-lite ]
result $? "unload"
insmod /modules/vmx-lite.ko && "$dir/hello" >/dev/null 2>&1
result $? "load again and run a guest"

# A descriptor holds the module.
exec 3<>/dev/vmx-lite
! rmmod vmx_lite 2>/dev/null && loaded
result $? "no unloading while the device is open"
exec 3>&-

# While it holds VT-x, KVM cannot.
mark
! modprobe kvm_intel 2>/dev/null || ! [ -c /dev/kvm ] || ! "$dir/kvm-vm" 2>/dev/null
result $? "KVM gets no VM while vmx-lite is loaded"
rmmod kvm_intel 2>/dev/null
"$dir/hello" >/dev/null 2>&1
result $? "guests run after KVM has tried"

# Bad input, all of it: not a word in the log.
mark
"$dir/system" >/dev/null 2>&1
"$dir/regions" >/dev/null 2>&1
"$dir/state" >/dev/null 2>&1
"$dir/msrs" >/dev/null 2>&1
"$dir/mmio" >/dev/null 2>&1
[ -z "$(said)" ]
result $? "bad input leaves the log quiet"
said | sed 's/^/# /'

rmmod vmx_lite
result $? "unload after use"

# KVM first, with a VM: then we must refuse, and say who it is.
modprobe kvm_intel && [ -c /dev/kvm ]
result $? "load KVM"
"$dir/kvm-vm" hold &
holder=$!
while [ ! -e /tmp/kvm-holds ] && kill -0 $holder 2>/dev/null; do
	sleep 0.1
done
mark
! insmod /modules/vmx-lite.ko 2>/dev/null && ! loaded && said | grep -q 'kvm_intel'
result $? "refused beside KVM, with a sentence that names it"
said | sed 's/^/# /'
kill $holder
wait $holder 2>/dev/null
rmmod kvm_intel
insmod /modules/vmx-lite.ko && "$dir/hello" >/dev/null 2>&1 && rmmod vmx_lite
result $? "load once KVM is gone"
