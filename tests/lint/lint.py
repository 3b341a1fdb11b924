#!/usr/bin/env python3
"""Checks of the source tree that no compiler makes. `lint.py NAME` runs one, `lint.py` lists them.

Every finding is one line: file, line, what is wrong, what is allowed.
"""

import fnmatch
import json
import os
import re
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

# What may include what (docs/architecture.md).
MAY_SEE = {
    "base": {"base"},
    "rtp": {"base", "rtp"},
    "transport": {"base", "rtp", "transport"},
    "rooms": {"base", "rtp", "rooms"},
    "server": {"base", "rtp", "transport", "rooms", "server"},
    "load": {"base", "rtp", "transport", "load"},
    "tests": {"base", "rtp", "transport", "rooms", "server", "load", "tests"},
}
# Files that see more than their folder does: `rotunda doctor` stands above the server and the load generator.
MAY_SEE_MORE = {"server/doctor*": {"load"}}
# A library's header is included only in the files that adapt it.
ADAPTERS = {
    r"jansson\.h": ["rooms/negotiate*", "rooms/directory.c", "rooms/participant.c", "rooms/registry.c",
                    "server/signal_codec.h", "server/versions.c", "server/doctor_report.c", "load/scenario.c", "load/signal_text.c",
                    "load/signal_write.c", "load/report_json.c"],
    r"utf8proc\.h": ["rooms/name.c"],
    r"libwebsockets\.h": ["server/ws_server.c", "server/doctor_libraries.c", "load/ws_client.c"],
    r"uv\.h": ["server/control_loop.c", "server/tcp_listener.c", "server/worker_internal.h", "server/ws_server.c",
               "server/doctor_call.c", "server/doctor_libraries.c", "load/crowd.c", "load/ice_full.c", "load/net.c", "load/ws_client.c"],
    r"srtp2?/.*": ["transport/srtp*", "transport/versions.c"],
    r"openssl/.*": ["transport/dtls*", "transport/srtp*", "transport/certificate*", "transport/versions.c",
                    "server/doctor_certificate.c", "server/tls_*.c", "server/turn_credential.c"],
    r"(stun|nice|agent)/.*|nice\.h|agent\.h": ["transport/ice_stun*", "transport/ice_agent*", "load/ice_checks.c",
                                               "load/ice_full.c", "server/doctor_turn.c"],
}
FILE_LINES_MAX = 600
FUNCTION_LINES_MAX = 70
CODE = (".c", ".h", ".js", ".mjs", ".ts", ".tsx", ".py", ".css", ".html", ".cmake")
TEXT = CODE + (".md", ".txt", ".json", ".yml", ".yaml", ".sh")


def tracked(*suffixes):
    listing = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout
    names = [name for name in listing.decode().split("\0") if name and os.path.isfile(os.path.join(ROOT, name))]
    return [name for name in names if not suffixes or name.endswith(suffixes)]


def lines_of(name):
    with open(os.path.join(ROOT, name), encoding="utf-8", errors="replace") as file:
        return file.read().split("\n")


def layers():
    for name in tracked(".c", ".h"):
        folder = name.split("/")[0]
        more = set().union(*(seen for pattern, seen in MAY_SEE_MORE.items() if fnmatch.fnmatch(name, pattern)))
        for number, line in enumerate(lines_of(name), 1):
            quoted = re.match(r'\s*#\s*include\s+"([^"]+)"', line)
            system = re.match(r"\s*#\s*include\s+<([^>]+)>", line)
            if quoted:
                target = quoted.group(1).split("/")[0]
                allowed = MAY_SEE.get(folder, set()) | more
                beside = folder == "tests" and os.path.exists(os.path.join(ROOT, os.path.dirname(name), quoted.group(1)))
                if target not in allowed and not beside:
                    yield f"{name}:{number}: includes {quoted.group(1)}; {folder}/ may see {', '.join(sorted(allowed))}"
            elif system and folder != "tests":
                for header, files in ADAPTERS.items():
                    if re.fullmatch(header, system.group(1)) and not any(fnmatch.fnmatch(name, f) for f in files):
                        yield f"{name}:{number}: includes <{system.group(1)}>; only {', '.join(files)} may"


def sizes():
    for name in tracked(*CODE):
        lines = lines_of(name)
        if len(lines) - 1 > FILE_LINES_MAX:
            yield f"{name}: {len(lines) - 1} lines; at most {FILE_LINES_MAX}"
        if not name.endswith((".c", ".h")):
            continue
        start = None
        for number, line in enumerate(lines, 1):
            if start is None and re.match(r"[A-Za-z_].*\{$", line) and not re.match(r"(struct|enum|union|typedef)\b[^(]*\{$", line):
                start = number if "(" in line or "(" in lines[number - 2] else None
            elif start is not None and line.startswith("}"):
                if number - start + 1 > FUNCTION_LINES_MAX:
                    yield f"{name}:{start}: a function of {number - start + 1} lines; at most {FUNCTION_LINES_MAX}"
                start = None


def paths():
    top = {name.split("/")[0] for name in tracked()}
    for name in tracked(".md"):
        for number, line in enumerate(lines_of(name), 1):
            for path in re.findall(r"`([\w.-]+(?:/[\w.-]+)*/?)`", line):
                # A word with a slash is a path if it begins like one of ours; audio/opus does not.
                ours = path.split("/")[0] in top if "/" in path else re.search(r"\.(md|txt|c|h)$", path)
                if ours and not path.startswith("frontend/dist") and not os.path.exists(os.path.join(ROOT, path)):
                    yield f"{name}:{number}: names {path}, which does not exist"
            for target in re.findall(r"\]\(([^)#\s]+)", line):
                outside = "://" in target or target.startswith("mailto:")
                if not outside and not os.path.exists(os.path.join(ROOT, os.path.dirname(name), target)):
                    yield f"{name}:{number}: links to {target}, which does not exist"


def workplace():
    pattern = re.compile(r"(?<![\w.])/(work|root|home|Users)/\w|/tmp/[a-z]+\.md")
    for name in tracked(*TEXT, "test", "run"):
        if name.startswith("tests/lint/"):
            continue
        for number, line in enumerate(lines_of(name), 1):
            if pattern.search(line):
                yield f"{name}:{number}: a path of one machine: {line.strip()[:100]}"


def protocol():
    name = "docs/protocol.md"
    if not os.path.exists(os.path.join(ROOT, name)):
        yield f"{name} does not exist"
        return
    text = "\n".join(lines_of(name))
    blocks = list(re.finditer(r"^```json.*?\n(.*?)^```", text, re.M | re.S))
    if not blocks:
        yield f"{name}: no example in JSON"
    for block in blocks:
        rest = block.group(1).strip()
        number = text[: block.start()].count("\n") + 2
        while rest:
            try:
                _, end = json.JSONDecoder().raw_decode(rest)
            except ValueError as error:
                yield f"{name}:{number}: not JSON: {error}: {rest[:80]!r}"
                break
            rest = rest[end:].lstrip(" \n,")


def locks():
    for name in tracked("package-lock.json"):
        for number, line in enumerate(lines_of(name), 1):
            if '"resolved"' in line:
                yield f"{name}:{number}: a download address; use npm install --omit-lockfile-registry-resolved"
    for name in tracked("package.json"):
        manifest = json.loads("\n".join(lines_of(name)))
        for field in ("dependencies", "devDependencies"):
            for package, version in manifest.get(field, {}).items():
                if not re.fullmatch(r"(npm:[\w@/.-]+@)?\d+\.\d+\.\d+", version):
                    yield f"{name}: {package} {version}; pin the exact version"
        if not os.path.exists(os.path.join(ROOT, os.path.dirname(name), "package-lock.json")):
            yield f"{name}: no package-lock.json beside it"


def scripts():
    for name in ("run", "test", ".ci/run"):
        path = os.path.join(ROOT, name)
        if not os.access(path, os.X_OK):
            yield f"{name}: not there or not executable"


CHECKS = {check.__name__: check for check in (layers, sizes, paths, workplace, protocol, locks, scripts)}


def main():
    if len(sys.argv) != 2 or sys.argv[1] not in CHECKS:
        print("usage: lint.py", "|".join(CHECKS))
        return 2
    findings = list(CHECKS[sys.argv[1]]())
    for finding in findings:
        print(finding)
    print(f"{sys.argv[1]}: {len(findings)} findings, expected none")
    return 1 if findings else 0


sys.exit(main())
