// Every request of the protocol: its handler and the schema of its data.
#include "server/signal/signal.h"

#include <string.h>

#define TEXT(n, least, most)                                                                                 \
    {.name = (n), .kind = FIELD_TEXT, .required = true, .min = (least), .max = (most)}
#define TEXT_OPTIONAL(n, least, most) {.name = (n), .kind = FIELD_TEXT, .min = (least), .max = (most)}
#define INTEGER(n, least, most)                                                                              \
    {.name = (n), .kind = FIELD_INTEGER, .required = true, .min = (least), .max = (most)}
#define INTEGER_OPTIONAL(n, least, most) {.name = (n), .kind = FIELD_INTEGER, .min = (least), .max = (most)}
#define BOOL_OPTIONAL(n) {.name = (n), .kind = FIELD_BOOL}
#define BOOL(n) {.name = (n), .kind = FIELD_BOOL, .required = true}
#define OBJECT(n) {.name = (n), .kind = FIELD_OBJECT, .required = true}
#define OBJECT_OPTIONAL(n) {.name = (n), .kind = FIELD_OBJECT}
#define CHOICE(n, c) {.name = (n), .kind = FIELD_CHOICE, .required = true, .choices = (c)}
#define CHOICE_OPTIONAL(n, c) {.name = (n), .kind = FIELD_CHOICE, .choices = (c)}
#define TEXTS_OPTIONAL(n, least, most, c)                                                                    \
    {.name = (n), .kind = FIELD_TEXTS, .min = (least), .max = (most), .choices = (c)}
#define ANY_OPTIONAL(n) {.name = (n), .kind = FIELD_ANY}

// Public ids, and a little more, so that a wrong one is `not-found` and not ill-formed.
#define ID_CHARS_MAX 64
#define TARGET_CHARS_MAX                                                                                     \
    (4 * USERNAME_CHARS_MAX) // as it may be spelt; what it means has at most USERNAME_CHARS_MAX
#define LAYER_MAX 7
#define LAST_N_MAX 10000           // more than any room has
#define MAX_BITRATE_MAX 4000000000 // bits a second

static const struct signal_row rows[] = {
    {"join-room",
     NEEDS_NOTHING,
     0,
     signal_join_room,
     // Lengths of names count after trimming, so their handler checks them.
     {TEXT("roomId", 0, SIGNAL_MESSAGE_MAX), TEXT_OPTIONAL("username", 0, SIGNAL_MESSAGE_MAX),
      TEXT_OPTIONAL("password", 1, SIGNAL_MESSAGE_MAX), TEXT_OPTIONAL("token", 1, TOKEN_CHARS_MAX),
      TEXT_OPTIONAL("resumeToken", 1, TOKEN_CHARS_MAX), OBJECT_OPTIONAL("rtpCapabilities"),
      INTEGER_OPTIONAL("lastN", 0, LAST_N_MAX), INTEGER_OPTIONAL("loudestN", 0, LOUDEST_N_MAX),
      TEXTS_OPTIONAL("openTransports", 0, 2, "send|recv"), OBJECT_OPTIONAL("consume"),
      BOOL_OPTIONAL("enableSctp"), OBJECT_OPTIONAL("numSctpStreams"), BOOL_OPTIONAL("e2ee")}},
    {"get-capabilities", NEEDS_NOTHING, 0, signal_get_capabilities, {{0}}},
    {"leave-room",
     NEEDS_NOTHING, // or a place in a lobby
     0,
     signal_leave_room,
     {TEXT_OPTIONAL("roomId", 0, SIGNAL_MESSAGE_MAX), TEXT_OPTIONAL("username", 0, SIGNAL_MESSAGE_MAX)}},
    {"chat-message",
     NEEDS_ROOM,
     RIGHT_DATA,
     signal_chat,
     {TEXT("text", 1, SIGNAL_MESSAGE_MAX), TEXT_OPTIONAL("from", 0, SIGNAL_MESSAGE_MAX),
      TEXT_OPTIONAL("timestamp", 1, 64), BOOL_OPTIONAL("e2ee")}},
    {"update-token", NEEDS_ROOM, 0, signal_update_token, {TEXT("token", 1, TOKEN_CHARS_MAX)}},
    {"ping", NEEDS_NOTHING, 0, signal_ping, {{0}}},

    {"create-transport",
     NEEDS_ROOM,
     0,
     signal_create_transport,
     {CHOICE("direction", "send|recv"), BOOL_OPTIONAL("forceTcp"), BOOL_OPTIONAL("enableSctp"),
      OBJECT_OPTIONAL("numSctpStreams"), CHOICE_OPTIONAL("ice", "lite|full")}},
    {"connect-transport",
     NEEDS_ROOM,
     0,
     signal_connect_transport,
     {TEXT("transportId", 1, ID_CHARS_MAX), OBJECT("dtlsParameters")}},
    {"restart-ice", NEEDS_ROOM, 0, signal_restart_ice, {TEXT("transportId", 1, ID_CHARS_MAX)}},
    {"add-ice-candidates",
     NEEDS_ROOM,
     0,
     signal_add_ice_candidates,
     {TEXT("transportId", 1, ID_CHARS_MAX), OBJECT_OPTIONAL("iceParameters"),
      TEXTS_OPTIONAL("candidates", 0, HUB_ICE_LINES_MAX, NULL)}},
    {"close-transport", NEEDS_ROOM, 0, signal_close_transport, {TEXT("transportId", 1, ID_CHARS_MAX)}},

    {"produce",
     NEEDS_ROOM,
     RIGHTS_PUBLISH,
     signal_produce,
     {TEXT("transportId", 1, ID_CHARS_MAX), CHOICE("kind", "audio|video"), OBJECT("rtpParameters"),
      BOOL_OPTIONAL("paused"), OBJECT_OPTIONAL("appData")}},
    {"pause-producer", NEEDS_ROOM, 0, signal_pause_producer, {TEXT("producerId", 1, ID_CHARS_MAX)}},
    {"resume-producer", NEEDS_ROOM, 0, signal_resume_producer, {TEXT("producerId", 1, ID_CHARS_MAX)}},
    {"close-producer", NEEDS_ROOM, 0, signal_close_producer, {TEXT("producerId", 1, ID_CHARS_MAX)}},

    {"consume",
     NEEDS_ROOM,
     RIGHT_SUBSCRIBE,
     signal_consume,
     {TEXT("producerId", 1, ID_CHARS_MAX), OBJECT_OPTIONAL("rtpCapabilities"),
      TEXT_OPTIONAL("transportId", 1, ID_CHARS_MAX), BOOL_OPTIONAL("paused")}},
    {"pause-consumer", NEEDS_ROOM, 0, signal_pause_consumer, {TEXT("consumerId", 1, ID_CHARS_MAX)}},
    {"resume-consumer", NEEDS_ROOM, 0, signal_resume_consumer, {TEXT("consumerId", 1, ID_CHARS_MAX)}},
    {"close-consumer", NEEDS_ROOM, 0, signal_close_consumer, {TEXT("consumerId", 1, ID_CHARS_MAX)}},
    {"set-preferred-layers",
     NEEDS_ROOM,
     0,
     signal_set_preferred_layers,
     {TEXT("consumerId", 1, ID_CHARS_MAX), INTEGER("spatialLayer", 0, LAYER_MAX),
      INTEGER_OPTIONAL("temporalLayer", 0, LAYER_MAX)}},
    {"set-priority",
     NEEDS_ROOM,
     0,
     signal_set_priority,
     {TEXT("consumerId", 1, ID_CHARS_MAX), INTEGER("priority", 1, 255)}},
    {"set-max-bitrate",
     NEEDS_ROOM,
     0,
     signal_set_max_bitrate,
     {TEXT_OPTIONAL("consumerId", 1, ID_CHARS_MAX), TEXT_OPTIONAL("transportId", 1, ID_CHARS_MAX),
      INTEGER("maxBitrate", 0, MAX_BITRATE_MAX)}},
    {"request-key-frame", NEEDS_ROOM, 0, signal_request_key_frame, {TEXT("consumerId", 1, ID_CHARS_MAX)}},

    {"produce-data",
     NEEDS_ROOM,
     RIGHT_DATA,
     signal_produce_data,
     {TEXT("transportId", 1, ID_CHARS_MAX), OBJECT("sctpStreamParameters"),
      TEXT_OPTIONAL("label", 0, DATA_TEXT_MAX), TEXT_OPTIONAL("protocol", 0, DATA_TEXT_MAX),
      BOOL_OPTIONAL("broadcast"), OBJECT_OPTIONAL("appData")}},
    {"close-data-producer",
     NEEDS_ROOM,
     0,
     signal_close_data_producer,
     {TEXT("dataProducerId", 1, ID_CHARS_MAX)}},
    {"consume-data",
     NEEDS_ROOM,
     RIGHT_SUBSCRIBE,
     signal_consume_data,
     {TEXT_OPTIONAL("dataProducerId", 1, ID_CHARS_MAX), BOOL_OPTIONAL("broadcast"),
      TEXT_OPTIONAL("label", 0, DATA_TEXT_MAX), TEXT_OPTIONAL("transportId", 1, ID_CHARS_MAX),
      OBJECT_OPTIONAL("sctpStreamParameters"), BOOL_OPTIONAL("paused")}},
    {"pause-data-consumer",
     NEEDS_ROOM,
     0,
     signal_pause_data_consumer,
     {TEXT("dataConsumerId", 1, ID_CHARS_MAX)}},
    {"resume-data-consumer",
     NEEDS_ROOM,
     0,
     signal_resume_data_consumer,
     {TEXT("dataConsumerId", 1, ID_CHARS_MAX)}},
    {"close-data-consumer",
     NEEDS_ROOM,
     0,
     signal_close_data_consumer,
     {TEXT("dataConsumerId", 1, ID_CHARS_MAX)}},

    {"set-last-n",
     NEEDS_ROOM,
     0,
     signal_set_last_n,
     {INTEGER_OPTIONAL("lastN", 0, LAST_N_MAX), TEXTS_OPTIONAL("pinned", 0, PINNED_MAX, NULL)}},
    {"set-loudest-n", NEEDS_ROOM, 0, signal_set_loudest_n, {INTEGER_OPTIONAL("loudestN", 0, LOUDEST_N_MAX)}},

    {"get-stats",
     NEEDS_ROOM,
     0,
     signal_get_stats,
     {TEXT_OPTIONAL("transportId", 1, ID_CHARS_MAX), TEXT_OPTIONAL("producerId", 1, ID_CHARS_MAX),
      TEXT_OPTIONAL("consumerId", 1, ID_CHARS_MAX), TEXT_OPTIONAL("dataProducerId", 1, ID_CHARS_MAX),
      TEXT_OPTIONAL("dataConsumerId", 1, ID_CHARS_MAX)}},

    {"kick-user",
     NEEDS_ROOM,
     RIGHT_ADMIN,
     signal_kick_user,
     {TEXT("target", 1, TARGET_CHARS_MAX), TEXT_OPTIONAL("reason", 1, SIGNAL_MESSAGE_MAX)}},
    {"mute-user",
     NEEDS_ROOM,
     RIGHT_ADMIN,
     signal_mute_user,
     {TEXT("target", 1, TARGET_CHARS_MAX), CHOICE("kind", "audio|video"), BOOL_OPTIONAL("hold")}},
    {"mute-all",
     NEEDS_ROOM,
     RIGHT_ADMIN,
     signal_mute_all,
     {CHOICE("kind", "audio|video"), BOOL_OPTIONAL("hold")}},
    {"allow-unmute",
     NEEDS_ROOM,
     RIGHT_ADMIN,
     signal_allow_unmute,
     {TEXT("target", 1, TARGET_CHARS_MAX), CHOICE("kind", "audio|video")}},
    {"lock-room", NEEDS_ROOM, RIGHT_ADMIN, signal_lock_room, {{0}}},
    {"start-recording", NEEDS_ROOM, RIGHT_RECORD, signal_start_recording, {{0}}},
    {"stop-recording", NEEDS_ROOM, RIGHT_RECORD, signal_stop_recording, {{0}}},
    {"unlock-room", NEEDS_ROOM, RIGHT_ADMIN, signal_unlock_room, {{0}}},
    {"close-room",
     NEEDS_ROOM,
     RIGHT_ADMIN,
     signal_close_room,
     {TEXT_OPTIONAL("reason", 1, SIGNAL_MESSAGE_MAX)}},
    {"set-lobby", NEEDS_ROOM, RIGHT_ADMIN, signal_set_lobby, {BOOL("enabled")}},
    {"admit-user", NEEDS_ROOM, RIGHT_ADMIN, signal_admit_user, {TEXT("target", 1, ID_CHARS_MAX)}},
    {"deny-user",
     NEEDS_ROOM,
     RIGHT_ADMIN,
     signal_deny_user,
     {TEXT("target", 1, ID_CHARS_MAX), TEXT_OPTIONAL("reason", 1, SIGNAL_MESSAGE_MAX)}},
    {"admit-all", NEEDS_ROOM, RIGHT_ADMIN, signal_admit_all, {{0}}},
    {"ban",
     NEEDS_ROOM,
     RIGHT_ADMIN,
     signal_ban,
     {TEXT("target", 1, TARGET_CHARS_MAX), TEXT_OPTIONAL("reason", 1, SIGNAL_MESSAGE_MAX),
      BOOL_OPTIONAL("address")}},
    {"unban", NEEDS_ROOM, RIGHT_ADMIN, signal_unban, {TEXT("target", 1, ID_CHARS_MAX)}},
    {"list-bans", NEEDS_ROOM, RIGHT_ADMIN, signal_list_bans, {{0}}},
    {"set-role",
     NEEDS_ROOM,
     RIGHT_ADMIN,
     signal_set_role,
     {TEXT("target", 1, TARGET_CHARS_MAX), CHOICE("role", "moderator|participant|viewer")}},
    {"set-metadata",
     NEEDS_ROOM,
     RIGHT_METADATA | RIGHT_ADMIN,
     signal_set_metadata,
     {TEXT_OPTIONAL("target", 1, TARGET_CHARS_MAX), TEXT_OPTIONAL("metadata", 0, SIGNAL_MESSAGE_MAX),
      OBJECT_OPTIONAL("attributes")}},
    {"raise-hand", NEEDS_ROOM, 0, signal_raise_hand, {{0}}},
    {"lower-hand", NEEDS_ROOM, 0, signal_lower_hand, {TEXT_OPTIONAL("target", 1, TARGET_CHARS_MAX)}},
    {"reaction", NEEDS_ROOM, RIGHT_DATA, signal_react, {TEXT("text", 1, SIGNAL_MESSAGE_MAX)}},

    {"webrtc-offer",
     NEEDS_ROOM,
     RIGHT_DATA,
     signal_relay_message,
     {TEXT("target", 1, TARGET_CHARS_MAX), OBJECT("payload")}},
    {"webrtc-answer",
     NEEDS_ROOM,
     RIGHT_DATA,
     signal_relay_message,
     {TEXT("target", 1, TARGET_CHARS_MAX), OBJECT("payload")}},
    {"webrtc-ice-candidate",
     NEEDS_ROOM,
     RIGHT_DATA,
     signal_relay_message,
     {TEXT("target", 1, TARGET_CHARS_MAX), OBJECT("payload")}},
    {"call-remote",
     NEEDS_ROOM,
     RIGHT_DATA,
     signal_relay_message,
     {TEXT("target", 1, TARGET_CHARS_MAX), ANY_OPTIONAL("payload")}},
    {"accept-call",
     NEEDS_ROOM,
     RIGHT_DATA,
     signal_relay_message,
     {TEXT("target", 1, TARGET_CHARS_MAX), ANY_OPTIONAL("payload")}},
    {"reject-call",
     NEEDS_ROOM,
     RIGHT_DATA,
     signal_relay_message,
     {TEXT("target", 1, TARGET_CHARS_MAX), ANY_OPTIONAL("payload")}},
    {"hang-up",
     NEEDS_ROOM,
     RIGHT_DATA,
     signal_relay_message,
     {TEXT("target", 1, TARGET_CHARS_MAX), ANY_OPTIONAL("payload")}},
};

const struct signal_row *signal_rows(size_t *count) {
    *count = sizeof rows / sizeof rows[0];
    return rows;
}

const struct signal_row *signal_find_row(const char *type) {
    size_t count;
    const struct signal_row *all = signal_rows(&count);
    for (size_t i = 0; i < count; i++)
        if (strcmp(all[i].type, type) == 0)
            return &all[i];
    return NULL;
}
