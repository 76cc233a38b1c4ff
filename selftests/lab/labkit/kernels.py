# SPDX-License-Identifier: GPL-2.0-only
"""A kernel of the lab: its image, and its modules in the order they load."""

import hashlib
import lzma
import os
import re
import subprocess

from . import BUILD, LAB, LabError

# A module's own record of what it needs, in its .modinfo section.
DEPENDS = re.compile(rb"\0depends=([^\0]*)\0")


def normal(name):
    """Module names mean the same with '-' and '_'."""
    return name.replace("-", "_")


class Kernel:
    def __init__(self, name):
        self.name = name
        self.dir = os.path.join(BUILD, "kernels", name)
        script = "kunit-kernel" if name == "kunit" else "kernels"
        command = [os.path.join(LAB, script)] + ([name] if script == "kernels" else [])
        if not os.path.exists(os.path.join(self.dir, "release")):
            if subprocess.run(command).returncode:
                raise LabError(f"there is no kernel {name}")
        with open(os.path.join(self.dir, "release")) as file:
            self.release = file.read().strip()
        self.image = os.path.join(self.dir, "vmlinuz")
        self.ours = os.path.join(BUILD, "modules", name)
        self._index = None

    def our_modules(self):
        """Name to path of every module of this project built for this kernel."""
        if not os.path.isdir(self.ours):
            return {}
        return {normal(f[:-3]): os.path.join(self.ours, f)
                for f in sorted(os.listdir(self.ours)) if f.endswith(".ko")}

    def _find(self, name):
        if self._index is None:
            self._index = {}
            for base, _, files in os.walk(os.path.join(self.dir, "modules/kernel")):
                for file in files:
                    if ".ko" in file:
                        self._index[normal(file.split(".ko")[0])] = os.path.join(base, file)
            self._index.update(self.our_modules())
        return self._index.get(normal(name))

    def _builtin(self, name):
        for where in ("modules/modules.builtin", "headers/modules.builtin"):
            try:
                with open(os.path.join(self.dir, where)) as file:
                    if any(normal(os.path.basename(line.strip())) == normal(name) + ".ko"
                           for line in file):
                        return True
            except FileNotFoundError:
                pass
        return False

    def modules(self, names):
        """Every module that loading NAMES takes: {name: (bytes, [needed names])},
        each after what it needs."""
        loaded = {}

        def add(name):
            if normal(name) in loaded:
                return
            path = self._find(name)
            if path is None:
                if self._builtin(name):
                    return
                raise LabError(f"kernel {self.name} has no module {name}"
                               f" (ours are built by: make modules KERNEL={self.name})")
            data = plain_module(path)
            found = DEPENDS.search(data)
            needs = [n for n in found.group(1).decode().split(",") if n] if found else []
            for need in needs:
                add(need)
            loaded[normal(name)] = (data, [normal(n) for n in needs])

        for name in names:
            add(name)
        return loaded


def plain_module(path):
    """The module uncompressed, without what only debuggers read. Kept by content."""
    with open(path, "rb") as file:
        data = file.read()
    cache = os.path.join(BUILD, "initramfs/modules", hashlib.sha256(data).hexdigest() + ".ko")
    if not os.path.exists(cache):
        os.makedirs(os.path.dirname(cache), exist_ok=True)
        mine = f"{cache}.{os.getpid()}"
        with open(mine, "wb") as file:
            file.write(lzma.decompress(data) if path.endswith(".xz") else data)
        subprocess.run(["strip", "--strip-debug", "-R", ".BTF", "-R", ".BTF.base", mine],
                       check=True)
        os.rename(mine, cache)
    with open(cache, "rb") as file:
        return file.read()
