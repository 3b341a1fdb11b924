// Peer to peer, relayed: offers, answers, candidates, calls. `payload` is passed on unread.
#include "server/signal/signal.h"

#include <string.h>

// A kind and its message have one name in both directions.
static const enum signal_out outs[] = {
    [HUB_OFFER] = OUT_WEBRTC_OFFER,
    [HUB_ANSWER] = OUT_WEBRTC_ANSWER,
    [HUB_CANDIDATE] = OUT_WEBRTC_ICE_CANDIDATE,
    [HUB_CALL] = OUT_CALL_REMOTE,
    [HUB_ACCEPT_CALL] = OUT_ACCEPT_CALL,
    [HUB_REJECT_CALL] = OUT_REJECT_CALL,
    [HUB_HANG_UP] = OUT_HANG_UP,
};

enum signal_out signal_out_of_relay(enum hub_relay_kind kind) {
    return outs[kind];
}

// Every row of the table that comes here has its message.
static enum hub_relay_kind kind_of(const char *type) {
    enum hub_relay_kind kind = HUB_OFFER;
    while (kind < HUB_HANG_UP && strcmp(signal_out_name(outs[kind]), type) != 0)
        kind++;
    return kind;
}

void signal_relay_message(struct signal_call *call) {
    const json_t *payload = json_object_get(call->data, "payload");
    struct text_buffer text = {0};
    struct hub_refusal refusal;
    if (payload && !text_buffer_add_json(&text, payload)) {
        text_buffer_close(&text);
        signal_refuse_memory(call);
        return;
    }
    struct hub_pass_on ask = {.kind = kind_of(call->type),
                              .target = signal_data_text(call->data, "target"),
                              .payload = text.text,
                              .payload_len = text.len};
    const struct participant *target = hub_pass_on(call->hub, call->me, &ask, &refusal);
    text_buffer_close(&text);
    if (!target)
        signal_refuse_verb(call, &refusal);
    else if (call->id) // without an id the sender could not tell answers apart, and expects none
        signal_answer(call, OUT_RELAYED,
                      json_pack("{s:s, s:s}", "type", call->type, "targetId", target->id.text));
}
