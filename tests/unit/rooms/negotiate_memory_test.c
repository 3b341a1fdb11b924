// The whole negotiation with the n-th allocation failing, for every n: it must refuse, neither crash nor
// leak.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "rooms/negotiate.h"
#include "tests/unit/rooms/negotiate_text.h"

#include <stdlib.h>

// jansson's allocator has no argument of its own, so its state is global here.
static long allocations_left; // negative: no limit
static long blocks_alive;
static bool has_failed;

static void *failing_malloc(size_t size) {
    if (allocations_left == 0) {
        has_failed = true;
        return NULL;
    }
    if (allocations_left > 0)
        allocations_left--;
    void *block = malloc(size);
    blocks_alive += block != NULL;
    return block;
}

static void counting_free(void *block) {
    blocks_alive -= block != NULL;
    free(block);
}

static const char producer_text[] = "{'mid':'0','msid':'a b','codecs':[" VIDEO_CODEC(
    "H264", 96, "'packetization-mode':1,'profile-level-id':'42e034'",
    FB("nack", "") "," FB("nack", "pli")) "," RTX(97, 96) "],"
                                                          "'headerExtensions':[" EXT(
                                                              URI_MID,
                                                              4) "],'rtcp':{'cname':'abcd'},"
                                                                 "'encodings':[{'rid':'r0','scalabilityMode':"
                                                                 "'L1T2','maxBitrate':1000.5,'active':true},"
                                                                 "{'rid':'r1','ssrc':7.0,'rtx':{'ssrc':8}}]}";

// One pass over everything. False when memory was short somewhere, which each step must say itself.
static bool negotiate_all(const json_t *input) {
    struct refusal refusal = {.code = ERR_OK};
    struct producer_params producer;
    struct consumer_params consumer_params;
    json_t *router = negotiate_router_capabilities();
    json_t *checked = negotiate_check_producer(MEDIA_VIDEO, input, &refusal);
    bool ok = router != NULL && checked != NULL;

    assert_true(checked != NULL || refusal.code == ERR_NO_MEMORY);
    json_t *mapping = ok ? negotiate_producer_mapping(checked, router, 1000, &refusal) : NULL;
    assert_true(!ok || mapping != NULL || refusal.code == ERR_NO_MEMORY);
    json_t *consumable = mapping != NULL ? negotiate_consumable(MEDIA_VIDEO, checked, router, mapping) : NULL;
    json_t *capabilities = ok ? negotiate_check_capabilities(router, &refusal) : NULL;
    assert_true(!ok || capabilities != NULL || refusal.code == ERR_NO_MEMORY);
    ok = consumable != NULL && capabilities != NULL;
    json_t *consumer = ok ? negotiate_consumer(consumable, capabilities, true, 5, &refusal) : NULL;
    assert_true(!ok || consumer != NULL || refusal.code == ERR_NO_MEMORY);
    ok = consumer != NULL && negotiate_producer_params(MEDIA_VIDEO, checked, &producer, &refusal) == ERR_OK &&
         negotiate_consumer_params(MEDIA_VIDEO, consumer, &consumer_params, &refusal) == ERR_OK;
    json_decref(router);
    json_decref(checked);
    json_decref(mapping);
    json_decref(consumable);
    json_decref(capabilities);
    json_decref(consumer);
    return ok;
}

static void test_every_allocation_may_fail(void **state) {
    (void)state;
    json_set_alloc_funcs(failing_malloc, counting_free);
    allocations_left = -1;
    json_t *input = json_of(producer_text), *before = json_of(producer_text);
    long blocks_before = blocks_alive, n = 0;
    bool ok = false;

    for (; !ok; n++) {
        allocations_left = n;
        has_failed = false;
        ok = negotiate_all(input);
        allocations_left = -1;
        if (blocks_alive != blocks_before || ok == has_failed || !json_equal(input, before)) {
            print_error(
                "allocation %ld failing: expected a refusal and %ld blocks, found %s and %ld blocks\n", n,
                blocks_before, ok ? "success" : "a refusal", blocks_alive);
            fail();
        }
    }
    print_message("%ld allocations\n", n - 1);
    assert_true(n > 300);
    json_decref(input);
    json_decref(before);
    assert_int_equal(blocks_alive, 0);
    json_set_alloc_funcs(malloc, free);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_every_allocation_may_fail)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
