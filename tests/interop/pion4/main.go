// A participant on pion, a WebRTC stack in Go. docs/interop.md tells what it reads and writes. The same source is built
// with version 3 of the library, whose import path alone is another (tests/interop/run).
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pion/interceptor"
	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"
)

type counts struct {
	audio, video atomic.Int64
}

func (c *counts) add(kind string) {
	if kind == "audio" {
		c.audio.Add(1)
	} else {
		c.video.Add(1)
	}
}

func (c *counts) told() map[string]int64 {
	return map[string]int64{"audio": c.audio.Load(), "video": c.video.Load()}
}

type client struct {
	api         *webrtc.API
	sent, got   counts
	muted       atomic.Bool
	speaking    sync.Once
	connections []*webrtc.PeerConnection
	tracks      map[string]*webrtc.TrackLocalStaticRTP
	out         sync.Mutex
}

// As webrtc.NewPeerConnection makes it; with "tcp" for an argument TCP is all that there is.
func newAPI() *webrtc.API {
	media, interceptors, settings := &webrtc.MediaEngine{}, &interceptor.Registry{}, webrtc.SettingEngine{}
	check(media.RegisterDefaultCodecs())
	check(webrtc.RegisterDefaultInterceptors(media, interceptors))
	if len(os.Args) > 1 && os.Args[1] == "tcp" {
		settings.SetNetworkTypes([]webrtc.NetworkType{webrtc.NetworkTypeTCP4})
		settings.SetIncludeLoopbackCandidate(true)
	}
	return webrtc.NewAPI(webrtc.WithMediaEngine(media), webrtc.WithInterceptorRegistry(interceptors),
		webrtc.WithSettingEngine(settings))
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func (c *client) say(message map[string]any) {
	c.out.Lock()
	defer c.out.Unlock()
	check(json.NewEncoder(os.Stdout).Encode(message))
}

func (c *client) open() *webrtc.PeerConnection {
	connection, err := c.api.NewPeerConnection(webrtc.Configuration{})
	check(err)
	c.connections = append(c.connections, connection)
	return connection
}

// The description with all its candidates.
func describe(connection *webrtc.PeerConnection, description webrtc.SessionDescription) string {
	gathered := webrtc.GatheringCompletePromise(connection)
	check(connection.SetLocalDescription(description))
	<-gathered
	return connection.LocalDescription().SDP
}

func (c *client) addTrack(connection *webrtc.PeerConnection, kind, mimeType string, clockRate uint32, channels uint16) {
	track, err := webrtc.NewTrackLocalStaticRTP(
		webrtc.RTPCodecCapability{MimeType: mimeType, ClockRate: clockRate, Channels: channels}, kind, "interop")
	check(err)
	c.tracks[kind] = track
	transceiver, err := connection.AddTransceiverFromTrack(
		track, webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionSendonly})
	check(err)
	go func() { // the library's interceptors see reports as they are read
		for {
			if _, _, err := transceiver.Sender().ReadRTCP(); err != nil {
				return
			}
		}
	}()
}

func (c *client) offer() {
	connection := c.open()
	c.addTrack(connection, "audio", webrtc.MimeTypeOpus, 48000, 2)
	c.addTrack(connection, "video", webrtc.MimeTypeVP8, 90000, 0)
	connection.OnConnectionStateChange(func(state webrtc.PeerConnectionState) {
		if state == webrtc.PeerConnectionStateConnected {
			c.speaking.Do(func() { go c.speak() })
		}
	})
	offer, err := connection.CreateOffer(nil)
	check(err)
	c.say(map[string]any{"offer": describe(connection, offer)})
}

func (c *client) receive(sdp string) {
	connection := c.open()
	connection.OnTrack(func(track *webrtc.TrackRemote, receiver *webrtc.RTPReceiver) {
		_ = connection.WriteRTCP([]rtcp.Packet{&rtcp.PictureLossIndication{MediaSSRC: uint32(track.SSRC())}})
		go func() { // what the library reports of its own needs senders' reports, which it sees as they are read
			for {
				if _, _, err := receiver.ReadRTCP(); err != nil {
					return
				}
			}
		}()
		for {
			if _, _, err := track.ReadRTP(); err != nil {
				return
			}
			c.got.add(track.Kind().String())
		}
	})
	check(connection.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeOffer, SDP: sdp}))
	answer, err := connection.CreateAnswer(nil)
	check(err)
	c.say(map[string]any{"answer": describe(connection, answer)})
}

func (c *client) emit(kind string, seq *uint16, timestamp uint32, marker bool, payload []byte) {
	if c.muted.Load() {
		return
	}
	*seq++
	header := rtp.Header{Version: 2, SequenceNumber: *seq, Timestamp: timestamp, Marker: marker}
	check(c.tracks[kind].WriteRTP(&rtp.Packet{Header: header, Payload: payload}))
	c.sent.add(kind)
}

// Two packets a picture, whose payload has the form of VP8 alone; a key frame each second.
func picture(number, part int) []byte {
	payload := make([]byte, 800-400*part)
	payload[0] = 0x80 // the descriptor: a picture id follows
	copy(payload[1:], []byte{0x80, 0x80 | byte(number>>8&0x7f), byte(number)})
	if part == 0 {
		payload[0] |= 0x10 // a partition starts
		payload[4] = 0x11
		if number%30 == 0 {
			copy(payload[4:], []byte{0x10, 0, 0, 0x9d, 0x01, 0x2a, 0x40, 0x01, 0xb4, 0})
		}
	}
	return payload
}

func (c *client) speak() {
	var audio, video uint16
	pieces, pictures := 0, 0
	start := time.Now()
	for range time.Tick(10 * time.Millisecond) {
		elapsed := int(time.Since(start).Milliseconds())
		for ; pieces*20 < elapsed; pieces++ {
			c.emit("audio", &audio, uint32(pieces*960), pieces == 0, make([]byte, 60))
		}
		for ; pictures*1000/30 < elapsed; pictures++ {
			c.emit("video", &video, uint32(pictures*3000), false, picture(pictures, 0))
			c.emit("video", &video, uint32(pictures*3000), true, picture(pictures, 1))
		}
	}
}

func (c *client) tell() {
	for range time.Tick(250 * time.Millisecond) {
		states := []string{}
		for _, connection := range c.connections {
			states = append(states, connection.ConnectionState().String())
		}
		c.say(map[string]any{"sent": c.sent.told(), "got": c.got.told(), "states": states})
	}
}

func main() {
	c := &client{api: newAPI(), tracks: map[string]*webrtc.TrackLocalStaticRTP{}}
	go c.tell()
	lines := bufio.NewReader(os.Stdin)
	for {
		line, err := lines.ReadString('\n')
		check(err)
		var order struct{ Do, Sdp string }
		check(json.Unmarshal([]byte(strings.TrimSpace(line)), &order))
		switch order.Do {
		case "offer":
			c.offer()
		case "answer":
			check(c.connections[0].SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: order.Sdp}))
		case "receive":
			c.receive(order.Sdp)
		case "mute", "unmute":
			c.muted.Store(order.Do == "mute")
		case "close":
			for _, connection := range c.connections {
				check(connection.Close())
			}
			return
		}
	}
}
