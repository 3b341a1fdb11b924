// A server that is about to stop: everybody hears of it, and so does who comes later.
#include "base/clock.h"
#include "base/slots.h"
#include "server/signal/signal.h"

// The deadline as milliseconds since 1970, like all times of the protocol.
static bool write_draining(struct signalling *signalling) {
    uint64_t by_ms = signalling->drain_by_wall_us / US_PER_MS;
    json_t *deadline = by_ms ? json_integer((json_int_t)by_ms) : json_null();
    const char *url = hub_drain_to(signalling->hub);
    json_t *data = json_pack("{s:o, s:s?}", "deadline", deadline, "url", url[0] ? url : NULL);
    bool written = data && signal_encode(&signalling->out, signal_out_name(OUT_SERVER_DRAINING), data, NULL);
    json_decref(data);
    return written;
}

void signal_drain(struct signalling *signalling, uint64_t deadline_wall_us) {
    signalling->draining = true;
    signalling->drain_by_wall_us = deadline_wall_us;
    if (!write_draining(signalling))
        return;
    uint32_t cursor = 0;
    for (struct session *session; (session = slots_next(signalling->sessions, &cursor));)
        signal_send_text(session, signalling->out.text, signalling->out.len, SIGNAL_NOW);
}

void signal_tell_draining(struct session *session) {
    struct signalling *signalling = session->signalling;
    if (signalling->draining && write_draining(signalling))
        signal_send_text(session, signalling->out.text, signalling->out.len, SIGNAL_NOW);
}
