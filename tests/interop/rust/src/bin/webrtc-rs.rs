//! A participant on webrtc-rs, a WebRTC stack in Rust that follows pion.

use rotunda_interop::{say, serve, Kind, Speech, COUNTS};
use serde_json::json;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use webrtc::api::interceptor_registry::register_default_interceptors;
use webrtc::api::media_engine::{MediaEngine, MIME_TYPE_OPUS, MIME_TYPE_VP8};
use webrtc::api::{APIBuilder, API};
use webrtc::interceptor::registry::Registry;
use webrtc::peer_connection::configuration::RTCConfiguration;
use webrtc::peer_connection::peer_connection_state::RTCPeerConnectionState;
use webrtc::peer_connection::sdp::session_description::RTCSessionDescription;
use webrtc::peer_connection::RTCPeerConnection;
use webrtc::rtp::header::Header;
use webrtc::rtp::packet::Packet;
use webrtc::rtp_transceiver::rtp_codec::{RTCRtpCodecCapability, RTPCodecType};
use webrtc::rtp_transceiver::rtp_transceiver_direction::RTCRtpTransceiverDirection;
use webrtc::rtp_transceiver::RTCRtpTransceiverInit;
use webrtc::track::track_local::track_local_static_rtp::TrackLocalStaticRTP;
use webrtc::track::track_local::TrackLocalWriter;

type Outcome<T> = Result<T, webrtc::Error>;

fn api() -> Outcome<API> {
    let mut media = MediaEngine::default();
    media.register_default_codecs()?;
    let registry = register_default_interceptors(Registry::new(), &mut media)?;
    Ok(APIBuilder::new().with_media_engine(media).with_interceptor_registry(registry).build())
}

async fn open(number: usize) -> Outcome<Arc<RTCPeerConnection>> {
    let connection = Arc::new(api()?.new_peer_connection(RTCConfiguration::default()).await?);
    COUNTS.set_state(number, "new".into());
    connection.on_peer_connection_state_change(Box::new(move |state| {
        COUNTS.set_state(number, state.to_string());
        Box::pin(async {})
    }));
    Ok(connection)
}

/// The description with all its candidates.
async fn describe(connection: &RTCPeerConnection, description: RTCSessionDescription) -> Outcome<String> {
    let mut gathered = connection.gathering_complete_promise().await;
    connection.set_local_description(description).await?;
    gathered.recv().await;
    Ok(connection.local_description().await.unwrap().sdp)
}

fn track(kind: &str, mime_type: &str, clock_rate: u32, channels: u16) -> Arc<TrackLocalStaticRTP> {
    let codec = RTCRtpCodecCapability { mime_type: mime_type.into(), clock_rate, channels, ..Default::default() };
    Arc::new(TrackLocalStaticRTP::new(codec, kind.into(), "interop".into()))
}

async fn offer() -> Outcome<Arc<RTCPeerConnection>> {
    let connection = open(0).await?;
    let tracks = [track("audio", MIME_TYPE_OPUS, 48000, 2), track("video", MIME_TYPE_VP8, 90000, 0)];
    for track in tracks.clone() {
        let init = RTCRtpTransceiverInit { direction: RTCRtpTransceiverDirection::Sendonly, send_encodings: vec![] };
        let sender = connection.add_transceiver_from_track(track, Some(init)).await?.sender().await;
        tokio::spawn(async move { while sender.read_rtcp().await.is_ok() {} }); // for the interceptors
    }
    tokio::spawn(speak(Arc::clone(&connection), tracks));
    let description = connection.create_offer(None).await?;
    say(json!({"offer": describe(&connection, description).await?}));
    Ok(connection)
}

async fn speak(connection: Arc<RTCPeerConnection>, tracks: [Arc<TrackLocalStaticRTP>; 2]) {
    while connection.connection_state() != RTCPeerConnectionState::Connected {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let mut speech = Speech::begin();
    loop {
        for piece in speech.due() {
            let header = Header {
                version: 2,
                sequence_number: piece.seq,
                timestamp: piece.timestamp,
                marker: piece.marker,
                ..Default::default()
            };
            let packet = Packet { header, payload: piece.payload.into() };
            if tracks[piece.kind as usize].write_rtp(&packet).await.is_ok() {
                COUNTS.add_sent(piece.kind);
            }
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

async fn receive(sdp: &str) -> Outcome<Arc<RTCPeerConnection>> {
    let connection = open(1).await?;
    connection.on_track(Box::new(|track, _, _| {
        tokio::spawn(async move {
            let kind = if track.kind() == RTPCodecType::Audio { Kind::Audio } else { Kind::Video };
            while track.read_rtp().await.is_ok() {
                COUNTS.add_got(kind);
            }
        });
        Box::pin(async {})
    }));
    connection.set_remote_description(RTCSessionDescription::offer(sdp.into())?).await?;
    let description = connection.create_answer(None).await?;
    say(json!({"answer": describe(&connection, description).await?}));
    Ok(connection)
}

fn main() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let mut connections = HashMap::new();
    serve(|what, sdp| {
        runtime.block_on(async {
            match what {
                "offer" => drop(connections.insert(what.to_string(), offer().await.unwrap())),
                "receive" => drop(connections.insert(what.to_string(), receive(sdp).await.unwrap())),
                "answer" => {
                    let answer = RTCSessionDescription::answer(sdp.into()).unwrap();
                    connections["offer"].set_remote_description(answer).await.unwrap();
                }
                "close" => {
                    for connection in connections.values() {
                        connection.close().await.unwrap();
                    }
                }
                _ => panic!("no such order: {what}"),
            }
        })
    });
}
