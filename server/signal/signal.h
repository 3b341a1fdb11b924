// signal: the insides of the signalling, for the files of server/signal/ alone.
//
// A *session* is one WebSocket connection; it speaks for at most one participant. A *call* is one request
// being handled; each gets exactly one answer, by signal_answer or signal_refuse (or later, get-stats).
// From below upwards: signal_codec; signal_session; signal_send; one file a part of the protocol
// (signal_lobby, signal_room, signal_joined, signal_transport, ...); signal_table; signal_dispatch;
// signal_observe, signalling. No file calls one behind it. Control thread.
#ifndef SERVER_SIGNAL_H
#define SERVER_SIGNAL_H

#include "base/wheel.h"
#include "server/signal/signal_codec.h"
#include "server/signal/signalling.h"

#define HELD_ANSWERS_MAX 64  // answers of one session that wait for an earlier one
#define STATS_WAITING_MAX 32 // get-stats of one session that a worker has not answered yet
#define STATS_TIMEOUT_US (2 * US_PER_SECOND)
#define RATE_BURST_US (10 * US_PER_SECOND) // who joins a large room consumes hundreds of producers at once
#define RATE_REFUSED_MAX 100               // messages beyond the rate before the connection is closed
#define JOINED_PEOPLE_SHARE 3 / 4          // of the bytes for lists: users and peers
#define TOKEN_CHARS_MAX 8192

// WebSocket close codes (RFC 6455, section 7.4.1; 4000..4999 are private).
#define CLOSE_UNSUPPORTED_DATA 1003
#define CLOSE_BAD_DATA 1007
#define CLOSE_POLICY 1008
#define CLOSE_TOO_BIG 1009
#define CLOSE_INTERNAL 1011
#define CLOSE_TAKEN_OVER 4001

struct signalling {
    struct hub *hub;
    struct signal_io io;
    struct signal_counts counts;  // the running ones; the rest is counted when read
    struct slots *sessions;       // id -> struct session
    struct hmap *clients;         // client -> session id
    struct slots *stats_requests; // token -> struct stats_request
    struct wheel wheel;
    uint64_t now_us; // of the call that is being handled
    struct text_buffer out;
    bool draining;
    uint64_t drain_by_wall_us; // then people are cut off; 0: not known
    uint32_t tickets;          // of passwords that were sent on to be verified
};

struct waiting_join;

struct session {
    struct signalling *signalling;
    uint32_t client;
    uint32_t id; // in signalling->sessions; the participant's `connection`
    struct participant *participant;
    struct wheel_node join_timer;
    uint64_t rate_due_us;      // when everything so far would be paid for at the sustained rate
    struct relay_budget spent; // while it has no participant, which has its own
    uint32_t refused;
    uint32_t lobby_room;          // the id of the room that it waits for; 0: none
    struct waiting_join *waiting; // a join whose password is being verified; NULL: none
    bool closed;                  // close was asked for: nothing is heard any more
    struct list held;
    uint32_t held_count;
    struct list stats; // struct stats_request, oldest first
    uint32_t stats_count;
    struct list gathering; // struct gathering_transport: of create-transport, that are not answered yet
};

// An answer that waits its turn; without text it is the one that the others wait for.
struct held_answer {
    struct list link;
    char *text; // NULL: not known yet
    size_t len;
    bool owed;
    void *owner;                  // who will give it
    void (*give_up)(void *owner); // has it answered with `internal`, so that others need not wait
};

struct signal_row;

struct signal_call {
    struct signalling *signalling;
    struct hub *hub;
    struct session *session;
    struct participant *me;       // NULL before joining
    const struct signal_row *row; // NULL: no such request
    const char *type;
    json_t *data;
    json_t *id;                // NULL for none
    struct held_answer *place; // that was held for its answer, or NULL
    bool owed;                 // the answer does not count against the client's backlog
};

// What a request requires; checked in one place (signal_dispatch.c).
enum signal_needs { NEEDS_NOTHING, NEEDS_ROOM };

struct signal_row {
    const char *type;
    enum signal_needs needs;
    unsigned right; // one of these bits of enum right is wanted; 0: none
    void (*handle)(struct signal_call *call);
    struct field_rule fields[SIGNAL_FIELDS_MAX + 1];
};

// Every request that the server understands (signal_table.c).
const struct signal_row *signal_rows(size_t *count);
const struct signal_row *signal_find_row(const char *type); // NULL: none such

// Everything that the server says.
#define SIGNAL_OUT_TYPES(X)                                                                                  \
    X(ERROR, "error")                                                                                        \
    X(JOINED, "joined")                                                                                      \
    X(CAPABILITIES, "capabilities")                                                                          \
    X(LEFT, "left")                                                                                          \
    X(USER_JOINED, "user-joined")                                                                            \
    X(USER_LEFT, "user-left")                                                                                \
    X(CHAT_MESSAGE, "chat-message")                                                                          \
    X(PONG, "pong")                                                                                          \
    X(TRANSPORT_CREATED, "webRtcTransportCreated")                                                           \
    X(TRANSPORT_CONNECTED, "transport-connected")                                                            \
    X(ICE_RESTARTED, "ice-restarted")                                                                        \
    X(ICE_CANDIDATES, "ice-candidates")                                                                      \
    X(ICE_CANDIDATES_ADDED, "ice-candidates-added")                                                          \
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
    X(MAX_BITRATE_SET, "max-bitrate-set")                                                                    \
    X(KEY_FRAME_REQUESTED, "key-frame-requested")                                                            \
    X(LAST_N_SET, "last-n-set")                                                                              \
    X(LOUDEST_N_SET, "loudest-n-set")                                                                        \
    X(DATA_PRODUCED, "data-produced")                                                                        \
    X(NEW_DATA_PRODUCER, "new-data-producer")                                                                \
    X(DATA_PRODUCER_CLOSED, "data-producer-closed")                                                          \
    X(DATA_CONSUMED, "data-consumed")                                                                        \
    X(DATA_CONSUMER_PAUSED, "data-consumer-paused")                                                          \
    X(DATA_CONSUMER_RESUMED, "data-consumer-resumed")                                                        \
    X(DATA_CONSUMER_CLOSED, "data-consumer-closed")                                                          \
    X(DATA_CHANNEL_OPENED, "data-channel-opened")                                                            \
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
    X(TOKEN_UPDATED, "token-updated")                                                                        \
    X(USER_KICKED, "user-kicked")                                                                            \
    X(USER_MUTED, "user-muted")                                                                              \
    X(ALL_MUTED, "all-muted")                                                                                \
    X(MUTED, "muted")                                                                                        \
    X(ROOM_LOCKED, "room-locked")                                                                            \
    X(UNMUTE_ALLOWED, "unmute-allowed")                                                                      \
    X(HELD_CHANGED, "held-changed")                                                                          \
    X(ROOM_METADATA, "room-metadata")                                                                        \
    X(PERMISSIONS_CHANGED, "permissions-changed")                                                            \
    X(USER_RENAMED, "user-renamed")                                                                          \
    X(RECORDING_CHANGED, "recording-changed")                                                                \
    X(RECORDING_STARTING, "recording-starting")                                                              \
    X(RECORDING_STOPPING, "recording-stopping")                                                              \
    X(ROOM_UNLOCKED, "room-unlocked")                                                                        \
    X(ROOM_CLOSED, "room-closed")                                                                            \
    X(HAND_RAISED, "hand-raised")                                                                            \
    X(HAND_LOWERED, "hand-lowered")                                                                          \
    X(REACTION, "reaction")                                                                                  \
    X(LOBBY, "lobby")                                                                                        \
    X(LOBBY_SET, "lobby-set")                                                                                \
    X(USER_ADMITTED, "user-admitted")                                                                        \
    X(USER_DENIED, "user-denied")                                                                            \
    X(ALL_ADMITTED, "all-admitted")                                                                          \
    X(USER_BANNED, "user-banned")                                                                            \
    X(USER_UNBANNED, "user-unbanned")                                                                        \
    X(BANS, "bans")                                                                                          \
    X(METADATA_CHANGED, "metadata-changed")                                                                  \
    X(ROLE_CHANGED, "role-changed")                                                                          \
    X(KICKED, "kicked")                                                                                      \
    X(DATA, "data")                                                                                          \
    X(SERVER_DRAINING, "server-draining")
#define SIGNAL_OUT_NAME(name, text) OUT_##name,
enum signal_out { SIGNAL_OUT_TYPES(SIGNAL_OUT_NAME) OUT_COUNT };
#undef SIGNAL_OUT_NAME
const char *signal_out_name(enum signal_out out);

// ---- signal_session.c: a connection

struct session *signal_session_of(const struct signalling *signalling,
                                  const struct participant *participant);                  // or NULL
struct session *signal_session_find(const struct signalling *signalling, uint32_t client); // or NULL
void signal_close(struct session *session, uint16_t code, const char *reason);
void signal_wait_for_join(struct session *session);
// Speaks for the participant; no more.
void signal_attach(struct session *session, struct participant *participant);
void signal_detach(struct session *session);
void signal_note(struct session *session, enum signal_note note);
void signal_send_text(struct session *session, const char *text, size_t len, enum signal_haste haste);

// ---- signal_send.c. `data` is always taken over; NULL stands for "no memory to build it".

// False without memory; the client has then heard `internal`.
bool signal_answer(struct signal_call *call, enum signal_out type, json_t *data);
bool signal_answer_raw(struct signal_call *call, enum signal_out type, json_t *data,
                       const struct raw_member *raw, size_t raw_count);
void signal_refuse(struct signal_call *call, enum signal_code code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
// With the words of a verb that was not done.
void signal_refuse_verb(struct signal_call *call, const struct hub_refusal *refusal);
void signal_refuse_memory(struct signal_call *call);
// Dropped when the participant has no connection.
void signal_notify(struct signalling *signalling, const struct participant *to, enum signal_out type,
                   json_t *data);
// To one that is in no room.
void signal_tell_session(struct session *session, enum signal_out type, json_t *data);
// To everyone in the room but one (NULL: everyone).
void signal_broadcast(struct signalling *signalling, const struct room *room,
                      const struct participant *except, enum signal_out type, json_t *data);
// The same; `data` is text.
void signal_broadcast_text(struct signalling *signalling, const struct room *room,
                           const struct participant *except, enum signal_out type, const char *data,
                           size_t len);
// Like signal_notify, but it waits for the participant's return. ERR_LIMIT, ERR_NO_MEMORY.
MUST_USE enum err signal_pass_on(struct signalling *signalling, struct participant *to, enum signal_out type,
                                 json_t *data, const struct raw_member *raw, size_t raw_count);
// Holds a place for an answer without id that comes later; NULL without memory.
struct held_answer *signal_hold_place(struct session *session, void *owner, void (*give_up)(void *owner));
void signal_drop_held(struct session *session);

// ---- the parts of the protocol: signal_room.c, signal_opening.c, signal_p2p.c, signal_transport.c,
// signal_producer.c, signal_consumer.c, signal_data.c, signal_choice.c, signal_moderate.c, signal_stats.c

void signal_join_room(struct signal_call *call);
void signal_leave_room(struct signal_call *call);
void signal_update_token(struct signal_call *call);
void signal_chat(struct signal_call *call);
void signal_ping(struct signal_call *call);
void signal_get_capabilities(struct signal_call *call);

void signal_relay_message(struct signal_call *call);

void signal_kick_user(struct signal_call *call);
void signal_mute_user(struct signal_call *call);
void signal_mute_all(struct signal_call *call);
void signal_allow_unmute(struct signal_call *call);
void signal_start_recording(struct signal_call *call);
void signal_stop_recording(struct signal_call *call);
void signal_lock_room(struct signal_call *call);
void signal_unlock_room(struct signal_call *call);
void signal_close_room(struct signal_call *call);
void signal_raise_hand(struct signal_call *call);
void signal_lower_hand(struct signal_call *call);
void signal_react(struct signal_call *call);

// signal_lobby.c
void signal_admit_user(struct signal_call *call);
void signal_deny_user(struct signal_call *call);
void signal_admit_all(struct signal_call *call);
void signal_set_lobby(struct signal_call *call);
void signal_ban(struct signal_call *call);
void signal_unban(struct signal_call *call);
void signal_list_bans(struct signal_call *call);
void signal_set_role(struct signal_call *call);
void signal_set_metadata(struct signal_call *call);
// Its connection waits in the lobby; no more.
void signal_answer_waiting(struct signal_call *call, const struct knock *knock);
void signal_leave_lobby(struct session *session);
json_t *signal_describe_knock(const struct knock *knock);
json_t *signal_describe_lobby(const struct room *room); // for moderators; NULL without memory
// `data`, which is taken over, as a `lobby` to the moderators of the room but one (NULL: all).
void signal_tell_moderators(struct signalling *signalling, const struct room *room,
                            const struct participant *except, json_t *data);
// The server is about to stop: everybody is told until when (0: not known) and where to go.
void signal_drain(struct signalling *signalling, uint64_t deadline_wall_us);
// Where it is: the same, for one who may have missed it.
void signal_tell_draining(struct session *session);
// Who waits, for one who has just become a moderator.
void signal_greet_moderator(struct signalling *signalling, const struct participant *who);
const char *signal_role_name(const struct participant *who);
// `data`, which is taken over, with what others are told of somebody; NULL without memory.
json_t *signal_with_about(json_t *data, const struct participant *who);
json_t *signal_describe_about(const struct participant *who,
                              const struct participant *by);    // as `metadata-changed`
const char *signal_role_to_tell(const struct participant *who); // NULL: that of most
json_t *signal_describe_held(const struct participant *who);    // a list; NULL without memory
json_t *signal_describe_joiner(const struct participant *who);  // as `user-joined`
json_t *signal_describe_role(const struct participant *who, const struct participant *by);

void signal_create_transport(struct signal_call *call);
void signal_connect_transport(struct signal_call *call);
void signal_restart_ice(struct signal_call *call);
void signal_close_transport(struct signal_call *call);

// signal_ice.c: transports with a full ICE agent
void signal_add_ice_candidates(struct signal_call *call);
// Answers create-transport when the agent has its addresses, or a moment later. False: no memory, and it is
// answered.
bool signal_await_gathering(struct signal_call *call, const struct room_transport *transport,
                            const struct ice_credentials *ice);
void signal_gathering_forget(struct session *session);
void signal_ice_found(struct signalling *signalling, const struct room_transport *transport, unsigned first);
enum hub_ice_want signal_ice_want(const json_t *data); // as `ice` says

void signal_produce(struct signal_call *call);
void signal_pause_producer(struct signal_call *call);
void signal_resume_producer(struct signal_call *call);
void signal_close_producer(struct signal_call *call);

void signal_consume(struct signal_call *call);
void signal_pause_consumer(struct signal_call *call);
void signal_resume_consumer(struct signal_call *call);
void signal_close_consumer(struct signal_call *call);
void signal_set_preferred_layers(struct signal_call *call);
void signal_set_priority(struct signal_call *call);
void signal_set_max_bitrate(struct signal_call *call);
void signal_request_key_frame(struct signal_call *call);

// signal_data.c
void signal_produce_data(struct signal_call *call);
void signal_close_data_producer(struct signal_call *call);
void signal_consume_data(struct signal_call *call);
void signal_pause_data_consumer(struct signal_call *call);
void signal_resume_data_consumer(struct signal_call *call);
void signal_close_data_consumer(struct signal_call *call);
// What the call says of data channels of the transports that it opens; false: refused.
bool signal_check_data_wish(struct signal_call *call);
// Makes a transport carry them, if the call says so; false and a refusal.
bool signal_carry_data(struct signal_call *call, struct room_transport *transport,
                       struct hub_refusal *refusal);
json_t *signal_describe_sctp(const struct room_transport *transport); // sctpParameters; NULL: it carries none
// As everyone may know it; what everyone hears when it closes (reason NULL: it is not told).
bool signal_describe_data_producer(struct text_buffer *out, const struct room_data_producer *producer);
json_t *signal_name_data_producer(const struct room_data_producer *producer, const char *reason);
json_t *signal_describe_channel(const struct room_data_producer *producer,
                                const struct room_data_consumer *consumer); // as `data-channel-opened`

void signal_set_last_n(struct signal_call *call);
void signal_set_loudest_n(struct signal_call *call);

void signal_get_stats(struct signal_call *call);

// ---- what they share

// Who the participant is and what it may do, as its token said (signal_token.c); NULL without memory.
json_t *signal_describe_grants(const struct hub *hub, const struct participant *me);
// What the call's `token` says. False: refused.
bool signal_read_token(struct signal_call *call, struct grants *out);

// A join, and how far it got (signal_room.c).
struct signal_admission {
    struct session *session;
    const char *password; // NULL: none was sent
    enum { SIGNAL_PASSWORD_UNKNOWN, SIGNAL_PASSWORD_RIGHT, SIGNAL_PASSWORD_WRONG } verdict;
    bool moderator;      // whose password it is
    bool asked, opening; // of signal_io.admit: the address may join; a room was to be opened
    uint32_t ticket;     // of a password that is being verified; 0: none
};
void signal_decide_join(struct signal_call *call, struct signal_admission *admission);
// signal_password.c. Whether the password lets one in; false: refused, or join->pending and a ticket.
bool signal_may_pass(struct signal_admission *admission, struct hub_join *join, struct hub_refusal *refusal);
void signal_wait_for_password(struct signal_call *call, uint32_t ticket);
// The join that waited for the verdict, to be decided; its data and id are then the caller's to release.
// False: none of this ticket waits.
bool signal_take_waiting(struct session *session, uint32_t ticket, struct signal_call *call);
void signal_forget_waiting(struct session *session);

// The transports and consumers that a join-room asks for (signal_opening.c), as JSON lists for `joined`;
// empty texts where it does not. False without memory: `joined` must not be sent then. To be closed in any
// case.
struct signal_opened {
    struct text_buffer transports, consumers;
    struct text_buffer shared; // what several of the consumers have in common; empty unless `brief`
    bool brief;                // `joined` repeats nothing that the client has, or has just been told
};
bool signal_open_media(struct signal_call *call, struct participant *me, struct signal_opened *out);
void signal_opened_close(struct signal_opened *opened);
extern const struct field_rule signal_consume_rules[]; // of its `consume`
// signal_path.c; NULL without memory
json_t *signal_describe_agent_candidates(const struct room_ice *full, unsigned first);
json_t *signal_describe_transport(const struct hub *hub, const struct room_transport *transport,
                                  const struct ice_credentials *ice);
json_t *signal_describe_consumer(const struct room_consumer *consumer, json_t *parameters);
// Answers with `joined`, and with what does not fit it; false without memory, after `internal`
// (signal_joined.c).
bool signal_answer_joined(struct signal_call *call, struct participant *me, bool resumed);
// What a transport's owner is told when its ICE begins anew, asked for or not.
json_t *signal_describe_restart(const struct hub *hub, const struct room_transport *transport,
                                const struct ice_credentials *ice); // signal_transport.c
// The `iceServers` for this participant (signal_ice_servers.c), those of TURN, with credentials, only for one
// who has a transport; NULL without memory.
json_t *signal_ice_servers(const struct hub *hub, const struct participant *me);
// A producer as everyone may know it; what everyone hears when it pauses or closes (signal_producer.c).
bool signal_describe_producer(struct text_buffer *out, const struct room_producer *producer);
json_t *signal_name_producer(const struct room_producer *producer);
json_t *signal_describe_hand(const struct participant *who,
                             const struct participant *by); // signal_moderate.c
json_t *signal_describe_reaction(const struct participant *who, const char *text);
json_t *signal_describe_line(const struct hub_chat_line *line); // signal_room.c
enum signal_out signal_out_of_relay(enum hub_relay_kind kind);  // signal_p2p.c

// ---- signal_stats.c

struct slots *signal_stats_table(void);
void signal_stats_forget(struct session *session);
void signal_stats_event(struct signalling *signalling, unsigned worker, const struct media_stats *stats);
void signal_data_stats_event(struct signalling *signalling, const struct data_stats *stats);

// ---- signal_dispatch.c

void signal_dispatch(struct session *session, const char *text, size_t len);
void signal_refuse_frame(struct session *session, enum signal_code code, const char *why, uint16_t close);

// ---- signal_observe.c

struct hub_events signal_observer(struct signalling *signalling);

#endif
