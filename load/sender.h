// sender: what one publisher sends on its wire: opus-like audio and 1..3 encodings of video, sender reports,
// and answers to what the server asks: retransmissions (RTX), key frames. One thread.
//
// Media flows from sender_start (per kind) until sender_stop. Video stops while paused, and encodings above
// the layer that the server wants are not sent, as browsers do.
#ifndef LOAD_SENDER_H
#define LOAD_SENDER_H

#include "load/encoder.h"
#include "load/payload.h"
#include "load/wire.h"

#define SENDER_NOTES 1024     // packets that can be sent again; power of two
#define SENDER_NAMED 128      // so many packets of a stream carry MID and RID
#define AUDIO_BYTES 100       // of a payload: 40 kbit/s
#define AUDIO_TALK_US 3000000 // with DTX: talks and is silent so long
#define AUDIO_DTX_US 400000   // between two packets of silence

struct sent_note {
    bool used;
    uint64_t index; // of its packet: 2^16 * ROC + SEQ
    uint32_t timestamp;
    bool marker;
    struct payload_note payload;
};

struct rtp_stream {          // what audio and each encoding of video have in common
    uint32_t ssrc, rtx_ssrc; // rtx_ssrc 0: none
    uint8_t payload_type, rtx_payload_type;
    uint64_t next, rtx_next; // packet indexes
    uint32_t timestamp_base;
    const char *mid;
    char rid[RID_MAX + 1]; // "" for none
    const struct ext_ids *ids;
    uint32_t named; // packets that carried the names
    uint32_t rtx_named;
    uint32_t packets, octets;
    uint32_t report_timestamp; // of the last packet, for sender reports
    uint64_t report_us;        // and when it was sent
};

struct video_stream {
    struct sender *sender;
    unsigned layer;
    struct rtp_stream rtp;
    struct encoder encoder;
    struct encoded_frame frame; // being sent
    unsigned sent;              // packets of it
    uint64_t due_us;
    bool idle; // the last frame was not made
    struct wheel_node timer;
    struct sent_note notes[SENDER_NOTES];
};

struct sender {
    struct load *load;
    struct wire *wire; // the participant's
    struct ext_ids audio_ids, video_ids;
    char cname[24];
    uint16_t transport_seq;
    bool has_audio, audio_on, video_on, paused;
    int wanted; // the highest layer that is wanted, -1: none
    struct rtp_stream audio;
    uint32_t audio_frame;
    uint64_t audio_start_us, audio_due_us;
    bool was_silent;
    struct wheel_node audio_timer, report_timer;
    unsigned video_count;
    struct video_stream *video[STREAMS_MAX];
};

// NULL: no memory. codecs: NULL for a kind that is not sent.
struct sender *sender_create(struct load *load, const struct router *router, const struct signal_codec *audio,
                             const struct signal_codec *video);
void sender_destroy(struct sender *sender); // NULL is fine
// The message's parameters; transport_id is for the caller to fill in.
void sender_offer(const struct sender *sender, enum media_kind kind, struct offer *out);
void sender_start(struct sender *sender, enum media_kind kind, uint64_t now_us); // the wire is ready
void sender_stop(struct sender *sender);
void sender_pause(struct sender *sender, bool paused);
void sender_want_layers(struct sender *sender, int highest);
void sender_rtcp(struct sender *sender, struct span datagram, uint64_t now_us);

#endif
