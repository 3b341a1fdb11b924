// srtp_sender: the sending half of a session whose profile is an AEAD one (RFC 3711 with RFC 7714), over the
// AES-GCM of srtp_cipher. For srtp.c alone.
//
// This is what runs for each packet and receiver. libsrtp2 does the same with a dozen small objects a stream,
// each of them a cache miss when a thousand receivers take their turns, and 700 bytes; here a stream is 80
// bytes, and a session one object beside its expanded key. Receiving, and AES_CM, stay libsrtp2's
// (docs/adr/0004-own-srtp-sender.md). Packets are the same bit for bit.
//
// Nothing is inferred: whoever numbers the packets hands over the whole 48-bit index (rtp/seq_rewrite.h), and
// an index that this session has used for the stream is refused, whatever the packet, as is one that lies
// further behind than can be told: two packets under one index would give the key away (RFC 7714, section
// 8.4). The caller sees to it that an SSRC that was forgotten does not come back.
//
// One thread.
#ifndef TRANSPORT_SRTP_SENDER_H
#define TRANSPORT_SRTP_SENDER_H

#include "base/err.h"
#include "base/index_window.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <srtp2/cipher.h>

#define SRTP_SENDER_STREAMS_MAX 65536
#define SRTP_SENDER_FEW 8 // homes in the object itself, of which half are taken at most; a power of two

struct srtp_sender_stream {
    struct index_window sent;
    uint32_t ssrc;
};
struct srtp_sender_home {
    uint32_t ssrc;
    uint32_t at; // in `streams`, plus one; 0: free
};

// Private but for its size: it is part of its session, so that fewer pointers have to be followed.
struct srtp_sender {
    const srtp_cipher_type_t *type; // NULL: not open
    srtp_cipher_t *rtp;
    void *rtp_state; // the cipher's, which begins with the expanded key
    struct srtp_sender_stream *streams;
    uint32_t stream_count, stream_room;
    uint32_t home_count;            // a power of two, at most half of them taken
    struct srtp_sender_home *homes; // open addressing
    uint8_t rtp_salt[12], rtcp_salt[12];
    struct srtp_sender_home few[SRTP_SENDER_FEW];
    uint32_t rtcp_index;  // of the last one; one for all streams, which may skip numbers
    uint8_t rtcp_key[32]; // expanded for each packet: they are rare, an expanded key is a kilobyte
    uint8_t key_bytes;
};

// `master` is the master key (16 or 32 bytes) and behind it the salt (12), together `len`; `type` is the
// AES-GCM for that key. ERR_NO_MEMORY, or ERR_UNSUPPORTED when the cipher failed; there is then nothing to
// close.
MUST_USE enum err srtp_sender_open(struct srtp_sender *sender, const srtp_cipher_type_t *type,
                                   const uint8_t *master, size_t len);
void srtp_sender_close(struct srtp_sender *sender); // wipes the keys; one that is all zeros is fine

// In place; *len is in and out, the buffer has room for the trailer. `index`: 2^16 * ROC + SEQ (RFC 3711,
// section 3.3.1), of which the packet has the low 16 bits; that of a stream's first packet is below 2^16, as
// receivers assume. ERR_EXISTS: it was used before, or may have been; ERR_MALFORMED: no RTP header;
// ERR_LIMIT: the key has protected all that it may, too many streams, or the first index of a stream;
// ERR_NO_MEMORY for a new stream. The packet is as it was then.
MUST_USE enum err srtp_sender_rtp(struct srtp_sender *sender, uint8_t *packet, size_t *len, uint64_t index);
MUST_USE enum err srtp_sender_rtcp(struct srtp_sender *sender, uint8_t *packet, size_t *len);
void srtp_sender_forget(struct srtp_sender *sender, uint32_t ssrc);
// Asks the CPU for what srtp_sender_rtp will read.
void srtp_sender_prefetch(const struct srtp_sender *sender);

#endif
