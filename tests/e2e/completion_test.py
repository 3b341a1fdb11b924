#!/usr/bin/env python3
"""Types into real shells at a terminal, presses Tab, and looks at what stands on the line then.

usage: completion_test.py SHELL PATH/TO/rotunda PATH/TO/rotunda-load PATH/TO/rotunda-record     SHELL: bash, zsh or fish
Ends with 77 (skipped, for CTest) where there is no such shell.
"""
import os
import pty
import re
import select
import shutil
import subprocess
import sys
import tempfile
import time

COMPLETION = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../packaging/completion")
DEADLINE_SECONDS = 30
TAB, CLEAR = "\t", "\x15"

# What is typed before Tab, and what the line begins with after it.
TYPED = [
    ("rotunda --log-l", "rotunda --log-level "),
    ("rotunda --log-level w", "rotunda --log-level warn"),
    ("rotunda --log-format j", "rotunda --log-format json"),
    ("rotunda --check-h", "rotunda --check-health"),
    ("rotunda --vers", "rotunda --version"),
    ("rotunda --config my-o", "rotunda --config my-own.conf"),
    ("rotunda --tls-cert my-o", "rotunda --tls-cert my-own.conf"),
    ("rotunda --web-root my-", "rotunda --web-root my-page"),
    ("rotunda doc", "rotunda doctor"),
    ("rotunda pass", "rotunda password"),
    ("rotunda-load --part", "rotunda-load --participants"),
    ("rotunda-load --codec vp9", "rotunda-load --codec vp9"),
    ("rotunda-load --codec h", "rotunda-load --codec h264"),
    ("rotunda-load --scenario my-o", "rotunda-load --scenario my-own.conf"),
    ("rotunda-record --lay", "rotunda-record --layout"),
    ("rotunda-record --layout part", "rotunda-record --layout participant"),
    ("rotunda-record --dir my-", "rotunda-record --dir my-page"),
    ("rotunda-record comp", "rotunda-record compose"),
]

STARTS = {
    "bash": (["bash", "--norc", "--noprofile", "-i"],
             ["bind 'set bell-style none'; bind 'set enable-bracketed-paste off'", f". {COMPLETION}/rotunda.bash", "PS1='$ '"]),
    "zsh": (["zsh", "-f", "-i"],
            ["unsetopt zle_bracketed_paste prompt_sp; PS1='$ '", f"fpath=({COMPLETION} $fpath)",
             "autoload -Uz compinit; compinit -u -D"]),
}


class Terminal:
    """A shell at a terminal of its own, and all that it has written so far."""

    def __init__(self, command, folder, path):
        self.text = ""
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.chdir(folder)
            os.environ.update(PATH=path, TERM="dumb", HOME=folder, LC_ALL="C.UTF-8", COLUMNS="200")
            os.execvp(command[0], command)

    def type(self, text):
        os.write(self.fd, text.encode())

    def wait_for(self, text, after):
        """Until `text` stands in what came after position `after`."""
        until = time.monotonic() + DEADLINE_SECONDS
        while text not in self.text[after:]:
            if time.monotonic() > until or not select.select([self.fd], [], [], until - time.monotonic())[0]:
                sys.exit(f"FAILED: expected {text!r} within {DEADLINE_SECONDS} s, got {self.text[after:]!r}")
            # What moves the cursor or colours is no text.
            more = os.read(self.fd, 4096).decode(errors="replace")
            self.text += re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]|\x07|\x1b[=>]", "", more)

    def run(self, command, number):
        """Runs a command and waits until it has ended."""
        after = len(self.text)
        self.type(f"{command}; echo ended-$(({number} + 0))\n")
        self.wait_for(f"ended-{number}\r\n", after)


def at_a_terminal(shell, folder, path):
    command, lines = STARTS[shell]
    terminal = Terminal(command, folder, path)
    for number, line in enumerate(lines, 100):
        terminal.run(line, number)
    for typed, expected in TYPED:
        after = len(terminal.text)
        terminal.type(typed + TAB)
        terminal.wait_for(expected, after)
        terminal.type(CLEAR)
    terminal.run("true", 99)
    os.close(terminal.fd)
    os.waitpid(terminal.pid, 0)


def in_fish(folder, path):
    """fish says by itself what it would offer."""
    for typed, expected in TYPED:
        script = f"source {COMPLETION}/rotunda.fish; complete -C '{typed}'"
        said = subprocess.run(["fish", "--no-config", "-c", script], cwd=folder, text=True, capture_output=True, check=True,
                              env={"PATH": path, "HOME": folder, "LC_ALL": "C.UTF-8"})
        offered = [line.split("\t")[0].rstrip("/") for line in said.stdout.splitlines()]
        if expected.split()[-1] not in offered or any(not o.startswith(typed.split()[-1]) for o in offered):
            sys.exit(f"FAILED: {typed!r}: expected {expected!r}, got {offered} {said.stderr}")


def main():
    shell, programs = sys.argv[1], sys.argv[2:]
    if not shutil.which(shell):
        print(f"there is no {shell}")
        sys.exit(77)
    with tempfile.TemporaryDirectory() as folder:
        os.mkdir(f"{folder}/bin")
        for program in programs:
            os.symlink(os.path.abspath(program), f"{folder}/bin/{os.path.basename(program)}")
        here = f"{folder}/here"
        os.mkdir(here)
        os.mkdir(f"{here}/my-page")
        open(f"{here}/my-own.conf", "w", encoding="utf-8").close()
        path = f"{folder}/bin:{os.environ['PATH']}"
        if shell == "fish":
            in_fish(here, path)
        else:
            at_a_terminal(shell, here, path)
    print(f"{len(TYPED)} lines were completed in {shell}")


main()
