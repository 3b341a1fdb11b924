#!/usr/bin/env python3
"""Runs a unit test again and again, each time with another allocation of the code under test that fails.

    walk.py PROGRAM     one test program, which is linked with failing_alloc.c

Its checks may fail then: a test that wanted an object and got none is right to complain, and one that goes on without
it has itself to blame for what that call does with NULL. What must not happen is another crash, an assert of ours, a
report of a sanitizer, an end that does not come, or a leak where all checks held.

Allocations are told apart by who asks (eight frames of the stack). The first and the last of each kind fail in turn,
in an order that is the same each time but not that of the program, within MEMORY_RUNS_MAX runs (400) and
MEMORY_SECONDS_MAX seconds (60); the last line says how many were tried.
"""

import os
import random
import re
import subprocess
import sys
import tempfile
import time

RUNS_MAX = int(os.environ.get("MEMORY_RUNS_MAX", "400"))
SECONDS_MAX = float(os.environ.get("MEMORY_SECONDS_MAX", "60"))
STEPS_MIN = 60  # seconds of one run; or twenty times what it takes without a failing allocation
CRASH = re.compile(r"ERROR: AddressSanitizer|ThreadSanitizer|runtime error:|Assertion `.*' failed|Test failed with exception|"
                   r"stack smashing|corrupted")
NULL_ACCESS = re.compile(r"null pointer|zero page")
# The sanitizer reports a bad access itself; cmocka would only say that there was one.
SANITIZERS = {"ASAN_OPTIONS": "detect_leaks=1:allow_user_segv_handler=0:handle_abort=0",
              "UBSAN_OPTIONS": "print_stacktrace=1"}


def run(program, steps=None, **environment):
    """Its status, None if it does not end, and what it said. Time is counted in seconds that this process waits for
    it: while the machine holds up both, which may be for minutes, none pass."""
    child = subprocess.Popen([program], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, errors="replace",
                             env=dict(os.environ, **SANITIZERS, **environment))
    waited = 0
    while True:
        try:
            text = child.communicate(timeout=1)[0]
            return child.returncode, text
        except subprocess.TimeoutExpired:
            waited += 1
        if steps is not None and waited >= steps:
            child.kill()
            return None, child.communicate()[0]


def numbers_to_try(program):
    """The first and the last allocation of each kind, in order; and how many there are in all."""
    with tempfile.TemporaryDirectory() as folder:
        log = os.path.join(folder, "log")
        status, text = run(program, FAIL_ALLOC_LOG=log)
        if status != 0:
            sys.exit(f"{text}\n{program} fails without a failing allocation")
        with open(log, encoding="utf-8") as file:
            lines = [line.split() for line in file]
    first, last = {}, {}
    for number, kind in lines:
        first.setdefault(kind, int(number))
        last[kind] = int(number)
    return sorted(set(first.values()) | set(last.values())), len(lines), len(first)


def went_on_without(text):
    """Whether the test itself went on with the NULL that it got: it passed it on, and that very call fell over it."""
    if not NULL_ACCESS.search(text):
        return False
    frames = re.findall(r"^ +#\d+ 0x[0-9a-f]+ in \S+ (\S+)$", text[CRASH.search(text).start():], re.M)
    ours = [frame for frame in frames if "sanitizer" not in frame and "libcmocka" not in frame]
    return any("tests/" in frame for frame in ours[:2])


def fault_of(status, text):
    """What was wrong with a run; None: nothing."""
    if status is None:
        return "does not end"
    crash = CRASH.search(text)
    if crash:
        return None if went_on_without(text) else crash.group()
    if status < 0:
        return f"ended by signal {-status}"
    leaked = "LeakSanitizer" in text and not re.search(r"\[  (FAILED |ERROR  ) \]", text)
    return "leaks" if leaked else None


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    program, start = sys.argv[1], time.monotonic()
    numbers, total, kinds = numbers_to_try(program)
    steps = max(STEPS_MIN, 20 * (time.monotonic() - start))
    tried, faults = 0, []
    random.Random(1).shuffle(numbers)
    for number in numbers[:RUNS_MAX]:
        if time.monotonic() - start > SECONDS_MAX:
            break
        tried += 1
        status, text = run(program, steps, FAIL_ALLOC=str(number))
        fault = fault_of(status, text)
        if fault:
            faults.append(number)
            print(f"---- FAIL_ALLOC={number} {program}: {fault}")
            if len(faults) <= 3:
                print(text[-6000:])
    print(f"{tried} of {len(numbers)} chosen out of {total} allocations of {kinds} kinds failed in turn, "
          f"{len(faults)} went wrong", flush=True)
    sys.exit(1 if faults else 0)


if __name__ == "__main__":
    main()
