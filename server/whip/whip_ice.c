// PATCH: candidates, and new credentials (RFC 9725, section 4.3).
#include "server/whip/whip_internal.h"

#include <stdlib.h>
#include <string.h>

// Whether If-Match names this etag, or is "*" (RFC 9110, section 13.1.1).
static bool matches(struct span if_match, const char *etag) {
    char quoted[ETAG_BYTES + 3] = "\"";
    memcpy(quoted + 1, etag, ETAG_BYTES);
    memcpy(quoted + 1 + ETAG_BYTES, "\"", 2);
    while (if_match.len) {
        const uint8_t *end = memchr(if_match.ptr, ',', if_match.len);
        struct span part = span_of(if_match.ptr, end ? (size_t)(end - if_match.ptr) : if_match.len);
        if_match = span_of(if_match.ptr + part.len + (end != NULL), if_match.len - part.len - (end != NULL));
        while (part.len && part.ptr[0] == ' ')
            part = span_of(part.ptr + 1, part.len - 1);
        while (part.len && part.ptr[part.len - 1] == ' ')
            part.len--;
        if (span_equal(part, span_of_text(quoted)))
            return true;
    }
    return false;
}

static bool is_any(struct span if_match) {
    return span_equal(if_match, span_of_text("*")) || span_equal(if_match, span_of_text("\"*\""));
}

static struct hub_ice_told told_of(const struct sdp_fragment *fragment, bool anew) {
    struct hub_ice_told told = {.count = fragment->candidates < SDP_CANDIDATES_MAX ? fragment->candidates
                                                                                   : SDP_CANDIDATES_MAX,
                                .candidates = fragment->lines};
    if (anew) {
        told.ufrag = fragment->ufrag;
        told.pwd = fragment->pwd;
    }
    return told;
}

// To its full ICE agent, if it has one; an ICE-lite server learns addresses from checks. False: *answer.
static bool tell_ice(struct whip_session *session, const struct hub_ice_told *told,
                     struct whip_answer *answer) {
    const struct room_transport *transport = whip_session_transport(session);
    struct hub_ice_taken taken;
    struct hub_refusal refusal;
    if (!transport || !transport->full)
        return true;
    if (hub_tell_ice(session->whip->hub, session->me, session->transport.text, told, &taken, &refusal))
        return true;
    whip_refuse_verb(session->whip, answer, &refusal);
    return false;
}

static void restart(struct whip_session *session, const struct sdp_fragment *fragment,
                    struct whip_answer *answer) {
    struct whip *whip = session->whip;
    struct hub_refusal refusal;
    const struct room_transport *transport = whip_session_transport(session);
    struct hub_ice_told told = told_of(fragment, true);
    bool full = transport && transport->full;
    bool good = !full || hub_can_tell_ice(&told, &refusal);
    if (good)
        transport =
            hub_restart_ice(whip->hub, session->me, session->transport.text, &session->ours, &refusal);
    if (!good || !transport) {
        whip_refuse_verb(whip, answer, &refusal);
        return;
    }
    if (!tell_ice(session, &told, answer))
        return;
    whip_session_note_ice(session, fragment->ufrag, fragment->pwd);
    whip_session_new_etag(session);
    size_t len = 0;
    answer->status = 200;
    answer->content_type = "application/trickle-ice-sdpfrag";
    answer->body = whip_describe_ice(session, transport, &session->ours, 0, &len);
    answer->len = len;
    session->candidates_told = full ? transport->full->count : 0;
    if (answer->body)
        whip_add_header(answer, "etag: \"%s\"", session->etag);
    else
        whip_refuse(whip, answer, 503, "out of memory");
}

void whip_patch(struct whip_session *session, const struct whip_request *request,
                struct whip_answer *answer) {
    struct whip *whip = session->whip;
    struct sdp_fragment fragment;
    char why[SDP_WHY_MAX];
    if (!whip_session_may_ask(session, answer))
        return;
    whip_session_renew(session, request);
    if (!whip_media_type_is(request->content_type, "application/trickle-ice-sdpfrag")) {
        whip_add_header(answer, "accept-patch: application/trickle-ice-sdpfrag");
        whip_refuse(whip, answer, 415,
                    "the body is to be an SDP fragment: send "
                    "`Content-Type: application/trickle-ice-sdpfrag`");
        return;
    }
    if (!request->if_match.ptr) {
        whip_refuse(whip, answer, 428,
                    "send `If-Match` with the ETag of the answer before, or with * to restart ICE");
        return;
    }
    if (!is_any(request->if_match) && !matches(request->if_match, session->etag)) {
        whip_refuse(whip, answer, 412, "`If-Match` names an ICE session that is over");
        return;
    }
    if (!sdp_fragment_read(request->body, &fragment, why)) {
        whip->counts.bad_sdp++;
        whip_refuse(whip, answer, 400, "the fragment: %s", why);
        return;
    }
    bool known = !fragment.ufrag.len || (span_equal(fragment.ufrag, span_of_text(session->ufrag)) &&
                                         span_equal(fragment.pwd, span_of_text(session->pwd)));
    const struct hub_ice_told told = told_of(&fragment, false);
    if (!known)
        restart(session, &fragment, answer);
    else if (tell_ice(session, &told, answer))
        whip_answer_trickle(session, answer);
}
