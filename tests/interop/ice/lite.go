// lite publishes sound by WHIP, or watches by WHEP, as an ICE-lite agent, or as a complete one that asks a STUN server:
// lite URL send|recv lite|STUN-URL. It says "connected", then each second how many packets have come ("packets N").
package main

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"
)

func must[T any](value T, err error) T {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	return value
}

func main() {
	url, sends, lite := os.Args[1], os.Args[2] == "send", os.Args[3] == "lite"
	settings := webrtc.SettingEngine{}
	settings.SetLite(lite)
	settings.SetNetworkTypes([]webrtc.NetworkType{webrtc.NetworkTypeUDP4})
	settings.SetIncludeLoopbackCandidate(lite)
	servers := webrtc.Configuration{}
	if !lite {
		servers.ICEServers = []webrtc.ICEServer{{URLs: []string{os.Args[3]}}}
	}
	media := &webrtc.MediaEngine{}
	must(0, media.RegisterDefaultCodecs())
	api := webrtc.NewAPI(webrtc.WithSettingEngine(settings), webrtc.WithMediaEngine(media))
	pc := must(api.NewPeerConnection(servers))
	connected := make(chan struct{})
	pc.OnConnectionStateChange(func(state webrtc.PeerConnectionState) {
		fmt.Println(state)
		if state == webrtc.PeerConnectionStateConnected {
			close(connected)
		}
	})
	var got atomic.Uint64
	pc.OnTrack(func(track *webrtc.TrackRemote, _ *webrtc.RTPReceiver) {
		for {
			if _, _, err := track.ReadRTP(); err != nil {
				return
			}
			got.Add(1)
		}
	})
	track := must(webrtc.NewTrackLocalStaticRTP(webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeOpus}, "sound", "lite"))
	if sends {
		must(pc.AddTransceiverFromTrack(track, webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionSendonly}))
	} else {
		must(pc.AddTransceiverFromKind(webrtc.RTPCodecTypeAudio, webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionRecvonly}))
	}
	gathered := webrtc.GatheringCompletePromise(pc)
	must(0, pc.SetLocalDescription(must(pc.CreateOffer(nil))))
	<-gathered
	offer := pc.LocalDescription().SDP
	if strings.Contains(offer, "a=ice-lite") != lite {
		fmt.Fprintln(os.Stderr, "the offer is ICE-lite, or is not")
		os.Exit(1)
	}
	answer := must(http.Post(url, "application/sdp", strings.NewReader(offer)))
	text := string(must(io.ReadAll(answer.Body)))
	if answer.StatusCode != 201 {
		fmt.Fprintln(os.Stderr, answer.StatusCode, text)
		os.Exit(1)
	}
	if strings.Contains(text, "a=ice-lite") {
		fmt.Fprintln(os.Stderr, "the answer is ICE-lite")
		os.Exit(1)
	}
	must(0, pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: text}))
	select {
	case <-connected:
	case <-time.After(20 * time.Second):
		fmt.Fprintln(os.Stderr, "not connected")
		os.Exit(1)
	}
	for i := uint32(0); ; i++ {
		if sends {
			packet := rtp.Packet{Header: rtp.Header{Version: 2, SequenceNumber: uint16(i), Timestamp: i * 960}, Payload: []byte{0xf8, 0xff, 0xfe}}
			must(0, track.WriteRTP(&packet))
		}
		if i%50 == 49 {
			fmt.Println("packets", got.Load())
		}
		time.Sleep(20 * time.Millisecond)
	}
}
