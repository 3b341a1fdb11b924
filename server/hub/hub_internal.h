// hub_internal: the insides of the hub, for the files of server/hub/ alone.
//
// From below upwards: hub_observers, hub_name, hub_memory, hub_budget, hub_own, hub_record, hub_stage,
// hub_speaker, hub_data_post; hub_relay, hub_data_end; hub_consumer, hub_producer, hub_ice, hub_transport;
// hub_consume, hub_produce, hub_pass_on, hub_data; hub_about, hub_rights, hub_lobby; hub_leave; hub_grants,
// hub_role, hub_ban, hub_moderate, hub_hand; hub_join; hub_operate, hub_plain; hub_appear, hub_settle;
// hub_event, hub_data_event, hub. No file calls one behind it.
#ifndef SERVER_HUB_INTERNAL_H
#define SERVER_HUB_INTERNAL_H

#include "base/log_pace.h"
#include "rooms/directory.h"
#include "rooms/negotiate.h"
#include "rooms/registry.h"
#include "server/hub/command_post.h"
#include "server/hub/hub_data_post.h"
#include "server/hub/hub_verbs.h"

// A line on what somebody does or meets: without a token it may be anybody, as often as he likes.
#define HUB_LOG(who, level, event, ...) LOG_BY((who)->by_token, LOG_GUEST, level, event, __VA_ARGS__)

#define APP_DATA_BYTES_MAX 4096
#define PRODUCERS_BYTES_MAX (64 * 1024) // of memory, for what one participant said of its producers
#define APP_DATA_BYTES_FREE 256         // of each participant: no share of the room's budget

#define EXTENSION_LISTS_MAX 4
#define RECEIVERS_KEPT 8

// RtpCapabilities as consuming wants them: most clients of a room have the same.
struct receiver_entry {
    struct receiver receiver;
    json_t *capabilities; // NULL: empty
};

struct hub {
    struct hub_config config;
    struct hub_io io;
    struct hub_events events; // of all observers, as one
    struct hub_events observers[HUB_OBSERVER_COUNT];
    struct command_post post;
    struct hub_data_post data_post;
    struct hub_counts counts; // the running ones; the rest is counted when read
    struct directory directory;
    struct registry registry;
    struct data_registry data_registry;
    uint32_t data_transports; // that carry data, of DATA_ASSOCIATIONS_MAX
    uint32_t full_transports; // with a full ICE agent, of config.ice.agents_max
    struct list full;         // of these struct room_ice, by link
    struct wheel wheel;
    uint64_t now_us; // of the call that is being handled
    json_t *router_capabilities;
    json_t *extension_lists[EXTENSION_LISTS_MAX]; // of consumables: there are few kinds, and many producers
    struct receiver_entry receivers[RECEIVERS_KEPT];
    unsigned receivers_next; // to be replaced
    size_t held_bytes;       // of texts and JSON values that are kept for clients
    uint32_t programs;       // participants that are none of people (hub_is_program)
    bool draining;
    char drain_to[HUB_URL_MAX + 1];
};

// Whose room it is: timers know their room or participant alone.
static inline struct hub *hub_of(const struct room *room) {
    return LIST_ENTRY(room->directory, struct hub, directory);
}

// Behind plain RTP: nobody is there who could leave.
static inline bool hub_is_program(const struct participant *who) {
    return who->observer == HUB_OBSERVER_PLAIN || who->observer == HUB_OBSERVER_RECORDER;
}

// ---- hub_observers.c

struct hub_events hub_events_of_all(struct hub *hub); // tells hub->observers

// ---- hub_memory.c

// Room for one more thing of a client within held_bytes_max.
bool hub_memory_allows(const struct hub *hub, struct hub_refusal *refusal);
uint64_t hub_memory_held(const struct hub *hub); // all of it
void hub_memory_take(struct hub *hub, size_t bytes);
void hub_memory_give(struct hub *hub, size_t bytes);
size_t hub_memory_of_chat(const struct room *room);
size_t hub_memory_of_queued(const struct participant *participant);

// ---- hub_name.c

// C0, DEL or C1 somewhere in valid UTF-8, other than those that are `allowed` ("" for none).
bool hub_has_control(const char *text, const char *allowed);

// ---- hub_own.c

// False and a refusal: its token does not let it do `what` ("send pictures of a camera").
bool hub_allowed(const struct participant *me, unsigned right, const char *what, struct hub_refusal *refusal);

// Whether what a client says of a track or a data channel (`appData`, JSON) says that it is encrypted from
// end to end. NULL: nothing is said.
bool hub_says_sealed(const char *app_data, size_t len);

// Who else of the room a text names, by userId or username; NULL and a refusal.
struct participant *hub_find_other(const struct participant *me, const char *text,
                                   struct hub_refusal *refusal);

// Whether what a moderator says to somebody is fit for it; NULL is.
bool hub_words_fit(const char *words, struct hub_refusal *refusal);

// ---- hub_about.c

#define ABOUT_BYTES_MAX 4096             // of one participant's metadata and attributes, as JSON
#define ABOUT_BYTES_FREE 256             // of each participant: no share of the room's budget
#define ROOM_ABOUT_BYTES_MAX (64 * 1024) // of a room's beyond that

// What a token says of one who is about to enter the room (NULL: a new one), into *out for hub_put_about;
// false and a refusal.
bool hub_bring_about(struct hub *hub, struct participant *me, struct room *room, const struct grants *grants,
                     json_t **out, struct hub_refusal *refusal);
void hub_put_about(struct hub *hub, struct participant *me, json_t *about); // taken over
void hub_drop_about(struct hub *hub, struct participant *me);               // while it is still in its room
// Whether this could be said of it now, as hub_describe does. False and a refusal.
bool hub_may_describe(const struct participant *who, const char *metadata, const json_t *attributes,
                      struct hub_refusal *refusal);

// ---- hub_ice.c

// Whether `me` may have one more transport with a full agent, now. False and a refusal.
bool hub_ice_may_open(struct hub *hub, struct participant *me, struct hub_refusal *refusal);
// Whether it may restart now: of one with a full agent. False and a refusal.
bool hub_ice_may_restart(const struct hub *hub, struct room_transport *transport,
                         struct hub_refusal *refusal);
void hub_ice_restarted(struct room_transport *transport); // its owner has to tell everything again

// ---- hub_rights.c

// What is remembered of one who comes by this identity ("": none) and name into *out; NULL: nothing. room
// NULL: a new one. False and a refusal.
bool hub_find_rights(const struct room *room, const char *identity, const char *name,
                     const struct kept_rights **out, struct hub_refusal *refusal);
// What becomes of these rights; kept NULL: nothing.
unsigned hub_rights_with(const struct kept_rights *kept, unsigned rights);
// From now on, and whenever it comes again; the caller applies them. False and a refusal: nothing has
// changed.
bool hub_keep_rights(struct hub *hub, struct participant *who, unsigned rights, struct hub_refusal *refusal);
// The same of what it may not resume by itself (participant.held).
bool hub_keep_held(struct hub *hub, struct participant *who, unsigned held, struct hub_refusal *refusal);
// Whether something of it is remembered, and whether so many people more can be. False and a refusal.
bool hub_is_kept(const struct participant *who);
bool hub_may_keep(const struct room *room, uint32_t more, struct hub_refusal *refusal);
// For one who has just come and has what its token gives.
void hub_recall_rights(struct participant *me, const struct kept_rights *kept);
void hub_forget_rights(struct hub *hub, struct room *room); // of everybody

// ---- hub_lobby.c

struct room_rules hub_rules(const struct hub *hub, const char *room); // hub_own.c
// As hub_may_be_recorded, of a room that need not be there.
bool hub_name_may_be_recorded(const struct hub *hub, const char *room, struct hub_refusal *refusal);
struct knock *hub_find_knock(const struct room *room, uint32_t connection); // or NULL
struct knock *hub_find_knock_id(const struct room *room, const char *id);   // that still waits; or NULL
// A new one; NULL and a refusal: too many wait.
struct knock *hub_knock(struct hub *hub, const struct hub_join *join, struct room *room,
                        struct hub_refusal *refusal);
void hub_forget_knock(struct hub *hub, struct knock *knock);
// Told to whoever knocked and to moderators, then forgotten.
void hub_end_knock(struct hub *hub, struct knock *knock, const char *reason, const struct participant *by,
                   const char *words);
void hub_end_knocks(struct hub *hub, struct room *room, const char *reason, const struct participant *by);
// As the room's rules have it, when nobody is there who could have switched it.
void hub_reset_lobby(struct hub *hub, struct room *room);

#define HUB_BAN_BYTES (sizeof(struct ban) + 64) // with the allocator's
void hub_forget_ban(struct hub *hub, struct room *room, struct ban *ban);
void hub_forget_outsiders(struct hub *hub, struct room *room); // who waits, who is banned, what was changed

// ---- hub_ban.c

// Whether the room's bans let somebody in; `moderator`: its rights. False and a refusal.
bool hub_let_in(const struct room *room, const struct hub_join *join, bool moderator,
                struct hub_refusal *refusal);
// Out of the room, told why and by whom (NULL: nobody).
void hub_put_out(struct hub *hub, struct participant *who, const char *reason, const struct participant *by,
                 const char *words);

// ---- hub_grants.c

// From now on these; what it may no more is closed.
void hub_apply_rights(struct hub *hub, struct participant *me, unsigned rights);

// What a token says of one who joins or renews it; NULL: everything, for ever.
void hub_take_grants(struct hub *hub, struct participant *me, const struct grants *grants);

// ---- hub_budget.c

// Takes what these bytes cost, to everyone else in the room or to `target` alone, out of the participant's
// budget; false and a refusal when that is spent.
bool hub_spend(struct hub *hub, struct participant *me, struct participant *target, size_t bytes,
               struct hub_refusal *refusal);
// The same for a notice of its producers to everyone else in the room. The first of them, which everybody
// causes who joins with camera and microphone, do not wait for what others have sent.
bool hub_spend_notice(struct hub *hub, struct participant *me, size_t bytes, struct hub_refusal *refusal);
// The same for a join and the leave that follows it, which the connection pays for. room NULL: a new one.
bool hub_spend_join(struct hub *hub, struct relay_budget *spent, const struct room *room, size_t bytes,
                    struct hub_refusal *refusal);
// Bytes of a text as a JSON string, without the quotes. For text without control characters but newline and
// tab.
size_t hub_json_text_bytes(const char *text);

// ---- hub_relay.c, hub_speaker.c

// One more (fewer) consumer of the producer on a worker that is not the producer's own.
MUST_USE bool hub_relay_take(struct hub *hub, struct room_producer *producer, unsigned worker);
void hub_relay_drop(struct hub *hub, struct room_producer *producer, unsigned worker);
uint32_t hub_relay_count(const struct room_producer *producer);
void hub_relay_forget_wanted(struct room_producer *producer);
// Tells every worker that has the producer.
void hub_relay_post_pause(struct hub *hub, const struct room_producer *producer);
// Tells the owner when the highest layer that somebody watches is another one.
void hub_update_layers_wanted(struct hub *hub, struct room_producer *producer);

void hub_speaker_hear(struct hub *hub, struct participant *who, int level_dbov,
                      struct speech_activity activity);
// The participant is not heard any more (left, muted).
void hub_speaker_leave(struct hub *hub, struct participant *participant);
void hub_speaker_timer_fire(struct wheel_node *node, uint64_t now_us);

// ---- hub_stage.c

// One more (less) video producer of the participant; with its consumers closed.
void hub_stage_enter(struct hub *hub, struct participant *who);
void hub_stage_leave(struct hub *hub, struct participant *who);
void hub_stage_speak(struct hub *hub, struct participant *who); // it has become the active speaker
void hub_stage_forget(struct participant *leaving);             // while it is still in its room
// Whether a participant gets another one's video.
bool hub_stage_shows(const struct participant *to, const struct participant *from);
// Tells the owner that the consumer is held, or what it gets now that it is not.
void hub_tell_held(struct hub *hub, struct room_consumer *consumer);
void hub_stage_transport(struct hub *hub,
                         const struct room_transport *transport); // a new one: how many voices

// ---- hub_record.c

// What of a participant's appData counts for its room.
size_t hub_app_data_counted(size_t bytes);
// held_bytes: of memory, of what was said of it.
// One recording of the room more, or less; whether there is any, everybody in it is told.
void hub_count_recording(struct hub *hub, struct room *room, bool more);
// Who records by itself, as its token says; nobody does where the room's settings allow no recording.
void hub_set_recorder(struct hub *hub, struct participant *me, bool recorder);
bool hub_recorder_may_enter(const struct hub *hub, const char *room, const struct grants *grants,
                            struct hub_refusal *refusal);
void hub_account_producer(struct hub *hub, struct room_producer *producer, size_t held_bytes);
void hub_forget_producer(struct hub *hub, struct room_producer *producer); // settles that and frees it
// With one more field. Consumers, of which there are as many as there are pairs of people, are told at debug.
void hub_log_producer(const char *event, const struct room_producer *producer, const char *name,
                      const char *value);
void hub_log_consumer(const char *event, const struct room_consumer *consumer, const char *name,
                      const char *value);

// To the workers, and to everyone but the owner.
void hub_set_producer_paused(struct hub *hub, struct room_producer *producer, bool paused);

// ---- hub_data.c: what verbs and the data worker's events have in common; as hub_produce_data, on any
// transport

struct room_data_producer *hub_open_data_producer(struct hub *hub, struct room_transport *transport,
                                                  bool in_band, const struct hub_produce_data *ask,
                                                  struct hub_refusal *refusal);
// `made` is filled in; the use of its channel is taken over in any case.
struct room_data_consumer *hub_open_data_consumer(struct hub *hub, const struct room_data_consumer *made,
                                                  struct hub_refusal *refusal);

// ---- hub_data_end.c: ends of data channels. `reason` NULL: the owner knows. told_worker: the data worker
// ends it by itself.

void hub_drop_data_producer(struct hub *hub, struct room_data_producer *producer, const char *reason,
                            bool told_worker);
void hub_drop_data_consumer(struct hub *hub, struct room_data_consumer *consumer, const char *reason,
                            bool told_worker);
// All that is on a transport's association, which has ended.
void hub_end_data(struct hub *hub, struct room_transport *transport, const char *reason);
void hub_drop_data(struct hub *hub, struct room_transport *transport, bool tell_owner); // all of a transport
void hub_apply_data_rights(struct hub *hub, struct participant *me); // what it may no more is closed

// ---- ends. The owner hears only what it cannot know.

// `reason` NULL: the owner knows. told_worker: its worker closes it by itself.
void hub_drop_consumer(struct hub *hub, struct room_consumer *consumer, const char *reason, bool told_worker);
// The worker of its transport is told only when the transport stays.
void hub_drop_producer(struct hub *hub, struct room_producer *producer, bool transport_stays);
// New credentials that it may use or not, told to its owner. Who is told nothing for want of room in its
// worker's queue finds its path dead, and restarts ICE by itself.
void hub_offer_ice(struct hub *hub, const struct room_transport *transport);
void hub_drop_transport(struct hub *hub, struct room_transport *transport, const char *reason,
                        bool tell_owner);
void hub_hang_up_all(struct hub *hub, struct participant *leaving);
void hub_room_empty(struct hub *hub, struct room *room);
void hub_room_remove(struct hub *hub, struct room *room);
// hub_join.c: a new one without people. NULL and a refusal.
struct room *hub_open_room(struct hub *hub, const char *name, json_t *metadata,
                           struct hub_refusal *refusal); // `metadata` is taken over when it succeeds
// hub_about.c: a text of a program, as JSON, for a room; "": NULL. False and a refusal.
bool hub_read_room_metadata(const struct hub *hub, const char *text, json_t **out,
                            struct hub_refusal *refusal);
void hub_put_room_metadata(struct hub *hub, struct room *room, json_t *metadata); // taken over; NULL: none
void hub_resume_timer_fire(struct wheel_node *node, uint64_t now_us);
void hub_path_changed(struct hub *hub, struct participant *owner); // hub_leave.c: media comes, or has ended

// What of rtpCapabilities counts; false and the refusal.
bool hub_receiver_check(const struct hub *hub, const json_t *given, struct receiver *out,
                        struct hub_refusal *refusal);

#endif
