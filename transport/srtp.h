// srtp: one peer's SRTP and SRTCP protection in both directions: what comes in over libsrtp2 (which only
// srtp*.c include), what leaves over srtp_sender where the profile is AES-GCM, else over libsrtp2 as well.
//
// A packet is protected and unprotected in place. Nothing changes in the session when a packet does not
// authenticate. Each index of a stream is protected once: what is to go out again is the datagram that went
// out, or a packet of another number. Inbound streams are
// created per SSRC by libsrtp2 after authentication: forget those that lead nowhere (srtp_session_forget), so
// that a peer cannot grow us.
#ifndef TRANSPORT_SRTP_H
#define TRANSPORT_SRTP_H

#include "base/err.h"
#include "transport/dtls.h"
#include "transport/srtp_cipher.h"

#include <stddef.h>
#include <stdint.h>

#define SRTP_TRAILER_MAX 20  // longest growth of a protected RTP packet here
#define SRTCP_TRAILER_MAX 24 // and of RTCP
#define SRTP_REPLAY_WINDOW 1024
#define SRTP_INBOUND_MAX 128 // inbound SSRCs of a session; beyond, the one silent longest is forgotten
#define SRTP_INBOUND_MANY 8192

// Once a process before and after everything else (libsrtp2's global tables). The first uses the best AES-GCM
// that works here, the second a certain one (tests, comparison).
MUST_USE enum err srtp_library_start(void);
MUST_USE enum err srtp_library_start_with(enum srtp_cipher cipher);
void srtp_library_stop(void);

struct srtp_session;
// Where libsrtp2 is built on NSS (Debian), making a session's keys opens NSS and closes it again, libraries
// and all, which takes half a millisecond unless somebody else has it open. Who makes many sessions holds
// this one meanwhile, and destroys it like any other. NULL: no memory; all works without it.
struct srtp_session *srtp_library_hold(void);
struct srtp_session *srtp_session_create(const struct srtp_keys *keys); // NULL: no memory or unknown profile
void srtp_session_destroy(struct srtp_session *session);                // NULL is fine

// *len is in and out; the buffer has room for the trailer. `index` is the packet's, 64 bits of which the
// header has the low 16: see srtp_sender.h, also for errors; ERR_EXISTS: it was used before.
MUST_USE enum err srtp_session_protect_rtp(struct srtp_session *session, uint8_t *packet, size_t *len,
                                           uint64_t index);
MUST_USE enum err srtp_session_protect_rtcp(struct srtp_session *session, uint8_t *packet, size_t *len);
// ERR_AUTH: not authentic; ERR_EXISTS: replayed or too old; ERR_MALFORMED.
MUST_USE enum err srtp_session_unprotect_rtp(struct srtp_session *session, uint8_t *packet, size_t *len);
MUST_USE enum err srtp_session_unprotect_rtcp(struct srtp_session *session, uint8_t *packet, size_t *len);
// For a peer that is trusted to send many: SRTP_INBOUND_MANY in place of SRTP_INBOUND_MAX.
void srtp_session_allow_many(struct srtp_session *session);
// An inbound SSRC that leads nowhere or has ended.
void srtp_session_forget(struct srtp_session *session, uint32_t ssrc);
// An outbound SSRC that has ended. It must never be sent with again: its packet counter is gone, and the same
// key, SSRC and index twice breaks AES-GCM and AES-CM.
void srtp_session_forget_sent(struct srtp_session *session, uint32_t ssrc);
// What srtp_session_protect_rtp will read: the session in step 1, what it leads to in step 0.
void srtp_session_prefetch(const struct srtp_session *session, unsigned step);

#endif
