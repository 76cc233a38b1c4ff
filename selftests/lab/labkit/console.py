# SPDX-License-Identifier: GPL-2.0-only
"""Watch an emulated machine: pass on what it says, and judge how it ended.

A machine has two lines: the kernel's console, and the output of COMMAND, so that a
kernel message never lands in the middle of a test's line. The first carries what the
kernel says of itself at level warning and above; any report of a bug there is a failure.
"""

import os
import re
import select
import sys
import time

# What a healthy kernel never says.
BAD = re.compile(
    r"Kernel panic|BUG:|\bOops\b|(^|\] )WARNING: |general protection fault|kernel BUG at|"
    r"UBSAN:|KASAN:|KCSAN:|kmemleak: \d+ new|soft lockup|hard LOCKUP|"
    r"INFO: task .* blocked|detected stall|INFO: possible|INFO: trying to register|"
    r"turning off the locking correctness validator|unchecked MSR access|"
    r"double fault|refcount_t:|list_(add|del) corruption|Bad page state|"
    r"scheduling while atomic|sleeping function called|ODEBUG:|"
    r"cannot create duplicate filename|failed to execute /init|No working init")

# What an emulator says when it gives up.
ABORT = re.compile(
    r"tcg fatal error|qemu: fatal|[Aa]ssertion|Aborted|Bad icount|>>PANIC<<|"
    r"triple fault|qemu-system-x86_64: .*(nvalid|ould not|not (supported|found|a valid))")

# What Bochs tells of its own start.
CHATTER = re.compile(r"\d+i\[|=====|Next at|Bochs connected|\s*$|\s+(Bochs|Built|Timestamp)")

# After the end marker the machine has this long to switch itself off, and after a report
# of a bug this long to end COMMAND.
POWEROFF_SECONDS = 60
AFTERMATH_SECONDS = 120
# Lines of each log in the report of a failure.
TAIL = 40


class Line:
    """One stream of the machine, cut into lines."""

    def __init__(self, fd):
        self.fd = fd
        self.rest = b""

    def read(self):
        """The whole lines that have come; None at the end of the stream."""
        try:
            data = os.read(self.fd, 65536)
        except BlockingIOError:
            return []
        if not data:
            return None
        *lines, self.rest = (self.rest + data.replace(b"\r", b"")).split(b"\n")
        return [line.decode("utf-8", "replace") for line in lines]

    def last(self):
        rest, self.rest = self.rest, b""
        return [rest.decode("utf-8", "replace")] if rest else []


class Watcher:
    def __init__(self, token, timeout, show_console, log_dir=None, allow=()):
        self.start_mark = f"LAB-START {token}"
        self.end_mark = f"LAB-END {token} "
        self.timeout = timeout
        self.show_console = show_console
        self.allow = [re.compile(a) for a in allow]
        self.console_log = []
        self.output_log = []
        self.emulator_log = []
        self.problems = []
        self.started = None
        self.ended = None
        self.status = None
        self.timed_out = False
        self.deadline = None
        self.files = {}
        if log_dir:
            os.makedirs(log_dir, exist_ok=True)
            for name in ("console", "output"):
                self.files[name] = open(os.path.join(log_dir, name + ".log"), "w")

    def _log(self, name, line):
        if name in self.files:
            self.files[name].write(line + "\n")
            self.files[name].flush()

    def _is_allowed(self, line):
        return any(a.search(line) for a in self.allow)

    def _on_console(self, line):
        self.console_log.append(line)
        self._log("console", line)
        if self.show_console:
            print(line, file=sys.stderr, flush=True)
        if BAD.search(line) and not self._is_allowed(line):
            self.problems.append(f"the kernel reports: {line.strip()}")
            self.deadline = min(self.deadline, time.monotonic() + AFTERMATH_SECONDS)

    def _on_output(self, line):
        if line == self.start_mark:
            self.started = time.monotonic()
            return
        at = line.find(self.end_mark)
        if at >= 0:
            self.ended = time.monotonic()
            self.status = int(line[at + len(self.end_mark):])
            line = line[:at]
            if not line:
                return
        self.output_log.append(line)
        self._log("output", line)
        print(line, flush=True)

    def _on_emulator(self, line):
        self.emulator_log.append(line)
        self._log("console", "emulator: " + line)
        if ABORT.search(line) and not self._is_allowed(line):
            self.problems.append(f"the emulator reports: {line.strip()}")

    def watch(self, process, console_fd, output_fd):
        """Until PROCESS ends, or its time is over and it is killed."""
        self.deadline = time.monotonic() + self.timeout
        killed = False
        streams = {
            console_fd: (Line(console_fd), self._on_console),
            output_fd: (Line(output_fd), self._on_output),
            process.stdout.fileno(): (Line(process.stdout.fileno()), self._on_emulator),
        }
        for fd in streams:
            os.set_blocking(fd, False)
        while True:
            alive = process.poll() is None
            ready, _, _ = select.select(list(streams), [], [], 0.2 if alive else 0)
            for fd in ready:
                line, handler = streams[fd]
                lines = line.read()
                if lines is None:
                    del streams[fd]
                    continue
                for text in lines:
                    handler(text)
            if not alive and not ready:
                break
            if alive and not killed and self._over(time.monotonic()):
                process.kill()
                killed = True
        for line, handler in streams.values():
            for text in line.last():
                handler(text)
        if self.status is None and not self.problems:
            self.problems.append("the machine ended without COMMAND's exit status")

    def _over(self, now):
        """Whether the machine has had its time; says which in problems."""
        if self.ended:
            if now < self.ended + POWEROFF_SECONDS:
                return False
            self.problems.append("the machine did not switch itself off after COMMAND")
            return True
        if now < self.deadline:
            return False
        if not self.problems:
            self.timed_out = True
            where = "in COMMAND" if self.started else "before user space"
            self.problems.append(f"{self.timeout} seconds are over, {where}")
        return True

    def report(self):
        """What went wrong, with the last lines of what is not on the screen yet."""
        lines = [f"lab: FAILED: {problem}" for problem in self.problems[:5]]
        logs = [("emulator", [l for l in self.emulator_log if not CHATTER.match(l)])]
        if not self.show_console:
            logs.append(("kernel", self.console_log))
        for name, log in logs:
            lines += [f"lab: {name}: {line}" for line in log[-TAIL:]]
        return "\n".join(lines)
