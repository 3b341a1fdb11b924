"""A participant on aiortc, a WebRTC stack in Python: encodes and decodes VP8 and opus. docs/interop.md tells what it
reads and writes. Of estimates it knows REMB alone."""

import asyncio
import fractions
import json
import logging
import os
import sys
import time

import av
from aiortc import MediaStreamTrack, RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import MediaStreamError

WIDTH, HEIGHT, FPS = (int(text) for text in os.environ.get("INTEROP_PICTURE", "320x180x15").split("x"))
connections = []
muted = asyncio.Event()
SOFT = bytes(0x70 + value % 32 for value in range(256))


class Source(MediaStreamTrack):
    """Noise, which takes all that the encoder may spend, and as little as it must."""

    def __init__(self, kind):
        super().__init__()
        self.kind = kind
        self.number = 0
        self.start = None

    def frame(self):
        if self.kind == "audio":
            frame = av.AudioFrame(format="s16", layout="stereo", samples=960)
            frame.planes[0].update(os.urandom(3840))
            frame.sample_rate = 48000
            frame.pts, frame.time_base = self.number * 960, fractions.Fraction(1, 48000)
            return frame
        frame = av.VideoFrame(WIDTH, HEIGHT, "yuv420p")
        for plane in frame.planes:
            plane.update(os.urandom(plane.buffer_size).translate(SOFT))
        frame.pts, frame.time_base = self.number * 90000 // FPS, fractions.Fraction(1, 90000)
        return frame

    async def recv(self):
        if self.start is None:
            self.start = time.monotonic()
        while True:
            self.number += 1
            due = self.start + self.number / (50 if self.kind == "audio" else FPS)
            await asyncio.sleep(max(0, due - time.monotonic()))
            if not muted.is_set():
                break
        return self.frame()


def say(message):
    print(json.dumps(message), flush=True)


def open_connection():
    connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    connections.append(connection)
    return connection


async def offer(_):
    connection = open_connection()
    for kind in ("audio", "video"):
        connection.addTransceiver(Source(kind), direction="sendonly")
    await connection.setLocalDescription(await connection.createOffer())
    say({"offer": connection.localDescription.sdp})


async def answer(order):
    await connections[0].setRemoteDescription(RTCSessionDescription(order["sdp"], "answer"))


async def take(track):
    try:
        while True:
            await track.recv()
    except MediaStreamError:
        pass


async def receive(order):
    connection = open_connection()
    tasks = []
    connection.on("track", lambda track: tasks.append(asyncio.create_task(take(track))))
    await connection.setRemoteDescription(RTCSessionDescription(order["sdp"], "offer"))
    await connection.setLocalDescription(await connection.createAnswer())
    say({"answer": connection.localDescription.sdp})


async def counts():
    """Packets, as what is decoded depends on how busy the machine is."""
    result = {"sent": {"audio": 0, "video": 0}, "got": {"audio": 0, "video": 0}}
    for connection in connections:
        for entry in (await connection.getStats()).values():
            if entry.type == "outbound-rtp":
                result["sent"][entry.kind] += entry.packetsSent
            elif entry.type == "inbound-rtp":
                result["got"][entry.kind] += entry.packetsReceived
    return result


async def tell():
    while True:
        say({**await counts(), "states": [connection.connectionState for connection in connections]})
        await asyncio.sleep(0.25)


async def main():
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr)
    told = asyncio.create_task(tell())
    lines = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    while True:
        order = json.loads(await lines.readline())
        if order["do"] == "close":
            break
        if order["do"] in ("mute", "unmute"):
            muted.set() if order["do"] == "mute" else muted.clear()
        else:
            await {"offer": offer, "answer": answer, "receive": receive}[order["do"]](order)
    told.cancel()
    await asyncio.gather(*(connection.close() for connection in connections))


asyncio.run(main())
