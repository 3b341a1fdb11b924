#!/usr/bin/env python3
"""A STUN server that claims to see everybody at one address: stun_server.py PORT ADDRESS. It says "ready"."""

import ipaddress
import socket
import struct
import sys

COOKIE = 0x2112A442

server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
server.bind(("127.0.0.1", int(sys.argv[1])))
seen = int(ipaddress.IPv4Address(sys.argv[2]))
print("ready", flush=True)
while True:
    request, peer = server.recvfrom(2000)
    if len(request) < 20 or request[:2] != b"\x00\x01":
        continue
    # RFC 8489, section 14.2: XOR-MAPPED-ADDRESS
    mapped = struct.pack("!HHBBHI", 0x0020, 8, 0, 1, peer[1] ^ (COOKIE >> 16), seen ^ COOKIE)
    server.sendto(struct.pack("!HH", 0x0101, len(mapped)) + request[4:20] + mapped, peer)
