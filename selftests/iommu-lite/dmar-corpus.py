#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Compare `vmxl dmar FILE` with `iasl -d FILE` for every table in a folder.

usage: dmar-corpus.py VMXL FOLDER
"""
import os
import re
import shutil
import subprocess
import sys
import tempfile

TYPES = {0: "DRHD", 1: "RMRR", 2: "ATSR", 3: "RHSA", 4: "ANDD", 5: "SATC"}
NEWER = {5: "SATC", 6: "SIDP"}
SCOPES = {1: "endpoint", 2: "bridge", 3: "IOAPIC", 4: "HPET", 5: "namespace"}


def iasl_fields(table):
    """The disassembly as a list of (name, value) in order."""
    with tempfile.TemporaryDirectory() as work:
        copy = os.path.join(work, "t.dat")
        shutil.copyfile(table, copy)
        subprocess.run(["iasl", "-d", copy], stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL, check=True, timeout=60)
        with open(os.path.join(work, "t.dsl"), errors="replace") as dsl:
            text = dsl.read()
    text = text.split("Raw Table Data")[0]
    pattern = re.compile(r"^\[[0-9A-F]{3}h[^\]]*\]\s+(.*?) : (.*)$", re.M)
    return [(m[1].strip(), m[2].strip()) for m in pattern.finditer(text)]


def number(text):
    return int(text.split()[0], 16)


def from_iasl(table):
    """What iasl reads: (address width, [(type, {field: value}, [scope])])."""
    width = None
    structures = []
    for name, value in iasl_fields(table):
        if name == "Host Address Width":
            width = number(value) + 1
        elif name == "Subtable Type":
            structures.append((number(value), {}, []))
        elif name == "Device Scope Type":
            structures[-1][2].append({"type": number(value), "path": []})
        elif structures and structures[-1][2]:
            scope = structures[-1][2][-1]
            if name == "PCI Path":
                scope["path"].append(tuple(
                    int(x, 16) for x in re.findall(r"[0-9A-Fa-f]+", value)[:2]))
            else:
                scope[name] = value
        elif structures:
            structures[-1][1].setdefault(name, value)
    return width, structures


def types_by_length(table):
    """The types of all structures, stepping over each by its length."""
    with open(table, "rb") as file:
        data = file.read()
    types, at = [], 48
    while at < int.from_bytes(data[4:8], "little"):
        types.append(int.from_bytes(data[at:at + 2], "little"))
        at += int.from_bytes(data[at + 2:at + 4], "little")
    return types


def expected(kind, fields):
    """The numbers a structure's line must hold, from iasl's fields."""
    want = {}
    if kind in (0, 1, 2, 5) and "PCI Segment Number" in fields:
        want["segment"] = number(fields["PCI Segment Number"])
    if kind in (0, 2, 5):
        want["flags"] = number(fields["Flags"])
    if kind == 0:
        want["registers"] = number(fields["Register Base Address"])
    if kind == 1:
        want["memory"] = number(fields["Base Address"])
        want["limit"] = number(fields["End Address (limit)"])
    if kind == 3:
        want["registers"] = number(fields["Base Address"])
        want["domain"] = number(fields["Proximity Domain"])
    if kind == 4:
        want["device"] = number(fields["Device Number"])
        want["name"] = fields["Device Name"].strip('"')
    return want


def from_vmxl(program, table):
    """What vmxl prints, in the same form, with its exit status and message."""
    done = subprocess.run([program, "dmar", table], capture_output=True,
                          text=True, errors="replace", timeout=60)
    width = None
    structures = []
    for line in done.stdout.splitlines():
        words = line.split()
        if words[0] == "DMAR":
            width = int(re.search(r"host address width (\d+)", line)[1])
        elif line.startswith("    "):
            m = re.match(r"    (.*?) bus (\w+) path ((?:\w+\.\d ?)+)"
                         r"(?: ?id (\d+))?", line)
            path = [tuple(int(x, 16) for x in hop.split("."))
                    for hop in m[3].split()]
            structures[-1][2].append(
                (m[1], int(m[2], 16), path, int(m[4]) if m[4] else None))
        else:
            got = {}
            for key, base in (("segment", 16), ("flags", 0), ("device", 10),
                              ("domain", 10)):
                m = re.search(rf"\b{key} (\w+)", line)
                if m:
                    got[key] = int(m[1], base)
            m = re.search(r"\bregisters 0x(\w+)", line)
            if m:
                got["registers"] = int(m[1], 16)
            m = re.search(r"\bmemory 0x(\w+)-0x(\w+)", line)
            if m:
                got["memory"], got["limit"] = int(m[1], 16), int(m[2], 16)
            m = re.search(r"\bname (.*)$", line)
            if m:
                got["name"] = m[1]
            structures.append((words[0], got, []))
    return width, structures, done.returncode, done.stderr


def bad_by_iasl(structure):
    """A register base that must be refused, going by iasl alone."""
    kind, fields, _ = structure
    return kind == 0 and (number(fields["Register Base Address"]) in
                          (0, 2**64 - 1))


def compare(program, table):
    """None, or what differs."""
    width, wanted = from_iasl(table)
    got_width, got, status, message = from_vmxl(program, table)
    bad = [i for i, s in enumerate(wanted) if bad_by_iasl(s)]
    if bad:
        wanted = wanted[:bad[0]]
        if status != 1 or "register base is" not in message:
            return f"bad register base not refused: {status} {message!r}"
    elif status != 0:
        return f"status {status}: {message.strip()}"
    if width != got_width:
        return f"host address width {got_width}, iasl has {width}"
    if wanted and "Flags" not in wanted[-1][1] and wanted[-1][0] in NEWER:
        # An iasl older than the structure stops there: go on by lengths
        wanted.pop()
        rest = [NEWER.get(kind, TYPES.get(kind, "UNKNOWN"))
                for kind in types_by_length(table)[len(wanted):]]
        have = [name for name, _, _ in got[len(wanted):]]
        if rest != have:
            return f"after structure {len(wanted)}: {have}, not {rest}"
        del got[len(wanted):]
    if len(wanted) != len(got):
        return f"{len(got)} structures, iasl has {len(wanted)}"
    for index, (want, have) in enumerate(zip(wanted, got)):
        kind, fields, scopes = want
        where = f"structure {index}"
        if have[0] != TYPES.get(kind):
            return f"{where} is {have[0]}, iasl has type {kind}"
        if have[1] != expected(kind, fields):
            return f"{where}: {have[1]}, iasl has {expected(kind, fields)}"
        if len(scopes) != len(have[2]):
            return f"{where}: {len(have[2])} scopes, iasl has {len(scopes)}"
        for scope, (name, bus, path, ident) in zip(scopes, have[2]):
            if (SCOPES[scope["type"]] != name or scope["path"] != path or
                    number(scope["PCI Bus Number"]) != bus):
                return f"{where}: scope {name} {bus} {path}, iasl has {scope}"
            if ident is not None and number(scope["Enumeration ID"]) != ident:
                return f"{where}: id {ident}, iasl has {scope}"
    return None


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    program, folder = sys.argv[1:]
    tables = sorted(f for f in os.listdir(folder)
                    if open(os.path.join(folder, f), "rb").read(4) == b"DMAR")
    print("TAP version 13")
    print(f"1..{len(tables)}")
    failed = 0
    for index, name in enumerate(tables, 1):
        fault = compare(program, os.path.join(folder, name))
        failed += fault is not None
        print(f"{'not ok' if fault else 'ok'} {index} {name}")
        if fault:
            print(f"# {fault}")
    if not tables:
        sys.exit(f"no DMAR table in {folder}")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
