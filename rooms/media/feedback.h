// feedback: RTCP policy, both ways. What it reads and writes are the packets of rtp/rtcp_read.h and
// rtp/rtcp_write.h.
//
// To publishers: receiver reports about once a second, with our time (RRTR) as long as they answer it, so
// that the round trip is known (rtp/round_trip.h); NACK as nack_tracker asks, PLI (or FIR) as producers want
// key frames, transport-wide feedback each 50 to 100 ms (rtp/twcc.h) or that of RFC 8888 (rtp/ccfb.h), and
// REMB to those who know nothing better. To receivers: sender reports about once a second on the publisher's
// own clock, so that sound and picture of one participant stay together; and answers (DLRR) to the times that
// they tell. Worker side.
#ifndef ROOMS_FEEDBACK_H
#define ROOMS_FEEDBACK_H

#include "rooms/media/media_objects.h"

#define REPORT_INTERVAL_US 1000000 // times 0.5 to 1.5, by chance (RFC 3550, 6.3.1)
#define REPORT_GRID_US 20000 // due times fall on it, so that one turn of the loop serves several endpoints
#define REPORT_SILENCE_US 2000000 // no sender report about a stream that was silent for so long
#define NACK_BATCH_MAX 256
#define CEILING_INTERVAL_US 1500000
#define CEILING_LIFTS 4             // times that the end of a ceiling is told
#define ESTIMATE_SILENCE_US 1000000 // a stream whose timestamps are followed yields when it is silent so long

// ---- going out
void feedback_endpoint_init(struct endpoint *ep);
// Arms the timer of an endpoint's reports. It stays armed while packets go to or from the endpoint; the first
// packet after a pause arms it again, so that idle endpoints cost nothing.
void feedback_schedule_reports(struct endpoint *ep, uint64_t now_us);
void feedback_send_sender_report(struct consumer *c, uint64_t now_us);
// Arms the timer for what is missing of a stream; `more`: something is that was not before.
void feedback_schedule_nack(struct producer_stream *s, bool more, uint64_t now_us);
void feedback_nack_fired(struct wheel_node *node, uint64_t now_us);
void feedback_send_key_frame_request(struct producer_stream *s);
// What its publisher may send (endpoint.max_bps, or the setting) has changed; it is told, and told again each
// CEILING_INTERVAL_US while packets come.
void feedback_ceiling_changed(struct endpoint *ep, uint64_t now_us);
void feedback_note_transport_seq(struct endpoint *ep, uint16_t seq, uint32_t ssrc, uint64_t now_us);
void feedback_note_named(struct endpoint *ep, uint32_t ssrc, uint16_t seq, uint64_t now_us); // of RFC 8888
float feedback_loss(const struct endpoint *ep); // share of what its publisher sent that never came, 0..1
// Estimates what the endpoint's publisher may send, and tells it (REMB). False: no memory.
bool feedback_begin_estimate(struct endpoint *ep);
// A packet of a known stream came; only while there is an estimate.
void feedback_note_arrival(struct endpoint *ep, const struct producer_stream *s,
                           const struct rtp_packet *packet, const struct rtp_ext_values *values,
                           uint32_t bytes, uint64_t now_us);

// ---- coming in
// False when some of it was malformed.
bool feedback_read(struct endpoint *ep, struct span datagram, uint64_t now_us);

#endif
