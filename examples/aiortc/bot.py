#!/usr/bin/env python3
"""A bot in a room of Rotunda: plays a file into it, and hears and sees somebody, with aiortc.

    pip install aiortc
    ./bot.py https://meet.example.org garden --name Bot --play jingle.mp4 --hear Ann --record heard.mp4

Without --play it sends silence and a green picture, without --hear it hears whoever speaks, without --record it counts
what comes. Where the server has keys it needs two tokens, --token to send and --listen-token to listen, each with an
identity of its own. It speaks WHIP and WHEP, so a room shows two participants, Bot and "Bot listens" (docs/whip.md).
"""

import argparse
import asyncio
import json
import time
import urllib.error
import urllib.parse
import urllib.request

from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.contrib.media import MediaPlayer, MediaRecorder
from aiortc.mediastreams import AudioStreamTrack, MediaStreamError, VideoStreamTrack


def ask(method, url, token, offer=None):
    """One HTTP request: its headers and its body. What the server refuses is raised in its words."""
    headers = {"Content-Type": "application/sdp", **({"Authorization": f"Bearer {token}"} if token else {})}
    request = urllib.request.Request(url, offer and offer.encode(), headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.headers, answer.read().decode()
    except urllib.error.HTTPError as error:
        if error.headers["Retry-After"]:  # nobody sends yet
            time.sleep(int(error.headers["Retry-After"]))
            return ask(method, url, token, offer)
        raise SystemExit(f"{method} {url}: {error.code} {error.read().decode()}") from None


async def connect(pc, url, token):
    """Offer out, answer in; the session's address, for DELETE."""
    await pc.setLocalDescription(await pc.createOffer())
    headers, answer = await asyncio.to_thread(ask, "POST", url, token, pc.localDescription.sdp)
    await pc.setRemoteDescription(RTCSessionDescription(answer, "answer"))
    return urllib.parse.urljoin(url, headers["Location"])


def publisher(path):
    pc = RTCPeerConnection(RTCConfiguration([]))
    player = MediaPlayer(path, loop=True) if path else None
    for track in (player.audio, player.video) if player else (AudioStreamTrack(), VideoStreamTrack()):
        if track:
            pc.addTransceiver(track, direction="sendonly")
    return pc


def listener(recorder, heard):
    pc = RTCPeerConnection(RTCConfiguration([]))
    pc.addTransceiver("audio", direction="recvonly")
    pc.addTransceiver("video", direction="recvonly")

    async def count(track):
        try:
            while await track.recv():  # a frame, as of PyAV: here a script would look at it
                heard[track.kind] += 1
        except MediaStreamError:
            pass  # the end

    @pc.on("track")
    def on_track(track):
        if recorder:
            recorder.addTrack(track)
        else:
            asyncio.ensure_future(count(track))

    return pc


async def main(bot):
    room, name = urllib.parse.quote(bot.room, safe=""), urllib.parse.quote(bot.name)
    listens = urllib.parse.quote(f"{bot.name} listens") + (f"&from={urllib.parse.quote(bot.hear)}" if bot.hear else "")
    heard = {"audio": 0, "video": 0}
    recorder = MediaRecorder(bot.record) if bot.record else None
    sends, hears = publisher(bot.play), listener(recorder, heard)
    sessions = []
    try:
        url = f"{bot.server}/whip/{room}?name={name}"
        sessions.append((await connect(sends, url, bot.token), bot.token))
        url = f"{bot.server}/whep/{room}?name={listens}"
        sessions.append((await connect(hears, url, bot.listen_token), bot.listen_token))
        if recorder:
            await recorder.start()
        await asyncio.sleep(bot.seconds)
    finally:
        for session, token in sessions:
            await asyncio.to_thread(ask, "DELETE", session, token)
        if recorder:
            await recorder.stop()
        await asyncio.gather(sends.close(), hears.close())
    print(json.dumps(heard), flush=True)


options = argparse.ArgumentParser(description="a bot in a room of Rotunda")
options.add_argument("server", help="as https://meet.example.org")
options.add_argument("room")
options.add_argument("--name", default="Bot")
options.add_argument("--hear", help="whom it hears and sees; otherwise whoever speaks")
options.add_argument("--token", help="of who sends")
options.add_argument("--listen-token", help="of who listens")
options.add_argument("--play", help="a file that is sent again and again")
options.add_argument("--record", help="where what comes is written, as heard.mp4")
options.add_argument("--seconds", type=float, default=60)
asyncio.run(main(options.parse_args()))
