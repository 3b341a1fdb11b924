// signal_text: the protocol's messages (docs/protocol.md) as text, written and read: the client's side. Only
// signal_*.c know the JSON library. What is read comes from the network: everything is checked and bounded.
#ifndef LOAD_SIGNAL_TEXT_H
#define LOAD_SIGNAL_TEXT_H

#include "base/err.h"
#include "rtp/media.h"
#include "rtp/peer_params.h"
#include "base/addr.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SIGNAL_ID_MAX 64
#define SIGNAL_NAME_MAX 160
#define SIGNAL_UFRAG_MAX 256 // RFC 8839, section 5.4
#define SIGNAL_CODECS_MAX 24
#define SIGNAL_ADDRESSES_MAX 32

struct json_t; // jansson's

enum signal_type {
    SIGNAL_OTHER,
    SIGNAL_ERROR,
    SIGNAL_JOINED,
    SIGNAL_TRANSPORT_CREATED,
    SIGNAL_TRANSPORT_CONNECTED,
    SIGNAL_PRODUCED,
    SIGNAL_CONSUMED,
    SIGNAL_NEW_PRODUCER,
    SIGNAL_PRODUCER_CLOSED,
    SIGNAL_PRODUCER_PAUSED,
    SIGNAL_PRODUCER_RESUMED,
    SIGNAL_CONSUMER_CLOSED,
    SIGNAL_CONSUMER_PAUSED,
    SIGNAL_CONSUMER_RESUMED,
    SIGNAL_LAYERS_WANTED,
};

// One message; its views are good until signal_message_close.
struct signal_message {
    struct json_t *root;
    enum signal_type type;
    const char *error_code, *error_text, *error_request; // of SIGNAL_ERROR; "" when absent
};

// ERR_MALFORMED: no object with a `type`.
MUST_USE enum err signal_message_open(const char *text, size_t len, struct signal_message *out);
void signal_message_close(struct signal_message *message);

// A producerId, consumerId, transportId of the message's data; "" when absent.
const char *signal_text_of(const struct signal_message *message, const char *key);
int signal_layer_of(const struct signal_message *message); // spatialLayer, -1 for null

// ---- what a server says

struct signal_codec {
    enum media_codec codec;
    uint8_t payload_type, rtx_payload_type; // PAYLOAD_TYPE_NONE
};

struct router {
    struct signal_codec codecs[SIGNAL_CODECS_MAX]; // the first of each kind of codec counts
    unsigned codec_count;
    struct ext_ids audio_ext, video_ext;
    char *capabilities; // as text, for `consume`
};

// Of `joined`. ERR_MALFORMED, ERR_NO_MEMORY.
MUST_USE enum err signal_read_router(const struct signal_message *message, struct router *out);
void router_free(struct router *router);
const struct signal_codec *router_codec(const struct router *router, enum media_codec codec); // or NULL

struct producer_info {
    char id[SIGNAL_ID_MAX];
    enum media_kind kind;
    bool paused;
};

// The i-th of `joined`; false beyond the end. A malformed one has an empty id.
bool signal_read_listed_producer(const struct signal_message *message, unsigned i, struct producer_info *out);
// Of `new-producer` and of `produced`.
MUST_USE enum err signal_read_new_producer(const struct signal_message *message, struct producer_info *out);

struct remote_transport {
    char id[SIGNAL_ID_MAX];
    bool send; // direction
    char ufrag[SIGNAL_UFRAG_MAX + 1], pwd[SIGNAL_UFRAG_MAX + 1];
    struct addr offered[SIGNAL_ADDRESSES_MAX]; // the UDP candidates that are literals
    unsigned offered_count;
    struct addr offered_tcp[SIGNAL_ADDRESSES_MAX]; // those of TCP; with the others at least 1
    unsigned offered_tcp_count;
    struct fingerprint fingerprint;
};

MUST_USE enum err signal_read_transport(const struct signal_message *message, struct remote_transport *out);

struct consumed {
    char id[SIGNAL_ID_MAX], producer_id[SIGNAL_ID_MAX];
    enum media_kind kind;
    enum media_codec codec;
    uint8_t payload_type, rtx_payload_type; // PAYLOAD_TYPE_NONE
    uint32_t ssrc, rtx_ssrc;                // rtx_ssrc 0: none
    uint32_t clock_rate;
    char mid[MID_MAX + 1];
    struct ext_ids ext;
    bool nack, pli, transport_cc;
    bool paused, producer_paused;
};

MUST_USE enum err signal_read_consumed(const struct signal_message *message, struct consumed *out);

// The name of an extension, NULL for those that a client does not use.
const char *signal_ext_uri(enum media_ext ext);

// ---- what a client says: text to be freed; NULL without memory

char *signal_write_join(const char *room, const char *username, const char *token);
char *signal_write_plain(const char *type, const char *key, const char *value); // key NULL: no data
char *signal_write_connect(const char *transport_id, const char *fingerprint);
char *signal_write_consume(const char *producer_id, const char *capabilities); // NULL: as given before

struct offered_stream {
    uint32_t ssrc, rtx_ssrc; // named when there is one stream
    char rid[RID_MAX + 1];   // and this when there are several
    uint32_t bitrate_bps;
};

struct offer {
    const char *transport_id, *mid, *cname;
    enum media_kind kind;
    struct signal_codec codec;
    struct ext_ids ext;
    bool dtx;
    unsigned stream_count, temporal_layers;
    struct offered_stream streams[STREAMS_MAX];
};

char *signal_write_produce(const struct offer *offer);

#endif
