// hub_verbs: what can be done in the hub, by whomever: a WebSocket's client, another protocol, an operator.
//
// Each takes who does it (a participant that is in a room) and typed arguments, and returns what came of it;
// NULL or false: nothing has happened, and the refusal says why, in words for the client's developer. Ids and
// names are texts from outside: any text is fine. hub_set_time goes before. What others hear: hub_events.h.
// Control thread.
#ifndef SERVER_HUB_VERBS_H
#define SERVER_HUB_VERBS_H

#include "rooms/negotiate.h"
#include "rooms/room_data.h"
#include "server/hub/hub.h"
#include "server/hub/hub_events.h"
#include "server/hub/hub_refusal.h"

// ---- hub_join.c, hub_name.c, hub_grants.c, hub_leave.c: to be there

// Steps of a join that the caller may hold up: for limits by address, and until a password is shown (of one
// who comes without a token).
enum hub_step { HUB_STEP_JOIN, HUB_STEP_PASSWORD, HUB_STEP_OPEN_ROOM };

struct hub_join {
    const char *room;
    const char *username;              // NULL: only to resume
    const char *resume_token;          // NULL: none. One that is not good joins anew
    const struct grants *grants;       // as a token says; NULL: everything, and on resuming what it has had
    bool only_resume;                  // whatever else it gives
    bool seals;                        // what it sends is encrypted from end to end
    const struct json_t *capabilities; // its RtpCapabilities; NULL: not said
    uint32_t connection;               // who speaks for it, a number of the caller's; not 0
    enum hub_observer observer;        // which is this one
    // What the connection has spent; it pays for its joins. When its participant leaves, take
    // participant.spent back: leaving is no new budget either.
    struct relay_budget *spent;
    // False and a refusal: not now. Not asked of one who resumes. NULL: always.
    bool (*admit)(void *ctx, enum hub_step step, struct hub_join *join, struct hub_refusal *refusal);
    void *ctx;
    const char *network;                     // where it comes from, for bans; NULL: not known
    const char *entering_room, *entering_as; // for admit: the names that `room` and `username` mean
    unsigned more_rights;                    // that a password brings; admit may set it
    bool cannot_wait;                        // in a lobby: it is refused instead
    bool by_operator;                        // as a moderator it passes lobby and lock, whatever its rights
    bool pending; // out: the join is neither done nor refused; the refusal says nothing. admit may set it, or
    const struct knock *knock; // it waits in the lobby: its knock. When that has been answered with
                               // "admitted", the same connection may join by the same name.
    // What the room gives those who do not choose, if this opens it; CHOICE_OF_ROOM: as the server's setting
    // says.
    int32_t last_n, loudest_n;
    bool resumed; // out: its transports, producers and consumers are still there
};
struct participant *hub_join(struct hub *hub, struct hub_join *join, struct hub_refusal *refusal);
// Whether the room's bans would let it in, as `entering_as`: for who is to hear of the room before it joins.
bool hub_is_welcome(const struct room *room, const struct hub_join *join, struct hub_refusal *refusal);
// Whether somebody in the room of that name is resumed by this token. Either may be NULL.
bool hub_has_session(const struct hub *hub, const char *room, const char *resume_token);
// The name that a text means, at most 4 bytes for each character in `out`; `field` is what the refusal calls
// it.
bool hub_read_name(const char *field, const char *text, size_t chars_max, char *out,
                   struct hub_refusal *refusal);
// A number that names which look alike have in common. False: no memory.
bool hub_look_of(const char *name, uint64_t *look, struct hub_refusal *refusal);
// With a new token, of the same identity for the same room. What it may no more is closed.
bool hub_update_grants(struct hub *hub, struct participant *me, const struct grants *grants,
                       struct hub_refusal *refusal);
#define GRANTS_GRACE_US (30 * US_PER_SECOND)    // that a participant stays after its token's end, to renew it
#define GRANTS_PAST_US_MAX (60 * US_PER_SECOND) // and when it has come with one that had ended already
// Out of the room, with all it has. `me` is freed.
void hub_leave(struct hub *hub, struct participant *me, const char *reason);
// Its connection is lost: what it has stays for the resume window, which counts from its last sign of life:
// that of the connection (heard_us, at most now) or of its media, as long as that comes, but for five minutes
// at most. A window that is shorter than ICE_CONSENT_US does not look at media.
void hub_detach(struct hub *hub, struct participant *me, uint64_t heard_us);
// For one without a connection: keeps a text for its return. ERR_LIMIT, ERR_NO_MEMORY.
MUST_USE enum err hub_keep_text(struct hub *hub, struct participant *to, const char *text, size_t len);
// The oldest of these, the caller's to free; NULL: no more.
struct queued_text *hub_next_kept(struct hub *hub, struct participant *me);

// ---- hub_moderate.c: for those whose token says so (RIGHT_ADMIN); others are refused. `target`: userId or
// username.

// Puts somebody out of the room. words: for them, NULL or without control characters. *id: who it was.
bool hub_kick(struct hub *hub, struct participant *me, const char *target, const char *words,
              struct public_id *id, struct hub_refusal *refusal);
// Pauses all that the target sends of one kind. hold: it may resume nothing of that kind until it is allowed
// to again, also when it comes again while the room is there; else it may at once, unless it was held before.
// The one it was.
struct participant *hub_mute(struct hub *hub, struct participant *me, const char *target,
                             enum media_kind kind, bool hold, struct hub_refusal *refusal);
// The target may resume what it sends of that kind. Nothing is resumed by that.
struct participant *hub_allow_unmute(struct hub *hub, struct participant *me, const char *target,
                                     enum media_kind kind, struct hub_refusal *refusal);
// As hub_mute for everybody else who is no moderator. *count: how many sent something. What a room remembers
// may be full while it does so: then some are held, and the rest are not.
bool hub_mute_all(struct hub *hub, struct participant *me, enum media_kind kind, bool hold, uint32_t *count,
                  struct hub_refusal *refusal);
// Held or not, by a moderator or an operator (NULL), with nobody's rights asked for.
bool hub_hold(struct hub *hub, struct participant *who, enum media_kind kind, bool held,
              const struct participant *by, struct hub_refusal *refusal);
// While it is locked nobody joins anew but moderators; who is there may resume.
bool hub_lock(struct hub *hub, struct participant *me, bool locked, struct hub_refusal *refusal);
// For those whose token or room says so (RIGHT_RECORD of hub_rights): everybody hears when it begins, and
// when it has ended.
bool hub_set_recording(struct hub *hub, struct participant *me, bool on, struct hub_refusal *refusal);
// Everybody is put out, `me` last, which is freed.
bool hub_close_room(struct hub *hub, struct participant *me, const char *words, struct hub_refusal *refusal);

// ---- hub_lobby.c, hub_leave.c: the lobby. id: that of a knock

bool hub_admit(struct hub *hub, struct participant *me, const char *id, struct hub_refusal *refusal);
bool hub_deny(struct hub *hub, struct participant *me, const char *id, const char *words,
              struct hub_refusal *refusal);
bool hub_admit_all(struct hub *hub, struct participant *me, uint32_t *count, struct hub_refusal *refusal);
// Off: who waits is let in.
bool hub_set_lobby(struct hub *hub, struct participant *me, bool on, struct hub_refusal *refusal);
// Whoever waits on that connection goes; room: its room's id. Nothing if nobody does.
void hub_withdraw(struct hub *hub, uint32_t room, uint32_t connection);

// ---- hub_ban.c: as long as the room is there

// target: also one who waits. with_network: nobody else from there is let in either, but moderators; not
// where `me` is from itself. Good until the next verb; NULL and a refusal.
const struct ban *hub_ban(struct hub *hub, struct participant *me, const char *target, const char *words,
                          bool with_network, struct hub_refusal *refusal);
bool hub_unban(struct hub *hub, struct participant *me, const char *id, struct hub_refusal *refusal);

// ---- hub_role.c

enum hub_role { HUB_MODERATOR, HUB_PARTICIPANT, HUB_VIEWER };
enum hub_role hub_role_of(const struct participant *who);
// Until it leaves, whatever its token says. What it may no more is closed.
struct participant *hub_set_role(struct hub *hub, struct participant *me, const char *target,
                                 enum hub_role role, struct hub_refusal *refusal);

// ---- hub_about.c: metadata and attributes, which everybody in the room is told

// metadata NULL: as it is; "": none. attributes: an object of texts that are put beside those that are there;
// an empty text takes one out; NULL: as they are. target NULL: oneself; others' only a moderator changes.
struct participant *hub_set_metadata(struct hub *hub, struct participant *me, const char *target,
                                     const char *metadata, const struct json_t *attributes,
                                     struct hub_refusal *refusal);
// The same without asking for a right. by: who pays for it; NULL: an operator.
bool hub_describe(struct hub *hub, struct participant *who, const char *metadata,
                  const struct json_t *attributes, struct participant *by, struct hub_refusal *refusal);

// ---- hub_hand.c

// up: whether it is raised then. target NULL: one's own; another's hand only a moderator takes down. Whose it
// was.
struct participant *hub_set_hand(struct hub *hub, struct participant *me, const char *target, bool up,
                                 struct hub_refusal *refusal);
#define REACTION_BYTES_MAX 32
bool hub_react(struct hub *hub, struct participant *me, const char *text, struct hub_refusal *refusal);

// ---- hub_transport.c

// ice: what the client is told.
struct room_transport *hub_open_transport(struct hub *hub, struct participant *me, bool from_client,
                                          struct ice_credentials *ice, struct hub_refusal *refusal);
// The same with a choice of ICE. want: what the client asks for; peer_is_lite: it answers checks and sends
// none.
enum hub_ice_want { HUB_WANT_ANY_ICE, HUB_WANT_ICE_LITE, HUB_WANT_ICE_FULL };
struct hub_transport_ask {
    bool from_client, peer_is_lite;
    enum hub_ice_want want;
    bool client_offers; // its side begins, so it has the controlling role
};
struct room_transport *hub_open_transport_as(struct hub *hub, struct participant *me,
                                             const struct hub_transport_ask *ask, struct ice_credentials *ice,
                                             struct hub_refusal *refusal);
// dtls_parameters as in mediasoup-client.
struct room_transport *hub_connect_transport(struct hub *hub, struct participant *me,
                                             const char *transport_id, const struct json_t *dtls_parameters,
                                             struct hub_refusal *refusal);
struct room_transport *hub_restart_ice(struct hub *hub, struct participant *me, const char *transport_id,
                                       struct ice_credentials *ice, struct hub_refusal *refusal);
// With everything on it.
bool hub_close_transport(struct hub *hub, struct participant *me, const char *transport_id,
                         struct hub_refusal *refusal);

// All of them; the participant knows.
void hub_close_transports(struct hub *hub, struct participant *me);

// ---- hub_ice.c: of a transport with a full ICE agent

struct hub_ice_told {       // by the client
    struct span ufrag, pwd; // ptr NULL: not now
    unsigned count;
    const struct span *candidates; // lines (rtp/ice_candidate.h)
};
struct hub_ice_taken {
    unsigned taken, ignored; // ignored: names, TCP, networks where checks may not go
};
#define HUB_ICE_LINES_MAX 64 // from one restart to the next
// Whether that could be told after a restart; false and a refusal.
bool hub_can_tell_ice(const struct hub_ice_told *told, struct hub_refusal *refusal);
bool hub_tell_ice(struct hub *hub, struct participant *me, const char *transport_id,
                  const struct hub_ice_told *told, struct hub_ice_taken *out, struct hub_refusal *refusal);

// ---- hub_produce.c, hub_producer.c

struct hub_produce {
    const char *transport_id;
    enum media_kind kind;
    const struct json_t *parameters; // RtpParameters
    bool paused;
    unsigned source;      // RIGHT_CAMERA ..: as its owner says, what is to be allowed; 0: by its kind
    bool sealed;          // encrypted from end to end, as its owner says
    const char *app_data; // a JSON object as text that everyone gets; NULL: {}
    size_t app_data_len;
};
// Of a kind that a moderator has muted for good it begins paused.
struct room_producer *hub_produce(struct hub *hub, struct participant *me, const struct hub_produce *ask,
                                  struct hub_refusal *refusal);
struct room_producer *hub_pause_producer(struct hub *hub, struct participant *me, const char *producer_id,
                                         bool paused, struct hub_refusal *refusal); // false resumes
bool hub_close_producer(struct hub *hub, struct participant *me, const char *producer_id,
                        struct hub_refusal *refusal);

// ---- hub_consume.c, hub_consumer.c

struct hub_consume {
    const char *producer_id;
    const char *transport_id;          // NULL: the first that the client receives by
    const struct json_t *capabilities; // NULL: those of the join, or of the consume before
    bool paused;
    uint8_t spatial_layers; // at most so many, as hub_set_layers would say; 0: no limit
    // Of a receiver that chose them itself, as preferredPayloadType in `capabilities`, which are given then;
    // NULL: the router's, and the next MID of the transport.
    const struct own_numbers *numbers;
};
// *parameters: the consumer's RtpParameters, the caller's to release.
struct room_consumer *hub_consume(struct hub *hub, struct participant *me, const struct hub_consume *ask,
                                  struct json_t **parameters, struct hub_refusal *refusal);
struct room_consumer *hub_pause_consumer(struct hub *hub, struct participant *me, const char *consumer_id,
                                         bool paused, struct hub_refusal *refusal); // false resumes
bool hub_close_consumer(struct hub *hub, struct participant *me, const char *consumer_id,
                        struct hub_refusal *refusal);
// Highest layers wanted, 0..; LAYER_NONE: no limit. What counts of that wish, in `chosen`: the highest layers
// that the consumer may be sent now, which are those of its producer where nothing can be left out.
struct hub_layers {
    uint8_t spatial, temporal; // 0..
};
struct room_consumer *hub_set_layers(struct hub *hub, struct participant *me, const char *consumer_id,
                                     int8_t spatial, int8_t temporal, struct hub_layers *chosen,
                                     struct hub_refusal *refusal);
struct room_consumer *hub_set_priority(struct hub *hub, struct participant *me, const char *consumer_id,
                                       uint8_t priority, struct hub_refusal *refusal); // 1..255
// What a consumer or a transport may get at most, or over a transport of direction "send" the client may
// send; bits a second, 0: no limit. Exactly one of the ids is not NULL.
bool hub_set_max_bitrate(struct hub *hub, struct participant *me, const char *consumer_id,
                         const char *transport_id, uint32_t bps, struct hub_refusal *refusal);
struct room_consumer *hub_request_key_frame(struct hub *hub, struct participant *me, const char *consumer_id,
                                            struct hub_refusal *refusal);

// ---- hub_data.c: data channels

// Makes a transport that was just opened carry them. Streams: 1..DATA_STREAMS_MAX.
bool hub_carry_data(struct hub *hub, struct room_transport *transport, uint16_t streams_out,
                    uint16_t streams_in, struct hub_refusal *refusal);

struct hub_produce_data {
    const char *transport_id;
    const struct data_stream *stream;
    const char *label, *protocol; // NULL: ""
    bool broadcast;               // who uses the room's channel of that label gets it
    const char *app_data;         // a JSON object as text that everyone gets; NULL: {}
    size_t app_data_len;
};
struct room_data_producer *hub_produce_data(struct hub *hub, struct participant *me,
                                            const struct hub_produce_data *ask, struct hub_refusal *refusal);
bool hub_close_data_producer(struct hub *hub, struct participant *me, const char *producer_id,
                             struct hub_refusal *refusal);

// One's own; NULL and a refusal.
struct room_data_producer *hub_own_data_producer(const struct hub *hub, const struct participant *me,
                                                 const char *producer_id, struct hub_refusal *refusal);
struct room_data_consumer *hub_own_data_consumer(const struct hub *hub, const struct participant *me,
                                                 const char *consumer_id, struct hub_refusal *refusal);
// Asks the data worker of one of the two, the other is NULL; what it answers comes as hub_events.data_stats,
// with the token.
bool hub_ask_data_stats(struct hub *hub, const struct room_data_producer *producer,
                        const struct room_data_consumer *consumer, uint32_t token,
                        struct hub_refusal *refusal);

struct hub_consume_data {
    const char *producer_id;          // NULL: the room's channel
    const char *label;                // of that
    const char *transport_id;         // NULL: the first that the client receives by and that carries data
    const struct data_stream *stream; // but for its id; NULL: as the producer's, or ordered and reliable
    bool paused;
};
struct room_data_consumer *hub_consume_data(struct hub *hub, struct participant *me,
                                            const struct hub_consume_data *ask, struct hub_refusal *refusal);
struct room_data_consumer *hub_pause_data_consumer(struct hub *hub, struct participant *me,
                                                   const char *consumer_id, bool paused,
                                                   struct hub_refusal *refusal); // false resumes
bool hub_close_data_consumer(struct hub *hub, struct participant *me, const char *consumer_id,
                             struct hub_refusal *refusal);
#define DATA_APP_DATA_BYTES_MAX 1024 // of one data producer, as JSON

// ---- hub_stage.c: video of the last speakers, audio of the loudest

struct hub_last_n {
    int32_t n; // 1.., CHOICE_ALL, CHOICE_OF_ROOM
    unsigned pinned_count;
    const char *pinned[PINNED_MAX]; // userIds; these are always shown
};
bool hub_set_last_n(struct hub *hub, struct participant *me, const struct hub_last_n *ask,
                    struct hub_refusal *refusal);
void hub_set_loudest_n(struct hub *hub, struct participant *me, int32_t n); // 1..LOUDEST_N_MAX, CHOICE_*
uint32_t hub_last_n(const struct participant *who);                         // that it gets; CHOICE_ALL
uint32_t hub_loudest_n(const struct participant *who);

// ---- hub_own.c: what is one's own

// What it may do now: as me->rights, and whether it may have the room recorded, which the room's settings say
// as well.
unsigned hub_rights(const struct hub *hub, const struct participant *me);
// Whether sound and picture are taken only when they are encrypted from end to end.
bool hub_is_sealed(const struct hub *hub, const struct room *room);
// hub_io.rules may say something else of rooms now: those inside hear what concerns them, and where
// everything has to be encrypted from now on, tracks and data channels that are not are closed.
void hub_settle_again(struct hub *hub, uint64_t now_us);
// Whether it may be by anybody, an operator too. False and a refusal.
bool hub_may_be_recorded(const struct hub *hub, const struct room *room, struct hub_refusal *refusal);
// Whether it is encrypted from end to end, as its owner says.
bool hub_is_encrypted(const struct room_producer *producer);
// Whether something is sent by the room (who is NULL) or by one in it, and all of it is.
bool hub_sends_encrypted_alone(const struct room *room, const struct participant *who);
struct room_transport *hub_own_transport(const struct hub *hub, const struct participant *me,
                                         const char *transport_id, struct hub_refusal *refusal);
struct room_producer *hub_own_producer(const struct hub *hub, const struct participant *me,
                                       const char *producer_id, struct hub_refusal *refusal);
struct room_consumer *hub_own_consumer(const struct hub *hub, const struct participant *me,
                                       const char *consumer_id, struct hub_refusal *refusal);

// Exactly one of the ids is not 0.
struct hub_subject {
    struct transport_id transport;
    struct producer_id producer;
    struct consumer_id consumer;
};
// Asks the participant's worker; what it answers comes as hub_events.stats, with the token.
bool hub_ask_stats(struct hub *hub, const struct participant *me, const struct hub_subject *subject,
                   uint32_t token, struct hub_refusal *refusal);

// ---- hub_memory.c

// Bytes of memory of JSON values that nobody else holds; about right. For hub_events.held_bytes.
size_t hub_memory_of_json(const struct json_t *value);

// ---- hub_chat.c

// timestamp: NULL for now. *line is good until the next verb.
bool hub_chat(struct hub *hub, struct participant *me, const char *text, const char *timestamp,
              struct hub_chat_line *line, struct hub_refusal *refusal);
// Keeps a line for those who join later, in the form in which they get it.
void hub_keep_chat(struct hub *hub, struct room *room, const char *text, size_t len);

// ---- hub_pass_on.c: from one to one

struct hub_pass_on {
    enum hub_relay_kind kind;
    const char *target;  // userId or username
    const char *payload; // JSON text; NULL: none
    size_t payload_len;
};
// The one who gets it.
struct participant *hub_pass_on(struct hub *hub, struct participant *me, const struct hub_pass_on *ask,
                                struct hub_refusal *refusal);

#endif
