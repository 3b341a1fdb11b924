//! What the clients in Rust share: the lines that the runner and a client exchange (docs/interop.md), and sound and
//! pictures that are none: payloads which have the form alone, 30 pictures and 50 pieces of sound a second.

use serde_json::{json, Value};
use std::io::{stdin, BufRead, Write};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::Mutex;
use std::time::{Duration, Instant};

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Audio,
    Video,
}

pub struct Counts {
    sent: [AtomicU64; 2],
    got: [AtomicU64; 2],
    muted: AtomicBool,
    states: Mutex<[Option<String>; 2]>,
}

pub static COUNTS: Counts = Counts {
    sent: [AtomicU64::new(0), AtomicU64::new(0)],
    got: [AtomicU64::new(0), AtomicU64::new(0)],
    muted: AtomicBool::new(false),
    states: Mutex::new([None, None]),
};

impl Counts {
    pub fn add_got(&self, kind: Kind) {
        self.got[kind as usize].fetch_add(1, Relaxed);
    }
    pub fn add_sent(&self, kind: Kind) {
        self.sent[kind as usize].fetch_add(1, Relaxed);
    }
    /// connection: 0 publishes, 1 receives.
    pub fn set_state(&self, connection: usize, state: String) {
        self.states.lock().unwrap()[connection] = Some(state);
    }
    fn told(&self) -> Value {
        let pair =
            |counts: &[AtomicU64; 2]| json!({"audio": counts[0].load(Relaxed), "video": counts[1].load(Relaxed)});
        let states: Vec<String> = self.states.lock().unwrap().iter().flatten().cloned().collect();
        json!({"sent": pair(&self.sent), "got": pair(&self.got), "states": states})
    }
}

pub fn say(message: Value) {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{message}").unwrap();
    out.flush().unwrap();
}

/// Hands each order of the runner, and the SDP that came with it, to `carry_out`, up to "close" and with it.
pub fn serve(mut carry_out: impl FnMut(&str, &str)) {
    std::thread::spawn(|| loop {
        say(COUNTS.told());
        std::thread::sleep(Duration::from_millis(250));
    });
    for line in stdin().lock().lines() {
        let order: Value = serde_json::from_str(&line.unwrap()).unwrap();
        match order["do"].as_str().unwrap() {
            what @ ("mute" | "unmute") => COUNTS.muted.store(what == "mute", Relaxed),
            what => carry_out(what, order["sdp"].as_str().unwrap_or("")),
        }
        if order["do"] == "close" {
            return;
        }
    }
}

pub struct Piece {
    pub kind: Kind,
    pub seq: u16,
    pub timestamp: u32,
    pub marker: bool,
    pub payload: Vec<u8>,
}

/// Tells what is to be sent when.
pub struct Speech {
    start: Instant,
    sounds: u32,
    pictures: u32,
    seqs: [u16; 2],
}

impl Speech {
    pub fn begin() -> Self {
        Speech { start: Instant::now(), sounds: 0, pictures: 0, seqs: [0, 0] }
    }

    fn piece(&mut self, kind: Kind, timestamp: u32, marker: bool, payload: Vec<u8>) -> Piece {
        self.seqs[kind as usize] += u16::from(!COUNTS.muted.load(Relaxed));
        Piece { kind, seq: self.seqs[kind as usize], timestamp, marker, payload }
    }

    pub fn due(&mut self) -> Vec<Piece> {
        let elapsed = self.start.elapsed().as_millis() as u32;
        let mut pieces = Vec::new();
        while self.sounds * 20 < elapsed {
            pieces.push(self.piece(Kind::Audio, self.sounds * 960, self.sounds == 0, vec![0xfc; 60]));
            self.sounds += 1;
        }
        while self.pictures * 1000 / 30 < elapsed {
            for part in 0..2 {
                pieces.push(self.piece(Kind::Video, self.pictures * 3000, part == 1, picture(self.pictures, part)));
            }
            self.pictures += 1;
        }
        if COUNTS.muted.load(Relaxed) {
            pieces.clear();
        }
        pieces
    }
}

/// Two packets a picture; a key frame each second.
fn picture(number: u32, part: usize) -> Vec<u8> {
    let mut payload = vec![0; 800 - 400 * part];
    payload[..4].copy_from_slice(&[0x80, 0x80, 0x80 | (number >> 8 & 0x7f) as u8, number as u8]); // a picture id
    if part == 0 {
        payload[0] |= 0x10; // a partition starts
        payload[4] = 0x11;
        if number % 30 == 0 {
            payload[4..14].copy_from_slice(&[0x10, 0, 0, 0x9d, 0x01, 0x2a, 0x40, 0x01, 0xb4, 0]);
        }
    }
    payload
}
