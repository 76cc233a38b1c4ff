# SPDX-License-Identifier: GPL-2.0-only
"""Install and build what suites need, one logged step after another."""

import os
import shlex
import subprocess
import time

from . import LAB, TOP

# A step that took less goes without saying.
SECONDS_WORTH_SAYING = 2
TAIL = 25


def step(title, command, out):
    """Run COMMAND with its log in the folder OUT; whether it succeeded."""
    begin = time.monotonic()
    log = os.path.join(out, f"{title.replace(' ', '-')}.log")
    with open(log, "w") as file:
        status = subprocess.run(command, cwd=TOP, stdin=subprocess.DEVNULL, stdout=file,
                                stderr=subprocess.STDOUT).returncode
    taken = time.monotonic() - begin
    if status == 0:
        if taken > SECONDS_WORTH_SAYING:
            print(f"ready {title} ({taken:.0f} s)", flush=True)
        return True
    with open(log, errors="replace") as file:
        tail = file.read().splitlines()[-TAIL:]
    print(f"FAIL  {title}: {shlex.join(command)} (log: {log})", flush=True)
    for line in tail:
        print(f"      | {line}", flush=True)
    return False


def prepare(machines, kernels, out):
    """Make ready for suites on these MACHINES with these KERNELS: the titles of the
    steps that failed."""
    os.makedirs(out, exist_ok=True)
    # One folder that does not build leaves the others their tests.
    make = ["make", "-k", "-j", str(os.cpu_count() or 1)]
    steps = [("packages", [os.path.join(LAB, "setup")]),
             ("kernels", [os.path.join(LAB, "kernels")])]
    if "qemu-vmx" in machines:
        steps.append(("qemu-vmx", [os.path.join(TOP, "selftests/qemu-vmx/build")]))
    steps.append(("linux source", [os.path.join(LAB, "linux-src")]))
    if "kunit" in kernels:
        steps.append(("kunit kernel", [os.path.join(LAB, "kunit-kernel")]))
    steps += [("programs", make + ["tools"]), ("test programs", make + ["tests"])]
    steps += [(f"modules {k}", make + ["modules", f"KERNEL={k}"]) for k in sorted(kernels)]
    return [title for title, command in steps if not step(title, command, out)]
