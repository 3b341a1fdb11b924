// Answers to offers of clients that look for the server while it looks for them: they have the addresses of
// its full ICE agent, for which they wait a moment (RFC 9725, section 4.3.2: there is no way to send them
// later). What is found after that comes with the answer to the client's next PATCH.
#include "server/whip/whip_internal.h"

#include "base/clock.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define GATHERING_US (500 * US_PER_MS) // how long an answer waits for STUN and TURN servers
#define CANDIDATE_BYTES 160            // of a line

void whip_write_agent_candidates(struct sdp_writer *w, const struct room_ice *full, unsigned first) {
    char ip[ADDR_TEXT_MAX];
    for (unsigned i = first; i < full->count; i++) {
        const struct ice_candidate *c = &full->candidates[i];
        // One that is no host's has a related address, for whoever does not want to tell: RFC 8839, 5.1
        const char *related = c->type == ICE_CANDIDATE_HOST ? ""
                              : c->address.family == 6      ? " raddr :: rport 9"
                                                            : " raddr 0.0.0.0 rport 9";
        addr_print_ip(&c->address, ip);
        sdp_write(w, "a=candidate:%u 1 udp %" PRIu32 " %s %u typ %s%s", i + 1, c->priority, ip,
                  c->address.port, ice_candidate_type_name(c->type), related);
    }
    if (full->gathered)
        sdp_write(w, "a=end-of-candidates");
}

// A description with what has been found until now where candidates go; from malloc, NULL without memory.
static char *with_candidates(struct whip_session *session, const char *text, size_t len, size_t at,
                             size_t *out_len) {
    const struct room_ice *full = whip_session_transport(session)->full;
    struct sdp_writer w = {.cap = len + (ROOM_ICE_CANDIDATES_MAX + 1) * CANDIDATE_BYTES};
    w.text = malloc(w.cap);
    if (!w.text)
        return NULL;
    memcpy(w.text, text, at);
    w.len = at;
    whip_write_agent_candidates(&w, full, 0);
    session->candidates_told = full->count;
    assert(!w.failed && w.cap - w.len >= len - at);
    memcpy(w.text + w.len, text + at, len - at);
    *out_len = w.len + len - at;
    return w.text;
}

static void pending_free(struct whip_session *session) {
    free(session->pending);
    session->whip->held_bytes -= session->pending_len;
    session->pending = NULL;
    session->pending_len = 0;
    session->late = 0;
    wheel_cancel(&session->whip->wheel, &session->gathering);
}

static bool answer_late(struct whip_session *session, unsigned status, const char *type, const char *text,
                        size_t len) {
    const struct whip_io *io = &session->whip->io;
    return io->answer_late && io->answer_late(io->ctx, session->late, status, type, text, len);
}

static void refuse_late(struct whip_session *session, const char *words) {
    struct whip_answer refusal = {0};
    whip_refuse(session->whip, &refusal, 503, "%s", words);
    (void)answer_late(session, refusal.status, refusal.content_type, refusal.body ? refusal.body : "",
                      refusal.len);
    free(refusal.body);
}

void whip_gather_end(struct whip_session *session) {
    if (session->late)
        refuse_late(session, "the session has ended");
    pending_free(session);
}

static void gathering_fire(struct wheel_node *node, uint64_t now_us) {
    struct whip_session *session = LIST_ENTRY(node, struct whip_session, gathering);
    const struct room_transport *transport = session->me ? whip_session_transport(session) : NULL;
    size_t len = 0;
    (void)now_us;
    if (!transport)
        return; // it is about to end
    bool none = transport->full->gathered && transport->full->count == 0;
    char *text =
        none ? NULL
             : with_candidates(session, session->pending, session->pending_len, session->candidates_at, &len);
    bool taken = text && answer_late(session, 201, "application/sdp", text, len);
    if (!text)
        refuse_late(session, none ? "the server found no address for a full ICE agent; its operator sees "
                                    "why in the log"
                                  : "out of memory");
    free(text);
    session->late = 0;
    pending_free(session);
    if (!taken) // whoever asked is gone, or was refused
        whip_session_close(session, "left");
}

void whip_gather_init(struct whip_session *session) {
    wheel_node_init(&session->gathering, gathering_fire);
}

void whip_gather_found(struct whip_session *session, const struct room_transport *transport) {
    if (session->late && transport->full->gathered)
        wheel_arm(&session->whip->wheel, &session->gathering, session->whip->now_us);
}

void whip_answer_offer(struct whip_session *session, uint32_t late, const struct whip_description *d,
                       char *text, size_t len, struct whip_answer *answer) {
    struct whip *whip = session->whip;
    const struct room_ice *full = d->transport->full;
    bool waits = text && full && !d->offer->ice_lite && !full->gathered && late;
    bool plain = !text || !full || d->offer->ice_lite; // who is ICE-lite is found, and finds nobody
    size_t at = d->candidates_at;
    session->ours = *d->ice;
    whip_answer_created(session, text, len, answer); // without memory the session has ended
    if (plain)
        return;
    if (waits) {
        session->late = late;
        session->pending = answer->body;
        session->pending_len = len;
        session->candidates_at = at;
        whip->held_bytes += len;
        answer->body = NULL;
        answer->len = 0;
        answer->later = true;
        wheel_arm(&whip->wheel, &session->gathering, whip->now_us + GATHERING_US);
        return;
    }
    char *whole = with_candidates(session, answer->body, answer->len, at, &len);
    if (whole) { // else the client's own checks have to do
        free(answer->body);
        answer->body = whole;
        answer->len = len;
    }
}

void whip_answer_trickle(struct whip_session *session, struct whip_answer *answer) {
    const struct room_transport *transport = whip_session_transport(session);
    const struct room_ice *full = transport ? transport->full : NULL;
    answer->status = 204;
    if (!full || session->candidates_told >= full->count)
        return;
    size_t len = 0;
    char *text = whip_describe_ice(session, transport, &session->ours, session->candidates_told, &len);
    if (!text)
        return; // they come with the next one
    session->candidates_told = full->count;
    answer->status = 200;
    answer->content_type = "application/trickle-ice-sdpfrag";
    answer->body = text;
    answer->len = len;
}
