// engine_io: sessions of Engine.IO, protocol 4, on which socket.io 4 stands: over requests that wait for news
// (polling), over a WebSocket, and from the first to the second (upgrade). Packets are texts; binary ones are
// refused. What messages mean is its user's to know.
//
// A session begins with a request or a WebSocket without `sid`. It is asked for a sign of life each 25 s and
// ends 20 s after one that does not come. Nobody who does not know its sid, 20 characters that nobody
// guesses, speaks for it.
//
// No I/O, no clock. Control thread only.
#ifndef SERVER_ENGINE_IO_H
#define SERVER_ENGINE_IO_H

#include "server/dialects/dialect.h"

#define ENGINE_SID_BYTES 20
#define ENGINE_BODY_MAX 60000                // bytes of a request: what one client is told that it may send
#define ENGINE_QUEUE_MAX (256 * 1024)        // bytes that wait for a request of one client
#define ENGINE_QUEUES_MAX (32 * 1024 * 1024) // of all clients

struct engine_request {
    bool posts; // or gets
    struct span query, body;
    const struct net_address *address; // NULL: not known
    uint32_t late;                     // by which the answer may come later
};

struct engine_answer {
    unsigned status;
    const char *content_type; // lives for ever
    char *body;               // from malloc, the caller's; NULL: none
    size_t len;
    bool later; // nothing of this is the answer: engine_outside.answer brings it
};

struct engine_outside {
    struct dialect_io io; // of WebSockets
    // A session without a connection of its own begins, and ends, at an address. False: that has too many.
    bool (*admit)(void *ctx, const struct net_address *address);
    void (*dismiss)(void *ctx, const struct net_address *address);
    void (*answer)(void *ctx, uint32_t late, const char *text, size_t len); // with 200
};

// Who hears what sessions say. `closed` is the last that it hears of one; it is not called from inside
// engine_close.
struct engine_user {
    void *ctx;
    bool (*opened)(void *ctx, uint32_t session, uint64_t now_us); // false: no memory
    void (*message)(void *ctx, uint32_t session, const char *text, size_t len, uint64_t now_us);
    void (*closed)(void *ctx, uint32_t session);
};

struct engine;

// `limits` lives as long; it may change but for clients_max. NULL: no memory.
struct engine *engine_create(const struct dialect_limits *limits, const struct engine_outside *outside,
                             const struct engine_user *user, uint64_t now_us);
void engine_destroy(struct engine *engine); // tells nobody; NULL is fine

void engine_handle(struct engine *engine, const struct engine_request *request, struct engine_answer *answer,
                   uint64_t now_us);
void engine_late_closed(struct engine *engine, uint32_t late); // nobody waits for that answer any more

void engine_ws_opened(struct engine *engine, uint32_t client, struct span query, uint64_t now_us);
void engine_ws_message(struct engine *engine, uint32_t client, const char *text, size_t len, uint64_t now_us);
void engine_ws_bad_frame(struct engine *engine, uint32_t client, bool binary);
void engine_ws_closed(struct engine *engine, uint32_t client);

// For the user. A session that is not there is ignored.
// A whole packet, as "4hello".
void engine_send(struct engine *engine, uint32_t session, const char *packet, size_t len);
void engine_close(struct engine *engine, uint32_t session, uint16_t code, const char *reason);
// Takes what passing a message on costs off what the session may send; false: it sends too much.
bool engine_spend(struct engine *engine, uint32_t session, size_t bytes, uint64_t now_us);

uint64_t engine_next_us(const struct engine *engine); // TIME_NEVER for none
void engine_advance(struct engine *engine, uint64_t now_us);
void engine_read_counts(const struct engine *engine, struct dialect_counts *counts); // adds its own

#endif
