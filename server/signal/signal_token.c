// Tokens of a join and of update-token.
#include "server/signal/signal.h"

#include <string.h>

bool signal_read_token(struct signal_call *call, struct grants *out) {
    const struct signal_io *io = &call->signalling->io;
    char why[SIGNAL_WHY_MAX];
    if (io->verify(io->ctx, signal_data_text(call->data, "token"), out, why))
        return true;
    signal_refuse(call, CODE_UNAUTHORIZED, "%s: %s", call->row->type, why);
    signal_note(call->session, SIGNAL_JOIN_FAILED);
    return false;
}

json_t *signal_describe_grants(const struct hub *hub, const struct participant *me) {
    static const struct {
        const char *name;
        unsigned right;
    } sources[] = {{"camera", RIGHT_CAMERA},
                   {"microphone", RIGHT_MICROPHONE},
                   {"screen", RIGHT_SCREEN},
                   {"screen-audio", RIGHT_SCREEN_AUDIO}};
    json_t *publish = json_array();
    size_t wanted = 0;
    for (size_t i = 0; publish && i < sizeof sources / sizeof sources[0]; i++) {
        if (!(me->rights & sources[i].right))
            continue;
        wanted++;
        json_array_append_new(publish, json_string(sources[i].name));
    }
    if (json_array_size(publish) != wanted) {
        json_decref(publish);
        publish = NULL;
    }
    return json_pack("{s:o, s:b, s:b, s:b, s:o*}", "publish", publish, "subscribe",
                     (me->rights & RIGHT_SUBSCRIBE) != 0, "data", (me->rights & RIGHT_DATA) != 0, "moderate",
                     (me->rights & RIGHT_ADMIN) != 0, "record",
                     hub_rights(hub, me) & RIGHT_RECORD ? json_true() : NULL);
}

void signal_update_token(struct signal_call *call) {
    struct grants grants;
    struct hub_refusal refusal;
    if (!call->signalling->io.verify) {
        signal_refuse(call, CODE_UNSUPPORTED, "update-token: this server needs no tokens");
        return;
    }
    if (!signal_read_token(call, &grants))
        return;
    if (hub_update_grants(call->hub, call->me, &grants, &refusal))
        signal_answer(call, OUT_TOKEN_UPDATED,
                      json_pack("{s:o, s:I}", "permissions", signal_describe_grants(call->hub, call->me),
                                "expiresAt", (json_int_t)grants.ends_s * 1000));
    else
        signal_refuse_verb(call, &refusal);
}
