// What the simulation (tests/sim/layers_test.c) does not come to: single decisions, one after the other.
#include "rtp/layer_filter.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

// A packet in letters: digits spatial and temporal; K key, A alone, Z aside, E ends, B base only, Y its layer
// is free from here, U all higher layers are; a "|" before it begins a new unit. Then what is wanted of it: +
// sent, - not, and M for a marker.
struct row {
    const char *packet;
    const char *want;
    int8_t spatial, temporal; // wished for from here on; -2: as before
};

static struct layer_facts facts_of(const char *p) {
    struct layer_facts f = {.spatial = (uint8_t)(p[0] - '0'), .temporal = (uint8_t)(p[1] - '0')};
    for (p += 2; *p; p++) {
        unsigned flag = *p == 'K'   ? LAYER_KEY
                        : *p == 'A' ? LAYER_ALONE
                        : *p == 'Z' ? LAYER_ASIDE
                        : *p == 'E' ? LAYER_ENDS
                        : *p == 'B' ? LAYER_BASE_ONLY
                                    : 0;
        unsigned own = 1u << f.temporal;
        unsigned sync = *p == 'K'   ? LAYER_SYNC_ALL
                        : *p == 'Y' ? own
                        : *p == 'U' ? LAYER_SYNC_ALL & ~(2 * own - 1)
                                    : 0;
        f.flags = (uint8_t)(f.flags | flag);
        f.sync = (uint8_t)(f.sync | sync);
        if (*p >= '1' && *p <= '9')
            f.layers = (uint8_t)(*p - '0');
    }
    return f;
}

static void check(const char *name, const struct row *rows, unsigned count) {
    struct layer_filter f = {0};
    uint32_t timestamp = 1;
    layer_filter_want(&f, -1, -1);
    layer_filter_start(&f);
    for (unsigned i = 0; i < count; i++) {
        const char *p = rows[i].packet;
        if (rows[i].spatial != -2)
            layer_filter_want(&f, rows[i].spatial, rows[i].temporal);
        if (*p == '|') {
            timestamp += 3000;
            p++;
        }
        struct layer_facts facts = facts_of(p);
        struct layer_verdict v = layer_filter_take(&f, &facts, timestamp, NULL, (struct span){0});
        char got[3] = {v.sends ? '+' : '-', v.marker ? 'M' : 0, 0};
        if (strcmp(got, rows[i].want) != 0)
            fail_msg("%s, row %u (%s): wanted %s, got %s", name, i, rows[i].packet, rows[i].want, got);
    }
}

#define SAME -2, -2
#define CHECK(name, rows) check(name, rows, sizeof(rows) / sizeof *(rows))

static void temporal_layers_go_down_at_once_and_up_at_switching_points(void **state) {
    (void)state;
    static const struct row vp8[] = {
        {"|00K", "+", -1, -1}, {"|02BY", "+", SAME}, {"|01BY", "+", SAME},
        {"|02", "+", SAME},    {"|00", "+", -1, 0},  {"|02", "-", SAME},
        {"|01", "-", SAME},    {"|02", "-", SAME},   {"|00", "+", -1, 2},
        {"|02", "-", SAME},    {"|01", "-", SAME},   {"|02", "-", SAME}, // no switching point
        {"|00", "+", SAME},    {"|02BY", "+", SAME}, {"|01BY", "+", SAME},
        {"|02", "+", SAME},    {"|00", "+", -1, 1},  {"|02", "-", SAME},
        {"|01", "+", SAME},    {"|00", "+", -1, 2},  {"|02", "-", SAME},
        {"|01", "+", SAME},    {"|02", "-", SAME},   {"|02BY", "+", SAME},
        {"|00K", "+", SAME},   {"|02", "+", SAME}, // a key frame frees all of them
    };
    CHECK("VP8", vp8);
    static const struct row h265[] = {
        {"|00K", "+", -1, 0}, {"|02Y", "-", SAME}, {"|01Y", "-", SAME},
        {"|00", "+", -1, 2},  {"|02Y", "-", SAME}, // it may need the layer below, which is not there
        {"|01Y", "+", SAME},  {"|02Y", "+", SAME}, {"|02", "+", SAME},
    };
    CHECK("H265", h265);
    static const struct row vp9[] = {
        {"|00KA", "+", -1, 0}, {"|02", "-", SAME}, {"|01", "-", SAME},  {"|00", "+", -1, 2},
        {"|02", "-", SAME},    {"|01", "-", SAME}, {"|00U", "+", SAME}, {"|02", "+", SAME},
        {"|01", "+", SAME},    {"|02", "+", SAME},
    };
    CHECK("VP9", vp9);
    static const struct row late[] = {
        // 01 between is lost, and is left out when it comes
        {"|00KA", "+", -1, 0}, {"|00U", "+", SAME}, {"|02", "-", -1, 2}, {"|02", "-", SAME},
        {"|00U", "+", SAME},   {"|02", "+", SAME},  {"|01", "+", SAME},
    };
    CHECK("VP9, wished for behind a switching point", late);
}

static void spatial_layers_follow_what_needs_them(void **state) {
    (void)state;
    static const struct row full[] = {
        {"|00KAE3", "+", -1, -1}, {"10AE", "+", SAME},   {"20AEZ", "+M", SAME}, // of a key picture all
        {"|00E", "+", 1, -1},     {"10E", "+M", SAME},   {"20EZ", "-", SAME},   // down at once
        {"|00E", "+M", 0, -1},    {"10E", "-", SAME},    {"20EZ", "-", SAME},
        {"|00E", "+M", 2, -1},    {"10E", "-", SAME},    {"20EZ", "-", SAME}, // up only with a key picture
        {"|00KAE3", "+", SAME},   {"10AE", "+", SAME},   {"20AEZ", "+M", SAME},
        {"|00KAE2", "+", SAME},   {"10AEZ", "+M", SAME}, // there are but two from here on
        {"|00E", "+", SAME},      {"10EZ", "+M", SAME},
    };
    CHECK("VP9 SVC", full);
    static const struct row key_only[] = {
        {"|00KAE3", "+", -1, -1},
        {"10AE", "+", SAME},
        {"20AEZ", "+M", SAME},
        {"|00EZ", "-", SAME},
        {"10EZ", "-", SAME},
        {"20EZ", "+M", SAME}, // nobody needs the lower ones
        {"|00EZ", "-", 0, -1},
        {"10EZ", "-", SAME},
        {"20EZ", "+M", SAME}, // goes on until there is a key
                              // picture
        {"|00KAE3", "+M", SAME},
        {"10AE", "-", SAME},
        {"20AEZ", "-", SAME},
        {"|00EZ", "+M", SAME},
        {"10EZ", "-", SAME},
        {"20EZ", "-", SAME},
    };
    CHECK("VP9 K-SVC", key_only);
}

// Nobody needs the lower layer between key pictures, and the upper one stops.
static void a_layer_that_stops_leaves_a_broken_stream(void **state) {
    (void)state;
    struct layer_filter f = {0};
    struct layer_facts key = facts_of("00KAE2"), upper = facts_of("10E"), lower = facts_of("00EZ"),
                       aside = facts_of("01EZ");
    uint32_t timestamp = 1000;
    layer_filter_want(&f, -1, 0);
    layer_filter_start(&f);
    layer_filter_begin(&f);
    assert_true(layer_filter_take(&f, &key, timestamp, NULL, (struct span){0}).sends);
    assert_true(layer_filter_take(&f, &upper, timestamp, NULL, (struct span){0}).sends);
    for (unsigned i = 0; i < 5 * LAYER_LACKING_MAX; i++) { // the network loses the upper one now and then
        timestamp += 3000;
        assert_false(layer_filter_take(&f, &lower, timestamp, NULL, (struct span){0}).sends);
        assert_true(i % LAYER_LACKING_MAX != 0 ||
                    layer_filter_take(&f, &upper, timestamp, NULL, (struct span){0}).sends);
        assert_false(f.broken);
    }
    for (unsigned i = 0; i < 2 * LAYER_LACKING_MAX; i++) { // a temporal layer that is not wanted says nothing
        timestamp += 3000;
        assert_false(layer_filter_take(&f, &aside, timestamp, NULL, (struct span){0}).sends);
        assert_false(f.broken);
    }
    for (unsigned i = 0; i < LAYER_LACKING_MAX; i++, timestamp += 3000)
        assert_false(layer_filter_take(&f, &lower, timestamp, NULL, (struct span){0}).sends);
    assert_true(f.broken && layer_filter_needs_key(&f, NULL, 2));
    key.layers = 1;
    assert_true(layer_filter_take(&f, &key, timestamp, NULL, (struct span){0}).sends);
    assert_false(f.broken);
    assert_true(layer_filter_take(&f, &lower, timestamp + 3000, NULL, (struct span){0}).sends);
    assert_false(f.broken);
}

// A key picture tells of two layers, and one comes: the other is not waited for, until it is there.
static void layers_that_do_not_come_are_not_there(void **state) {
    (void)state;
    static const struct row rows[] = {
        {"|00KAE2", "+", -1, -1}, {"|00EZ", "+M", SAME}, {"|00EZ", "+M", SAME},
        {"10E", "-", SAME}, // it refers to what never came
        {"|00EZ", "+M", SAME},    {"10E", "-", SAME},    {"|00KAE2", "+", SAME},
        {"10AEZ", "+M", SAME},    {"|00EZ", "-", SAME},  {"10EZ", "+M", SAME},
    };
    CHECK("K-SVC", rows);
    struct layer_filter f = {0};
    struct layer_facts key = facts_of("00KAE2"), lower = facts_of("00EZ"), upper = facts_of("10E");
    layer_filter_want(&f, -1, -1);
    layer_filter_start(&f);
    layer_filter_take(&f, &key, 1000, NULL, (struct span){0});
    layer_filter_take(&f, &lower, 4000, NULL, (struct span){0});
    assert_false(layer_filter_needs_key(&f, NULL, 1));
    layer_filter_take(&f, &upper, 4000, NULL, (struct span){0});
    layer_filter_want(&f, 1, -1);
    assert_true(layer_filter_needs_key(&f, NULL, 2));
}

static void what_comes_late_follows_what_was_decided(void **state) {
    (void)state;
    struct layer_filter f = {0};
    struct layer_facts low = facts_of("00"), high = facts_of("02");
    struct layer_tops tops = {0, 2};
    layer_filter_want(&f, -1, 0);
    layer_filter_start(&f);
    assert_true(layer_filter_take(&f, &low, 1000, NULL, (struct span){0}).sends);
    assert_false(layer_filter_take(&f, &high, 2000, NULL, (struct span){0}).sends);
    assert_true(layer_filter_take_late(&f, &low, 1000, tops).sends);
    assert_false(layer_filter_take_late(&f, &high, 2000, tops).sends); // the rest of it was left out
    assert_true(layer_filter_take_late(&f, &high, 1500, tops).sends);  // of a frame of which nothing was seen
    tops.temporal = 1;
    assert_false(layer_filter_take_late(&f, &high, 1500, tops).sends);
    struct layer_facts aside = facts_of("00Z"); // more layers are wished for than anybody has told of
    tops.spatial = 2;
    assert_true(layer_filter_take_late(&f, &aside, 1500, tops).sends);
    f.layers = 3;
    assert_false(layer_filter_take_late(&f, &aside, 1500, tops).sends);
}

static void it_says_when_it_is_not_needed_and_when_a_key_frame_is(void **state) {
    (void)state;
    struct layer_filter f = {0};
    layer_filter_want(&f, -1, -1);
    layer_filter_start(&f);
    assert_true(layer_filter_is_idle(&f, NULL));
    struct layer_facts key = facts_of("00KAE3"), middle = facts_of("10E"), aside = facts_of("00EZ"),
                       top = facts_of("20AE");
    layer_filter_take(&f, &key, 1000, NULL, (struct span){0});
    layer_filter_take(&f, &top, 1000, NULL, (struct span){0});
    assert_false(layer_filter_is_idle(&f, NULL)); // there are layers to choose from
    assert_false(layer_filter_needs_key(&f, NULL, 3));
    layer_filter_take(&f, &aside, 2000, NULL, (struct span){0});
    layer_filter_want(&f, 0, -1);
    assert_true(layer_filter_needs_key(&f, NULL, 3)); // what it would go down to was left out
    layer_filter_take(&f, &key, 3000, NULL, (struct span){0});
    assert_false(layer_filter_needs_key(&f, NULL, 3));
    layer_filter_take(&f, &middle, 3000, NULL, (struct span){0});
    layer_filter_want(&f, 2, -1);
    assert_true(layer_filter_needs_key(&f, NULL, 3));
    assert_false(layer_filter_needs_key(&f, NULL, 1)); // there is nothing above
}

// ---- by decode targets: two spatial and two temporal layers, target 2 s + t

static struct dd_reader two_by_two(uint8_t generation) {
    struct dd_reader reader = {.active = 0xf};
    reader.structure = (struct dd_structure){.generation = generation,
                                             .target_count = 4,
                                             .target_spatial = {0, 0, 1, 1},
                                             .target_temporal = {0, 1, 0, 1},
                                             .within = {0x1, 0x3, 0x5, 0xf},
                                             .whole = 0x8};
    return reader;
}

// A frame that each target above its layers needs; dti: what it is for them. back: the distance to the one
// frame that it refers to, 0: none.
static struct layer_facts frame(unsigned number, unsigned spatial, enum layer_dti dti, unsigned back) {
    struct layer_facts f = {.structure = 1,
                            .number = (uint16_t)number,
                            .spatial = (uint8_t)spatial,
                            .refs = back ? UINT64_C(1) << (back - 1) : 0};
    for (unsigned target = 2 * spatial; target < 4; target++)
        f.dtis |= (uint64_t)dti << (2 * target);
    if (dti == DTI_SWITCH && back == 0 && spatial == 0)
        f.flags = LAYER_KEY;
    return f;
}

struct stream {
    struct layer_filter f;
    struct dd_reader reader;
    uint32_t timestamp;
};

static struct stream stream_open(int8_t spatial) {
    struct stream s = {.reader = two_by_two(1)};
    layer_filter_want(&s.f, spatial, -1);
    layer_filter_start(&s.f);
    return s;
}

static struct layer_verdict take(struct stream *s, struct layer_facts facts) {
    s->timestamp += facts.spatial == 0 ? 3000 : 0;
    return layer_filter_take(&s->f, &facts, s->timestamp, &s->reader, (struct span){0});
}

// The rest of the frame that came last.
static struct layer_verdict take_more(struct stream *s, struct layer_facts facts) {
    return layer_filter_take(&s->f, &facts, s->timestamp, &s->reader, (struct span){0});
}

static void a_target_goes_down_at_once_and_up_where_it_can(void **state) {
    (void)state;
    struct stream s = stream_open(-1);
    assert_true(take(&s, frame(10, 0, DTI_SWITCH, 0)).sends);
    assert_true(take(&s, frame(11, 1, DTI_SWITCH, 1)).sends);
    layer_filter_want(&s.f, 0, -1);
    assert_true(take(&s, frame(12, 0, DTI_REQUIRED, 2)).sends); // not a point to switch at, but down is down
    assert_false(take(&s, frame(13, 1, DTI_REQUIRED, 1)).sends);
    layer_filter_want(&s.f, -1, -1);
    assert_true(take(&s, frame(14, 0, DTI_REQUIRED, 2)).sends);
    assert_false(take(&s, frame(15, 1, DTI_REQUIRED, 2)).sends); // no point to switch at
    assert_true(layer_filter_needs_key(&s.f, &s.reader, 2));
    assert_true(take(&s, frame(16, 0, DTI_SWITCH, 0)).sends);
    assert_true(take(&s, frame(17, 1, DTI_SWITCH, 1)).sends);
    assert_false(layer_filter_needs_key(&s.f, &s.reader, 2));
}

// Who has got everything until now has all that a frame refers to, however far back.
// The same with decode targets: the upper ones need nothing of the lower layer but of key frames, and are
// said not to be sent any more, or are just not sent.
static void a_target_that_is_not_sent_any_more_is_broken(void **state) {
    (void)state;
    for (unsigned told = 0; told < 2; told++) {
        struct stream s = stream_open(-1);
        s.reader.structure.within[2] = 0x4;
        s.reader.structure.within[3] = 0xc;
        s.reader.structure.whole = 0;
        assert_true(take(&s, frame(10, 0, DTI_SWITCH, 0)).sends);
        assert_true(take(&s, frame(11, 1, DTI_SWITCH, 1)).sends);
        for (unsigned i = 0; i <= LAYER_LACKING_MAX; i++) {
            if (told && i == 1)
                s.reader.active = 0x3;
            struct layer_facts low = frame(12 + 2 * i, 0, DTI_SWITCH, 2);
            low.dtis &= 0xf; // of the lower targets alone
            assert_false(s.f.broken);
            assert_false(take(&s, low).sends);
        }
        assert_true(layer_filter_needs_key(&s.f, &s.reader, 2));
        s.reader.structure.generation = 2;
        struct layer_facts key = frame(40, 0, DTI_SWITCH, 0), next = frame(41, 0, DTI_SWITCH, 1);
        key.structure = next.structure = 2;
        s.reader.active = 0x3;
        assert_true(take(&s, key).sends);
        assert_true(take(&s, next).sends);
        assert_false(layer_filter_needs_key(&s.f, &s.reader, 2));
    }
}

static void what_came_before_the_first_frame_was_sent(void **state) {
    (void)state;
    struct stream s = stream_open(-1);
    assert_true(take(&s, frame(20, 0, DTI_REQUIRED, 2)).sends);
    layer_filter_want(&s.f, 0, -1);
    assert_true(take(&s, frame(22, 0, DTI_REQUIRED, 2)).sends);
    layer_filter_want(&s.f, -1, -1);
    assert_true(take(&s, frame(24, 0, DTI_REQUIRED, 2)).sends);
    assert_true(take(&s, frame(25, 1, DTI_SWITCH, 10)).sends);
}

static void a_frame_is_new_once(void **state) {
    (void)state;
    struct stream s = stream_open(-1);
    assert_true(take(&s, frame(10, 0, DTI_SWITCH, 0)).new_frame);
    assert_false(take_more(&s, frame(10, 0, DTI_SWITCH, 0)).new_frame);
    assert_true(take(&s, frame(11, 1, DTI_SWITCH, 1)).new_frame);
    struct layer_filter f = {0};
    struct layer_facts low = facts_of("00KAE2"), high = facts_of("10AE");
    layer_filter_want(&f, -1, -1);
    layer_filter_start(&f);
    assert_true(layer_filter_take(&f, &low, 1000, NULL, (struct span){0}).new_frame);
    assert_false(layer_filter_take(&f, &low, 1000, NULL, (struct span){0}).new_frame);
    assert_true(layer_filter_take(&f, &high, 1000, NULL, (struct span){0}).new_frame);
    assert_false(layer_filter_take(&f, &high, 1000, NULL, (struct span){0}).new_frame);
}

// The frame 64 before is forgotten: it says nothing about this one.
static void numbers_that_jump_take_no_fate_along(void **state) {
    (void)state;
    for (unsigned ahead = 62; ahead <= 66; ahead++) {
        struct stream s = stream_open(0);
        assert_true(take(&s, frame(10, 0, DTI_SWITCH, 0)).sends);
        assert_false(take(&s, frame(11, 1, DTI_SWITCH, 1)).sends);
        assert_true(take(&s, frame(11 + ahead, 0, DTI_REQUIRED, 1)).sends);
        assert_false(s.f.broken);
    }
}

static void a_new_structure_begins_anew(void **state) {
    (void)state;
    struct stream s = stream_open(0);
    assert_true(take(&s, frame(10, 0, DTI_SWITCH, 0)).sends);
    assert_false(take(&s, frame(11, 1, DTI_SWITCH, 1)).sends);
    assert_false(take(&s, frame(12, 0, DTI_REQUIRED, 1)).sends); // what it refers to was left out
    assert_true(layer_filter_needs_key(&s.f, &s.reader, 2));
    s.reader = two_by_two(2);
    struct layer_facts late = frame(11, 1, DTI_SWITCH, 1), unknown = late;
    unknown.structure = 0;
    assert_false(take_more(&s, late).sends); // the rest of what was left out
    assert_true(take_more(&s, unknown).sends);
    layer_filter_want(&s.f, -1, -1);
    struct layer_facts first = frame(21, 1, DTI_REQUIRED, 0); // its key frame was lost
    first.structure = 2;
    assert_true(take(&s, first).sends);
    assert_false(layer_filter_needs_key(&s.f, &s.reader, 2));
}

// It had to wait for a full link, and meanwhile another key frame came.
static void a_run_that_waited_under_an_older_structure_keeps_to_what_is_wanted(void **state) {
    (void)state;
    struct stream s = stream_open(0);
    layer_filter_begin(&s.f);
    struct layer_facts low = frame(10, 0, DTI_SWITCH, 0), high = frame(11, 1, DTI_SWITCH, 1);
    s.reader = two_by_two(2);
    assert_true(take(&s, low).sends);
    assert_false(take_more(&s, high).sends);
    layer_filter_want(&s.f, -1, -1);
    assert_true(take_more(&s, high).sends);
}

// Whoever numbers pictures counts each that is left out once.
static void a_frame_under_another_structure_is_new_once(void **state) {
    (void)state;
    for (uint8_t structure = 0; structure < 2; structure++) {
        struct stream s = stream_open(0);
        s.reader = two_by_two(2);
        for (unsigned i = 0; i < 3; i++) {
            struct layer_facts facts = frame(10 + i, 0, DTI_SWITCH, 0);
            facts.structure = structure;
            assert_true(take(&s, facts).new_frame);
            assert_false(take_more(&s, facts).new_frame);
        }
    }
}

// While nobody knew that no descriptors come any more everything was sent; then layer numbers count.
static void layer_numbers_take_over_from_targets(void **state) {
    (void)state;
    struct stream s = stream_open(0);
    layer_filter_want(&s.f, 0, 1);
    assert_true(take(&s, frame(10, 0, DTI_SWITCH, 0)).sends);
    assert_false(take(&s, frame(11, 1, DTI_SWITCH, 1)).sends);
    s.reader = (struct dd_reader){0};
    struct layer_facts low = facts_of("00"), middle = facts_of("01"), high = facts_of("02"),
                       above = facts_of("10");
    assert_true(take(&s, low).sends);
    assert_false(take(&s, above).sends);
    assert_true(take(&s, middle).sends);
    assert_false(take(&s, high).sends);
    assert_false(layer_filter_needs_key(&s.f, &s.reader, 1));
    s.reader = two_by_two(3);
    struct layer_facts key = frame(20, 0, DTI_SWITCH, 0), upper = frame(21, 1, DTI_SWITCH, 1);
    key.structure = upper.structure = 3;
    assert_true(take(&s, key).sends);
    assert_false(take(&s, upper).sends);
}

// Of what is there, not of what was announced.
static void what_lacks_of_temporal_layers(void **state) {
    (void)state;
    struct stream s = stream_open(-1);
    assert_true(take(&s, frame(10, 0, DTI_SWITCH, 0)).sends);
    assert_false(layer_filter_lacks_temporal(&s.f, &s.reader, 3));
    s.reader.active = 0x5; // no upper temporal layer is being sent
    assert_true(take(&s, frame(11, 0, DTI_SWITCH, 1)).sends);
    assert_false(layer_filter_lacks_temporal(&s.f, &s.reader, 2));
    s.reader.active = 0xf;
    assert_true(layer_filter_lacks_temporal(&s.f, &s.reader, 2));
    layer_filter_want(&s.f, -1, 0);
    assert_false(layer_filter_lacks_temporal(&s.f, &s.reader, 2));
    struct layer_filter f = {0};
    struct layer_facts key = facts_of("00K"), high = facts_of("01");
    layer_filter_want(&f, -1, 0);
    layer_filter_start(&f);
    assert_true(layer_filter_take(&f, &key, 1000, NULL, (struct span){0}).sends);
    assert_false(layer_filter_take(&f, &high, 2000, NULL, (struct span){0}).sends);
    assert_false(layer_filter_lacks_temporal(&f, NULL, 2));
    layer_filter_want(&f, -1, -1);
    assert_true(layer_filter_lacks_temporal(&f, NULL, 2));
    assert_false(layer_filter_lacks_temporal(&f, NULL, 1));
    assert_false(layer_filter_lacks_temporal(&f, NULL, 0));
}

static void it_is_needed_while_something_is_left_out(void **state) {
    (void)state;
    static const struct {
        int8_t spatial, temporal;
        bool idle;
    } rows[] = {{-1, -1, true}, {0, -1, false}, {-1, 0, false}, {2, -1, false}, {-1, 2, false}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct layer_filter f = {0};
        layer_filter_want(&f, rows[i].spatial, rows[i].temporal);
        layer_filter_start(&f);
        assert_int_equal(layer_filter_is_idle(&f, NULL), rows[i].idle);
    }
    // Nothing is left out where nobody has said how many layers there are.
    struct layer_filter f = {0};
    struct layer_facts aside = facts_of("00Z"), key = facts_of("00KAE3"), lower = facts_of("00EZ"),
                       top = facts_of("20AE");
    layer_filter_want(&f, -1, -1);
    layer_filter_start(&f);
    assert_true(layer_filter_take(&f, &aside, 1000, NULL, (struct span){0}).sends);
    layer_filter_take(&f, &key, 2000, NULL, (struct span){0});
    layer_filter_take(&f, &top, 2000, NULL, (struct span){0});
    layer_filter_want(&f, 0, -1);
    assert_false(layer_filter_needs_key(&f, NULL, 3)); // it goes down by itself
    layer_filter_want(&f, -1, -1);
    assert_false(layer_filter_take(&f, &lower, 3000, NULL, (struct span){0}).sends);
    assert_false(layer_filter_needs_key(&f, NULL, 3)); // the highest needs nothing of it
}

// It begins between two packets of a picture, of which the first has gone out: nobody could use half of it.
static void the_picture_under_way_goes_out_whole(void **state) {
    (void)state;
    struct layer_filter f = {0};
    struct layer_facts low = facts_of("00E"), high = facts_of("02E"), above = facts_of("10E");
    layer_filter_want(&f, 0, 0);
    layer_filter_start(&f);
    assert_true(layer_filter_take(&f, &high, 1000, NULL, (struct span){0}).sends);
    assert_true(layer_filter_take(&f, &high, 1000, NULL, (struct span){0}).sends);
    assert_false(layer_filter_take(&f, &high, 2000, NULL, (struct span){0}).sends);
    assert_true(layer_filter_take(&f, &low, 3000, NULL, (struct span){0}).sends);
    assert_false(layer_filter_take(&f, &above, 3000, NULL, (struct span){0}).sends);
    layer_filter_start(&f);
    assert_true(layer_filter_take(&f, &above, 4000, NULL, (struct span){0}).sends);
    assert_true(layer_filter_take(&f, &low, 5000, NULL, (struct span){0}).sends);
    assert_false(layer_filter_take(&f, &above, 5000, NULL, (struct span){0}).sends);
    layer_filter_begin(&f); // nothing has gone out
    assert_false(layer_filter_take(&f, &high, 6000, NULL, (struct span){0}).sends);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_picture_under_way_goes_out_whole),
        cmocka_unit_test(temporal_layers_go_down_at_once_and_up_at_switching_points),
        cmocka_unit_test(spatial_layers_follow_what_needs_them),
        cmocka_unit_test(a_layer_that_stops_leaves_a_broken_stream),
        cmocka_unit_test(layers_that_do_not_come_are_not_there),
        cmocka_unit_test(a_target_that_is_not_sent_any_more_is_broken),
        cmocka_unit_test(what_comes_late_follows_what_was_decided),
        cmocka_unit_test(it_says_when_it_is_not_needed_and_when_a_key_frame_is),
        cmocka_unit_test(a_target_goes_down_at_once_and_up_where_it_can),
        cmocka_unit_test(what_came_before_the_first_frame_was_sent),
        cmocka_unit_test(a_frame_is_new_once),
        cmocka_unit_test(numbers_that_jump_take_no_fate_along),
        cmocka_unit_test(a_new_structure_begins_anew),
        cmocka_unit_test(a_run_that_waited_under_an_older_structure_keeps_to_what_is_wanted),
        cmocka_unit_test(a_frame_under_another_structure_is_new_once),
        cmocka_unit_test(layer_numbers_take_over_from_targets),
        cmocka_unit_test(what_lacks_of_temporal_layers),
        cmocka_unit_test(it_is_needed_while_something_is_left_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
