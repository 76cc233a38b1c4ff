#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""`vmxl dmar` on tables of our own making, as TAP: each structure, each fault; then the
fuzz target for SECONDS; then, where DMAR_CORPUS names a folder of tables, a comparison
with iasl.

usage: dmar-test.py VMXL FUZZ SECONDS
"""
import os
import struct
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.realpath(__file__))


def table(*structures, haw=39, flags=1, length=None, checksum=0, signature=b"DMAR"):
    """An ACPI DMAR table of these structures; checksum: how far it is off."""
    body = b"".join(structures)
    size = 48 + len(body) if length is None else length
    head = struct.pack("<4sIBB6s8sI4sIBB10x", signature, size, 1, 0, b"OEMID ",
                       b"OEMTABLE", 1, b"CREA", 1, haw - 1, flags)
    data = bytearray(head + body)
    data[9] = (checksum - sum(data[:size])) & 0xff
    return bytes(data)


def scope(kind, bus, *path, ident=0, flags=0, length=None):
    size = 6 + 2 * len(path) if length is None else length
    data = struct.pack("<BBBBBB", kind, size, flags, 0, ident, bus)
    return data + b"".join(struct.pack("<BB", *hop) for hop in path)


def structure(kind, body, length=None):
    return struct.pack("<HH", kind, 4 + len(body) if length is None else length) + body


def drhd(base=0xfed90000, flags=1, segment=0, size=0, scopes=b""):
    return structure(0, struct.pack("<BBHQ", flags, size, segment, base) + scopes)


def rmrr(first, last, segment=0, scopes=b""):
    return structure(1, struct.pack("<HHQQ", 0, segment, first, last) + scopes)


def atsr(flags, segment=0, scopes=b""):
    return structure(2, struct.pack("<BBH", flags, 0, segment) + scopes)


def rhsa(base, domain):
    return structure(3, struct.pack("<IQI", 0, base, domain))


def andd(number, name):
    return structure(4, struct.pack("<3xB", number) + name)


def satc(flags, segment=0, scopes=b""):
    return structure(5, struct.pack("<BBH", flags, 0, segment) + scopes)


def sidp(segment=0, scopes=b""):
    return structure(6, struct.pack("<HH", 0, segment) + scopes)


ENDPOINT = scope(1, 0, (2, 0))
HEAD = "DMAR revision 1, {} bytes, host address width {}, OEM OEMID  OEMTABLE, flags {}"

# (name, table, lines after the first)
GOOD = [
    ("no structure", table(), []),
    ("DRHD, all devices", table(drhd()),
     ["DRHD segment 0000 flags 0x01 INCLUDE_PCI_ALL registers 0xfed90000-0xfed90fff"]),
    ("DRHD with each scope", table(drhd(flags=0, segment=2, scopes=(
        ENDPOINT + scope(2, 0, (0x1c, 4)) + scope(3, 0xf0, (0x1f, 7), ident=2) +
        scope(4, 0, (0xf, 0), ident=1) + scope(5, 0, (0x15, 1), ident=9)))),
     ["DRHD segment 0002 flags 0x00 registers 0xfed90000-0xfed90fff",
      "    endpoint bus 00 path 02.0", "    bridge bus 00 path 1c.4",
      "    IOAPIC bus f0 path 1f.7 id 2", "    HPET bus 00 path 0f.0 id 1",
      "    namespace bus 00 path 15.1 id 9"]),
    ("path of several hops", table(drhd(flags=0, scopes=scope(1, 3, (1, 0), (2, 5), (31, 7)))),
     ["DRHD segment 0000 flags 0x00 registers 0xfed90000-0xfed90fff",
      "    endpoint bus 03 path 01.0 02.5 1f.7"]),
    ("unknown scope type", table(drhd(flags=0, scopes=scope(9, 0, (1, 0), ident=3))),
     ["DRHD segment 0000 flags 0x00 registers 0xfed90000-0xfed90fff",
      "    scope type 9 bus 00 path 01.0 id 3"]),
    ("DRHD of sixteen pages", table(drhd(size=4)),
     ["DRHD segment 0000 flags 0x01 INCLUDE_PCI_ALL registers 0xfed90000-0xfed9ffff"]),
    ("RMRR", table(rmrr(0x7b800000, 0x7fffffff, scopes=ENDPOINT)),
     ["RMRR segment 0000 memory 0x7b800000-0x7fffffff", "    endpoint bus 00 path 02.0"]),
    ("RMRR of one byte", table(rmrr(0x1000, 0x1000)),
     ["RMRR segment 0000 memory 0x1000-0x1000"]),
    ("ATSR", table(atsr(0, scopes=scope(2, 0, (1, 0)))),
     ["ATSR segment 0000 flags 0x00", "    bridge bus 00 path 01.0"]),
    ("ATSR, all ports", table(atsr(1, segment=1)), ["ATSR segment 0001 flags 0x01 ALL_PORTS"]),
    ("RHSA", table(rhsa(0xfed91000, 3)), ["RHSA registers 0xfed91000 proximity domain 3"]),
    ("ANDD", table(andd(2, b"\\_SB.PCI0.I2C0\0")), ["ANDD device 2 name \\_SB.PCI0.I2C0"]),
    ("ANDD of control characters", table(andd(1, b"\x1b[2J\0")), ["ANDD device 1 name ?[2J"]),
    ("SATC", table(satc(1, scopes=ENDPOINT)),
     ["SATC segment 0000 flags 0x01 ATC_REQUIRED", "    endpoint bus 00 path 02.0"]),
    ("SIDP", table(sidp(scopes=scope(1, 0, (2, 0), flags=0x1f))),
     ["SIDP segment 0000", "    endpoint bus 00 path 02.0 flags 0x1f"]),
    ("unknown type", table(structure(77, bytes(9)), drhd()),
     ["UNKNOWN type 77, 13 bytes skipped",
      "DRHD segment 0000 flags 0x01 INCLUDE_PCI_ALL registers 0xfed90000-0xfed90fff"]),
    ("two units", table(drhd(flags=0, scopes=ENDPOINT), drhd(0xfed91000)),
     ["DRHD segment 0000 flags 0x00 registers 0xfed90000-0xfed90fff",
      "    endpoint bus 00 path 02.0",
      "DRHD segment 0000 flags 0x01 INCLUDE_PCI_ALL registers 0xfed91000-0xfed91fff"]),
    ("bytes after the end", table(drhd()) + b"\xff" * 9,
     ["DRHD segment 0000 flags 0x01 INCLUDE_PCI_ALL registers 0xfed90000-0xfed90fff"]),
]

# (name, table, offset, words of the message)
BAD = [
    ("empty file", b"", 0, "shorter than its header"),
    ("cut in the header", table()[:47], 0, "shorter than its header"),
    ("another table", table(signature=b"FACP"), 0, "signature"),
    ("cut off", table(drhd())[:-1], 4, "cut off"),
    ("length below the header", table(length=47), 4, "out of range"),
    ("length of 64 KiB and one", table(length=65537), 4, "out of range"),
    ("wrong checksum", table(drhd(), checksum=1), 9, "checksum"),
    ("width 1", table(haw=1), 36, "address width"),
    ("width 31", table(haw=31), 36, "address width"),
    ("width 53", table(haw=53), 36, "address width"),
    ("width 256", table(haw=256), 36, "address width"),
    ("structure of length 0", table(structure(0, bytes(12), length=0)), 50, "length 0"),
    ("structure of length 3", table(structure(9, bytes(12), length=3)), 50, "its header"),
    ("structure past the end", table(drhd(), structure(9, b"", length=5)), 66, "table's end"),
    ("three bytes at the end", table(drhd(), bytes(3)), 64, "cut off"),
    ("short DRHD", table(structure(0, bytes(11))), 50, "too short"),
    ("short RMRR", table(structure(1, bytes(19))), 50, "too short"),
    ("short ATSR", table(structure(2, bytes(3))), 50, "too short"),
    ("short RHSA", table(structure(3, bytes(15))), 50, "too short"),
    ("short ANDD", table(structure(4, bytes(4))), 50, "too short"),
    ("short SATC", table(structure(5, bytes(3))), 50, "too short"),
    ("short SIDP", table(structure(6, bytes(3))), 50, "too short"),
    ("register base 0", table(drhd(0)), 56, "base is 0"),
    ("register base all ones", table(drhd(2**64 - 1)), 56, "all ones"),
    ("register base not aligned", table(drhd(0xfed90800)), 56, "aligned"),
    ("registers past the end", table(drhd(2**64 - 4096, size=1)), 56, "end of memory"),
    ("the same unit twice", table(drhd(flags=0), drhd(0xfed91000), drhd()), 88, "second DRHD"),
    ("RMRR backwards", table(rmrr(0x2000, 0x1fff)), 64, "before it begins"),
    ("ANDD without an end", table(andd(1, b"\\_SB")), 56, "no end"),
    ("scope cut off", table(drhd(scopes=bytes(5))), 64, "cut off"),
    ("scope of length 0", table(drhd(scopes=scope(1, 0, (1, 0), length=0))), 65, "too short"),
    ("scope without a path", table(drhd(scopes=scope(1, 0))), 65, "too short"),
    ("scope of half a hop", table(drhd(scopes=scope(1, 0, (1, 0), length=9) + b"\0")), 65,
     "half a path"),
    ("scope past its structure", table(drhd(scopes=scope(1, 0, (1, 0), length=10)), drhd(0x1000)),
     65, "structure's end"),
    ("second scope past its structure",
     table(rmrr(0, 0xfff, scopes=ENDPOINT + scope(1, 0, (1, 0), length=12))), 81,
     "structure's end"),
]


def run(program, data):
    with tempfile.NamedTemporaryFile() as file:
        file.write(data)
        file.flush()
        done = subprocess.run([program, "dmar", file.name], capture_output=True, text=True,
                              timeout=30)
    return done.returncode, done.stdout.splitlines(), done.stderr


def check_good(program, data, lines):
    haw, flags = data[36] + 1, data[37]
    first = HEAD.format(int.from_bytes(data[4:8], "little"), haw,
                        f"0x{flags:02x}" + (" INTR_REMAP" if flags & 1 else ""))
    status, out, err = run(program, data)
    wanted = (0, [first] + lines, "")
    return None if (status, out, err) == wanted else f"{(status, out, err)}, not {wanted}"


def check_bad(program, data, offset, words):
    status, out, err = run(program, data)
    if status != 1 or f"offset 0x{offset:x}:" not in err or words not in err:
        return f"status {status}, {err.strip()!r}, not offset 0x{offset:x} and {words!r}"
    if "\n" in err.strip():
        return f"more than one line: {err!r}"
    return None


def check_fuzz(program, seconds):
    with tempfile.TemporaryDirectory() as corpus:
        for number, (_, data, *_) in enumerate(GOOD + BAD):
            with open(os.path.join(corpus, str(number)), "wb") as file:
                file.write(data)
        done = subprocess.run([program, f"-max_total_time={seconds}", "-max_len=2048",
                               f"-artifact_prefix={corpus}/", corpus],
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              errors="replace", timeout=seconds + 120)
    return None if done.returncode == 0 else done.stdout[-2000:]


def check_usage(program):
    done = subprocess.run([program, "dmar", "a", "b"], capture_output=True, text=True)
    if done.returncode != 1 or "usage: vmxl dmar [FILE]" not in done.stderr:
        return f"two files: {done}"
    done = subprocess.run([program, "dmar", "/nonexistent"], capture_output=True, text=True)
    if done.returncode != 1 or "No such file" not in done.stderr:
        return f"no file: {done}"
    return None


def check_corpus(program):
    done = subprocess.run([os.path.join(HERE, "dmar-corpus.py"), program,
                           os.environ["DMAR_CORPUS"]], capture_output=True, text=True)
    if done.returncode or "\nok 1 " not in done.stdout:
        return done.stdout[-2000:] + done.stderr
    return None


def main():
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    program, fuzz, seconds = sys.argv[1], sys.argv[2], int(sys.argv[3])
    tests = [(name, lambda a=(data, lines): check_good(program, *a))
             for name, data, lines in GOOD]
    tests += [(name, lambda a=(data, offset, words): check_bad(program, *a))
              for name, data, offset, words in BAD]
    tests += [("usage", lambda: check_usage(program)),
              (f"fuzzing for {seconds} s", lambda: check_fuzz(fuzz, seconds)),
              ("tables of real machines against iasl", None)]
    if "DMAR_CORPUS" in os.environ:
        tests[-1] = (tests[-1][0], lambda: check_corpus(program))
    print("TAP version 13")
    print(f"1..{len(tests)}")
    failed = 0
    for number, (name, test) in enumerate(tests, 1):
        if test is None:
            print(f"ok {number} {name} # SKIP DMAR_CORPUS names no folder")
            continue
        fault = test()
        failed += fault is not None
        print(f"{'not ok' if fault else 'ok'} {number} {name}")
        for line in (fault or "").splitlines():
            print(f"# {line}")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
