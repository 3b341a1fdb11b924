#include "base/hmap.h"

#include <string.h>

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

// Deterministic choices (xorshift64).
static uint64_t next_random(uint64_t *s) {
    *s ^= *s << 13;
    *s ^= *s >> 7;
    *s ^= *s << 17;
    return *s;
}

#define MODEL_KEYS 600

// The naive model: value of key k, or HMAP_NONE.
struct model {
    uint32_t value[MODEL_KEYS];
    uint32_t count;
};

static void key_of(uint8_t *key, size_t key_bytes, uint32_t k) {
    memset(key, 0x5a, key_bytes);
    memcpy(key, &k, key_bytes < 2 ? 1 : 2);
    key[key_bytes - 1] ^= key_bytes > 2 ? (uint8_t)k : 0;
}

static void compare_all(const struct hmap *map, const struct model *model, size_t key_bytes, uint32_t keys) {
    uint8_t key[64];
    for (uint32_t k = 0; k < keys; k++) {
        key_of(key, key_bytes, k);
        assert_int_equal(hmap_get(map, key), model->value[k]);
    }
    assert_int_equal(hmap_count(map), model->count);
}

static void step(struct hmap *map, struct model *model, size_t key_bytes, uint32_t keys, uint32_t limit,
                 uint64_t *random) {
    uint8_t key[64];
    uint32_t k = (uint32_t)(next_random(random) % keys);
    key_of(key, key_bytes, k);
    if (next_random(random) % 100 < 55) {
        uint32_t value = (uint32_t)(next_random(random) % HMAP_NONE);
        bool fresh = model->value[k] == HMAP_NONE;
        enum err want = fresh && model->count >= limit ? ERR_LIMIT : ERR_OK;
        assert_int_equal(hmap_put(map, key, value), want);
        if (want == ERR_OK) {
            model->value[k] = value;
            model->count += fresh;
        }
    } else {
        assert_int_equal(hmap_remove(map, key), model->value[k]);
        model->count -= model->value[k] != HMAP_NONE;
        model->value[k] = HMAP_NONE;
    }
}

// The map behaves as the model through random additions and removals, full and nearly empty. Few slots and
// many keys make runs that collide and close up again.
static void it_behaves_as_the_model(void **state) {
    (void)state;
    static const struct {
        size_t key_bytes;
        uint32_t keys, limit;
    } rows[] = {{1, 200, 1000},  {2, 10, 10},    {6, 600, 20}, {8, 600, 300},
                {18, 600, 1000}, {33, 600, 640}, {64, 100, 80}};
    uint64_t random = 88172645463325252;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct model model;
        memset(&model, 0xff, sizeof model);
        model.count = 0;
        struct hmap *map = hmap_create(rows[i].key_bytes, rows[i].limit);
        assert_non_null(map);
        for (unsigned n = 0; n < 20000; n++) {
            step(map, &model, rows[i].key_bytes, rows[i].keys, rows[i].limit, &random);
            if (n % 500 == 0)
                compare_all(map, &model, rows[i].key_bytes, rows[i].keys);
        }
        compare_all(map, &model, rows[i].key_bytes, rows[i].keys);
        hmap_destroy(map);
    }
}

// Removing any entry of a crowded table leaves all others findable.
static void a_removal_closes_its_gap(void **state) {
    (void)state;
    for (uint32_t gone = 0; gone < 10; gone++) {
        struct hmap *map = hmap_create(4, 10); // ten entries in sixteen slots
        assert_non_null(map);
        for (uint32_t k = 0; k < 10; k++)
            assert_int_equal(hmap_put(map, &k, k + 100), ERR_OK);
        assert_int_equal(hmap_remove(map, &gone), gone + 100);
        assert_int_equal(hmap_remove(map, &gone), HMAP_NONE);
        for (uint32_t k = 0; k < 10; k++)
            assert_int_equal(hmap_get(map, &k), k == gone ? HMAP_NONE : k + 100);
        hmap_destroy(map);
    }
}

static void it_grows_up_to_its_limit(void **state) {
    (void)state;
    enum { LIMIT = 50000 };
    struct hmap *map = hmap_create(4, LIMIT);
    assert_non_null(map);
    for (uint32_t k = 0; k < LIMIT; k++)
        assert_int_equal(hmap_put(map, &k, k), ERR_OK);
    uint32_t more = LIMIT, first = 0;
    assert_int_equal(hmap_put(map, &more, 1), ERR_LIMIT);
    assert_int_equal(hmap_get(map, &more), HMAP_NONE);
    assert_int_equal(hmap_put(map, &first, 77), ERR_OK); // replacing needs no room
    assert_int_equal(hmap_get(map, &first), 77);
    for (uint32_t k = 1; k < LIMIT; k++)
        assert_int_equal(hmap_get(map, &k), k);
    assert_int_equal(hmap_count(map), LIMIT);
    hmap_destroy(map);
}

static void an_empty_map_is_empty(void **state) {
    (void)state;
    struct hmap *map = hmap_create(3, 0);
    assert_non_null(map);
    assert_int_equal(hmap_count(map), 0);
    assert_int_equal(hmap_get(map, "abc"), HMAP_NONE);
    assert_int_equal(hmap_remove(map, "abc"), HMAP_NONE);
    assert_int_equal(hmap_put(map, "abc", 1), ERR_LIMIT);
    hmap_destroy(map);
    hmap_destroy(NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_behaves_as_the_model),
        cmocka_unit_test(a_removal_closes_its_gap),
        cmocka_unit_test(it_grows_up_to_its_limit),
        cmocka_unit_test(an_empty_map_is_empty),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
