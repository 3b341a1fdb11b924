// ccfb: RFC 8888 congestion control feedback, receiving side: arrivals in, feedback packets out
// (section 3.1). Pure; now_us is given.
//
// For publishers that negotiated "ack ccfb", in place of transport-wide feedback (rtp/twcc.h): packets are
// named by SSRC and sequence number, so each stream's gaps are told too, from the first number that was not
// reported yet on. A number that comes late is reported when it comes. At most CCFB_WINDOW arrivals wait for
// a report and CCFB_STREAMS streams are remembered; the one that has been silent longest is forgotten for a
// new one. Who sends more than that between two reports, or leaves gaps of more than CCFB_NUMBERS in all,
// hears of the rest as lost.
//
// Times are microseconds of one clock; what is told is how long before the report a packet came, up to 8 s.
#ifndef RTP_CCFB_H
#define RTP_CCFB_H

#include "base/bytes.h"
#include "rtp/feedback_pace.h"

#define CCFB_WINDOW 1024  // arrivals
#define CCFB_STREAMS 64   // media and repairs
#define CCFB_NUMBERS 8192 // that streams go on by between two reports, gaps counted

struct ccfb_recorder;
struct ccfb_recorder *ccfb_recorder_create(void);           // NULL: no memory
void ccfb_recorder_destroy(struct ccfb_recorder *recorder); // NULL is fine
void ccfb_recorder_add(struct ccfb_recorder *recorder, uint32_t ssrc, uint16_t seq, uint64_t arrival_us);
uint64_t ccfb_recorder_next_us(const struct ccfb_recorder *recorder); // TIME_NEVER when nothing waits
// feedback_interval_us (rtp/feedback_pace.h) from now on.
void ccfb_recorder_pace(struct ccfb_recorder *recorder, size_t feedback_bytes, uint64_t rate_bps);
// One feedback packet about what waits; false when nothing is left. Call until false; fits RTCP_DATAGRAM_MAX.
// report_ntp: the time of now_us by the clock of our sender reports.
bool ccfb_recorder_write(struct ccfb_recorder *recorder, struct writer *w, uint32_t sender_ssrc,
                         uint64_t report_ntp, uint64_t now_us);
// Share of numbers in the last seconds that never came, 0..1, for statistics.
float ccfb_recorder_loss(const struct ccfb_recorder *recorder);

#endif
