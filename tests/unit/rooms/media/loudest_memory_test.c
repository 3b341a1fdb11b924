// When memory ends while a voice gets its place among those of its room.
#include "forward_fake.h"

#include "rooms/media/media_objects.h"

#define PUB "publisher"
#define GROUP 5
#define VOICES_MAX 20

static void open_voice(struct fake *f, uint32_t id) {
    struct media_cmd cmd = {.type = MEDIA_OPEN_PRODUCER, .transport = {1}, .producer = {id}};
    cmd.open_producer.params = fake_audio(2000 + id);
    cmd.open_producer.voice_group = GROUP;
    forwarder_command(f->fw, &cmd, f->now_us);
}

static unsigned voices(const struct fake *f) {
    return forwarder_counters(f->fw)->producers;
}

// Whichever allocation fails: a group is there while somebody is in it, and the others stay.
static void a_group_without_a_voice_does_not_stay(void **state) {
    (void)state;
    struct fake *f = fake_create();
    fake_connected(f, 1, PUB);
    uint32_t id = 0;
    for (unsigned opened = 0; opened < VOICES_MAX; opened++) {
        for (unsigned long n = 1; voices(f) == opened; n++) {
            fail_allocation(n);
            open_voice(f, ++id);
            fail_allocation(0);
            assert_int_equal(hmap_count(f->fw->voice_group_ids), voices(f) > 0);
            assert_int_equal(slots_count(f->fw->voice_groups), voices(f) > 0);
            assert_true(n < 100);
        }
        assert_int_equal(voices(f), opened + 1);
    }
    fake_destroy(f);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_group_without_a_voice_does_not_stay)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
