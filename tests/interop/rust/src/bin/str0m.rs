//! A participant on str0m, a WebRTC stack in Rust without sockets or threads of its own: each connection gets a socket
//! and a thread here.

use rotunda_interop::{say, serve, Kind, Speech, COUNTS};
use serde_json::json;
use std::io::ErrorKind;
use std::net::UdpSocket;
use std::sync::mpsc::{channel, Receiver, Sender};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use str0m::change::{SdpAnswer, SdpOffer, SdpPendingOffer};
use str0m::crypto::from_feature_flags;
use str0m::media::{Direction, MediaKind, Mid};
use str0m::net::{Protocol, Receive};
use str0m::rtp::RtpWrite;
use str0m::{Candidate, Event, Input, Output, Rtc, RtcConfig};

const TICK: Duration = Duration::from_millis(10);

struct Connection {
    rtc: Rtc,
    socket: UdpSocket,
    number: usize,
    speech: Option<(Speech, [Mid; 2])>,
    connected: bool,
}

impl Connection {
    fn open(number: usize) -> Self {
        let config = RtcConfig::new().clear_codecs().enable_opus(true, false).enable_vp8(true).set_rtp_mode(true);
        let mut rtc = config.build(Instant::now());
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        rtc.add_local_candidate(Candidate::host(socket.local_addr().unwrap(), "udp").unwrap()).unwrap();
        COUNTS.set_state(number, "new".into());
        Connection { rtc, socket, number, speech: None, connected: false }
    }

    fn speak(&mut self) {
        let Some((speech, mids)) = &mut self.speech else { return };
        for piece in speech.due() {
            let mid = mids[piece.kind as usize];
            let type_ = self.rtc.media(mid).unwrap().remote_pts()[0];
            let mut api = self.rtc.direct_api();
            let stream = api.stream_tx_by_mid(mid, None).unwrap();
            let seq = u64::from(piece.seq).into();
            let write = RtpWrite::new(type_, seq, piece.timestamp, Instant::now(), piece.payload);
            stream.write_rtp(write.marker(piece.marker).nackable(true));
            COUNTS.add_sent(piece.kind);
        }
    }

    fn take(&mut self, event: Event) {
        match event {
            Event::Connected => self.connected = true,
            Event::IceConnectionStateChange(state) => {
                COUNTS.set_state(self.number, format!("{state:?}").to_lowercase())
            }
            Event::RtpPacket(packet) => {
                let mid = self.rtc.direct_api().stream_rx(&packet.header.ssrc).unwrap().mid();
                let video = self.rtc.media(mid).unwrap().kind() == MediaKind::Video;
                COUNTS.add_got(if video { Kind::Video } else { Kind::Audio });
            }
            _ => {}
        }
    }

    /// Sends what is to be sent, and says when it has to be called again.
    fn poll(&mut self) -> Instant {
        loop {
            match self.rtc.poll_output().unwrap() {
                Output::Timeout(at) => return at,
                Output::Transmit(packet) => drop(self.socket.send_to(&packet.contents, packet.destination)),
                Output::Event(event) => self.take(event),
            }
        }
    }

    fn wait(&mut self, until: Instant) {
        let mut buffer = [0; 2000];
        let wait = until.saturating_duration_since(Instant::now()).clamp(Duration::from_millis(1), TICK);
        self.socket.set_read_timeout(Some(wait)).unwrap();
        match self.socket.recv_from(&mut buffer) {
            Ok((length, source)) => {
                let destination = self.socket.local_addr().unwrap();
                if let Ok(contents) = buffer[..length].try_into() {
                    let packet = Receive { proto: Protocol::Udp, source, destination, contents };
                    self.rtc.handle_input(Input::Receive(Instant::now(), packet)).unwrap();
                }
            }
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
            Err(error) => panic!("{error}"),
        }
        self.rtc.handle_input(Input::Timeout(Instant::now())).unwrap();
    }

    /// Until `end` says so. mids: of the tracks that it speaks on, once it is connected.
    fn run(mut self, end: Receiver<()>, mids: Option<[Mid; 2]>) {
        while end.try_recv().is_err() {
            if self.connected && self.speech.is_none() {
                self.speech = mids.map(|mids| (Speech::begin(), mids));
            }
            let at = self.poll();
            self.speak();
            self.wait(at);
        }
        self.rtc.close().unwrap();
        while self.rtc.is_alive() {
            let at = self.poll();
            self.wait(at);
        }
    }
}

fn start(running: &mut Vec<(Sender<()>, JoinHandle<()>)>, connection: Connection, mids: Option<[Mid; 2]>) {
    let (end, ended) = channel();
    running.push((end, std::thread::spawn(move || connection.run(ended, mids))));
}

fn offer() -> (Connection, SdpPendingOffer, [Mid; 2]) {
    let mut connection = Connection::open(0);
    let mut changes = connection.rtc.sdp_api();
    let mids = [MediaKind::Audio, MediaKind::Video]
        .map(|kind| changes.add_media(kind, Direction::SendOnly, Some("interop".into()), None, None));
    let (offer, pending) = changes.apply().unwrap();
    say(json!({"offer": offer.to_sdp_string()}));
    (connection, pending, mids)
}

fn main() {
    from_feature_flags().install_process_default();
    let mut running = Vec::new();
    let mut offered = None;
    serve(|what, sdp| match what {
        "offer" => offered = Some(offer()),
        "answer" => {
            let (mut connection, pending, mids) = offered.take().unwrap();
            connection.rtc.sdp_api().accept_answer(pending, SdpAnswer::from_sdp_string(sdp).unwrap()).unwrap();
            start(&mut running, connection, Some(mids));
        }
        "receive" => {
            let mut connection = Connection::open(1);
            let answer = connection.rtc.sdp_api().accept_offer(SdpOffer::from_sdp_string(sdp).unwrap()).unwrap();
            say(json!({"answer": answer.to_sdp_string()}));
            start(&mut running, connection, None);
        }
        "close" => {
            for (end, thread) in running.drain(..) {
                end.send(()).unwrap();
                thread.join().unwrap();
            }
        }
        _ => panic!("no such order: {what}"),
    });
}
