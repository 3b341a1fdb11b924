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

# What may include what: folders, or single files that differ from their folder. The longest name that fits a file is its
# own; it may always see itself. The table of docs/architecture.md says the same (`plan` compares them), CMakeLists.txt
# links the same.
MAY_SEE = {
    "base/": set(),
    "rtp/": {"base/"},
    "rtp/cc/": {"base/", "rtp/"},
    "transport/": {"base/", "rtp/"},
    "rooms/media_msg.h": {"base/", "rtp/"},
    "rooms/media_limits.h": set(),
    "rooms/grants.h": set(),
    "rooms/": {"base/", "rtp/", "rooms/media_msg.h", "rooms/grants.h"},
    "rooms/media/": {"base/", "rtp/", "rtp/cc/", "rooms/media_msg.h", "rooms/media_limits.h"},
    "server/common/": {"base/"},
    "server/access/": {"base/", "rooms/grants.h"},
    "server/hub/": {"base/", "rtp/", "rooms/media_msg.h", "rooms/grants.h", "rooms/", "server/common/"},
    "server/signal/": {"base/", "rtp/", "rooms/media_msg.h", "rooms/grants.h", "rooms/", "server/common/", "server/hub/"},
    "server/dialects/": {"base/", "server/common/"},
    "server/admin/": {"base/", "rtp/", "rooms/media_msg.h", "rooms/grants.h", "rooms/", "server/access/", "server/common/", "server/hub/"},
    "server/webhook/": {"base/", "rtp/", "rooms/media_msg.h", "rooms/grants.h", "rooms/", "server/admin/", "server/common/", "server/hub/"},
    "server/sdp/": {"base/"},
    "server/whip/": {"base/", "rtp/", "rooms/media_msg.h", "rooms/grants.h", "rooms/", "server/common/", "server/hub/", "server/sdp/"},
    "server/media/": {"base/", "rtp/", "transport/", "rooms/media_msg.h", "rooms/media_limits.h", "rooms/media/", "server/common/"},
    "server/web/": {"base/", "server/common/"},
    "server/config/": {"base/", "rooms/media_limits.h", "server/common/", "server/hub/"},
    "server/": {"base/", "transport/", "rooms/grants.h", "rooms/", "server/access/", "server/common/", "server/hub/", "server/signal/", "server/dialects/", "server/admin/", "server/webhook/", "server/whip/", "server/media/", "server/web/",
                "server/config/"},
    "load/": {"base/", "rtp/", "transport/", "rooms/grants.h", "server/access/"},
    "record/": {"base/", "rtp/"},
    "server/doctor/": {"base/", "transport/", "rooms/grants.h", "server/access/", "server/common/", "server/hub/", "server/web/", "server/config/", "server/", "load/"},
    "server/main.c": {"base/", "server/config/", "server/", "server/doctor/"},
}
# A library's header is included only in the files that adapt it: a folder (without those inside), or a pattern.
ADAPTERS = {
    r"jansson\.h": ["rooms/", "server/access/", "server/hub/", "server/signal/", "server/dialects/", "server/admin/", "server/webhook/webhook_event.c", "server/whip/", "server/versions.c", "server/doctor/doctor_report.c", "load/scenario.c", "record/", "server/recordings*", "server/app_http.c",
                    "load/signal_text.c", "load/signal_write.c", "load/report_json.c"],
    r"utf8proc\.h": ["rooms/name.c"],
    r"jwt\.h": ["server/access/token.c"],
    r"curl/.*": ["server/webhook/webhook_sender.c"],
    r"crypt\.h": ["server/access/password.c"],
    r"libwebsockets\.h": ["server/web/", "server/doctor/doctor_libraries.c", "load/ws_client.c"],
    r"libav.*": ["record/muxer.c"],
    r"uv\.h": ["server/recordings*", "server/control_loop.c", "server/address_watch.c", "server/announcing.c", "server/tcp_door.c", "server/web/", "server/media/", "server/doctor/doctor_call.c",
               "server/doctor/doctor_libraries.c", "load/crowd.c", "load/ice_full.c", "load/net.c", "load/net_tcp.c", "load/ws_client.c"],
    r"srtp2?/.*": ["transport/srtp*", "transport/versions.c"],
    r"openssl/.*": ["transport/dtls*", "transport/srtp*", "transport/certificate*", "transport/versions.c", "server/web/",
                    "server/access/keys*", "server/access/password.c", "server/access/token_body.c", "server/hub/turn_credential.c", "server/doctor/doctor_certificate.c"],
    r"(stun|nice|agent)/.*|nice\.h|agent\.h": ["transport/ice_stun*", "transport/ice_agent*", "load/ice_checks.c",
                                               "load/ice_full.c", "server/doctor/doctor_turn.c"],
}
FILE_LINES_MAX = 600
FUNCTION_LINES_MAX = 70
SEEDS_MAX = 24  # of one fuzz target, as docs/testing.md says
CODE = (".c", ".h", ".js", ".mjs", ".ts", ".tsx", ".py", ".css", ".html", ".cmake")
TEXT = CODE + (".md", ".txt", ".json", ".yml", ".yaml", ".sh")


def tracked(*suffixes):
    listing = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout
    names = [name for name in listing.decode().split("\0") if name and os.path.isfile(os.path.join(ROOT, name))]
    return [name for name in names if not suffixes or name.endswith(suffixes)]


def lines_of(name):
    with open(os.path.join(ROOT, name), encoding="utf-8", errors="replace") as file:
        return file.read().split("\n")


def part_of(name):
    """The row of MAY_SEE that a file belongs to; None: none. tests/ stands outside: it sees everything."""
    rows = [row for row in MAY_SEE if name == row or (row.endswith("/") and name.startswith(row))]
    return max(rows, key=len, default=None)


def adapts(name, files):
    return any(part_of(name) == file if file.endswith("/") else fnmatch.fnmatch(name, file) for file in files)


def includes():
    """Every include of the tree: file, line, what, whether in quotes."""
    for name in tracked(".c", ".h"):
        for number, line in enumerate(lines_of(name), 1):
            found = re.match(r'\s*#\s*include\s+(["<])([^">]+)[">]', line)
            if found:
                yield name, number, found.group(2), found.group(1) == '"'


def layers():
    for name, number, what, quoted in includes():
        test = name.startswith(("tests/", "examples/"))  # outside: programs of their own
        if quoted:
            mine, target = part_of(name), part_of(what)
            beside = os.path.exists(os.path.join(ROOT, os.path.dirname(name), what))
            if test and not (target or what.startswith("tests/") or beside):
                yield f"{name}:{number}: includes {what}, which is neither beside it nor in a folder of ours"
            elif not test and (not mine or (target != mine and target not in MAY_SEE[mine])):
                allowed = ", ".join(sorted(MAY_SEE.get(mine, ()))) or "nothing else"
                yield f"{name}:{number}: includes {what}; {mine or 'this folder, which lint.py does not know,'} may see {allowed}"
        elif not test:
            for header, files in ADAPTERS.items():
                if re.fullmatch(header, what) and not adapts(name, files):
                    yield f"{name}:{number}: includes <{what}>; only {', '.join(files)} may"


def circles(arrows):
    """The parts that reach themselves again, each with one way round."""
    for start in sorted(arrows):
        ways = [[start]]
        seen = set()
        while ways:
            way = ways.pop(0)
            for target in sorted(arrows.get(way[-1], ())):
                if target == start:
                    yield " -> ".join(way + [start])
                    ways = []
                    break
                if target not in seen:
                    seen.add(target)
                    ways.append(way + [target])


def plan():
    """The folders stand above each other, as they are and as MAY_SEE lets them; docs/architecture.md says the same."""
    real = {}
    for name, _, what, quoted in includes():
        mine, target = part_of(name), part_of(what)
        if quoted and mine and target and mine != target:
            real.setdefault(mine, set()).add(target)
    for arrows, which in ((real, "includes go in a circle"), (MAY_SEE, "MAY_SEE allows a circle")):
        for circle in circles(arrows):
            yield f"{which}: {circle}"
    page = "docs/architecture.md"
    said = {}
    for number, line in enumerate(lines_of(page), 1):
        row = re.match(r"\| `([^`]+)` \|[^|]*\|([^|]*)\|$", line)
        if row and row.group(1) in MAY_SEE:
            said[row.group(1)] = set(re.findall(r"`([^`]+)`", row.group(2).split(";")[0]))
            for other in said[row.group(1)] ^ MAY_SEE[row.group(1)]:
                where = "the page" if other in said[row.group(1)] else "lint.py"
                yield f"{page}:{number}: only {where} says that {row.group(1)} may use {other}"
    for row in MAY_SEE:
        if row not in said:
            yield f"{page}: has no row for {row} in its table of what may use what"


def sizes():
    seeds = {}
    for name in tracked(""):
        if name.startswith("tests/fuzz/seeds/"):
            seeds.setdefault(name.split("/")[3], []).append(name)
    for target, names in seeds.items():
        if len(names) > SEEDS_MAX:
            yield f"tests/fuzz/seeds/{target}: {len(names)} seeds; at most {SEEDS_MAX}"
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


def tables():
    """Macros and constants of enumerations are in capitals, tables are not."""
    for name in tracked(".c", ".h"):
        for number, line in enumerate(lines_of(name), 1):
            found = re.match(r"\s*static const [\w ]+[ *]([A-Z][A-Z0-9_]+)\[.*=|\s*static const [\w ]+\*const ([A-Z][A-Z0-9_]+)\[.*=", line)
            if found:
                yield f"{name}:{number}: the table {found.group(1) or found.group(2)}; tables have small letters"


def test_programs():
    """What the builds make of tests/: a unit test is named after its folder, every other one after its kind too."""
    sources = [name.removeprefix("tests/").removesuffix(".c") for name in tracked(".c") if name.startswith("tests/")]
    return sources, {name.removeprefix("unit/").replace("/", "_") for name in sources if not name.startswith("fuzz/")}


def anchors_of(name):
    """The headings of a page, as links to them are written."""
    headings = re.findall(r"^#{1,6} (.+)$", re.sub(r"^```.*?^```", "", "\n".join(lines_of(name)), flags=re.M | re.S), re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def paths():
    top = {name.split("/")[0] for name in tracked()}
    sources, programs = test_programs()
    for name in tracked(".md"):
        for number, line in enumerate(lines_of(name), 1):
            for path in re.findall(r"`([\w.-]+(?:/[\w.-]+)*/?)`", line):
                # A word with a slash is a path if it begins like one of ours; audio/opus does not.
                ours = path.split("/")[0] in top if "/" in path else re.search(r"\.(md|txt|c|h)$", path)
                if ours and not path.startswith("frontend/dist") and not os.path.exists(os.path.join(ROOT, path)):
                    yield f"{name}:{number}: names {path}, which does not exist"
            for program in re.findall(r"build-\w+/tests/(\w+_test)\b", line):
                if program not in programs:
                    yield f"{name}:{number}: runs {program}, of which there is no source in tests/"
            for test in re.findall(r"`((?:unit|sim|thread|fuzz)/[a-z0-9_/]+_(?:test|fuzz))`|build-\w+/tests/(fuzz/\w+_fuzz)\b", line):
                if (test[0] or test[1]) not in sources:
                    yield f"{name}:{number}: names {test[0] or test[1]}, which is not in tests/"
            for target in re.findall(r"\]\(([^)#\s]+)", line):
                outside = "://" in target or target.startswith("mailto:")
                if not outside and not os.path.exists(os.path.join(ROOT, os.path.dirname(name), target)):
                    yield f"{name}:{number}: links to {target}, which does not exist"
            for target, anchor in re.findall(r"\]\(([^)#\s:]*)#([^)\s]+)\)", line):
                page = os.path.normpath(os.path.join(os.path.dirname(name), target)) if target else name
                if os.path.exists(os.path.join(ROOT, page)) and page.endswith(".md") and anchor not in anchors_of(page):
                    yield f"{name}:{number}: links to {page}#{anchor}, a heading that does not exist"


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


def choices_in(schema, field=""):
    """The fields of a JSON Schema that have one of some words: name, words."""
    if "enum" in schema:
        yield field, schema["enum"]
    for name, inner in schema.get("properties", {}).items():
        yield from choices_in(inner, name)
    for inner in schema.get("anyOf", []) + [schema[key] for key in ("items",) if key in schema]:
        yield from choices_in(inner, field)


def words():
    """Whatever word the server may say (the schema, which is made of its tables) is told on the page; a reason or a state,
    where its message is."""
    name = "docs/protocol.md"
    lines = lines_of(name)
    said = {
        key[len("said:"):]: schema["properties"]["data"]
        for key, schema in json.loads("\n".join(lines_of("docs/protocol.schema.json")))["definitions"].items()
        if key.startswith("said:")
    }
    sections = re.split(r"^#{2,4} ", "\n".join(lines), flags=re.M)
    errors = next(section for section in sections if section.startswith("Errors\n"))
    told = re.findall(r"^\| `([^`]+)` \|", errors, re.M)
    codes = said["error"]["properties"]["code"]["enum"]
    for code in set(codes) ^ set(told):
        yield f"{name}: the error `{code}` is {'in the table, and the server does not know it' if code in told else 'not in the table'}"
    for message, schema in said.items():
        about = "\n".join(section for section in sections if f'"type": "{message}"' in section or f"`{message}`" in section)
        for field, choices in choices_in(schema):
            for word in choices if message != "error" else []:
                own = field == "reason" or field.lower().endswith("state")
                where = about if own else "\n".join(lines)
                if f"`{word}`" not in where and f'"{word}"' not in where:
                    yield f"{name}: no section{f' about `{message}`' if own else ''} tells its {field} `{word}`"


def locks():
    for name in tracked("package-lock.json"):
        for number, line in enumerate(lines_of(name), 1):
            if '"resolved": "' in line and '"resolved": "packages/' not in line:  # ours
                yield f"{name}:{number}: a download address; use npm install --omit-lockfile-registry-resolved"
    for name in tracked("package.json"):
        manifest = json.loads("\n".join(lines_of(name)))
        for field in ("dependencies", "devDependencies"):
            for package, version in manifest.get(field, {}).items():
                if not re.fullmatch(r"(npm:[\w@/.-]+@)?\d+\.\d+\.\d+", version):
                    yield f"{name}: {package} {version}; pin the exact version"
        # Those of a workspace have the lock of the workspace.
        home = os.path.dirname(name).partition("/packages/")[0]
        if not os.path.exists(os.path.join(ROOT, home, "package-lock.json")):
            yield f"{name}: no package-lock.json beside it"


def scripts():
    for name in ("run", "test", "release", ".ci/run"):
        path = os.path.join(ROOT, name)
        if not os.access(path, os.X_OK):
            yield f"{name}: not there or not executable"
    # Debian 12 has Node 18.
    newer = r"\.(toSorted|toReversed|toSpliced|fromAsync|withResolvers|groupBy)\("
    for name in tracked(".mjs"):
        if name.startswith("tests/"):
            for number, line in enumerate(lines_of(name), 1):
                if re.search(newer, line):
                    yield f"{name}:{number}: needs a newer Node than 18"


def prose():
    for name in tracked(".md"):
        fenced = False
        for number, line in enumerate(lines_of(name), 1):
            if line.lstrip().startswith("```"):
                fenced = not fenced
            # Tables and pictures cannot be wrapped, nor can a word that is longer.
            elif not fenced and len(line) > 120 and not re.match(r"\s*(\||!\[|<|#| {4})", line):
                if len(max(line.split(), key=len)) < 100:
                    yield f"{name}:{number}: {len(line)} characters; at most 120 (tests/lint/wrap.py {name})"


# Each row of the tables of attacks names a test that is there, or says that none tries it.
def attacks():
    text = "\n".join(lines_of("docs/security.md"))
    section = text.split("\n## Attacks", 1)[1].split("\n## ", 1)[0]
    first_line = text[: text.index("\n## Attacks")].count("\n") + 2
    covered = False  # by the tests that stand above its table
    above = False  # whether the row before names one
    for offset, line in enumerate(section.split("\n")):
        if line.startswith("### "):
            covered = False
        elif not line.startswith("|"):
            covered = covered or any(map(test_named, re.findall("`([^`]+)`", line)))
            above = False
        elif not line.startswith(("| attack", "|---")):
            what = line.split("|")[1]
            names = re.findall("`([^`]+)`", what)
            gone = [name for name in names if name.startswith(("tests/", "e2e/", "unit/")) and not test_named(name)]
            above = any(map(test_named, names)) or (above and "the same" in what)
            if gone:
                yield f"docs/security.md:{first_line + offset}: {gone[0]} is no test that is there"
            elif not above and not covered and "(not in the tests)" not in what:
                yield f"docs/security.md:{first_line + offset}: names no test, nor says `(not in the tests)`:{what[:60]}"


# Each row of the tables of clients names a test that is there, or stands below a paragraph or heading's text that does;
# what no test tries is not in a table. Further words of a command, as in `tests/interop/run bot`, are its own.
def interop():
    name, covered, table = "docs/interop.md", False, False
    for number, line in enumerate(lines_of(name), 1):
        named = [text.removeprefix("./test ").split(" ")[0] for text in re.findall("`([^`]+)`", line)]
        tests = [one for one in named if one.startswith(("tests/", "e2e/", "unit/", "hostile/", "fuzz/"))]
        for gone in (one for one in tests if not os.path.exists(os.path.join(ROOT, one)) and not test_named(one)):
            yield f"{name}:{number}: {gone} is no test that is there"
        if line.startswith("## "):
            covered = False
        row, table = line.startswith("|") and table, line.startswith("|")
        if not line.startswith("|"):
            covered = covered or bool(tests) or bool(re.search(r"\btests/(interop|e2e)/[\w./]+", line))
        elif row and not covered and not tests and not line.startswith("|---") and "by hand" not in line:
            yield f"{name}:{number}: names no test:{line[1:60]}"


# Names as people write them: "tests/hostile/words.test.mjs", "e2e/protocol_tcp", "unit/rtp/twcc_test.c", "fuzz/transport_tcp".
def test_named(name):
    name = name if name.startswith(("tests/", "frontend/")) else f"tests/{name}"
    if not name.startswith(("tests/", "frontend/")) or "/" not in name.removeprefix("tests/").rstrip("/"):
        return False
    endings = ("", ".test.mjs", "_test.sh", "_test.c", "_fuzz.c")
    path = os.path.join(ROOT, name)
    return any(os.path.isfile(path + ending) for ending in endings) or os.path.isdir(path)


def wording():
    """Each of the page's words is said somewhere: by its name, or as `family.${one}`."""
    page = "\n".join("\n".join(lines_of(name)) for name in tracked(".ts", ".tsx") if name.startswith("frontend/") and "/tests/" not in name)
    for key in json.loads("\n".join(lines_of("frontend/messages/en.json"))):
        parts = key.split(".")
        families = [".".join(parts[:length]) + "." for length in range(1, len(parts))]
        if f"'{key}'" not in page and f'"{key}"' not in page and not any(f"`{family}${{" in page for family in families):
            yield f"frontend/messages/en.json: nothing says {key}"


def facts():
    """What pages say over again of something that the sources say: doctor's checks, webhooks, variables, packages' versions."""
    page = "docs/operations.md"
    section = "\n".join(lines_of(page)).split("\n## rotunda doctor", 1)[1].split("\n## ", 1)[0]
    cells = re.findall(r"^\| (`[^|]*) \|", section.split("| check |", 1)[1], re.M)
    told = {name for cell in cells for name in re.findall(r"`([a-z-]+)`", cell.split(" (")[0])}
    shown = set(re.findall(r"^(?:ok|warn|skip|FAIL) +([a-z-]+) ", section, re.M))
    known, mentioned = set(), ""
    for name in tracked(".c"):
        if name.startswith("server/"):
            text = "\n".join(lines_of(name))
            known |= set(re.findall(r'finding_set\(\s*[^,()]+,\s*"([a-z-]+)"', text))
            mentioned += text
    for check in sorted((known | shown) - told):
        yield f"{page}: the table of doctor's checks has no `{check}`"
    for check in sorted(told):
        if f'"{check}"' not in mentioned:
            yield f"{page}: doctor has no check `{check}`"
    sources = "\n".join(lines_of("server/webhook/webhook_event.c") + lines_of("server/app_record.c"))
    for event in sorted(set(re.findall(r'"((?:room|participant|track|egress)_[a-z]+)"', sources))):
        if f"`{event}`" not in "\n".join(lines_of(page)):
            yield f"{page}: does not name the webhook `{event}`"
    settings = set(re.findall(r'^    \{"([a-z-]+)", SETTING_', "\n".join(lines_of("server/config/config_table.c")), re.M))
    variables = {"ROTUNDA_" + name.upper().replace("-", "_") for name in settings} | {"ROTUNDA_CONFIG"}
    variables |= {"ROTUNDA_BIN", "ROTUNDA_BROWSER", "ROTUNDA_LONG", "ROTUNDA_OUTAGE_SECONDS", "ROTUNDA_NONCE_PACKETS"}  # of tests
    variables |= {"ROTUNDA_PORT", "ROTUNDA_SERVICE", "ROTUNDA_URL"}  # of Kubernetes; of the page's build
    pinned = {}
    for name in ("frontend/package.json", "frontend/packages/client/package.json", "frontend/packages/react/package.json"):
        manifest = json.loads("\n".join(lines_of(name)))
        pinned.update(manifest.get("dependencies", {}))
        pinned[manifest["name"]] = manifest.get("version")
    for name in tracked(".md", ".yml", ".conf", "Dockerfile"):
        if name == "CHANGELOG.md":
            continue
        for number, line in enumerate(lines_of(name), 1):
            for variable in re.findall(r"(?<!-D)\b(ROTUNDA_[A-Z_]*[A-Z])\b(?!\()", line):
                if variable not in variables:
                    yield f"{name}:{number}: {variable} is no setting"
            for package, version in re.findall(r"\b([a-z][\w-]*)@(\d+\.\d+\.\d+)\b", line):
                if name.endswith(".md") and pinned.get(package) != version:
                    yield f"{name}:{number}: {package}@{version}; frontend/package.json has {pinned.get(package)}"
            for package, version in re.findall(r"rotunda-(client|react)-(\d+\.\d+\.\d+)\.tgz", line):
                if pinned[f"@rotunda/{package}"] != version:
                    yield f"{name}:{number}: @rotunda/{package} is {pinned[f'@rotunda/{package}']}, not {version}"


CHECKS = {check.__name__: check for check in (layers, plan, sizes, tables, paths, workplace, protocol, words, locks, scripts, prose, attacks, interop, facts, wording)}


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
