// participant: one person in a room, as the control thread knows it, with the records of its transports,
// producers and consumers (what the media workers do with them is the workers' business).
//
// Control thread. Plain ownership: a room owns its participants, a participant its transports, a transport
// its producers and consumers. JSON values are opaque here: held for the signalling, released at the end.
// Every object has a public id, which clients see and cannot guess, and, for media, an id that workers know.
#ifndef ROOMS_PARTICIPANT_H
#define ROOMS_PARTICIPANT_H

#include "base/err.h"
#include "base/list.h"
#include "base/wheel.h"
#include "rooms/grants.h"
#include "rooms/media_msg.h"
#include "rooms/receiver.h"
#include "rooms/relay_set.h"
#include "rooms/speaker.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct json_t; // jansson
struct room;

#define PUBLIC_ID_BYTES 24 // [a-z0-9]: 124 bits
struct public_id {
    char text[PUBLIC_ID_BYTES + 1];
};
struct public_id public_id_new(void);

#define USERNAME_CHARS_MAX 64
#define USERNAME_BYTES_MAX (USERNAME_CHARS_MAX * 4)
#define PINNED_MAX 32       // people whose video a participant gets in any case
#define CHOICE_OF_ROOM (-1) // last_n, loudest_n: what the room has chosen,
#define CHOICE_ALL 0        // or everybody
#define STAGE_NONE UINT32_MAX

#define NETWORK_BYTES_MAX 56 // "192.0.2.7", "2001:db8:0:1::/64": where somebody comes from

#define RESUME_TOKEN_BYTES 40 // [a-z0-9]: 206 bits

// Messages from other participants that wait while a participant has no connection.
#define QUEUED_TEXTS_MAX 64
#define QUEUED_BYTES_MAX (256 * 1024)

// What one participant has lately caused to be sent to others, as the moments when it will be paid for
// (server/hub/hub_budget.c).
struct relay_budget {
    uint64_t all_due_us;   // summed over those who got it
    uint64_t each_due_us;  // as one of them got it
    uint32_t notice_bytes; // of its producers' notices, up to NOTICES_BYTES_FREE
};

struct queued_text {
    struct list link;
    size_t len;
    char text[];
};

struct participant {
    struct list link; // in room->participants
    struct room *room;
    struct public_id id;
    char name[USERNAME_BYTES_MAX + 1];
    uint64_t look; // of the name: equal for those that look alike (server/hub/hub_name.c)
    char came_as[USERNAME_BYTES_MAX + 1];  // the name that it joined with, which its client knows
    uint64_t joined_wall_s;                // seconds since 1970
    char identity[GRANT_IDENTITY_MAX + 1]; // as a token said; "": nobody vouched for it
    bool recorder;                         // it records, as its token says; counted in room->recordings
    bool by_token;                         // it came with one
    unsigned rights;                       // bits of enum right; but see hub_rights
    bool rights_assigned;                  // by a moderator or an operator, in place of a token's: these
    unsigned assigned_rights;
    char network[NETWORK_BYTES_MAX]; // "": not known
    bool hidden;                     // others do not hear of it
    bool hidden_assigned;            // by an operator, in place of a token's word: that
    unsigned held;                   // bits 1 << enum media_kind: what it may not resume by itself
    struct json_t *about;            // {metadata?, attributes?}, what others are told of it; NULL: nothing
    size_t about_bytes, about_held_bytes; // as JSON; of memory
    uint64_t hand;                        // when it was raised, in the order of the room; 0: it is down
    struct wheel_node grants_timer;       // armed while its token's end is to come
    char resume_token[RESUME_TOKEN_BYTES + 1];
    char token_before[RESUME_TOKEN_BYTES + 1]; // see participant_new_resume_token; "" for none
    uint32_t connection;                       // who speaks for it, 0 while nobody does
    unsigned observer;                         // and whose number that is (enum hub_observer)
    uint64_t heard_us;                         // while nobody does: the last sign of life of who did
    struct wheel_node resume_timer;            // armed while there is none
    unsigned worker;                           // all its transports live there
    struct receiver receiver;                  // what it can be sent
    char cname[CNAME_MAX + 1];                 // of all its producers; "" until the first
    struct speaker_voice voice;
    // server/hub/hub_stage.c: the last speakers that have video, and whom of them it wants
    struct list stage_link; // in room->stage while it has video
    uint32_t stage_rank;    // from the front; STAGE_NONE: not there
    uint32_t stage_before;  // what it was before a change
    uint32_t spoke;         // the number of its last speech in the room; 0: has not spoken
    uint32_t video_count;   // of its producers, those that are not paused
    int32_t last_n, loudest_n;
    struct participant *pinned[PINNED_MAX];
    unsigned pinned_count;
    struct list transports; // struct room_transport
    uint32_t transport_count, producer_count, consumer_count;
    uint32_t data_owner; // its number for the data worker; 0: it has had no data channels
    uint32_t data_transport_count, data_producer_count, data_consumer_count;
    size_t data_text_bytes; // of what it said of its data producers
    struct list queued;     // struct queued_text
    uint32_t queued_count;
    size_t queued_bytes;
    uint32_t call_count;
    struct relay_budget spent; // a new connection is no new budget (server/hub/hub_verbs.h)
    uint64_t relayed_due_us;   // what others caused to be sent to it lately, as such a moment
    size_t app_data_bytes;     // of its producers
    size_t producer_bytes;     // of memory, of what it said of its producers
    uint32_t agent_count;      // transports with a full ICE agent
    uint64_t agents_due_us;    // when those that it has opened so far would be paid for
};

// Of a transport with a full ICE agent.
#define ROOM_ICE_CANDIDATES_MAX 16
struct room_ice {
    struct list link; // of those of the hub
    const struct room_transport *transport;
    char network[NETWORK_BYTES_MAX];                          // where its owner came from; "": not known
    bool gathered;                                            // there come no more of
    uint8_t count;                                            // our addresses
    struct ice_candidate candidates[ROOM_ICE_CANDIDATES_MAX]; // that its owner is told
    bool remote;                                              // its owner has told its credentials
    uint16_t told;            // lines of candidates that it has told since the last restart
    uint64_t restarts_due_us; // when its restarts so far would be paid for
};

struct room_transport {
    struct list link; // in owner->transports
    struct participant *owner;
    struct transport_id id;
    struct public_id public_id;
    bool from_client;         // direction "send": the client sends, the server receives
    bool tcp_only;            // its owner is told of no address for UDP
    bool connected;           // connect-transport was accepted
    struct room_ice *full;    // of a full ICE agent; NULL: ICE-lite, or plain
    bool plain;               // plain RTP: neither ICE nor DTLS,
    struct addr plain_to;     // to there; family 0: to where its first packet comes from
    uint16_t plain_rtcp_port; // 0: the same
    bool plain_srtp;          // encrypted, by keys that its worker alone has
    enum ice_state ice;
    enum dtls_state dtls;
    uint64_t heard_us;   // the last sign of life, as of the last change of `ice` or `dtls`; 0: none
    uint32_t next_mid;   // of its consumers; never reused
    uint32_t ssrc_start; // of its consumers; random
    struct list producers, consumers;
    // rooms/room_data.h
    bool data; // it carries data channels
    enum data_state data_state;
    uint16_t data_streams_out, data_streams_in;
    uint16_t data_next_stream; // of its data consumers
    struct list data_producers, data_consumers;
};

struct room_producer {
    struct list link; // in transport->producers
    struct room_transport *transport;
    struct producer_id id;
    struct public_id public_id;
    enum media_kind kind;
    unsigned source;  // of enum right: what its owner must be allowed
    const char *type; // "simple", "simulcast", "svc"
    bool paused;
    struct producer_params params;
    struct json_t *consumable;
    char *app_data; // JSON text
    size_t app_data_len;
    size_t held_bytes;       // of memory, of app_data and consumable
    struct list consumers;   // by room_consumer.producer_link
    struct relay_set relays; // to where it has consumers, other than its owner's worker
    // Highest spatial and temporal layer in use on its owner's worker, or LAYER_NONE, and what its owner
    // heard last.
    int8_t wanted_at_home, wanted_temporal_at_home;
    int8_t wanted_told, wanted_temporal_told;
};

struct room_consumer {
    struct list link;          // in transport->consumers
    struct list producer_link; // in producer->consumers
    struct room_transport *transport;
    struct room_producer *producer;
    struct consumer_id id;
    struct public_id public_id;
    bool paused; // by its client
    bool held;   // because its participant gets the last speakers alone,
    bool held_told;
    struct {
        int8_t spatial, temporal;
    } layers; // as told last by its worker
};

static inline struct participant *producer_owner(const struct room_producer *producer) {
    return producer->transport->owner;
}
static inline struct participant *consumer_owner(const struct room_consumer *consumer) {
    return consumer->transport->owner;
}

static inline bool participant_is_held(const struct participant *who, enum media_kind kind) {
    return (who->held & 1U << kind) != 0;
}

// A participant outside any room, with RIGHTS_ALL; NULL without memory. name is at most
// USERNAME_BYTES_MAX bytes.
struct participant *participant_create(const char *name);
// Outside any room, without transports, its timers disarmed. NULL is fine.
void participant_destroy(struct participant *participant);

// The token before is spent. It is good once more only if the connection that spent it ends without having
// shown that it has the new one (participant_token_received): the answer with that was lost, then.
void participant_new_resume_token(struct participant *participant);
void participant_token_received(struct participant *participant);
// Compared in constant time.
bool participant_token_matches(const struct participant *participant, const char *token);

// Keeps a text for later. ERR_LIMIT when QUEUED_*_MAX are reached, ERR_NO_MEMORY.
MUST_USE enum err participant_queue(struct participant *participant, const char *text, size_t len);
// The oldest text, now the caller's to free; NULL when there is none.
struct queued_text *participant_dequeue(struct participant *participant);

#endif
