// What waits, by its senders' networks: however many connections one of them has, others' messages still find
// room.
#include "server/dialects/broker.h"

#include "base/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define CLIENTS 200
#define WAIT_US (5 * US_PER_SECOND)
#define LETTER_BYTES (32 * 1024)

static char text[LETTER_BYTES];

static struct broker *broker_open_for_test(void) {
    const struct broker_config config = {.clients_max = CLIENTS, .wait_us = WAIT_US, .alive_us = TIME_NEVER};
    struct broker *broker = broker_create(&config, 0);
    assert_non_null(broker);
    return broker;
}

static struct broker_client *come(struct broker *broker, uint32_t client, const char *address) {
    struct net_address from = {{0}};
    if (address)
        assert_true(net_address_parse(address, strlen(address), &from));
    struct broker_client *one = broker_open(broker, client, &from, address != NULL, 0);
    assert_non_null(one);
    return one;
}

// Messages of that client for as many names as it takes; how many were kept.
static unsigned fill(struct broker *broker, struct broker_client *from) {
    static unsigned names;
    unsigned kept = 0;
    for (;; kept++) {
        struct broker_message message = {.text = text, .len = sizeof text};
        snprintf((char *)&message.to, sizeof message.to, "name %u", names++);
        if (!broker_keep(broker, from, &message, 0))
            return kept;
    }
}

static size_t kept_bytes(const struct broker *broker) {
    struct dialect_counts counts = {0};
    broker_read_counts(broker, &counts);
    return counts.kept_bytes;
}

static void one_network_fills_its_share_alone(void **state) {
    (void)state;
    static const struct {
        const char *many, *other;
    } rows[] = {{"192.0.2.1", "192.0.2.2"}, {"2001:db8::1", "2001:db8:0:1::1"}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct broker *broker = broker_open_for_test();
        unsigned kept = 0;
        for (uint32_t client = 1; client <= 40; client++)
            kept += fill(broker, come(broker, client, rows[i].many));
        assert_int_equal(kept, BROKER_NETWORK_BYTES_MAX / LETTER_BYTES);
        // Another network has all that one sender may have.
        assert_int_equal(fill(broker, come(broker, 100, rows[i].other)),
                         BROKER_WAITING_BYTES_MAX / LETTER_BYTES);
        broker_destroy(broker);
    }
}

static void the_addresses_of_a_64_are_one_network(void **state) {
    (void)state;
    struct broker *broker = broker_open_for_test();
    unsigned kept = 0;
    for (uint32_t client = 1; client <= 4; client++) {
        char address[32];
        snprintf(address, sizeof address, "2001:db8::%x", client);
        kept += fill(broker, come(broker, client, address));
    }
    assert_int_equal(kept, BROKER_NETWORK_BYTES_MAX / LETTER_BYTES);
    broker_destroy(broker);
}

static void what_expires_or_is_taken_makes_room_again(void **state) {
    (void)state;
    struct broker *broker = broker_open_for_test();
    struct broker_client *ann = come(broker, 1, "192.0.2.1"), *bob = come(broker, 2, "192.0.2.1"),
                         *cid = come(broker, 3, "192.0.2.1");
    unsigned half = BROKER_WAITING_BYTES_MAX / LETTER_BYTES;
    assert_int_equal(fill(broker, ann), half);
    assert_int_equal(fill(broker, bob), half);
    assert_int_equal(fill(broker, cid), 0);
    broker_close(broker, ann); // its messages stay, and count
    assert_int_equal(fill(broker, cid), 0);
    struct broker_message *first = broker_take_expired(broker, WAIT_US);
    assert_non_null(first);
    broker_message_free(first);
    assert_int_equal(fill(broker, cid), 1);
    for (struct broker_message *one; (one = broker_take_expired(broker, WAIT_US));)
        broker_message_free(one);
    assert_int_equal(kept_bytes(broker), 0);
    assert_int_equal(fill(broker, cid), half);
    broker_destroy(broker);
}

// Behind a proxy that does not say for whom it speaks they may be many.
static void whose_address_is_not_known_shares_with_nobody(void **state) {
    (void)state;
    struct broker *broker = broker_open_for_test();
    unsigned kept = 0;
    for (uint32_t client = 1; client <= 40; client++)
        kept += fill(broker, come(broker, client, NULL));
    assert_int_equal(kept, BROKER_ALL_BYTES_MAX / LETTER_BYTES);
    broker_destroy(broker);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_network_fills_its_share_alone),
        cmocka_unit_test(the_addresses_of_a_64_are_one_network),
        cmocka_unit_test(what_expires_or_is_taken_makes_room_again),
        cmocka_unit_test(whose_address_is_not_known_shares_with_nobody),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
