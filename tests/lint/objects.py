#!/usr/bin/env python3
"""Looks into static libraries: `objects.py LIBRARY.a:PREFIX[,PREFIX...] ...`, each with the prefixes of its names.

Within a library no file may reach itself again by calls, so that it reads from below upwards; and what the linker sees
has its module's prefix, so that no other library can have the same name.
"""

import os
import re
import subprocess
import sys


def symbols(library):
    """File by file: what it defines for others, and what it needs."""
    listing = subprocess.run(["nm", library], capture_output=True, text=True, check=True).stdout
    files = {}
    for line in listing.splitlines():
        header = re.fullmatch(r"(\S+)\.o:", line)
        if header:
            defined, needed = files.setdefault(header.group(1), (set(), set()))
            continue
        words = line.split()
        if len(words) == 2 and words[0] == "U":
            needed.add(words[1])
        elif len(words) == 3 and words[1] in "TDRB" and not words[2].startswith("_"):
            defined.add(words[2])
    return files


def circle(arrows):
    """One way from a file back to itself; None: there is none."""
    for start in sorted(arrows):
        ways, seen = [[start]], set()
        while ways:
            way = ways.pop(0)
            for target in sorted(arrows[way[-1]]):
                if target == start:
                    return way + [start]
                if target not in seen:
                    seen.add(target)
                    ways.append(way + [target])
    return None


def findings(library, prefixes):
    files = symbols(library)
    home = {name: file for file, (defined, _) in files.items() for name in defined}
    arrows = {file: {home[name] for name in needed if home.get(name, file) != file} for file, (_, needed) in files.items()}
    name = os.path.basename(library)
    way = circle(arrows)
    if way:
        yield f"{name}: calls go in a circle: {' -> '.join(way)}"
    for symbol in sorted(home):
        if not symbol.startswith(prefixes):
            yield f"{name}: {symbol} in {home[symbol]}; names of this library begin with {', '.join(prefixes)}"


def main():
    found = []
    for word in sys.argv[1:]:
        library, prefixes = word.rsplit(":", 1)
        found += findings(library, tuple(prefixes.split(",")))
    for finding in found:
        print(finding)
    print(f"objects: {len(found)} findings, expected none")
    return 1 if found or len(sys.argv) < 2 else 0


sys.exit(main())
