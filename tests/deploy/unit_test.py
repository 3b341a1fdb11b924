#!/usr/bin/env python3
"""unit_test.py ROTUNDA ROTUNDA_LOAD: what the server asks of the kernel, against what its systemd unit lets it ask.

Traces the server while synthetic participants meet in it, are recorded, and while it stops; every system call must be in
the unit's filter, every socket of an allowed family. Needs strace and systemd-analyze; no systemd runs.
"""

import glob
import os
import re
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
UNIT = open(os.path.join(ROOT, "packaging/rotunda.service.in"), encoding="utf-8").read()
HTTP, MEDIA = 18480, 18481
# The server asks whether the clock is kept right by NTP, libnuma, which FFmpeg's libraries bring to the recorder, whether
# memory has policies; both do without the answer.
IN_VAIN = {"clock_adjtime", "adjtimex", "set_mempolicy"}


def members(group):
    """The system calls of a group, its groups included."""
    text = subprocess.run(["systemd-analyze", "--no-pager", "syscall-filter", group], capture_output=True, text=True,
                          check=True).stdout
    found = set()
    for line in text.split("\n")[1:]:
        word = line.strip()
        if word.startswith("@"):
            found |= members(word)
        elif word and not word.startswith("#"):
            found.add(word)
    return found


def allowed():
    calls = set()
    for line in re.findall(r"^SystemCallFilter=(.*)$", UNIT, re.M):
        for word in line.lstrip("~").split():
            calls = calls - members(word) if line.startswith("~") else calls | members(word)
    return calls


def trace(server, load):
    """The traced lines of a run with a meeting in it, which is recorded."""
    with tempfile.NamedTemporaryFile("r", suffix=".trace") as file, tempfile.TemporaryDirectory() as folder:
        keys, place = f"{folder}/keys", f"127.0.0.1:{HTTP}"
        with open(keys, "w", encoding="utf-8") as out:
            out.write(f"team: {'k' * 40}\n")
        child = subprocess.Popen(["strace", "-f", "-qq", "-o", file.name, server, "--listen", place, "--media-port", str(MEDIA),
                                  "--announce", "127.0.0.1", "--workers", "2", "--keys", keys, "--record-dir", folder],
                                 stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        await_success([server, "--check-health", "--listen", place])
        meeting = subprocess.Popen([load, "--url", f"ws://{place}/ws", "--rooms", "1", "--room", "unit", "--participants", "3",
                                    "--duration", "4", "--keys", keys], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        await_success([server, "admin", "--server", place, "--keys", keys, "record", "unit-1"])
        said = meeting.communicate()[0]
        traced = subprocess.run(["pgrep", "-P", str(child.pid)], capture_output=True, text=True, check=True).stdout.split()
        os.kill(int(traced[0]), 15)
        child.wait(timeout=20)
        if meeting.returncode != 0 or child.returncode != 0:
            sys.exit(f"expected a meeting and an end with status 0, got {meeting.returncode}, {child.returncode}: {said}")
        files = glob.glob(f"{folder}/unit-1-*/*.webm")
        if len(files) < 6:
            sys.exit(f"expected a recording of six tracks, got {files}")
        return file.read().split("\n")


def await_success(command):
    """Again and again, for ten seconds or so at most."""
    for _ in range(100):
        if subprocess.run(command, capture_output=True, check=False).returncode == 0:
            return
        time.sleep(0.1)
    sys.exit(f"{' '.join(command)} does not succeed")


def main():
    lines = trace(*map(os.path.abspath, sys.argv[1:3]))
    calls = {match.group(1): line for line in lines if (match := re.match(r"\d+ +(\w+)\(", line))}
    begun = next(i for i, line in enumerate(lines) if "execve(" in line)
    assert begun == 0 and len(calls) > 30, sorted(calls)
    refused = set(calls) - allowed() - IN_VAIN
    families = set(re.findall(r" socket\((AF_\w+)", "\n".join(lines)))
    wanted = set(re.search(r"^RestrictAddressFamilies=(.*)$", UNIT, re.M).group(1).split())
    writable = [line for line in lines if re.search(r"mprotect\(.*PROT_WRITE\|PROT_EXEC|mmap\([^)]*PROT_WRITE\|PROT_EXEC", line)]
    for name in sorted(refused):
        print(f"not in the unit's filter: {calls[name]}")
    for family in sorted(families - wanted):
        print(f"not among the unit's address families: {family}")
    for line in writable:
        print(f"memory that is writable and executable: {line}")
    if refused or families - wanted or writable:
        return 1
    print(f"deploy: unit: {len(calls)} different system calls and sockets of {', '.join(sorted(families))}: all allowed")
    return 0


sys.exit(main())
