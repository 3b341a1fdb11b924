// Data channels of pion. Reads lines of JSON: {"do":"offer"}, {"do":"answer","sdp"}, {"do":"send"}, {"do":"flood"} (6 MB
// in a hundred messages), {"do":"stall"} (reads nothing from then on); writes {"offer"}, {"open"},
// {"got":{"label","text","length","sum"}}. The same source is built with version 3 of the library.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/pion/webrtc/v4"
)

var out sync.Mutex

func say(message map[string]any) {
	out.Lock()
	defer out.Unlock()
	_ = json.NewEncoder(os.Stdout).Encode(message)
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func main() {
	connection, err := webrtc.NewPeerConnection(webrtc.Configuration{})
	check(err)
	no, twice := false, uint16(2)
	var stalled atomic.Bool
	var channels []*webrtc.DataChannel
	for _, one := range []struct {
		label string
		init  *webrtc.DataChannelInit
	}{{"ordered", nil}, {"partly", &webrtc.DataChannelInit{Ordered: &no, MaxRetransmits: &twice}}} {
		channel, err := connection.CreateDataChannel(one.label, one.init)
		check(err)
		label := one.label
		channel.OnOpen(func() { say(map[string]any{"open": label}) })
		channel.OnMessage(func(message webrtc.DataChannelMessage) {
			if stalled.Load() {
				select {} // nothing more is read of this channel
			}
			sum := uint32(0)
			for _, b := range message.Data {
				sum = sum*31 + uint32(b)
			}
			say(map[string]any{"got": map[string]any{"label": label, "text": message.IsString, "length": len(message.Data), "sum": sum}})
		})
		channels = append(channels, channel)
	}
	lines := bufio.NewReader(os.Stdin)
	for {
		line, err := lines.ReadString('\n')
		if err != nil {
			return
		}
		var order struct{ Do, Sdp string }
		check(json.Unmarshal([]byte(line), &order))
		switch order.Do {
		case "offer":
			offer, err := connection.CreateOffer(nil)
			check(err)
			gathered := webrtc.GatheringCompletePromise(connection)
			check(connection.SetLocalDescription(offer))
			<-gathered
			say(map[string]any{"offer": connection.LocalDescription().SDP})
		case "answer":
			check(connection.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: order.Sdp}))
		case "send":
			check(channels[0].SendText("hello, wörld"))
			check(channels[0].SendText(""))
			bytes := make([]byte, 60000)
			for i := range bytes {
				bytes[i] = byte(i)
			}
			check(channels[0].Send(bytes))
			check(channels[1].SendText(strings.Repeat("x", 1000)))
		case "flood":
			for i := 0; i < 100; i++ {
				check(channels[0].Send(make([]byte, 60000)))
			}
		case "stall":
			stalled.Store(true)
		}
	}
}
