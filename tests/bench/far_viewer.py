#!/usr/bin/python3
"""far_viewer.py DELAY_MS COMMAND...: runs a command beside which there is a network that is so far away, one way.

As root, in a network of its own:

    unshare --net tests/bench/far_viewer.py 50 node tests/bench/first_picture.mjs

VIEWER_CHROMIUM is a program that starts Chromium there, NEAR_ADDRESS what it sees of this side. The link is two pairs of
veth whose inner ends this program joins, frame by frame, each after the delay and in its order. It ends with the command.
"""
import collections
import ctypes
import errno
import fcntl
import os
import select
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time

NEAR, FAR = "10.77.1.1", "10.77.1.2"
SIOCETHTOOL, ETHTOOL_STXCSUM, ETHTOOL_SGRO = 0x8946, 0x17, 0x2C
PACKET_OUTGOING = 4


def run(*words):
    subprocess.run(words, check=True)


def plain(name):
    """No checksum or segmentation is left to a card that is none: frames pass here as they would on a wire."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        for command in (ETHTOOL_STXCSUM, ETHTOOL_SGRO):
            value = ctypes.create_string_buffer(struct.pack("II", command, 0))
            request = struct.pack("16sP", name.encode(), ctypes.addressof(value))
            fcntl.ioctl(control, SIOCETHTOOL, request)


class Way:
    """Frames from one end to the other."""

    def __init__(self, source, sink, delay_s):
        self.source, self.sink, self.delay_s = source, sink, delay_s
        self.waiting = collections.deque()

    def take(self):
        while True:
            try:
                frame, address = self.source.recvfrom(65535)
            except BlockingIOError:
                return
            except OSError as error:
                if error.errno != errno.ENETDOWN:  # said once of an end that has just come up
                    raise
                return
            if address[2] != PACKET_OUTGOING:
                self.waiting.append((time.monotonic() + self.delay_s, frame))

    def pass_on(self):
        while self.waiting and self.waiting[0][0] <= time.monotonic():
            try:
                self.sink.send(self.waiting.popleft()[1])
            except OSError as error:
                print(f"a frame was lost: {error}", file=sys.stderr)

    def due_s(self):
        return max(0.0, self.waiting[0][0] - time.monotonic()) if self.waiting else 1.0


def end(name):
    made = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
    made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
    made.bind((name, 0))
    made.setblocking(False)
    return made


def relay(delay_s):
    near, far = end("near1"), end("far1")
    ways = {near: Way(near, far, delay_s), far: Way(far, near, delay_s)}
    while True:
        ready, _, _ = select.select(list(ways), [], [], min(way.due_s() for way in ways.values()))
        for one in ready:
            ways[one].take()
        for way in ways.values():
            way.pass_on()


def main():
    delay_s, command = float(sys.argv[1]) / 1000, sys.argv[2:]
    away = subprocess.Popen(["unshare", "--net", "sleep", "infinity"])
    try:
        while os.readlink(f"/proc/{away.pid}/ns/net") == os.readlink("/proc/self/ns/net"):
            time.sleep(0.01)  # it has not got its network yet
        inside = ["nsenter", "-t", str(away.pid), "-n"]
        run("ip", "link", "set", "lo", "up")
        for side in ("near", "far"):
            run("ip", "link", "add", f"{side}0", "type", "veth", "peer", "name", f"{side}1")
            plain(f"{side}0")
            plain(f"{side}1")
        run("ip", "link", "set", "far0", "netns", str(away.pid))
        run("ip", "address", "add", f"{NEAR}/24", "dev", "near0")
        for name in ("near1", "far1"):  # else the kernel would answer there, too, and at once
            run("ip", "link", "set", name, "arp", "off")
        for name in ("near0", "near1", "far1"):
            run("ip", "link", "set", name, "up")
        run(*inside, "ip", "link", "set", "lo", "up")
        run(*inside, "ip", "address", "add", f"{FAR}/24", "dev", "far0")
        run(*inside, "ip", "link", "set", "far0", "up")
        run(*inside, "ip", "route", "add", "default", "via", NEAR)
        threading.Thread(target=relay, args=(delay_s,), daemon=True).start()
        with tempfile.TemporaryDirectory() as folder:
            chromium = os.path.join(folder, "chromium")
            browser = os.environ.get("ROTUNDA_CHROMIUM", "/usr/bin/chromium")
            with open(chromium, "w", encoding="utf-8") as script:
                script.write(f'#!/bin/sh\nexec {" ".join(inside)} {browser} "$@"\n')
            os.chmod(chromium, 0o755)
            environment = {**os.environ, "VIEWER_CHROMIUM": chromium, "NEAR_ADDRESS": NEAR}
            return subprocess.run(command, env=environment, check=False).returncode
    finally:
        away.kill()
        away.wait()


sys.exit(main())
