// What a server may say to the load generator: every reader is tried on every message.
#include "load/signal_text.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool right) {
    if (!right)
        abort();
}

static void read_all(const struct signal_message *m) {
    struct router router;
    struct producer_info producer;
    struct remote_transport transport;
    struct consumed consumed;
    if (signal_read_router(m, &router) == ERR_OK)
        check(router.codec_count > 0 && router.codec_count <= SIGNAL_CODECS_MAX && router.capabilities);
    router_free(&router);
    for (unsigned i = 0; signal_read_listed_producer(m, i, &producer); i++)
        check(strlen(producer.id) < SIGNAL_ID_MAX);
    if (signal_read_new_producer(m, &producer) == ERR_OK)
        check(producer.id[0] != '\0');
    if (signal_read_transport(m, &transport) == ERR_OK) { // a server may offer nothing but TCP
        const struct addr *first = transport.offered_count > 0 ? transport.offered : transport.offered_tcp;
        check(transport.offered_count + transport.offered_tcp_count > 0 && first->family != 0);
        check(transport.fingerprint.len > 0 && transport.pwd[0]);
    }
    if (signal_read_consumed(m, &consumed) == ERR_OK)
        check(consumed.ssrc != 0 && consumed.clock_rate > 0 && consumed.payload_type < 128);
    int layer = signal_layer_of(m);
    check(layer >= -1 && layer <= 7);
    check(signal_text_of(m, "consumerId") != NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct signal_message message;
    if (signal_message_open((const char *)data, size, &message) != ERR_OK)
        return 0;
    check(message.error_code && message.error_text && message.error_request);
    read_all(&message);
    signal_message_close(&message);
    return 0;
}
