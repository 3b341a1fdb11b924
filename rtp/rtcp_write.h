// rtcp_write: RTCP packets into a writer (RFC 3550, 3611, 4585, 5104). Pure. A packet that does not fit fails
// the writer.
#ifndef RTP_RTCP_WRITE_H
#define RTP_RTCP_WRITE_H

#include "base/bytes.h"
#include "rtp/rtcp_read.h"

#define RTCP_DATAGRAM_MAX 1200
#define RTCP_REPORTS_MAX 31

struct rtcp_sender_info {
    uint64_t ntp;
    uint32_t rtp_timestamp, packet_count, octet_count;
};

void rtcp_write_sr(struct writer *w, uint32_t ssrc, const struct rtcp_sender_info *info,
                   const struct rtcp_report *reports, unsigned count);
void rtcp_write_rr(struct writer *w, uint32_t ssrc, const struct rtcp_report *reports, unsigned count);
void rtcp_write_sdes_cname(struct writer *w, uint32_t ssrc, const char *cname);
// seqs: ascending in serial order; packed into as few items as possible. Returns how many of them fitted.
unsigned rtcp_write_nack(struct writer *w, uint32_t sender_ssrc, uint32_t media_ssrc, const uint16_t *seqs,
                         unsigned count);
void rtcp_write_pli(struct writer *w, uint32_t sender_ssrc, uint32_t media_ssrc);
void rtcp_write_fir(struct writer *w, uint32_t sender_ssrc, uint32_t media_ssrc, uint8_t command_seq);
// Receiver estimated maximum bit rate (draft-alvestrand-rmcat-remb-03, 2.2), of all `count` (0..255) streams
// together; told rounded down to 18 significant bits.
void rtcp_write_remb(struct writer *w, uint32_t sender_ssrc, uint64_t bps, const uint32_t *ssrcs,
                     unsigned count);
// Extended report (RFC 3611) for round trips: our time, unless `ntp` is 0, and answers to the times of
// others.
void rtcp_write_xr(struct writer *w, uint32_t ssrc, uint64_t ntp, const struct rtcp_dlrr_item *items,
                   unsigned count);

#endif
