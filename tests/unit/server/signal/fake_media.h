// fake_media: what a browser would say about its media, for tests of the hub.
#ifndef TESTS_UNIT_SERVER_FAKE_MEDIA_H
#define TESTS_UNIT_SERVER_FAKE_MEDIA_H

#include "fake.h"
#include "media_texts.h"

#include "rooms/negotiate.h"

// Joins with the router's own capabilities: a client that can do everything.
static inline json_t *join_capable(struct fake *f, uint32_t client, const char *room, const char *name) {
    json_t *router = negotiate_router_capabilities();
    json_t *message = json_pack("{s:s, s:{s:s, s:s, s:o}}", "type", "join-room", "data", "roomId", room,
                                "username", name, "rtpCapabilities", router);
    char *text = json_dumps(message, JSON_COMPACT);
    open_client(f, client);
    say_raw(f, client, text);
    free(text);
    json_decref(message);
    json_t *joined = expect(f, client, "joined");
    forget_texts(f);
    return joined;
}

static inline void joins_capable(struct fake *f, uint32_t client, const char *room, const char *name) {
    json_decref(join_capable(f, client, room, name));
}

struct id_text {
    char text[64];
};

static inline struct id_text id_of(json_t *data, const char *key) {
    struct id_text id;
    snprintf(id.text, sizeof id.text, "%s", text_at(data, key));
    json_decref(data);
    return id;
}

static inline struct id_text make_transport(struct fake *f, uint32_t client, const char *direction) {
    say(f, client, "{'type':'create-transport','data':{'direction':'%s'}}", direction);
    return id_of(expect(f, client, "webRtcTransportCreated"), "id");
}

static inline struct id_text make_audio(struct fake *f, uint32_t client, struct id_text transport,
                                        const char *mid, unsigned ssrc) {
    say(f, client,
        "{'type':'produce','data':{'transportId':'%s','kind':'audio','rtpParameters':" AUDIO_PARAMETERS "}}",
        transport.text, mid, ssrc, mid);
    return id_of(expect(f, client, "produced"), "producerId");
}

static inline struct id_text make_video(struct fake *f, uint32_t client, struct id_text transport,
                                        const char *mid, unsigned ssrc) {
    say(f, client,
        "{'type':'produce','data':{'transportId':'%s','kind':'video','rtpParameters':" VIDEO_PARAMETERS "}}",
        transport.text, mid, ssrc, ssrc + 1);
    return id_of(expect(f, client, "produced"), "producerId");
}

static inline struct id_text make_consumer(struct fake *f, uint32_t client, struct id_text producer) {
    say(f, client, "{'type':'consume','data':{'producerId':'%s'}}", producer.text);
    return id_of(expect(f, client, "consumed"), "id");
}

#endif
