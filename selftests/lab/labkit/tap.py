# SPDX-License-Identifier: GPL-2.0-only
"""Read test results: TAP 13 and 14, and the kernel's KTAP with its nested tests.

A stream is one or more programs, each between the lines that guest/tap-run prints, or a
single program without them. Each must state its plan and give as many results.
"""

import re
from dataclasses import dataclass, field

BEGIN = re.compile(r"# tap-run: begin (\S+)$")
END = re.compile(r"# tap-run: end (\S+) (\d+)$")
PLAN = re.compile(r"( *)1\.\.(\d+)(?:\s*#\s*SKIP\b\s*(.*))?", re.IGNORECASE)
RESULT = re.compile(r"( *)(not )?ok\b(?: +(\d+))?(?: +- +| +)?([^#]*)(?:#\s*(\w+)\s*(.*))?")
# KUnit gives the cases of a parameterised test no plan, but their number after them.
STATISTICS = re.compile(r"( *)# \S+: pass:\d+ fail:\d+ skip:\d+ total:(\d+)")
# printk's time stamp, and the thread's where that is on.
STAMP = re.compile(r"\[ *\d+\.\d+\](?:\[ *[TC]\d+\])? ")

# kselftest's exit status for a program that cannot run here.
SKIPPED = 4
# Lines before a failure that are shown with it.
CONTEXT = 15


@dataclass
class Failure:
    name: str
    context: list


@dataclass
class Totals:
    passed: int = 0
    failures: list = field(default_factory=list)
    skips: list = field(default_factory=list)

    def add(self, other):
        self.passed += other.passed
        self.failures += other.failures
        self.skips += other.skips

    def empty(self):
        return not (self.passed or self.failures or self.skips)


class _Level:
    """The results at one depth of indentation; the next result above is their parent."""

    def __init__(self):
        self.plan = None
        self.results = 0
        self.failed = False


class _Program:
    """One TAP stream."""

    def __init__(self, name):
        self.name = name
        self.totals = Totals()
        self.levels = {}
        self.recent = []
        self.bailed = False

    def fail(self, what):
        self.totals.failures.append(Failure(f"{self.name}: {what}", self.recent[-CONTEXT:]))
        self.recent = []

    def _skip(self, what):
        self.totals.skips.append(f"{self.name}: {what}")

    def _close(self, depth, parent=""):
        """End a level; whether anything in it failed."""
        level = self.levels.pop(depth)
        if level.plan is None:
            self.fail(f"{parent}no plan")
        elif level.plan != level.results:
            self.fail(f"{parent}{level.results} results of {level.plan} planned")
        else:
            return level.failed
        return True

    def line(self, line):
        line = STAMP.sub("", line, count=1).rstrip()
        plan = PLAN.fullmatch(line)
        if plan:
            indent, count, reason = plan.groups()
            self.levels.setdefault(len(indent), _Level()).plan = int(count)
            if int(count) == 0:
                self._skip(reason or "nothing to do")
            return
        if line.startswith("Bail out!"):
            self.bailed = True
            self.fail(line)
            return
        statistics = STATISTICS.fullmatch(line)
        if statistics:
            indent, count = statistics.groups()
            for depth, level in self.levels.items():
                if depth > len(indent) and level.plan is None:
                    level.plan = int(count)
            return
        result = RESULT.fullmatch(line)
        if result:
            self._result(*result.groups())
        else:
            self.recent.append(line)

    def _result(self, indent, negative, number, title, directive, reason):
        depth = len(indent)
        title = title.strip() or f"test {number}"
        children = sorted((d for d in self.levels if d > depth), reverse=True)
        child_failed = any([self._close(child, f"{title}: ") for child in children])
        level = self.levels.setdefault(depth, _Level())
        level.results += 1
        if number and int(number) != level.results:
            self.fail(f"{title}: number {number} where {level.results} is due")
        if (directive or "").upper() in ("SKIP", "SKIPPED"):
            self._skip(f"{title}: {reason}")
        elif negative:
            level.failed = True
            # A parent repeats what its children said.
            if not child_failed:
                self.fail(title)
        elif not children:
            self.totals.passed += 1
        self.recent = []

    def finish(self, status):
        """The stream has ended; STATUS is its program's, None where unknown."""
        if not self.bailed:
            for depth in sorted(self.levels, reverse=True):
                self._close(depth)
        if self.totals.empty():
            if status == SKIPPED:
                self._skip(" ".join(self.recent[-1:]))
            else:
                self.fail("no results")
        elif status not in (0, SKIPPED, None) and not self.totals.failures:
            self.fail(f"ended with status {status}, though no test failed")
        return self.totals


def read(lines, name, status=None):
    """The totals of all programs in LINES. A single program without guest/tap-run's
    lines is called NAME and ended with STATUS."""
    totals = Totals()
    program = None
    sections = False

    def lost():
        if program and sections:
            program.fail("did not end")
        if program:
            totals.add(program.finish(None if sections else status))

    for line in lines:
        begin, end = BEGIN.match(line), END.match(line)
        if begin:
            lost()
            sections = True
            program = _Program(begin.group(1))
        elif end and program:
            totals.add(program.finish(int(end.group(2))))
            program = None
        elif program:
            program.line(line)
        elif not sections and line.strip():
            program = _Program(name)
            program.line(line)
    lost()
    if totals.empty():
        totals.failures.append(Failure(f"{name}: no results", []))
    return totals
