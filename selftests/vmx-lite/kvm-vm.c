// SPDX-License-Identifier: GPL-2.0-only
/*
 * kvm-vm: make a VM with a vCPU under KVM, so that KVM holds VT-x; status 1 if
 * it cannot.  "kvm-vm hold" keeps it, and says so by the file /tmp/kvm-holds.
 */
#include <fcntl.h>
#include <linux/kvm.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	int kvm, vm;

	unlink("/tmp/kvm-holds");
	kvm = open("/dev/kvm", O_RDWR);
	if (kvm < 0)
		return 1;
	vm = ioctl(kvm, KVM_CREATE_VM, 0UL);
	if (vm < 0 || ioctl(vm, KVM_CREATE_VCPU, 0UL) < 0)
		return 1;
	if (argc == 2 && !strcmp(argv[1], "hold")) {
		close(open("/tmp/kvm-holds", O_CREAT | O_WRONLY, 0600));
		pause();
	}
	return 0;
}
