#!/usr/bin/env python3
"""Runs a program whose output goes to a terminal that somebody has stopped (Ctrl-S), and that nobody reads."""
import os
import pty
import sys
import termios

screen, terminal = pty.openpty()
termios.tcflow(terminal, termios.TCOOFF)
os.set_inheritable(screen, True)  # it stays open as long as the program lives
os.dup2(terminal, 1)
os.dup2(terminal, 2)
os.execvp(sys.argv[1], sys.argv[1:])
