"""aiortc as a WHIP publisher and as a WHEP viewer: aiortc_whip.py publish|view URL SECONDS.

Prints one line of JSON at its end: what was received (view), and the status of its DELETE.
"""
import asyncio
import json
import sys
import urllib.parse
import urllib.request

from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import AudioStreamTrack, VideoStreamTrack


def ask(method, url, body=None):
    headers = {"Content-Type": "application/sdp"} if body else {}
    request = urllib.request.Request(url, data=body and body.encode(), headers=headers, method=method)
    with urllib.request.urlopen(request) as answer:
        return answer.status, answer.headers, answer.read().decode()


async def count(track, counts):
    while True:
        await track.recv()
        counts[track.kind] += 1


async def main(role, url, seconds):
    pc = RTCPeerConnection(RTCConfiguration([]))
    counts = {"audio": 0, "video": 0}
    if role == "publish":
        pc.addTransceiver(AudioStreamTrack(), direction="sendonly")
        pc.addTransceiver(VideoStreamTrack(), direction="sendonly")
    else:
        pc.addTransceiver("audio", direction="recvonly")
        pc.addTransceiver("video", direction="recvonly")
        pc.on("track", lambda track: asyncio.ensure_future(count(track, counts)))
    await pc.setLocalDescription(await pc.createOffer())
    loop = asyncio.get_running_loop()
    status, headers, answer = await loop.run_in_executor(None, ask, "POST", url, pc.localDescription.sdp)
    assert status == 201, status
    await pc.setRemoteDescription(RTCSessionDescription(answer, "answer"))
    await asyncio.sleep(seconds)
    state = pc.connectionState
    session = urllib.parse.urljoin(url, headers["Location"])
    deleted = (await loop.run_in_executor(None, ask, "DELETE", session))[0]
    await pc.close()
    print(json.dumps({"state": state, "deleted": deleted, **counts}), flush=True)


asyncio.run(main(sys.argv[1], sys.argv[2], float(sys.argv[3])))
