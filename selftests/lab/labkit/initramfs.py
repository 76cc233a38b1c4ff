# SPDX-License-Identifier: GPL-2.0-only
"""The root file system of an emulated machine: a cpio archive, made without root.

In the machine: busybox's applets in /bin; /lab, which is the working directory and
in PATH, with COMMAND and the files that were asked for; /modules with our modules and
the kernel's that were asked for, for insmod or modprobe.
"""

import os
import re
import shlex
import stat
import subprocess

from . import LabError

BUSYBOX = "/bin/busybox"
DIRS = ("bin", "dev", "etc", "lab", "lib", "lib/modules", "mnt", "proc", "root", "run",
        "sbin", "sys", "tmp", "usr", "usr/bin", "var")
ETC = {
    "passwd": "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/sh\n",
    "group": "root:x:0:\nnogroup:x:65534:\n",
    "fstab": "",
}


class Archive:
    """A cpio archive in the "newc" format that the kernel unpacks
    (Documentation/driver-api/early-userspace/buffer-format.rst)."""

    def __init__(self):
        self._parts = []
        self._size = 0
        self._names = set()

    def _put(self, data):
        self._parts.append(data)
        self._size += len(data)

    def _pad(self):
        self._put(bytes(-self._size % 4))

    def _entry(self, name, mode, data=b"", rdev=(0, 0)):
        raw = name.encode() + b"\0"
        fields = (len(self._names) + 1, mode, 0, 0, 1, 0, len(data), 0, 0, *rdev, len(raw), 0)
        self._put(b"070701" + b"".join(b"%08x" % f for f in fields) + raw)
        self._pad()
        self._put(data)
        self._pad()
        self._names.add(name)

    def directory(self, name):
        name = name.strip("/")
        if not name or name in self._names:
            return
        self.directory(os.path.dirname(name))
        self._entry(name, stat.S_IFDIR | 0o755)

    def file(self, name, data, mode=0o644):
        name = name.strip("/")
        if name in self._names:
            return
        self.directory(os.path.dirname(name))
        self._entry(name, stat.S_IFREG | mode, data)

    def link(self, name, target):
        name = name.strip("/")
        if name in self._names:
            return
        self.directory(os.path.dirname(name))
        self._entry(name, stat.S_IFLNK | 0o777, target.encode())

    def device(self, name, major, minor):
        self._entry(name, stat.S_IFCHR | 0o600, rdev=(major, minor))

    def bytes(self):
        end = Archive()
        end._entry("TRAILER!!!", 0)
        return b"".join(self._parts + end._parts)


def libraries(path):
    """The shared libraries of the program at PATH, its loader too."""
    with open(path, "rb") as file:
        if file.read(4) != b"\x7fELF":
            return []
    result = subprocess.run(["ldd", path], capture_output=True, text=True)
    if "not found" in result.stdout:
        raise LabError(f"{path} lacks a shared library:\n{result.stdout}")
    if result.returncode:
        return []
    return re.findall(r"(?:=> )?(/\S+) \(0x", result.stdout)


class Image:
    def __init__(self):
        self.archive = Archive()
        if not os.path.exists(BUSYBOX):
            raise LabError("no /bin/busybox: run selftests/lab/setup lab")
        for name in DIRS:
            self.archive.directory(name)
        self.archive.device("dev/console", 5, 1)
        self.archive.device("dev/null", 1, 3)
        for name, text in ETC.items():
            self.archive.file("etc/" + name, text.encode())
        with open(BUSYBOX, "rb") as file:
            self.archive.file("bin/busybox", file.read(), 0o755)
        applets = subprocess.run([BUSYBOX, "--list"], capture_output=True, text=True, check=True)
        for applet in applets.stdout.split():
            self.archive.link("bin/" + applet, "busybox")

    def host_file(self, source, target=None):
        """Copy a file, or a directory with all below it; programs with their
        libraries. Returns its path in the machine."""
        if not os.path.exists(source):
            raise LabError(f"there is no file {source}")
        target = target or "/lab/" + os.path.basename(os.path.abspath(source))
        if os.path.isdir(source):
            self.archive.directory(target)
            for name in sorted(os.listdir(source)):
                self.host_file(os.path.join(source, name), f"{target}/{name}")
            return target
        with open(source, "rb") as file:
            self.archive.file(target, file.read(), os.stat(source).st_mode & 0o777)
        if os.access(source, os.X_OK):
            for library in libraries(source):
                with open(library, "rb") as file:
                    self.archive.file(library, file.read(), 0o755)
        return target

    def modules(self, kernel, wanted):
        """WANTED and all of ours, with what they need, for modprobe too. Returns their
        names; what is built into the kernel is not among them."""
        where = f"lib/modules/{kernel.release}"
        modules = kernel.modules(wanted + list(kernel.our_modules()))
        depends = []
        for name, (data, needs) in modules.items():
            self.archive.file(f"{where}/{name}.ko", data)
            depends.append(f"{name}.ko:" + "".join(f" {n}.ko" for n in closure(modules, needs)))
        self.archive.file(f"{where}/modules.dep", ("\n".join(depends) + "\n").encode())
        self.archive.link("modules", where)
        for name in kernel.our_modules():
            self.archive.link(f"{where}/{name.replace('_', '-')}.ko", f"{name}.ko")
        return list(modules)

    def init(self, template, values):
        """The first program: TEMPLATE, after shell assignments of VALUES."""
        with open(template) as file:
            first, rest = file.read().split("\n", 1)
        settings = "".join(f"{k}={shlex.quote(v)}\n" for k, v in values.items())
        self.archive.file("init", (first + "\n" + settings + rest).encode(), 0o755)

    def bytes(self):
        return self.archive.bytes()


def closure(modules, needs):
    """NEEDS and all that they need, the first to load last: so modules.dep has it."""
    wanted = set(needs)
    for name in reversed(list(modules)):
        if name in wanted:
            wanted.update(modules[name][1])
    return [name for name in reversed(list(modules)) if name in wanted]
