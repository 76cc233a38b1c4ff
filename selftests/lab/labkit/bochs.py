# SPDX-License-Identifier: GPL-2.0-only
"""Machines of Bochs: an independent and strict VT-x."""

import hashlib
import os
import re
import shutil
import struct
import subprocess

from . import BUILD, LAB, LabError

# Instructions in an emulated second. More of them make timer interrupts rarer and waits
# longer.
IPS = 10000000
CPU = "corei7_skylake_x"

CONSOLE = "/dev/ttyS0"
OUTPUT = "/dev/ttyS1"
# The slave of the first ATA channel; the boot disk is its master.
DISK = "/sys/bus/scsi/devices/0:0:1:0/block/*"
DISK_MODULES = ["ata_piix", "sd_mod"]
# Bochs ends with 1 when the machine switches itself off.
GOOD_STATUS = (0, 1)

# What Linux finds odd in Bochs's CPUID and XSAVE, at each boot; and its own loader of modules,
# which makes thunks against indirect target selection (ITS) on the tigerlake model.
ALLOW = [r"WARNING: CPU: \d+ PID: \d+ at arch/x86/kernel/(cpu/topology|fpu/xstate)",
         r"WARNING: CPU: \d+ PID: \d+ at arch/x86/mm/pat/set_memory.c:\d+ __change_page_attr_"]

# Each of these initcalls costs millions of instructions and gives nothing that is used.
UNUSED_INITCALLS = (
    "jent_mod_init,load_system_certificate_list,"
    "bpf_rstat_kfunc_init,bpf_key_sig_kfuncs_init,bpf_kprobe_multi_kfuncs_init,kfunc_init,"
    "cpumask_kfunc_init,crypto_kfunc_init,bpf_fs_kfuncs_init,bpf_kfunc_init,"
    "bpf_prog_test_run_init,bpf_dummy_struct_ops_init,bpf_tcp_ca_kfunc_init,"
    "bpf_mptcp_kfunc_init,bpf_map_iter_init,bpf_prog_iter_init,bpf_link_iter_init,"
    "bpf_cgroup_iter_init,bpf_sockmap_iter_init,bpf_sk_storage_map_iter_init,"
    "bpf_ksym_iter_register")
APPEND = (
    "console=ttyS0,115200 panic=-1 loglevel=5 no_timer_check tsc=reliable "
    f"tsc_early_khz={IPS // 1000} random.trust_cpu=on nowatchdog "
    # Its MONITOR forgets to tell the other CPU's TLB: stores there do not end the MWAIT, and
    # the idle CPU sleeps on until its next timer, minutes later. HLT ends by an interrupt.
    "idle=halt "
    # Bochs leaps over idle time, so that a task sleeps for minutes that nobody waits.
    "sysctl.kernel.hung_task_timeout_secs=0 rcupdate.rcu_cpu_stall_suppress=1 "
    "8250.nr_uarts=2 audit=0 "
    "cryptomgr.notests=1 lsm=capability nokaslr "
    f"initcall_blacklist={UNUSED_INITCALLS}")

# Where the boot sector puts things: see bochs/boot.S.
KERNEL = 0x1000000
INITRD = 0x8000000
COMMAND_LINE = 0x11000
BLOCK = 256 * 512
# The patched words at the end of the boot sector.
BOOT_WORDS = 498
# A flat disk has whole cylinders of 16 heads and 63 sectors.
CYLINDER = 16 * 63 * 512

DECOMPRESS = {
    b"\x28\xb5\x2f\xfd": ["zstd", "-dc"],
    b"\xfd7zX": ["xz", "-dc", "--single-stream"],
    b"\x1f\x8b\x08\x00": ["gzip", "-dc"],
}


def pad(data, unit):
    return data + bytes(-len(data) % unit)


def flat_kernel(kernel):
    """The decompressed kernel as it lies in memory from KERNEL on, and its entry point.
    Kept by content."""
    with open(kernel.image, "rb") as file:
        image = file.read()
    cache = os.path.join(BUILD, "initramfs/kernels", hashlib.sha256(image).hexdigest())
    if not os.path.exists(cache):
        os.makedirs(os.path.dirname(cache), exist_ok=True)
        mine = f"{cache}.{os.getpid()}"
        with open(mine, "wb") as file:
            file.write(unpack_kernel(image))
        os.rename(mine, cache)
    with open(cache, "rb") as file:
        data = file.read()
    return image, data[8:], struct.unpack_from("<Q", data)[0]


def unpack_kernel(image):
    # Documentation/arch/x86/boot.rst: setup_sects, payload_offset, payload_length.
    setup_sectors = image[0x1f1] or 4
    offset, length = struct.unpack_from("<II", image, 0x248)
    start = (setup_sectors + 1) * 512 + offset
    payload = image[start:start + length]
    tool = DECOMPRESS.get(payload[:4])
    if not tool:
        raise LabError("the kernel is compressed in a way the lab does not know")
    # The size, four bytes, follows every format but gzip, which has its own.
    if tool[0] != "gzip":
        payload = payload[:-4]
    elf = subprocess.run(tool, input=payload, stdout=subprocess.PIPE).stdout
    if elf[:4] != b"\x7fELF":
        raise LabError(f"{tool[0]} does not unpack the kernel")
    entry, = struct.unpack_from("<Q", elf, 0x18)
    table, = struct.unpack_from("<Q", elf, 0x20)
    count, = struct.unpack_from("<H", elf, 0x38)
    flat = bytearray()
    for i in range(count):
        kind, _, offset, _, physical, size, _, _ = struct.unpack_from(
            "<IIQQQQQQ", elf, table + 56 * i)
        if kind != 1:
            continue
        at = physical - KERNEL
        flat.extend(bytes(max(0, at + size - len(flat))))
        flat[at:at + size] = elf[offset:offset + size]
    return struct.pack("<Q", entry) + bytes(flat)


def boot_params(image, initrd_size, append):
    """The zero page as a boot loader fills it, and the command line after it."""
    params = bytearray(4096)
    header_end = 0x202 + image[0x201]
    params[0x1f1:header_end] = image[0x1f1:header_end]
    # An 80x25 text screen.
    params[0x06:0x08] = bytes((3, 80))
    params[0x0e:0x10] = bytes((25, 1))
    struct.pack_into("<H", params, 0x10, 16)
    struct.pack_into("<H", params, 0x1fa, 0xffff)
    params[0x210] = 0xff
    params[0x211] |= 1
    struct.pack_into("<II", params, 0x218, INITRD, initrd_size)
    struct.pack_into("<I", params, 0x228, COMMAND_LINE)
    line = append.encode() + b"\0"
    if len(line) > 2048:
        raise LabError("the kernel command line is longer than 2047 characters")
    return bytes(params) + pad(line, 4096)


def boot_sector(run_dir):
    source = os.path.join(LAB, "bochs/boot.S")
    obj, out = os.path.join(run_dir, "boot.o"), os.path.join(run_dir, "boot.bin")
    subprocess.run(["cc", "-c", "-o", obj, source], check=True)
    subprocess.run(["ld", "-Ttext=0x7c00", "--oformat", "binary", "-o", out, obj], check=True)
    with open(out, "rb") as file:
        return bytearray(file.read())


def write_disk(path, kernel, initrd, append, run_dir):
    image, flat, entry = flat_kernel(kernel)
    with open(initrd, "rb") as file:
        archive = file.read()
    if len(flat) > INITRD - KERNEL:
        raise LabError("the kernel reaches into the place of the initramfs")
    blocks = [pad(flat, BLOCK), pad(archive, BLOCK)]
    sector = boot_sector(run_dir)
    struct.pack_into("<III", sector, BOOT_WORDS, entry, *(len(b) // BLOCK for b in blocks))
    with open(path, "wb") as file:
        file.write(bytes(sector) + boot_params(image, len(archive), append))
        for block in blocks:
            file.write(block)
        file.truncate(-(-file.tell() // CYLINDER) * CYLINDER)


def megabytes(memory):
    found = re.fullmatch(r"(\d+)([MG]?)", memory)
    if not found:
        raise LabError(f"'{memory}' is no amount of memory: write 512M")
    return int(found.group(1)) * (1024 if found.group(2) == "G" else 1)


def command(options, kernel, initrd, append, run_dir, fifos):
    if options.icount or options.device or options.qemu_arg:
        raise LabError("Bochs has no --icount (its time always counts instructions),"
                       " --device or --qemu-arg")
    program = shutil.which("bochs-bin") or shutil.which("bochs")
    if not program:
        raise LabError("Bochs is not there: run selftests/lab/setup bochs")
    write_disk(os.path.join(run_dir, "boot.img"), kernel, initrd, append, run_dir)
    disk = ""
    if options.disk:
        path = os.path.join(run_dir, "disk")
        size = -(-(options.disk << 20) // CYLINDER) * CYLINDER
        with open(path, "wb") as file:
            file.truncate(size)
        disk = (f'ata0-slave: type=disk, path="{path}", mode=flat, '
                f"cylinders={size // CYLINDER}, heads=16, spt=63")
    with open(os.path.join(LAB, "bochs/bochsrc")) as file:
        config = file.read()
    for word, value in {
            "CPU": options.cpu or CPU, "SMP": options.smp, "IPS": IPS, "DISK": disk,
            "MEMORY": megabytes(options.memory), "DIR": run_dir,
            "CONSOLE": fifos["console"], "OUTPUT": fifos["output"]}.items():
        config = config.replace(f"@{word}@", str(value))
    bochsrc = os.path.join(run_dir, "bochsrc")
    with open(bochsrc, "w") as file:
        file.write(config)
    # This build begins in its debugger: continue, and quit when the machine stops.
    debugger = os.path.join(run_dir, "debugger")
    with open(debugger, "w") as file:
        file.write("c\nq\n")
    return [program, "-q", "-f", bochsrc, "-rc", debugger]
