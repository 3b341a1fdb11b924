// twcc: transport-wide congestion control, receiving side: arrivals in, feedback packets out
// (draft-holmer-rmcat-transport-wide-cc-extensions-01, section 3). Pure; now_us is given.
//
// Times are 64-bit microseconds; the reference time and deltas are computed from one origin, so that a long
// call never drifts. At most TWCC_WINDOW arrivals wait for feedback; a number that is reported late is
// reported when it comes.
#ifndef RTP_TWCC_H
#define RTP_TWCC_H

#include "base/bytes.h"
#include "rtp/feedback_pace.h"

#define TWCC_WINDOW 1024 // packets, power of two

struct twcc_recorder;
struct twcc_recorder *twcc_recorder_create(void); // NULL: no memory
void twcc_recorder_destroy(struct twcc_recorder *recorder);
void twcc_recorder_add(struct twcc_recorder *recorder, uint16_t seq, uint64_t arrival_us);
uint64_t twcc_recorder_next_us(const struct twcc_recorder *recorder); // TIME_NEVER when nothing waits
// feedback_interval_us (rtp/feedback_pace.h) from now on.
void twcc_recorder_pace(struct twcc_recorder *recorder, size_t feedback_bytes, uint64_t rate_bps);
// One feedback packet about what waits; false when nothing is left. Call until false; fits RTCP_DATAGRAM_MAX.
bool twcc_recorder_write(struct twcc_recorder *recorder, struct writer *w, uint32_t sender_ssrc,
                         uint32_t media_ssrc, uint64_t now_us);
// Share of numbers in the last seconds that never came, 0..1, for statistics.
float twcc_recorder_loss(const struct twcc_recorder *recorder);

#endif
