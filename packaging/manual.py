#!/usr/bin/env python3
"""Writes the manual pages from what the programs say in --help and what docs/operations.md says of them.

usage: manual.py PATH/TO/rotunda PATH/TO/rotunda-load FOLDER   writes rotunda.1, rotunda-load.1, rotunda-record.1 and
                                                               rotunda.conf.5 there; rotunda-record is beside rotunda
       manual.py --check PATH/TO/rotunda PATH/TO/rotunda-load  compares with those in packaging/man/; status 1 if they differ
"""

import os
import re
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
FOLDER = os.path.join(HERE, "man")


def help_of(program):
    return subprocess.run([program, "--help"], capture_output=True, text=True, check=True).stdout


def escape(text):
    """Text for roff: what begins a line with a dot or a quote is no request."""
    text = text.replace("\\", "\\e").replace("-", "\\-")
    return re.sub(r"^([.'])", r"\\&\1", text, flags=re.M)


def plain(text):
    """A cell of Markdown as plain text."""
    text = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", text)
    return text.replace("`", "").replace("**", "").strip()


def bold(text):
    return f"\\fB{escape(text)}\\fR"


def flags(text):
    """(flag, value, help) of each setting in a --help: `  --name VALUE` and lines that are further in."""
    found = []
    for head, body in re.findall(r"^  (-.*)\n((?: {8}.*\n?)+)", text, re.M):
        found.append((head, " ".join(line.strip() for line in body.splitlines())))
    return found


def groups(text):
    """[(title, flags)] of the groups of settings in a --help: a title is a line that ends with a colon."""
    parts = re.split(r"^(\S[^\n]*):\n(?=  -)", text, flags=re.M)
    return [(title, flags(body)) for title, body in zip(parts[1::2], parts[2::2])]


def tasks(text):
    """The lines `  --flag  what it does` of a --help."""
    return re.findall(r"^  (-\S(?:[^ \n]| (?! ))*)  +(\S.*)$", text, re.M)


def tagged(rows):
    return "".join(f".TP\n{bold(head)}\n{escape(body)}\n" for head, body in rows)


def table(title):
    """Rows of the first table of docs/operations.md whose head begins with `title`, as lists of plain cells."""
    with open(os.path.join(HERE, "..", "docs", "operations.md"), encoding="utf-8") as file:
        text = file.read()
    block = re.search(rf"^\| {re.escape(title)} \|.*\n\|[-| ]+\n((?:\|.*\n)+)", text, re.M)
    return [[plain(cell) for cell in re.split(r"(?<!\\)\|", row)[1:-1]] for row in block.group(1).splitlines()]


def page(name, section, brief, parts):
    text = f'.\\" Made by packaging/manual.py; do not edit.\n.TH {name.upper()} {section} "" Rotunda "Rotunda"\n'
    text += f".SH NAME\n{escape(name)} \\- {escape(brief)}\n"
    for title, body in parts:
        text += f".SH {title}\n{body}"
    return text


def see_also(*names):
    return ",\n".join(f"{bold(name)}({section})" for name, section in names) + \
        "\n.PP\n/usr/share/doc/rotunda/docs/index.md\n"


def server_page(server):
    text = help_of(server)
    return page("rotunda", 1, "media server for rooms of browsers (WebRTC SFU)", [
        ("SYNOPSIS", f"{bold('rotunda')} [\\fB\\-\\-\\fISETTING VALUE\\fR]...\n.br\n"
                     f"{bold('rotunda doctor')} [{bold('--json')}] [\\fB\\-\\-\\fISETTING VALUE\\fR]...\n.br\n"
                     f"{bold('rotunda token')} {bold('--room')} \\fIROOM\\fR {bold('--name')} \\fINAME\\fR ...\n.br\n"
                     f"{bold('rotunda admin')} \\fICOMMAND\\fR...\n.br\n"
                     f"{bold('rotunda password')}\n"),
        ("DESCRIPTION", escape(
            "Browsers join a room over a WebSocket and exchange sound and picture through one UDP port; the server "
            "forwards everything to everyone without transcoding. It runs in the foreground and serves its own page.") +
         f"\n.PP\n{bold('rotunda doctor')} " + escape(
            "with the same settings says what will not work on this machine and network, and how to fix it.") +
         f"\n.PP\n{bold('rotunda token')} " + escape("prints a token for one person and one room of a server with --keys; ") +
         f"{bold('rotunda admin')} " + escape("asks a running server that has keys: rooms, people, drain; its --help lists them.") +
         "\n.PP\n"
         f"{bold('rotunda password')} " + escape("asks for a password and prints its hash for the file of --rooms.") + "\n"),
        ("OPTIONS", tagged(tasks(text))),
        ("SETTINGS", escape(
            "Each setting is also an environment variable (media-port: ROTUNDA_MEDIA_PORT) and a key of the config "
            "file. A flag wins over the environment, the environment over the file, the file over the default. "
            "The default stands in brackets.") + "\n" + "".join(
                f".SS {escape(title)}\n{tagged(rows)}" for title, rows in groups(text))),
        ("SIGNALS", tagged((row[0], row[1]) for row in table("signal"))),
        ("EXIT STATUS", tagged((row[0], row[1]) for row in table("exit status"))),
        ("SEE ALSO", see_also(("rotunda.conf", 5), ("rotunda-load", 1), ("rotunda-record", 1))),
    ])


def statuses(text):
    """(status, meaning) of the line `Exit status: 0 this, 1 that.` of a --help."""
    status = re.search(r"^Exit status: (.*)$", text, re.M).group(1)
    return [entry.strip().rstrip(".").split(" ", 1) for entry in re.split(r", (?=\d )", status)]


def load_page(load):
    text = help_of(load)
    return page("rotunda-load", 1, "synthetic participants for a Rotunda server", [
        ("SYNOPSIS", f"{bold('rotunda-load')} [\\fB\\-\\-\\fISETTING VALUE\\fR]...\n"),
        ("DESCRIPTION", escape(
            "Fills rooms of a Rotunda server with participants who send and receive media, measures joins, delay, loss "
            "and freezes, and says whether expectations were met. Every run ends by itself. Scenarios are in "
            "/usr/share/rotunda/load/scenarios; /usr/share/rotunda/load/plot.py draws what --json wrote.") + "\n"),
        ("OPTIONS", tagged(tasks(text) + flags(text))),
        ("EXIT STATUS", tagged(statuses(text))),
        ("SEE ALSO", see_also(("rotunda", 1))),
    ])


def record_page(record):
    text = help_of(record)
    return page("rotunda-record", 1, "recorder of the Rotunda media server", [
        ("SYNOPSIS", f"{bold('rotunda-record')} {bold('--dir')} \\fIDIR\\fR [{bold('--room')} \\fINAME\\fR] "
                     f"[{bold('--layout')} \\fIlayout\\fR]\n.br\n"
                     f"{bold('rotunda-record compose')} \\fIDIR FILE\\fR\n"),
        ("DESCRIPTION", escape(
            "The server starts it for each recording, with --record-dir. It receives media as plain RTP at a UDP port of "
            "127.0.0.1, is told on standard input what it is, and writes it to WebM and Matroska files without "
            "transcoding; /usr/share/doc/rotunda/docs/recording.md has all of it.") +
         f"\n.PP\n{bold('rotunda-record compose')} " + escape(
            "makes one video of all the files of a recording, with everybody in a grid and all audio mixed, by ffmpeg.") + "\n"),
        ("OPTIONS", tagged(tasks(text) + flags(text))),
        ("EXIT STATUS", tagged(statuses(text))),
        ("SEE ALSO", see_also(("rotunda", 1), ("ffmpeg", 1))),
    ])


def config_page():
    rows = [(name, f"{what[0].upper()}{what[1:]}. Allowed: {allowed}. Default: {preset}.")
            for name, _, preset, allowed, what in table("setting")]
    return page("rotunda.conf", 5, "settings of the Rotunda media server", [
        ("DESCRIPTION", escape(
            "The file that rotunda --config FILE reads; the service reads /etc/rotunda/rotunda.conf. Each line is "
            "name = value; # starts a comment, alone or behind a value and a space. An unknown name or a bad value is "
            "refused at start with its line.") + "\n"),
        ("SETTINGS", tagged(rows)),
        ("EXAMPLE", ".nf\n" + escape(
            "listen = 127.0.0.1:8080     # behind a proxy\nannounce = auto,203.0.113.7\nws-backlog-max = 2M\n"
            "resume-window = 1m") + "\n.fi\n"),
        ("SEE ALSO", see_also(("rotunda", 1))),
    ])


def pages(server, load):
    record = os.path.join(os.path.dirname(server), "rotunda-record")
    return {"rotunda.1": server_page(server), "rotunda-load.1": load_page(load), "rotunda-record.1": record_page(record),
            "rotunda.conf.5": config_page()}


def check(server, load):
    status = 0
    for name, text in pages(server, load).items():
        path = os.path.join(FOLDER, name)
        old = open(path, encoding="utf-8").read() if os.path.exists(path) else ""
        if old != text:
            print(f"packaging/man/{name} is not what --help and docs/operations.md say; make it again: "
                  "packaging/manual.py build/rotunda build/rotunda-load packaging/man")
            status = 1
    return status


def main(arguments):
    if len(arguments) == 3 and arguments[0] == "--check":
        return check(*arguments[1:])
    if len(arguments) != 3:
        print(__doc__, file=sys.stderr)
        return 2
    for name, text in pages(*arguments[:2]).items():
        with open(os.path.join(arguments[2], name), "w", encoding="utf-8") as file:
            file.write(text)
    return 0


sys.exit(main(sys.argv[1:]))
