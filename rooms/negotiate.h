// negotiate: the ORTC rules: what the server can route, what a publisher sends, what a receiver may get.
//
// Pure functions over JSON values in the form of the npm package mediasoup-client 3 (RtpCapabilities,
// RtpParameters); the rules equal those of the npm package mediasoup (its `ortc` export), which golden tests
// compare. Inputs are never changed. A json_t* that is returned is a new reference, NULL on refusal; then
// `refusal` says why, in words for the client's developer. Unknown fields are ignored. Control thread.
#ifndef ROOMS_NEGOTIATE_H
#define ROOMS_NEGOTIATE_H

#include "base/err.h"
#include "rooms/media_msg.h"
#include "rooms/receiver.h"

#include <jansson.h>

struct refusal {
    enum err code;  // ERR_MALFORMED: ill-formed; ERR_UNSUPPORTED: nothing in common; ERR_LIMIT: too many of
                    // something; ERR_NO_MEMORY
    char text[256]; // "unsupported codec video/H266 (payload type 96); allowed: video/VP8, ..."
};

// What the server routes: `routerRtpCapabilities`. PT 127 is left free for the client's probator.
json_t *negotiate_router_capabilities(void);

// A checked copy of a client's RtpCapabilities with every default filled in.
json_t *negotiate_check_capabilities(const json_t *capabilities, struct refusal *refusal);

// What counts of checked capabilities, and RtpCapabilities that are as good for negotiate_can_consume and
// negotiate_consumer (whose feedback is then at most what the router has, too); NULL without memory.
void negotiate_receiver(const json_t *capabilities, const json_t *router_capabilities, struct receiver *out);
json_t *negotiate_receiver_capabilities(const struct receiver *receiver, const json_t *router_capabilities);

// A checked copy of a publisher's RtpParameters with every default filled in. Bounds: 16 codecs, 32
// extensions, STREAMS_MAX encodings, MID_MAX, RID_MAX, CNAME_MAX.
json_t *negotiate_check_producer(enum media_kind kind, const json_t *parameters, struct refusal *refusal);

// {codecs: [{payloadType, mappedPayloadType}], encodings: [{rid?, ssrc?, mappedSsrc}]}; mappedSsrc starts at
// first_ssrc (1..2^32-1-STREAMS_MAX). `parameters` are checked ones.
json_t *negotiate_producer_mapping(const json_t *parameters, const json_t *router_capabilities,
                                   uint32_t first_ssrc, struct refusal *refusal);

// The parameters that receivers choose from. Cannot be refused after a good mapping; NULL only without
// memory.
json_t *negotiate_consumable(enum media_kind kind, const json_t *parameters,
                             const json_t *router_capabilities, const json_t *mapping);

// Both are checked ones.
bool negotiate_can_consume(const json_t *consumable, const json_t *capabilities);

// The parameters of one consumer, complete but for its `mid` and cname, which the caller's transport decides.
// ssrc is 1..2^32-2; RTX gets ssrc + 1.
json_t *negotiate_consumer(const json_t *consumable, const json_t *capabilities, bool enable_rtx,
                           uint32_t ssrc, struct refusal *refusal);

// The server tells the capture time of what comes without it, so a receiver that lists abs-capture-time gets
// it in any case, which the rules of ORTC leave to the publisher. False without memory.
bool negotiate_add_capture_time(json_t *consumer_parameters, const json_t *capabilities);
// A browser takes the feedback of RFC 8888 for a stream only if all its payload types have it, RTX too, about
// which mediasoup-client says nothing. So RTX gets it where the receiver lists it for media. False without
// memory.
bool negotiate_spread_ccfb(json_t *consumer_parameters);

// "simple", "simulcast" or "svc"; NULL (and a refusal) when the encodings contradict each other.
const char *negotiate_producer_type(enum media_kind kind, const json_t *parameters, struct refusal *refusal);

// ---- from checked JSON to what the packet path uses

MUST_USE enum err negotiate_producer_params(enum media_kind kind, const json_t *parameters,
                                            struct producer_params *out, struct refusal *refusal);
MUST_USE enum err negotiate_consumer_params(enum media_kind kind, const json_t *consumer_parameters,
                                            struct consumer_params *out, struct refusal *refusal);

// ---- peers that choose their numbers themselves (negotiate_own.c)

// The router's codec that this one is, borrowed; NULL: it routes none such. payload types do not matter.
const json_t *negotiate_routed_codec(const json_t *router_capabilities, const json_t *codec);
// The extension of that URI that the router takes from publishers of this kind, or writes for receivers;
// EXT_NONE: none.
enum media_ext negotiate_routed_ext(const json_t *router_capabilities, enum media_kind kind, const char *uri,
                                    bool to_receiver);

struct own_numbers {
    const char *mid;    // of the section that the consumer goes to
    struct ext_ids ext; // ids[ext] 1..14, or 0: the receiver does not read it
};
// Puts a consumer under its receiver's own numbers: payload types are the preferredPayloadType of its
// capabilities, which are checked ones. consumer_parameters: as negotiate_consumer made them; params: as
// negotiate_consumer_params made them of those.
MUST_USE enum err negotiate_own_numbers(const json_t *capabilities, const json_t *consumer_parameters,
                                        const struct own_numbers *numbers, struct consumer_params *params,
                                        struct refusal *refusal);

// dtlsParameters of `connect-transport`: {role?, fingerprints: [{algorithm, value}]}. The first fingerprint
// that is not SHA-1 counts.
MUST_USE enum err negotiate_dtls(const json_t *dtls_parameters, enum dtls_role *role,
                                 struct fingerprint *fingerprint, struct refusal *refusal);

#endif
