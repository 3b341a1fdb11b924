#include "load/sender.h"

#include "base/clock.h"
#include "load/rtp_write.h"
#include "rtp/rtcp_write.h"
#include "rtp/rtp_ext.h"
#include "transport/srtp.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#define PACKETS_PER_TURN 64 // of one stream that is late
#define AUDIO_FRAME_US 20000
#define AUDIO_CLOCK_HZ 48000
#define REPORT_US 1000000
#define MID_AUDIO "0"
#define MID_VIDEO "1"

// Shares of the bit rate by number of layers, in percent, as browsers split it.
static const uint8_t layer_shares[3][3] = {{100}, {25, 75}, {7, 23, 70}};
static const char *const layer_rids[3] = {"r0", "r1", "r2"};

// ---- one packet

static size_t stream_head(struct sender *s, struct rtp_stream *rtp, struct writer *w, struct rtp_head *head,
                          bool rtx, uint64_t now_us) {
    uint32_t *named = rtx ? &rtp->rtx_named : &rtp->named;
    bool names = *named < SENDER_NAMED;
    *named += names;
    head->payload_type = rtx ? rtp->rtx_payload_type : rtp->payload_type;
    head->ssrc = rtx ? rtp->rtx_ssrc : rtp->ssrc;
    head->ids = rtp->ids;
    head->mid = names ? rtp->mid : NULL;
    head->rid = names && rtp->rid[0] ? rtp->rid : NULL;
    head->repaired = rtx;
    head->abs_send_time = rtp_abs_send_time(now_us);
    head->transport_seq = s->transport_seq++;
    rtp_head_write(w, head);
    assert(!w->failed);
    return w->len;
}

static void stream_send(struct sender *s, struct rtp_stream *rtp, const struct sent_note *note, int level,
                        uint64_t now_us) {
    uint8_t packet[WIRE_PACKET_MAX + SRTP_TRAILER_MAX];
    struct writer w = writer_of(packet, WIRE_PACKET_MAX);
    struct rtp_head head = {.marker = note->marker,
                            .seq = (uint16_t)note->index,
                            .timestamp = note->timestamp,
                            .audio_level = level,
                            .voice = level >= 0 && level < 127};
    stream_head(s, rtp, &w, &head, false, now_us);
    uint8_t *payload = write_raw(&w, note->payload.bytes);
    assert(payload);
    payload_write(&note->payload, payload);
    rtp->packets++;
    rtp->octets += note->payload.bytes;
    rtp->report_timestamp = note->timestamp;
    rtp->report_us = now_us;
    s->load->tally.rtp_out++;
    s->load->tally.rtp_bytes_out += w.len;
    wire_send_rtp(s->wire, packet, w.len, note->index, now_us);
}

// RFC 4588, section 4: the original sequence number, then the payload as it was.
static void stream_resend(struct video_stream *v, uint16_t seq, uint64_t now_us) {
    struct sender *s = v->sender;
    const struct sent_note *note = &v->notes[seq % SENDER_NOTES];
    if (!note->used || (uint16_t)note->index != seq || !v->rtp.rtx_ssrc || !wire_ready(s->wire)) {
        s->load->tally.rtx_missed++;
        return;
    }
    uint8_t packet[WIRE_PACKET_MAX + SRTP_TRAILER_MAX];
    struct writer w = writer_of(packet, WIRE_PACKET_MAX);
    uint64_t index = v->rtp.rtx_next++;
    struct rtp_head head = {
        .marker = note->marker, .seq = (uint16_t)index, .timestamp = note->timestamp, .audio_level = -1};
    stream_head(s, &v->rtp, &w, &head, true, now_us);
    write_u16(&w, seq);
    uint8_t *payload = write_raw(&w, note->payload.bytes);
    assert(payload);
    payload_write(&note->payload, payload);
    s->load->tally.rtx_out++;
    wire_send_rtp(s->wire, packet, w.len, index, now_us);
}

// ---- audio

static void audio_packet(struct sender *s, bool silent, uint64_t now_us) {
    struct sent_note note = {
        .index = s->audio.next++,
        .timestamp = s->audio.timestamp_base + s->audio_frame * (AUDIO_CLOCK_HZ / 50),
        .marker = s->was_silent && !silent, // RFC 3551, 4.1: the first packet of a talkspurt
        .payload = {.codec = CODEC_OPUS,
                    .mark = {.source = s->audio.ssrc, .send_us = now_us, .frame = s->audio_frame, .count = 1},
                    .bytes = silent ? PAYLOAD_DTX_BYTES : AUDIO_BYTES,
                    .temporal_layers = 1},
    };
    stream_send(s, &s->audio, &note, silent ? 127 : 30, now_us);
}

static void audio_fired(struct wheel_node *node, uint64_t now_us) {
    struct sender *s = LIST_ENTRY(node, struct sender, audio_timer);
    if (!s->audio_on)
        return;
    histogram_add(&s->load->tally.late, now_us - s->audio_due_us);
    for (unsigned i = 0; i < PACKETS_PER_TURN && s->audio_due_us <= now_us; i++) {
        uint64_t since_us = s->audio_due_us - s->audio_start_us;
        bool silent = s->load->options->audio == AUDIO_DTX && since_us / AUDIO_TALK_US % 2 == 1;
        if (!silent || since_us % AUDIO_DTX_US < AUDIO_FRAME_US)
            audio_packet(s, silent, now_us);
        s->was_silent = silent;
        s->audio_frame++;
        s->audio_due_us += AUDIO_FRAME_US;
    }
    wheel_arm(&s->load->wheel, &s->audio_timer, s->audio_due_us);
}

// ---- video

static bool stream_wanted(const struct video_stream *v) {
    const struct sender *s = v->sender;
    return !s->paused && (int)v->layer <= s->wanted;
}

static void video_packet(struct video_stream *v, uint64_t now_us) {
    struct sender *s = v->sender;
    unsigned layers = s->load->options->temporal, shift = s->video_count - 1 - v->layer;
    struct sent_note note = {
        .used = true,
        .index = v->rtp.next++,
        .timestamp = v->rtp.timestamp_base + v->frame.timestamp,
        .marker = v->sent + 1 == v->frame.packets,
        .payload = {.codec = s->load->options->codec,
                    .mark = {.source = v->rtp.ssrc,
                             .send_us = now_us,
                             .frame = v->frame.number,
                             .index = (uint16_t)v->sent,
                             .count = v->frame.packets},
                    .bytes = v->frame.packet_bytes,
                    .width = (uint16_t)(1280 >> shift),
                    .height = (uint16_t)(720 >> shift),
                    .key = v->frame.key,
                    .temporal = payload_temporal(layers, v->frame.since_key),
                    .temporal_layers = (uint8_t)layers},
    };
    v->notes[note.index % SENDER_NOTES] = note;
    stream_send(s, &v->rtp, &note, -1, now_us);
    v->sent++;
}

// The next thing to do for this stream: a packet of the frame that is being sent, or the next frame.
static void video_step(struct video_stream *v, uint64_t now_us) {
    if (v->sent == v->frame.packets) {
        if (!stream_wanted(v)) {
            encoder_skip(&v->encoder);
            v->idle = true;
            v->due_us = encoder_next_us(&v->encoder);
            return;
        }
        if (v->idle)
            encoder_want_key(&v->encoder); // what is shown again must begin anew
        v->idle = false;
        encoder_frame(&v->encoder, now_us, &v->frame);
        v->sent = 0;
        v->sender->load->tally.key_frames_sent += v->frame.key;
    }
    video_packet(v, now_us);
    uint64_t frame_us = encoder_next_us(&v->encoder);
    v->due_us = v->sent == v->frame.packets ? frame_us : v->due_us + v->frame.gap_us;
}

static void video_fired(struct wheel_node *node, uint64_t now_us) {
    struct video_stream *v = LIST_ENTRY(node, struct video_stream, timer);
    if (!v->sender->video_on)
        return;
    histogram_add(&v->sender->load->tally.late, now_us - v->due_us);
    for (unsigned i = 0; i < PACKETS_PER_TURN && v->due_us <= now_us; i++)
        video_step(v, now_us);
    wheel_arm(&v->sender->load->wheel, &v->timer, v->due_us);
}

// ---- reports

static void report(struct sender *s, const struct rtp_stream *rtp, uint32_t clock_hz, uint64_t now_us) {
    if (rtp->packets == 0)
        return;
    uint8_t buffer[RTCP_DATAGRAM_MAX + SRTCP_TRAILER_MAX];
    struct writer w = writer_of(buffer, RTCP_DATAGRAM_MAX);
    struct rtcp_sender_info info = {
        .ntp = ntp_from_wall_us(clock_wall_us()),
        .rtp_timestamp =
            rtp->report_timestamp + (uint32_t)((now_us - rtp->report_us) * clock_hz / US_PER_SECOND),
        .packet_count = rtp->packets,
        .octet_count = rtp->octets,
    };
    rtcp_write_sr(&w, rtp->ssrc, &info, NULL, 0);
    rtcp_write_sdes_cname(&w, rtp->ssrc, s->cname);
    if (!w.failed)
        wire_send_rtcp(s->wire, buffer, w.len, now_us);
    s->load->tally.reports_out++;
}

static void report_fired(struct wheel_node *node, uint64_t now_us) {
    struct sender *s = LIST_ENTRY(node, struct sender, report_timer);
    if (!wire_ready(s->wire))
        return;
    if (s->audio_on)
        report(s, &s->audio, AUDIO_CLOCK_HZ, now_us);
    for (unsigned i = 0; s->video_on && i < s->video_count; i++)
        report(s, &s->video[i]->rtp, VIDEO_CLOCK_HZ, now_us);
    wheel_arm(&s->load->wheel, &s->report_timer, now_us + REPORT_US / 2 + load_random(s->load) % REPORT_US);
}

static struct video_stream *video_of_ssrc(struct sender *s, uint32_t ssrc) {
    for (unsigned i = 0; i < s->video_count; i++)
        if (s->video[i]->rtp.ssrc == ssrc)
            return s->video[i];
    return NULL;
}

static void read_nack(struct sender *s, const struct rtcp_packet *packet, uint64_t now_us) {
    struct video_stream *v = video_of_ssrc(s, packet->media_ssrc);
    struct reader body = reader_of(packet->body);
    s->load->tally.nacks_in++;
    for (struct rtcp_nack_item item; v && rtcp_nack_next(&body, &item);) {
        for (unsigned i = 0; i <= 16; i++) {
            if (i > 0 && !(item.bitmask >> (i - 1) & 1))
                continue;
            s->load->tally.nacked_in++;
            stream_resend(v, (uint16_t)(item.seq + i), now_us);
        }
    }
}

static void read_key_request(struct sender *s, uint32_t ssrc) {
    struct video_stream *v = video_of_ssrc(s, ssrc);
    s->load->tally.key_requests_in++;
    if (v)
        encoder_want_key(&v->encoder);
}

static void read_reports(struct sender *s, struct span body) {
    struct reader r = reader_of(body);
    uint64_t now_ntp = ntp_from_wall_us(clock_wall_us());
    for (struct rtcp_report item; rtcp_report_next(&r, &item);) {
        uint32_t rtt_us = rtcp_round_trip_us(&item, now_ntp);
        s->load->tally.reports_in++;
        if (rtt_us)
            histogram_add(&s->load->tally.round_trip, rtt_us);
    }
}

void sender_rtcp(struct sender *s, struct span datagram, uint64_t now_us) {
    struct rtcp_walk walk = rtcp_walk_of(datagram);
    for (struct rtcp_packet packet; rtcp_walk_next(&walk, &packet);) {
        struct rtcp_fir_entry fir;
        struct reader body = reader_of(packet.body);
        switch (packet.kind) {
        case RTCP_NACK:
            read_nack(s, &packet, now_us);
            break;
        case RTCP_PLI:
            read_key_request(s, packet.media_ssrc);
            break;
        case RTCP_FIR:
            while (rtcp_fir_next(&body, &fir))
                read_key_request(s, fir.ssrc);
            break;
        case RTCP_SENDER_REPORT:
        case RTCP_RECEIVER_REPORT:
            read_reports(s, packet.body);
            break;
        case RTCP_TRANSPORT_CC:
            s->load->tally.twcc_in++;
            break;
        case RTCP_OTHER:
        case RTCP_BYE:
        case RTCP_CCFB:
        case RTCP_REMB:
        case RTCP_XR:
            break;
        }
    }
    s->load->tally.faults[FAULT_MALFORMED] += walk.malformed;
}

// ---- life

static uint32_t random_ssrc(struct load *load) {
    return (uint32_t)(1 + load_random(load) % (UINT32_MAX - 1));
}

static void stream_init(struct sender *s, struct rtp_stream *rtp, const struct signal_codec *codec,
                        const char *mid, const struct ext_ids *ids) {
    struct load *load = s->load;
    bool rtx = codec->rtx_payload_type != PAYLOAD_TYPE_NONE && codec->codec != CODEC_OPUS;
    *rtp = (struct rtp_stream){
        .ssrc = random_ssrc(load),
        .rtx_ssrc = rtx ? random_ssrc(load) : 0,
        .payload_type = codec->payload_type,
        .rtx_payload_type = codec->rtx_payload_type,
        // RFC 3711, 3.3.1: the low half, so that the first rollover is unmistakable.
        .next = 1 + load_random(load) % 32767,
        .rtx_next = 1 + load_random(load) % 32767,
        .timestamp_base = (uint32_t)load_random(load),
        .mid = mid,
        .ids = ids,
    };
}

static bool video_create(struct sender *s, const struct signal_codec *codec) {
    const struct load_options *o = s->load->options;
    for (unsigned i = 0; i < o->simulcast; i++) {
        struct video_stream *v = calloc(1, sizeof *v);
        if (!v)
            return false;
        s->video[s->video_count++] = v;
        v->sender = s;
        v->layer = i;
        stream_init(s, &v->rtp, codec, MID_VIDEO, &s->video_ids);
        if (o->simulcast > 1)
            snprintf(v->rtp.rid, sizeof v->rtp.rid, "%s", layer_rids[i]);
        v->encoder.bitrate_bps = o->video_kbps * 1000 / 100 * layer_shares[o->simulcast - 1][i];
        wheel_node_init(&v->timer, video_fired);
    }
    return true;
}

struct sender *sender_create(struct load *load, const struct router *router, const struct signal_codec *audio,
                             const struct signal_codec *video) {
    struct sender *s = calloc(1, sizeof *s);
    if (!s)
        return NULL;
    s->load = load;
    s->audio_ids = router->audio_ext;
    s->video_ids = router->video_ext;
    s->wanted = STREAMS_MAX;
    snprintf(s->cname, sizeof s->cname, "load%012llx", (unsigned long long)load_random(load));
    wheel_node_init(&s->audio_timer, audio_fired);
    wheel_node_init(&s->report_timer, report_fired);
    s->has_audio = audio != NULL;
    if (audio)
        stream_init(s, &s->audio, audio, MID_AUDIO, &s->audio_ids);
    if (video && !video_create(s, video)) {
        sender_destroy(s);
        return NULL;
    }
    return s;
}

void sender_stop(struct sender *s) {
    s->audio_on = s->video_on = false;
    wheel_cancel(&s->load->wheel, &s->audio_timer);
    for (unsigned i = 0; i < s->video_count; i++)
        wheel_cancel(&s->load->wheel, &s->video[i]->timer);
}

void sender_destroy(struct sender *s) {
    if (!s)
        return;
    sender_stop(s);
    wheel_cancel(&s->load->wheel, &s->report_timer);
    for (unsigned i = 0; i < s->video_count; i++)
        free(s->video[i]);
    free(s);
}

void sender_offer(const struct sender *s, enum media_kind kind, struct offer *out) {
    bool video = kind == MEDIA_VIDEO;
    const struct rtp_stream *first = video ? &s->video[0]->rtp : &s->audio;
    *out = (struct offer){
        .kind = kind,
        .mid = first->mid,
        .cname = s->cname,
        .codec = {.codec = video ? s->load->options->codec : CODEC_OPUS,
                  .payload_type = first->payload_type,
                  .rtx_payload_type = first->rtx_payload_type},
        .ext = *first->ids,
        .dtx = !video && s->load->options->audio == AUDIO_DTX,
        .stream_count = video ? s->video_count : 1,
        .temporal_layers = s->load->options->temporal,
    };
    for (unsigned i = 0; i < out->stream_count; i++) {
        const struct rtp_stream *rtp = video ? &s->video[i]->rtp : first;
        out->streams[i].ssrc = rtp->ssrc;
        out->streams[i].rtx_ssrc = rtp->rtx_ssrc;
        memcpy(out->streams[i].rid, rtp->rid, sizeof rtp->rid);
        out->streams[i].bitrate_bps = video ? s->video[i]->encoder.bitrate_bps : 0;
    }
}

static void start_video(struct sender *s, uint64_t now_us) {
    const struct load_options *o = s->load->options;
    // Publishers are not in step with each other.
    uint64_t start_us = now_us + load_random(s->load) % (US_PER_SECOND / o->fps);
    for (unsigned i = 0; i < s->video_count; i++) {
        struct video_stream *v = s->video[i];
        encoder_init(&v->encoder, v->encoder.bitrate_bps, o->fps, o->key_interval_s * US_PER_SECOND,
                     start_us);
        v->due_us = start_us;
        wheel_arm(&s->load->wheel, &v->timer, v->due_us);
    }
}

void sender_start(struct sender *s, enum media_kind kind, uint64_t now_us) {
    assert(wire_ready(s->wire));
    if (kind == MEDIA_VIDEO && !s->video_on && s->video_count > 0) {
        s->video_on = true;
        start_video(s, now_us);
    } else if (kind == MEDIA_AUDIO && !s->audio_on && s->has_audio) {
        s->audio_on = true;
        s->audio_start_us = s->audio_due_us = now_us + load_random(s->load) % AUDIO_FRAME_US;
        wheel_arm(&s->load->wheel, &s->audio_timer, s->audio_due_us);
    }
    if (s->report_timer.due_us == TIME_NEVER)
        wheel_arm(&s->load->wheel, &s->report_timer, now_us + REPORT_US / 10);
}

void sender_pause(struct sender *s, bool paused) {
    s->paused = paused;
}

void sender_want_layers(struct sender *s, int highest) {
    s->wanted = highest;
}
