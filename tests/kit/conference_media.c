// What participants of a conference send.
#include "tests/kit/conference_internal.h"

#include "base/bytes.h"
#include "base/clock.h"

#include <assert.h>
#include <string.h>
#include <time.h>

static void member_send(struct member *m, bool marker, uint8_t payload_type, uint16_t seq, uint32_t timestamp,
                        uint32_t ssrc, const uint8_t *payload, unsigned payload_bytes) {
    uint8_t packet[1200];
    struct writer w = writer_of(packet, sizeof packet);
    write_u8(&w, 0x80);
    write_u8(&w, (uint8_t)((marker ? 0x80 : 0) | payload_type));
    write_u16(&w, seq);
    write_u32(&w, timestamp);
    write_u32(&w, ssrc);
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t); // what SO_TIMESTAMPNS tells as well
    assert(payload_bytes > STAMP_BYTES);
    write_span(&w, span_of(payload, payload_bytes - STAMP_BYTES));
    write_u64(&w, (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec);
    assert(!w.failed);
    media_peer_send_rtp(m->send, span_of(packet, w.len));
}

void conference_send_reports(struct conference *c) {
    c->acknowledge_us = clock_now_us() + US_PER_SECOND;
    static const uint8_t empty[8] = {0x80, 201, 0, 1, 0, 0, 0, 1}; // RFC 3550, section 6.4.2
    for (unsigned i = 0; i < c->config.participants; i++) {
        media_peer_send_rtcp(c->members[i].send, span_of(empty, sizeof empty));
        media_peer_send_rtcp(c->members[i].recv, span_of(empty, sizeof empty));
    }
}

void conference_send_audio_of(struct conference *c, unsigned publisher, unsigned payload_bytes) {
    uint8_t payload[1180];
    memset(payload, 0x5a, sizeof payload);
    struct member *m = &c->members[publisher];
    member_send(m, false, 111, m->audio_seq++, m->audio_timestamp, 1000 + publisher, payload, payload_bytes);
    m->audio_timestamp += 960;
}

void conference_send_audio(struct conference *c, unsigned payload_bytes) {
    for (unsigned i = 0; i < c->config.audio_publishers; i++)
        conference_send_audio_of(c, i, payload_bytes);
}

void conference_send_video_of(struct conference *c, unsigned publisher, unsigned payload_bytes,
                              bool frame_start, bool key_frame, bool marker) {
    uint8_t payload[1180];
    memset(payload, 0xa5, sizeof payload);
    payload[0] = frame_start ? 0x10 : 0x00; // RFC 7741: S bit, partition 0
    payload[1] = key_frame ? 0x00 : 0x01;   // P bit of the frame header
    struct member *m = &c->members[publisher];
    member_send(m, marker, 96, m->video_seq++, m->video_timestamp, 3000 + publisher, payload, payload_bytes);
    if (marker)
        m->video_timestamp += 3000;
}

void conference_send_video(struct conference *c, unsigned payload_bytes, bool frame_start, bool key_frame,
                           bool marker) {
    for (unsigned i = 0; i < c->config.video_publishers; i++)
        conference_send_video_of(c, i, payload_bytes, frame_start, key_frame, marker);
}
