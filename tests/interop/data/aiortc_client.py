"""Data channels of aiortc; reads and writes what pion.go does."""

import asyncio
import json
import sys

from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription


def say(message):
    print(json.dumps(message), flush=True)


def listen(channel):
    @channel.on("open")
    def opened():
        say({"open": channel.label})

    @channel.on("message")
    def message(data):
        payload = data.encode() if isinstance(data, str) else data
        total = 0
        for byte in payload:
            total = (total * 31 + byte) & 0xFFFFFFFF
        say({"got": {"label": channel.label, "text": isinstance(data, str), "length": len(payload), "sum": total}})

    return channel


async def main():
    connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    ordered = listen(connection.createDataChannel("ordered"))
    partly = listen(connection.createDataChannel("partly", ordered=False, maxRetransmits=2))
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while line := await reader.readline():
        order = json.loads(line)
        if order["do"] == "offer":
            await connection.setLocalDescription(await connection.createOffer())
            say({"offer": connection.localDescription.sdp})
        elif order["do"] == "answer":
            await connection.setRemoteDescription(RTCSessionDescription(order["sdp"], "answer"))
        elif order["do"] == "send":
            ordered.send("hello, wörld")
            ordered.send("")
            ordered.send(bytes(i & 255 for i in range(60000)))
            partly.send("x" * 1000)


asyncio.run(main())
