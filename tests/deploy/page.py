#!/usr/bin/env python3
"""page.py NAME: prints the commands of docs/deploy.md that follow the line <!-- commands: NAME -->."""

import os
import re
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PAGE = os.path.join(ROOT, "docs/deploy.md")


def blocks():
    """name -> text of each marked block."""
    text = open(PAGE, encoding="utf-8").read()
    return dict(re.findall(r"^<!-- commands: ([\w-]+) -->\n```sh\n(.*?)^```$", text, re.M | re.S))


if __name__ == "__main__":
    found = blocks()
    if len(sys.argv) != 2 or sys.argv[1] not in found:
        sys.exit(f"usage: page.py {'|'.join(found)}")
    print(found[sys.argv[1]], end="")
