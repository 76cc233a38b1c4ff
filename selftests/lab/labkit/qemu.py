# SPDX-License-Identifier: GPL-2.0-only
"""Machines of QEMU: stock with TCG, stock with KVM, and ours with VMX in TCG."""

import os
import shutil

from . import BUILD, LabError

VMX_BINARY = os.path.join(BUILD, "qemu-vmx/qemu-system-x86_64")

# Both intel_iommu=off and intremap=off: with either alone Linux keeps the VT-d unit.
# no_timer_check: on a loaded host the check of the timer interrupt can fail.
APPEND = ("console=ttyS0,115200 panic=-1 loglevel=5 no_timer_check tsc=reliable "
          "random.trust_cpu=on intel_iommu=off intremap=off")
CONSOLE = "/dev/ttyS0"
OUTPUT = "/dev/ttyS1"
DISK_ADDRESS = "1e.0"
DISK = f"/sys/bus/pci/devices/0000:00:{DISK_ADDRESS}/*/block/*"
DISK_MODULES = ["virtio_pci", "virtio_blk"]

GOOD_STATUS = (0,)
ALLOW = []

CPU = {
    "qemu": "max",
    "qemu-vmx": "Nehalem,vmx=on,invtsc=on",
    "kvm": "host",
}


def vt_x_nests():
    """Whether a guest of this host's KVM has VT-x. That /dev/kvm opens says nothing."""
    try:
        with open("/proc/cpuinfo") as file:
            if " vmx " not in file.read().replace("\n", " "):
                return False
        with open("/sys/module/kvm_intel/parameters/nested") as file:
            if file.read().strip() not in ("Y", "1"):
                return False
        return os.access("/dev/kvm", os.R_OK | os.W_OK)
    except OSError:
        return False


def binary(machine):
    if machine == "qemu-vmx":
        if not os.path.exists(VMX_BINARY):
            raise LabError("qemu-vmx is not built: run selftests/qemu-vmx/build")
        return [VMX_BINARY, "-L", "/usr/share/seabios", "-L", "/usr/share/qemu"]
    found = shutil.which("qemu-system-x86_64")
    if not found:
        raise LabError("no qemu-system-x86_64: run selftests/lab/setup lab")
    return [found]


def command(options, kernel, initrd, append, run_dir, fifos):
    accel = "kvm" if options.machine == "kvm" else "tcg"
    if options.icount:
        if accel == "kvm":
            raise LabError("--icount needs an emulated CPU: --machine qemu or qemu-vmx")
        icount = ["-icount", "shift=3,sleep=off"]
    else:
        icount = []
    args = binary(options.machine) + [
        "-accel", accel, *icount,
        "-machine", "q35" + (",kernel-irqchip=split" if accel == "kvm" else ""),
        "-cpu", options.cpu or CPU[options.machine],
        "-smp", str(options.smp), "-m", options.memory,
        "-nodefaults", "-vga", "none", "-display", "none", "-no-reboot",
        "-kernel", kernel.image, "-initrd", initrd, "-append", append]
    for name in ("console", "output"):
        args += ["-chardev", f"file,id={name},path={fifos[name]}", "-serial", f"chardev:{name}"]
    if options.disk:
        path = os.path.join(run_dir, "disk")
        with open(path, "wb") as file:
            file.truncate(options.disk << 20)
        args += ["-drive", f"if=none,id=labdisk,format=raw,file={path}",
                 "-device", f"virtio-blk-pci,drive=labdisk,addr={DISK_ADDRESS}"]
    for device in options.device:
        args += ["-device", device]
    return args + options.qemu_arg
