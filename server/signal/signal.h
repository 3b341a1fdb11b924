// signal: the insides of the hub, shared by hub.c and the signal_* files.
//
// A *session* is one WebSocket connection; it speaks for at most one participant. A *call* is one request
// being handled; each gets exactly one answer, by signal_answer or signal_refuse (or later, get-stats).
// Control thread.
#ifndef SERVER_SIGNAL_H
#define SERVER_SIGNAL_H

#include "rooms/directory.h"
#include "rooms/negotiate.h"
#include "rooms/registry.h"
#include "server/hub/hub.h"
#include "server/hub/command_post.h"
#include "server/signal/signal_codec.h"

#define HELD_ANSWERS_MAX 64  // answers of one session that wait for an earlier one
#define STATS_WAITING_MAX 32 // get-stats of one session that a worker has not answered yet
#define STATS_TIMEOUT_US (2 * US_PER_SECOND)
#define RATE_BURST_US (10 * US_PER_SECOND) // who joins a large room consumes hundreds of producers at once
#define RATE_REFUSED_MAX 100               // messages beyond the rate before the connection is closed
#define APP_DATA_BYTES_MAX 4096
#define PRODUCERS_BYTES_MAX (64 * 1024)     // of memory, for what one participant said of its producers
#define APP_DATA_BYTES_FREE 256             // of each participant: no share of the room's budget
#define JOINED_PEOPLE_BYTES_MAX (96 * 1024) // of HUB_JOINED_LISTS_BYTES_MAX: users and peers
#define TOKEN_CHARS_MAX 4096

// WebSocket close codes (RFC 6455, section 7.4.1; 4000..4999 are private).
#define CLOSE_UNSUPPORTED_DATA 1003
#define CLOSE_BAD_DATA 1007
#define CLOSE_POLICY 1008
#define CLOSE_TOO_BIG 1009
#define CLOSE_INTERNAL 1011
#define CLOSE_TAKEN_OVER 4001

#define EXTENSION_LISTS_MAX 4
#define RECEIVERS_KEPT 8

// RtpCapabilities as consuming wants them: most clients of a room have the same.
struct receiver_entry {
    struct receiver receiver;
    json_t *capabilities; // NULL: empty
};

struct hub {
    struct hub_config config;
    struct command_post post;
    struct hub_counts counts; // the running ones; the rest is counted when read
    struct directory directory;
    struct registry registry;
    struct slots *sessions;       // id -> struct session
    struct hmap *clients;         // client -> session id
    struct slots *stats_requests; // token -> struct stats_request
    struct wheel wheel;
    uint64_t now_us; // of the call that is being handled
    json_t *router_capabilities;
    json_t *extension_lists[EXTENSION_LISTS_MAX]; // of consumables: there are few kinds, and many producers
    struct receiver_entry receivers[RECEIVERS_KEPT];
    unsigned receivers_next; // to be replaced
    size_t held_bytes;       // of texts and JSON values that are kept for clients
    struct text_buffer out;
    bool draining;
};

struct session {
    struct hub *hub;
    uint32_t client;
    uint32_t id; // in hub->sessions
    struct participant *participant;
    struct wheel_node join_timer;
    uint64_t rate_due_us; // when everything so far would be paid for at the sustained rate
    struct relay_budget spent;
    uint32_t refused;
    bool closed; // close was asked for: nothing is heard any more
    struct list held;
    uint32_t held_count;
    struct list stats; // struct stats_request, oldest first
    uint32_t stats_count;
};

// An answer that waits its turn; without text it is the one that the others wait for.
struct held_answer {
    struct list link;
    char *text; // NULL: not known yet
    size_t len;
    bool owed;
};

struct signal_call {
    struct hub *hub;
    struct session *session;
    struct participant *me; // NULL before joining
    const char *type;
    json_t *data;
    json_t *id;                // NULL for none
    struct held_answer *place; // that was held for its answer, or NULL
    bool owed;                 // the answer does not count against the client's backlog
};

struct signal_row {
    const char *type;
    bool needs_room;
    void (*handle)(struct signal_call *call);
    struct field_rule fields[SIGNAL_FIELDS_MAX + 1];
};

// Every request that the server understands (signal_table.c); NULL: none such.
const struct signal_row *signal_find_row(const char *type);
const struct signal_row *signal_rows(size_t *count);

// Everything that the server says.
#define SIGNAL_OUT_TYPES(X)                                                                                  \
    X(ERROR, "error")                                                                                        \
    X(JOINED, "joined")                                                                                      \
    X(LEFT, "left")                                                                                          \
    X(USER_JOINED, "user-joined")                                                                            \
    X(USER_LEFT, "user-left")                                                                                \
    X(CHAT_MESSAGE, "chat-message")                                                                          \
    X(PONG, "pong")                                                                                          \
    X(TRANSPORT_CREATED, "webRtcTransportCreated")                                                           \
    X(TRANSPORT_CONNECTED, "transport-connected")                                                            \
    X(ICE_RESTARTED, "ice-restarted")                                                                        \
    X(TRANSPORT_CLOSED, "transport-closed")                                                                  \
    X(TRANSPORT_STATE, "transport-state")                                                                    \
    X(PRODUCED, "produced")                                                                                  \
    X(NEW_PRODUCER, "new-producer")                                                                          \
    X(PRODUCER_PAUSED, "producer-paused")                                                                    \
    X(PRODUCER_RESUMED, "producer-resumed")                                                                  \
    X(PRODUCER_CLOSED, "producer-closed")                                                                    \
    X(PRODUCER_LAYERS_WANTED, "producer-layers-wanted")                                                      \
    X(CONSUMED, "consumed")                                                                                  \
    X(CONSUMER_PAUSED, "consumer-paused")                                                                    \
    X(CONSUMER_RESUMED, "consumer-resumed")                                                                  \
    X(CONSUMER_CLOSED, "consumer-closed")                                                                    \
    X(CONSUMER_LAYERS_CHANGED, "consumer-layers-changed")                                                    \
    X(PREFERRED_LAYERS_SET, "preferred-layers-set")                                                          \
    X(PRIORITY_SET, "priority-set")                                                                          \
    X(KEY_FRAME_REQUESTED, "key-frame-requested")                                                            \
    X(STATS, "stats")                                                                                        \
    X(SCORE, "score")                                                                                        \
    X(ACTIVE_SPEAKER, "active-speaker")                                                                      \
    X(AUDIO_LEVELS, "audio-levels")                                                                          \
    X(WEBRTC_OFFER, "webrtc-offer")                                                                          \
    X(WEBRTC_ANSWER, "webrtc-answer")                                                                        \
    X(WEBRTC_ICE_CANDIDATE, "webrtc-ice-candidate")                                                          \
    X(CALL_REMOTE, "call-remote")                                                                            \
    X(ACCEPT_CALL, "accept-call")                                                                            \
    X(REJECT_CALL, "reject-call")                                                                            \
    X(HANG_UP, "hang-up")                                                                                    \
    X(RELAYED, "relayed")                                                                                    \
    X(SERVER_DRAINING, "server-draining")
#define SIGNAL_OUT_NAME(name, text) OUT_##name,
enum signal_out { SIGNAL_OUT_TYPES(SIGNAL_OUT_NAME) OUT_COUNT };
#undef SIGNAL_OUT_NAME
const char *signal_out_name(enum signal_out out);

// ---- signal_send.c. `data` is always taken over; NULL stands for "no memory to build it".

// False without memory; the client has then heard `internal`.
bool signal_answer(struct signal_call *call, enum signal_out type, json_t *data);
bool signal_answer_raw(struct signal_call *call, enum signal_out type, json_t *data,
                       const struct raw_member *raw, size_t raw_count);
void signal_refuse(struct signal_call *call, enum signal_code code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
// With the words of a failed negotiation.
void signal_refuse_negotiation(struct signal_call *call, const char *what, const struct refusal *refusal);
void signal_refuse_memory(struct signal_call *call);
// Dropped when the participant has no connection.
void signal_notify(struct hub *hub, const struct participant *to, enum signal_out type, json_t *data);
// To everyone in the room but one (NULL: everyone).
void signal_broadcast(struct hub *hub, const struct room *room, const struct participant *except,
                      enum signal_out type, json_t *data);
// The same; `data` is text. False without memory.
bool signal_broadcast_text(struct hub *hub, const struct room *room, const struct participant *except,
                           enum signal_out type, const char *data, size_t len);
// Like signal_notify, but it waits for the participant's return. ERR_LIMIT, ERR_NO_MEMORY.
MUST_USE enum err signal_pass_on(struct hub *hub, struct participant *to, enum signal_out type, json_t *data);
void signal_send_text(struct session *session, const char *text, size_t len);
// What the session is owed on joining.
void signal_send_owed(struct session *session, const char *text, size_t len);
// Holds a place for an answer without id that comes later; NULL without memory.
struct held_answer *signal_hold_place(struct session *session);
void signal_drop_held(struct session *session);

// ---- signal_session.c

struct session *signal_session_of(const struct hub *hub, const struct participant *participant); // or NULL
void signal_close(struct session *session, uint16_t code, const char *reason);
void signal_wait_for_join(struct session *session);

// ---- signal_admit.c: what an address may cost (server/web/address_limits.h); the caller of the hub keeps
// count

// False and `rate-limited` when the client's address must wait.
bool signal_admit(struct signal_call *call, enum hub_step step);
void signal_note(struct session *session, enum hub_note note);

// ---- signal_room.c, signal_joined.c, signal_resume.c

void signal_join_room(struct signal_call *call);
void signal_leave_room(struct signal_call *call);
void signal_chat(struct signal_call *call);
void signal_ping(struct signal_call *call);
// Takes a participant out of its room, with all it has, and tells everyone. It is freed.
void signal_leave(struct hub *hub, struct participant *participant, const char *reason);
// Answers with `joined`, and with what does not fit it; false without memory, after `internal`.
bool signal_answer_joined(struct signal_call *call, struct participant *me, bool resumed);
// The `iceServers` for this participant (signal_ice_servers.c), those of TURN, with credentials, only for one
// who has a transport; NULL without memory.
json_t *describe_ice_servers(const struct hub *hub, const struct participant *me);
// False: no such session to take over, nothing was answered.
bool signal_resume(struct signal_call *call, struct room *room, const char *username, const char *token);
void signal_attach(struct session *session, struct participant *participant);
void signal_detach(struct session *session);
void signal_room_empty(struct hub *hub, struct room *room);
void signal_room_remove(struct hub *hub, struct room *room);
uint64_t signal_wall_us(const struct hub *hub);

// ---- signal_transport.c, signal_producer.c, signal_consumer.c, signal_relay.c

void signal_create_transport(struct signal_call *call);
void signal_connect_transport(struct signal_call *call);
void signal_restart_ice(struct signal_call *call);
void signal_close_transport(struct signal_call *call);
// Closes everything on it, too, and tells those concerned; the owner itself only when told to.
void drop_transport(struct hub *hub, struct room_transport *transport, const char *reason, bool tell_owner);
// The caller's own, or refused with not-found and NULL.
struct room_transport *my_transport(struct signal_call *call, const char *public_id);

void signal_produce(struct signal_call *call);
void signal_pause_producer(struct signal_call *call);
void signal_resume_producer(struct signal_call *call);
void signal_close_producer(struct signal_call *call);
struct room_producer *my_producer(struct signal_call *call);
// Appends what everyone may know of it.
bool describe_producer(struct text_buffer *out, const struct room_producer *producer);
// The worker of its transport is told only when the transport stays.
void drop_producer(struct hub *hub, struct room_producer *producer, bool transport_stays);

void signal_consume(struct signal_call *call);
// What of rtpCapabilities counts; false and the refusal.
bool receiver_check(const struct hub *hub, const json_t *given, struct receiver *out,
                    struct refusal *refusal);
void signal_pause_consumer(struct signal_call *call);
void signal_resume_consumer(struct signal_call *call);
void signal_close_consumer(struct signal_call *call);
void signal_set_preferred_layers(struct signal_call *call);
void signal_set_priority(struct signal_call *call);
void signal_request_key_frame(struct signal_call *call);
struct room_consumer *my_consumer(struct signal_call *call);
// `reason` NULL: the owner knows. told_worker: its worker closes it by itself.
void drop_consumer(struct hub *hub, struct room_consumer *consumer, const char *reason, bool told_worker);

// One more (fewer) consumer of the producer on a worker that is not the producer's own.
MUST_USE bool relay_take(struct hub *hub, struct room_producer *producer, unsigned worker);
void relay_drop(struct hub *hub, struct room_producer *producer, unsigned worker);
uint32_t relay_count(const struct room_producer *producer);
int8_t relay_wanted(const struct room_producer *producer); // highest layer in use anywhere, or LAYER_NONE
void relay_forget_wanted(struct room_producer *producer);
// Tells every worker that has the producer.
void relay_post_pause(struct hub *hub, const struct room_producer *producer);

// ---- signal_memory.c

// Room for one more thing of a client within held_bytes_max; false and a refusal with `limit-reached`.
bool memory_allows(struct signal_call *call);
// Bytes of memory of JSON values that nobody else holds; about right.
// All that is held.
uint64_t memory_held(const struct hub *hub);
size_t memory_of_json(const json_t *value);
void memory_take(struct hub *hub, size_t bytes);
void memory_give(struct hub *hub, size_t bytes);
size_t memory_of_chat(const struct room *room);
size_t memory_of_queued(const struct participant *participant);

// ---- signal_budget.c

// Takes what these bytes cost, to everyone else in the room or to `target` alone, out of the caller's budget;
// false and a refusal with `rate-limited` when that is spent.
bool budget_spend(struct signal_call *call, struct participant *target, size_t bytes);
// The same for a notice of the caller's producers to everyone else in the room. The first of them, which
// everybody causes who joins with camera and microphone, do not wait for what others have sent.
bool budget_spend_notice(struct signal_call *call, size_t bytes);
// The same for a join and the leave that follows it, which the connection pays for.
bool budget_spend_join(struct signal_call *call, const struct room *room, size_t bytes);

// ---- signal_stats.c, signal_p2p.c, signal_event.c

void signal_get_stats(struct signal_call *call);
struct slots *stats_table_create(void);
void stats_forget_session(struct session *session);
void stats_event(struct hub *hub, unsigned worker, const struct media_stats *stats);
// Answers the session's oldest waiting get-stats with `internal`, so that others need not wait for it.
void stats_give_up_oldest(struct session *session);

void signal_relay_message(struct signal_call *call);
void signal_call_message(struct signal_call *call);
void p2p_hang_up_all(struct hub *hub, struct participant *leaving);

void update_layers_wanted(struct hub *hub, struct room_producer *producer);
// The participant is not heard any more (left, muted).
void speaker_leave(struct hub *hub, struct participant *participant);
void speaker_timer_fire(struct wheel_node *node, uint64_t now_us);

#endif
