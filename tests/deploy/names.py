#!/usr/bin/env python3
"""names.py ADDRESS NAME=ADDRESS...: a name server at UDP port 53 of ADDRESS that knows these names, by IPv4."""

import socket
import sys

NAME_ERROR = 3  # RCODE of RFC 1035, section 4.1.1
A = b"\0\1\0\1"  # QTYPE and QCLASS


def answer(query, names):
    """Of one question, as resolvers send it."""
    labels, at = [], 12
    while query[at]:
        labels.append(query[at + 1 : at + 1 + query[at]].decode("ascii", "replace"))
        at += 1 + query[at]
    question = query[12 : at + 5]
    address = names.get(".".join(labels).lower())
    records = b""
    if address and question[-4:] == A:
        records = b"\xc0\x0c" + A + (60).to_bytes(4, "big") + b"\0\4" + socket.inet_aton(address)
    flags = b"\x81" + bytes([0x80 | (0 if address else NAME_ERROR)])
    counts = b"\0\1" + (b"\0\1" if records else b"\0\0") + b"\0\0\0\0"
    return query[:2] + flags + counts + question + records


def main():
    names = dict(word.split("=") for word in sys.argv[2:])
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind((sys.argv[1], 53))
    while True:
        query, sender = server.recvfrom(4096)
        try:
            server.sendto(answer(query, names), sender)
        except IndexError:  # not a query
            pass


main()
