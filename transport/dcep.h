// dcep: the two messages by which a peer opens a data channel in the association itself (RFC 8832): bytes to
// struct and back. Pure functions; nothing in them is trusted.
#ifndef TRANSPORT_DCEP_H
#define TRANSPORT_DCEP_H

#include "base/err.h"
#include "base/span.h"
#include "rtp/data_params.h"

#define DCEP_PPID 50
#define DCEP_ACK_BYTES 1

enum dcep_type { DCEP_ACK = 2, DCEP_OPEN = 3 };

// Which of the two a message is. ERR_MALFORMED: neither, or no message at all.
MUST_USE enum err dcep_read_type(struct span message, enum dcep_type *type);
// A DATA_CHANNEL_OPEN. ERR_MALFORMED: its lengths, its channel type, or text that is no UTF-8 or has a NUL;
// ERR_LIMIT: a label or protocol of more than DATA_TEXT_MAX bytes.
MUST_USE enum err dcep_read_open(struct span message, struct data_channel_params *out);
// DATA_CHANNEL_ACK; DCEP_ACK_BYTES.
void dcep_write_ack(uint8_t out[DCEP_ACK_BYTES]);
// DATA_CHANNEL_OPEN (tests, and whoever opens one); the length, 0: it does not fit.
size_t dcep_write_open(const struct data_channel_params *channel, uint8_t *out, size_t cap);

#endif
