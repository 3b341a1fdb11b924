// admin: how programs manage rooms from outside: LiveKit's RoomService over Twirp (JSON), and the endpoints
// of our own below /api/v1. HTTP's path and body in, verbs of the hub done, JSON out.
//
// Who may do what is in the token of each request: LiveKit's grants `roomCreate`, `roomList`, and `roomAdmin`
// for the one room that it names; `rotunda.operator` for what concerns the whole server. What the hub has no
// verb for is refused in words. Bodies are read strictly: an object of JSON, no key twice, at most
// ADMIN_DEPTH_MAX deep.
//
// No I/O and no clock: hub_set_time goes before. Control thread.
#ifndef SERVER_ADMIN_H
#define SERVER_ADMIN_H

#include "base/span.h"
#include "server/access/token.h"
#include "server/hub/hub_operate.h"

#define ADMIN_BODY_MAX (48 * 1024)
#define ADMIN_DEPTH_MAX 16
#define ADMIN_ALLOW_MAX 32
#define ADMIN_DATA_MAX 15360 // bytes of one SendData

// What is to be sent to people, already in base64.
struct admin_data {
    const struct room *room;
    const struct participant *only; // NULL: everybody
    const char *payload_base64;
    const char *topic; // NULL: none
};

struct admin_io {
    void *ctx;
    // As gate_verify_service.
    bool (*verify)(void *ctx, const char *token, struct service_grants *out, char *why);
    void (*send)(void *ctx, const struct admin_data *data);
    // Begins the end. wait_s -1, url NULL: as the settings say. Once it has begun: brings it forward, or
    // names another place, and what is not named stays. False: neither, or it is over.
    bool (*drain)(void *ctx, int64_t wait_s, const char *url);
    // Recordings of a room, as livekit.EgressInfo in JSON: one that is begun (who "": of everybody) or ended,
    // those that are made now. NULL and a refusal.
    struct json_t *(*record)(void *ctx, const char *room, const char *who, const char *layout,
                             struct hub_refusal *refusal); // layout "": the preset
    struct json_t *(*stop_recording)(void *ctx, const char *room, const char *id,
                                     struct hub_refusal *refusal);
    struct json_t *(*list_recordings)(void *ctx, const char *room);
    bool records; // there is a place for recordings (record-dir)
};

struct admin {
    struct hub *hub;
    struct admin_io io;
};

struct admin_request {
    const char *method; // "GET"
    const char *path;   // decoded
    struct span authorization, content_type, body;
};

struct admin_answer {
    unsigned status;
    char *body; // JSON text, the caller's to free; NULL: no memory
    size_t len;
    char allow[ADMIN_ALLOW_MAX]; // with 405 the methods that the path has; else ""
};

// To who has presented too many tokens that were refused.
void admin_refuse_tries(unsigned wait_seconds, struct admin_answer *out);
// Below /twirp/livekit.RoomService/.
void admin_twirp(const struct admin *admin, const struct admin_request *request, struct admin_answer *out);
// Below /api/v1/.
void admin_rest(const struct admin *admin, const struct admin_request *request, struct admin_answer *out);

#endif
