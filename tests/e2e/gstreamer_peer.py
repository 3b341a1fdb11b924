#!/usr/bin/python3
"""A participant on GStreamer's webrtcbin, a WebRTC stack of its own: sends VP8 and opus, decodes what others send.

    gstreamer_peer.py ws://HOST:PORT/ws ROOM NAME SECONDS [MTU]

With an MTU its picture is noise, of 2 Mbit/s, in packets of so many bytes: an MTU of 100 gives thousands a second.
Prints one JSON line a second: {"video": frames decoded, "audio": buffers decoded, "states": [...]}. Ends after SECONDS, or with 77 when
GStreamer has not what it needs.
"""

import asyncio
import json
import sys

try:
    import gi

    gi.require_version("Gst", "1.0")
    gi.require_version("GstSdp", "1.0")
    gi.require_version("GstWebRTC", "1.0")
    from gi.repository import Gst, GstSdp, GstWebRTC
    import websockets
except (ImportError, ValueError) as error:
    print(f"missing: {error}")
    sys.exit(77)

SOURCES = """
webrtcbin name=webrtc bundle-policy=max-bundle
videotestsrc is-live=true pattern={pattern} ! video/x-raw,width=320,height=180,framerate=15/1 ! videoconvert !
  vp8enc deadline=1 cpu-used=8 end-usage=cbr target-bitrate={bitrate_bps} keyframe-max-dist=3000 !
  rtpvp8pay pt=96 picture-id-mode=2 mtu={mtu} !
  application/x-rtp,media=video,encoding-name=VP8,payload=96 ! webrtc.
audiotestsrc is-live=true wave=sine freq=440 volume=0.3 ! audioconvert ! audioresample ! opusenc ! rtpopuspay pt=111 !
  application/x-rtp,media=audio,encoding-name=OPUS,payload=111 ! webrtc.
"""
USUAL = {"pattern": "ball", "bitrate_bps": 300_000, "mtu": 1200}


def wait_for(webrtc, signal, *arguments):
    """Emits a signal of webrtcbin that takes a promise, and returns the reply. What is read from it lives as long as it does."""
    promise = Gst.Promise.new()
    webrtc.emit(signal, *arguments, promise)
    promise.wait()
    return promise.get_reply()


def describe(webrtc, which, kind, text):
    result, message = GstSdp.SDPMessage.new_from_text(text)
    assert result == GstSdp.SDPResult.OK, text
    wait_for(webrtc, f"set-{which}-description", GstWebRTC.WebRTCSessionDescription.new(kind, message))


def values(section, name):
    return [line[len(name) + 3 :] for line in section if line.startswith(f"a={name}:")]


def sections(text):
    """The lines of the session and of each m= section."""
    result = [[]]
    for line in text.split("\r\n"):
        if line.startswith("m="):
            result.append([])
        result[-1].append(line)
    return result


def fingerprint_of(text):
    algorithm, value = next(line for line in text.split("\r\n") if line.startswith("a=fingerprint:"))[14:].split(" ")
    return {"role": "client", "fingerprints": [{"algorithm": algorithm, "value": value.upper()}]}


def server_sdp(transport, media, setup):
    """The server's side of a session, as any client writes it from the server's parameters."""
    ice = transport["iceParameters"]
    digest = transport["dtlsParameters"]["fingerprints"][-1]
    lines = ["v=0", "o=- 1 1 IN IP4 0.0.0.0", "s=-", "t=0 0", "a=ice-lite"]
    lines += ["a=group:BUNDLE " + " ".join(mid for mid, *_ in media), "a=msid-semantic: WMS *"]
    for mid, kind, types, more in media:
        lines += [f"m={kind} 9 UDP/TLS/RTP/SAVPF {types}", "c=IN IP4 0.0.0.0", f"a=mid:{mid}"]
        lines += [f"a=ice-ufrag:{ice['usernameFragment']}", f"a=ice-pwd:{ice['password']}"]
        lines += [f"a=fingerprint:{digest['algorithm']} {digest['value']}", f"a=setup:{setup}"]
        lines += ["a=rtcp-mux", "a=rtcp-rsize", *more]
        for number, c in enumerate(transport["iceCandidates"]):
            if c["protocol"] == "udp":
                lines.append(f"a=candidate:{number + 1} 1 UDP {c['priority']} {c['address']} {c['port']} typ host")
        lines.append("a=end-of-candidates")
    return "\r\n".join(lines) + "\r\n"


class Peer:
    def __init__(self, socket, sources):
        self.socket = socket
        self.sources = sources
        self.waiting = {}
        self.next_id = 0
        self.news = asyncio.Queue()
        self.decoded = {"video": 0, "audio": 0}
        self.pipelines = []

    async def read(self):
        async for text in self.socket:
            message = json.loads(text)
            future = self.waiting.pop(message.get("id"), None)
            if future:
                future.set_result(message)
            elif message["type"] == "new-producer":
                self.news.put_nowait(message["data"])

    async def request(self, what, **data):
        self.next_id += 1
        self.waiting[self.next_id] = asyncio.get_running_loop().create_future()
        future = self.waiting[self.next_id]
        await self.socket.send(json.dumps({"type": what, "id": self.next_id, "data": data}))
        message = await asyncio.wait_for(future, 10)
        assert message["type"] != "error", message
        return message["data"]

    async def publish(self):
        transport = await self.request("create-transport", direction="send")
        pipeline = Gst.parse_launch(self.sources)
        self.pipelines.append(pipeline)
        webrtc = pipeline.get_by_name("webrtc")
        for index in range(2):
            transceiver = webrtc.emit("get-transceiver", index)
            transceiver.set_property("direction", GstWebRTC.WebRTCRTPTransceiverDirection.SENDONLY)
        # The SSRCs are in the offer once the payloaders have told their formats.
        pipeline.set_state(Gst.State.PLAYING)
        while True:
            reply = wait_for(webrtc, "create-offer", None)
            offer = reply.get_value("offer")
            text = offer.sdp.as_text()
            media = sections(text)[1:]
            if len(media) == 2 and all(values(section, "ssrc") for section in media):
                break
            await asyncio.sleep(0.05)
        wait_for(webrtc, "set-local-description", offer)
        await self.request("connect-transport", transportId=transport["id"], dtlsParameters=fingerprint_of(text))
        answer = []
        for section in media:
            kind = section[0][2:7]
            payload_type = 96 if kind == "video" else 111
            formats = [f"a=rtpmap:{payload_type} {'VP8/90000' if kind == 'video' else 'OPUS/48000/2'}"]
            formats += [f"a=rtcp-fb:{payload_type} nack pli"] if kind == "video" else []
            answer.append((values(section, "mid")[0], kind, payload_type, ["a=recvonly", *formats]))
        describe(webrtc, "remote", GstWebRTC.WebRTCSDPType.ANSWER, server_sdp(transport, answer, "passive"))
        for section in media:
            await self.produce(transport["id"], section)

    async def produce(self, transport_id, section):
        kind = section[0][2:7]
        ssrc = int(values(section, "ssrc")[0].split(" ")[0])
        video = {"mimeType": "video/VP8", "payloadType": 96, "clockRate": 90000,
                 "rtcpFeedback": [{"type": "nack", "parameter": "pli"}]}
        audio = {"mimeType": "audio/opus", "payloadType": 111, "clockRate": 48000, "channels": 2}
        parameters = {
            "mid": values(section, "mid")[0],
            "codecs": [video if kind == "video" else audio],
            "headerExtensions": [],
            "encodings": [{"ssrc": ssrc}],
            "rtcp": {"cname": "gstreamer"},
        }
        await self.request("produce", transportId=transport_id, kind=kind, rtpParameters=parameters)

    # Each producer gets a transport of its own, so that nothing has to be negotiated again.
    async def receive(self, producer, capabilities):
        transport = await self.request("create-transport", direction="recv")
        consumed = await self.request("consume", producerId=producer["producerId"], transportId=transport["id"],
                                      rtpCapabilities=capabilities, paused=True)
        parameters = consumed["rtpParameters"]
        codec = parameters["codecs"][0]
        payload_type = codec["payloadType"]
        rtpmap = f"a=rtpmap:{payload_type} {codec['mimeType'].split('/')[1]}/{codec['clockRate']}"
        more = ["a=sendonly", rtpmap + ("/2" if consumed["kind"] == "audio" else "")]
        more += [f"a=rtcp-fb:{payload_type} {f['type']} {f['parameter']}".rstrip() for f in codec["rtcpFeedback"]]
        more += [f"a=ssrc:{parameters['encodings'][0]['ssrc']} cname:{parameters['rtcp']['cname']}"]
        offer = server_sdp(transport, [(parameters["mid"], consumed["kind"], payload_type, more)], "actpass")

        pipeline = Gst.Pipeline.new(None)
        webrtc = Gst.ElementFactory.make("webrtcbin", "webrtc")
        webrtc.set_property("bundle-policy", GstWebRTC.WebRTCBundlePolicy.MAX_BUNDLE)
        pipeline.add(webrtc)
        self.pipelines.append(pipeline)
        webrtc.connect("pad-added", self.pad_added, pipeline, consumed["kind"])
        pipeline.set_state(Gst.State.PLAYING)
        describe(webrtc, "remote", GstWebRTC.WebRTCSDPType.OFFER, offer)
        reply = wait_for(webrtc, "create-answer", None)
        answer = reply.get_value("answer")
        wait_for(webrtc, "set-local-description", answer)
        text = answer.sdp.as_text()
        await self.request("connect-transport", transportId=transport["id"], dtlsParameters=fingerprint_of(text))
        await self.request("resume-consumer", consumerId=consumed["id"])

    def pad_added(self, _webrtc, pad, pipeline, kind):
        if pad.get_direction() != Gst.PadDirection.SRC:
            return
        chain = "rtpvp8depay ! vp8dec" if kind == "video" else "rtpopusdepay ! opusdec"
        decoder = Gst.parse_bin_from_description(f"queue ! {chain} ! fakesink name=sink sync=false", True)
        pipeline.add(decoder)
        decoder.get_by_name("sink").get_static_pad("sink").add_probe(Gst.PadProbeType.BUFFER, self.count, kind)
        decoder.sync_state_with_parent()
        pad.link(decoder.get_static_pad("sink"))

    def count(self, _pad, _info, kind):
        self.decoded[kind] += 1
        return Gst.PadProbeReturn.OK

    def states(self):
        return [p.get_by_name("webrtc").get_property("connection-state").value_nick for p in self.pipelines]


async def follow(peer, joined):
    for producer in joined["producers"]:
        peer.news.put_nowait(producer)
    while True:
        await peer.receive(await peer.news.get(), joined["routerRtpCapabilities"])


async def main(url, room, name, seconds, mtu=None):
    Gst.init(None)
    needed = ["webrtcbin", "nicesink", "dtlssrtpenc", "vp8enc", "vp8dec", "rtpvp8pay", "opusenc", "opusdec"]
    missing = [element for element in needed if not Gst.ElementFactory.find(element)]
    if missing:
        print(f"missing: {missing}")
        return 77
    async with websockets.connect(url) as socket:
        settings = {"pattern": "snow", "bitrate_bps": 2_000_000, "mtu": mtu} if mtu else USUAL
        peer = Peer(socket, SOURCES.format(**settings))
        tasks = [asyncio.create_task(peer.read())]
        joined = await peer.request("join-room", roomId=room, username=name)
        await peer.publish()
        tasks.append(asyncio.create_task(follow(peer, joined)))
        for _ in range(int(seconds)):
            await asyncio.sleep(1)
            print(json.dumps({**peer.decoded, "states": peer.states()}), flush=True)
            for task in tasks:
                if task.done():
                    task.result()
        await peer.request("leave-room")
        for pipeline in peer.pipelines:
            pipeline.set_state(Gst.State.NULL)
        for task in tasks:
            task.cancel()
    return 0


sys.exit(asyncio.run(main(*sys.argv[1:6])))
