// hub_plain: transports of plain RTP, for programs without ICE and DTLS. An operator makes them
// (server/admin/), nobody's rights are asked for here: where media is to go is the caller's word, so nobody
// else may give it. As hub_verbs.h. Control thread.
#ifndef SERVER_HUB_PLAIN_H
#define SERVER_HUB_PLAIN_H

#include "server/hub/hub_verbs.h"

struct hub_plain {
    const char *name;     // of the participant that is made for it
    const char *identity; // "": none. Whoever is there of that identity makes way
    const char *metadata; // "": none
    bool hidden;          // nobody hears of it; of one that gets media alone
    bool from_client;     // the other side sends, else it gets
    bool comedia;         // it is where its first packet comes from, else
    const char *ip;       // it is there, an IP literal;
    uint16_t port, rtcp_port;
    bool inside;           // a program of the server's own: a recorder
    bool rtcp_mux;         // RTCP goes over the same port
    struct srtp_keys keys; // profile and `remote`, the other side's key; `local` is made here. NONE: no SRTP
    struct plain_place place; // out
};

// A participant of the room (which is opened if it is not there) with one transport; NULL and a refusal.
// `keys` are then the transport's: wipe them.
struct room_transport *hub_open_plain(struct hub *hub, const char *room, struct hub_plain *ask,
                                      struct hub_refusal *refusal);
// That transport, in that room.
struct room_transport *hub_find_plain(struct hub *hub, const char *room, const char *transport_id,
                                      struct hub_refusal *refusal);
// With its participant.
void hub_close_plain(struct hub *hub, struct room_transport *transport);

// What a program may get that says nothing of it: every codec of the router, without repairs by RTX and
// without header extensions. A new reference; NULL: no memory.
struct json_t *hub_plain_capabilities(const struct hub *hub);

// Bytes of a master key with its salt, for each profile of SDES (RFC 4568, RFC 7714); 0: no such.
unsigned hub_plain_key_bytes(enum srtp_profile profile);

#endif
