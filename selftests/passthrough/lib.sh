# shellcheck shell=dash disable=SC2034 # what is not used here is by who reads this
# SPDX-License-Identifier: GPL-2.0-only
#
# What the tests here share that run in a machine which has loaded both modules: TAP,
# devices by their ids, guests. Beside them: vmxl, vmlinuz, guest.cpio.

PCI=/sys/bus/pci
DEBUG=/sys/kernel/debug/iommu-lite
NVME=1b36:0010 E1000E=8086:10d3 VIRTIO_NET=1af4:1041 VIRTIO_BLK=1af4:1042 EDU=1234:11e8

tests=0
failed=0

result() { # STATUS NAME
	tests=$((tests + 1))
	if [ "$1" = 0 ]; then
		echo "ok $tests $2"
	else
		echo "not ok $tests $2"
		failed=1
	fi
}

check() { # NAME COMMAND...
	local what="$1"
	shift
	if "$@" >/tmp/check 2>&1; then
		result 0 "$what"
	else
		echo "# failed: $*"
		sed 's/^/# /' /tmp/check
		result 1 "$what"
	fi
}

finish() {
	echo "1..$tests"
	exit $failed
}

# device VENDOR:DEVICE [NTH]: the address of such a function, the first if not said otherwise
device() {
	for path in "$PCI"/devices/*; do
		id=$(cut -c 3- "$path/vendor"):$(cut -c 3- "$path/device")
		[ "$id" = "$1" ] && basename "$path"
	done | sed -n "${2:-1}p"
}

# driver BDF: its name, or nothing
driver() { basename "$(readlink "$PCI/devices/$1/driver")" 2>/dev/null; }

bus_master() { # BDF
	[ $((0x$(hexdump -s 4 -n 1 -e '/1 "%02x"' "$PCI/devices/$1/config") & 4)) != 0 ]
}

quiet() { # BDF: bus mastering is off, and nobody holds it
	hexdump -C -n 64 "$PCI/devices/$1/config"
	cat $DEBUG/users
	! bus_master "$1" && ! grep -q "$1" $DEBUG/users
}

# until_is TEST...: it, within a minute of this machine
until_is() {
	left=600
	until test "$@"; do
		left=$((left - 1))
		[ $left -gt 0 ] || return 1
		sleep 0.1
	done
}

# vmxl run, with what all guests have
run() { # WORDS [OPTION...]
	local words="console=ttyS0 quiet panic=-1 $1"
	shift
	timeout -s KILL 450 vmxl run --kernel vmlinuz --initrd guest.cpio --memory 256M \
		--cmdline "$words" "$@"
}

# refused NAME WORDS COMMAND...: it fails with a single line, which has WORDS
refused() {
	local what="$1" words="$2" rc
	shift 2
	"$@" >/tmp/refused-out 2>/tmp/refused
	rc=$?
	[ $rc = 1 ] || [ $rc = 2 ] && [ "$(wc -l </tmp/refused)" = 1 ] &&
		grep -q "^vmxl: .*$words" /tmp/refused
	rc=$?
	[ $rc = 0 ] || sed 's/^/# /' /tmp/refused
	result $rc "$what"
}

# guest NAME STATUS WORDS [OPTION...]: run a guest; its output is in /tmp/out
guest() {
	local what="$1" wanted="$2" rc
	shift 2
	run "$@" >/tmp/out 2>/tmp/err </dev/null
	rc=$?
	[ $rc = "$wanted" ] || {
		tail -n 50 /tmp/out /tmp/err | tr -d '\r' | sed 's/^/# /'
		echo "# status $rc, wanted $wanted"
	}
	[ $rc = "$wanted" ]
	result $? "$what"
}

# said NAME WORDS [FILE]: a guest said this, as a whole line
said() {
	if tr -d '\r' <"${3:-/tmp/out}" | grep -qx "guest: $2"; then
		result 0 "$1"
	else
		echo "# wanted: $2"
		tail -n 50 "${3:-/tmp/out}" | tr -d '\r' | sed 's/^/# /'
		result 1 "$1"
	fi
}

# value WHAT [FILE]: what a guest said of it
value() { tr -d '\r' <"${2:-/tmp/out}" | sed -n "s/^guest: $1 //p"; }

has_said() { # WORDS FILE
	tr -d '\r' <"$2" | grep -qx "guest: $1"
}

# Until a guest in the background said this, for at most two minutes
until_said() { # WORDS FILE
	left=1200
	until has_said "$@"; do
		left=$((left - 1))
		[ $left -gt 0 ] || return 1
		sleep 0.1
	done
}

sum() { sha256sum | cut -c 1-64; }
