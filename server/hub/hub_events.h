// hub_events: what others are to hear of what happens in the hub.
//
// One table of functions for each observer, all of them set (hub_observe). They are called from inside the
// verb, the media event or the timer that is the cause; what they are given is the hub's and good for the
// call alone. They may keep texts for later (hub_keep_text, hub_keep_chat) and must call no other verb. Whom
// an event concerns is said for each: the owner (who has or has not a connection: participant.connection),
// the others of its room, or the whole room. Of what concerns the owner alone hears the observer that speaks
// for it (participant.observer), of all the rest each of them. A verb's own answer is what it returns: its
// caller hears no event of it.
#ifndef SERVER_HUB_EVENTS_H
#define SERVER_HUB_EVENTS_H

#include "base/err.h"
#include "rooms/room_data.h"

// What participants say to each other alone. The hub knows of calls who rings whom; payloads it does not
// read.
enum hub_relay_kind {
    HUB_OFFER,
    HUB_ANSWER,
    HUB_CANDIDATE,
    HUB_CALL,
    HUB_ACCEPT_CALL,
    HUB_REJECT_CALL,
    HUB_HANG_UP,
};

struct hub_relayed {
    enum hub_relay_kind kind;
    const struct participant *from;
    const char *target;  // as the sender spelt it
    const char *payload; // JSON text; NULL: none
    size_t payload_len;
    const char *reason; // of a hang-up that nobody sent, or NULL
};

struct hub_chat_line {
    const struct participant *from;
    const char *text, *timestamp;
    char now[32]; // what `timestamp` points to when the sender gave none
};

struct hub_events {
    void *ctx;

    // ---- rooms: to nobody in them
    void (*room_opened)(void *ctx, const struct room *room);
    void (*room_closed)(void *ctx, const struct room *room); // its last moment: nobody is in it

    // ---- people: to the others
    void (*participant_joined)(void *ctx, const struct participant *who);
    // Called while it is still in its room. Its connection speaks for it no more.
    void (*participant_left)(void *ctx, const struct participant *who, const char *reason);
    void (*said)(void *ctx, const struct hub_chat_line *line);

    void (*room_locked)(void *ctx, const struct room *room,
                        const struct participant *by); // or not: room->locked
    void (*described)(void *ctx, const struct participant *who,
                      const struct participant *by); // who->about; by NULL: an operator
    void (*role_changed)(void *ctx, const struct participant *who, const struct participant *by);
    void (*renamed)(void *ctx, const struct participant *who, const char *before); // by an operator
    void (*appeared)(void *ctx,
                     const struct participant *who); // or not any more: who->hidden; by an operator
    void (*held_changed)(void *ctx, const struct participant *who,
                         const struct participant *by); // who->held; by NULL: an operator
    void (*hand_changed)(void *ctx, const struct participant *who, const struct participant *by);
    void (*reacted)(void *ctx, const struct participant *who, const char *text);

    void (*room_described)(void *ctx, const struct room *room); // room->metadata

    // It is being recorded from now on, or not any more: room->recordings.
    void (*recording_changed)(void *ctx, const struct room *room);

    // ---- to the moderators of the room
    void (*knocked)(void *ctx, const struct knock *knock);
    // And to whoever knocked. "admitted": it may join now; "denied", "left" (it did itself), "room-closed":
    // it is forgotten. by: the moderator, NULL: nobody; words: theirs, or NULL.
    void (*knock_ended)(void *ctx, const struct knock *knock, const char *reason,
                        const struct participant *by, const char *words);
    void (*lobby_switched)(void *ctx, const struct room *room,
                           const struct participant *by); // on or off: room->has_lobby

    // ---- to the owner
    // It is put out of its room; participant_left follows. by: the moderator, NULL: nobody; words: theirs, or
    // NULL.
    void (*removed)(void *ctx, const struct participant *who, const char *reason,
                    const struct participant *by, const char *words);
    // What it may do here has changed without its own or a moderator's doing, or what it has to do:
    // hub_rights, hub_is_sealed.
    void (*rights_changed)(void *ctx, const struct participant *who);
    // A moderator has paused what it sends.
    void (*muted)(void *ctx, const struct participant *who, enum media_kind kind,
                  const struct participant *by);
    // Its producer is closed, by somebody else.
    void (*producer_taken)(void *ctx, const struct room_producer *producer, const char *reason);
    // Another connection has resumed its session, or somebody of its identity has joined anew;
    // who->connection speaks for it no more.
    void (*taken_over)(void *ctx, const struct participant *who);
    // Delivers a message, or keeps it for the return of one without a connection (hub_keep_text). ERR_LIMIT:
    // too much waits; ERR_NO_MEMORY.
    enum err (*relayed)(void *ctx, struct participant *to, const struct hub_relayed *what);
    void (*transport_state)(void *ctx, const struct room_transport *transport);
    // Addresses have changed: it may use these credentials in place of those it has (hub_set_announce).
    void (*ice_offered)(void *ctx, const struct room_transport *transport, const struct ice_credentials *ice);
    // Its full ICE agent has found addresses of ours: transport->full->candidates from `first` on;
    // full->gathered: there are no more. NULL: not heard.
    void (*ice_candidates)(void *ctx, const struct room_transport *transport, unsigned first);
    void (*layers_wanted)(void *ctx,
                          const struct room_producer *producer); // wanted_told, wanted_temporal_told
    void (*producer_score)(void *ctx, const struct room_producer *producer, uint8_t score);
    void (*consumer_score)(void *ctx, const struct room_consumer *consumer, uint8_t score);
    // What it gets of a consumer, LAYER_NONE: nothing; and why it is not more.
    void (*consumer_layers)(void *ctx, const struct room_consumer *consumer, int8_t spatial, int8_t temporal,
                            const char *reason);
    void (*consumer_closed)(void *ctx, const struct room_consumer *consumer, const char *reason);

    // ---- producers: to the others
    void (*producer_opened)(void *ctx, const struct room_producer *producer);
    void (*producer_paused)(void *ctx, const struct room_producer *producer); // or resumed: producer->paused
    void (*producer_closed)(void *ctx, const struct room_producer *producer);

    // ---- data channels; data_producer_opened NULL: all of these are not heard. To the others
    void (*data_producer_opened)(void *ctx, const struct room_data_producer *producer);
    void (*data_producer_closed)(void *ctx, const struct room_data_producer *producer);
    // ---- to the owner
    void (*data_producer_taken)(void *ctx, const struct room_data_producer *producer, const char *reason);
    void (*data_consumer_closed)(void *ctx, const struct room_data_consumer *consumer, const char *reason);
    // It has opened a channel in its transport's association; consumer NULL: it gets nothing there.
    void (*data_channel_opened)(void *ctx, const struct room_data_producer *producer,
                                const struct room_data_consumer *consumer);

    // ---- to the whole room
    void (*speaker_changed)(void *ctx, const struct room *room,
                            const struct participant *who); // NULL: nobody
    // The voices of participants (participant.voice), loudest first: told_dbov.
    void (*levels_changed)(void *ctx, const struct room *room, struct speaker_voice *const *loudest,
                           unsigned count);

    // ---- the rest
    // What a worker answers to hub_ask_stats; stats->token is the asker's.
    void (*stats)(void *ctx, unsigned worker, const struct media_stats *stats);
    // The same of hub_ask_data_stats; NULL: not heard.
    void (*data_stats)(void *ctx, const struct data_stats *stats);
    // hub_drain was called; to everyone. deadline_wall_us 0: not known.
    void (*draining)(void *ctx, uint64_t deadline_wall_us);
    // Memory that the observer holds for its clients, in bytes: it counts for hub_limits.held_bytes_max.
    size_t (*held_bytes)(void *ctx);
};

// Hears nothing: for an observer that hears little to begin with.
extern const struct hub_events hub_events_silent;

#endif
