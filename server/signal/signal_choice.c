// set-last-n and set-loudest-n: what a client gets of a large room.
#include "server/signal/signal.h"

void signal_set_last_n(struct signal_call *call) {
    json_t *given = json_object_get(call->data, "pinned");
    struct hub_last_n ask = {.n = (int32_t)signal_data_integer(call->data, "lastN", CHOICE_OF_ROOM),
                             .pinned_count = (unsigned)json_array_size(given)};
    for (unsigned i = 0; i < ask.pinned_count; i++)
        ask.pinned[i] = json_string_value(json_array_get(given, i));
    struct hub_refusal refusal;
    if (!hub_set_last_n(call->hub, call->me, &ask, &refusal)) {
        signal_refuse_verb(call, &refusal);
        return;
    }
    json_t *pinned = json_array();
    for (unsigned i = 0; i < ask.pinned_count; i++)
        json_array_append_new(pinned, json_string(ask.pinned[i]));
    signal_answer(call, OUT_LAST_N_SET,
                  json_pack("{s:I, s:o}", "lastN", (json_int_t)hub_last_n(call->me), "pinned", pinned));
}

void signal_set_loudest_n(struct signal_call *call) {
    hub_set_loudest_n(call->hub, call->me,
                      (int32_t)signal_data_integer(call->data, "loudestN", CHOICE_OF_ROOM));
    signal_answer(call, OUT_LOUDEST_N_SET,
                  json_pack("{s:I}", "loudestN", (json_int_t)hub_loudest_n(call->me)));
}
