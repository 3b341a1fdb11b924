// Everybody of a room comes within one turn, while the worker takes nothing: the room comes together.
#include "fake_media.h"

#define PEOPLE 34
#define TRACKS 2

// More than a worker's queue holds (WORKER_COMMANDS in server/media/worker_internal.h), and than fits in it
// at once.
_Static_assert(PEOPLE *(PEOPLE - 1) * TRACKS > 2048, "a storm");
_Static_assert(PEOPLE *(PEOPLE - 1) * TRACKS + 4 * PEOPLE < FAKE_COMMANDS, "that the fake can hold");

struct opened {
    uint32_t transports[2 * PEOPLE], producers[TRACKS * PEOPLE];
    unsigned transport_count, producer_count, consumer_count;
};

static bool has(const uint32_t *ids, unsigned count, uint32_t id) {
    for (unsigned i = 0; i < count; i++)
        if (ids[i] == id)
            return true;
    return false;
}

// What it is about must have been opened before.
static void take_command(struct opened *opened, const struct media_cmd *cmd) {
    if (cmd->type != MEDIA_OPEN_TRANSPORT)
        assert_true(has(opened->transports, opened->transport_count, cmd->transport.v));
    switch (cmd->type) {
    case MEDIA_OPEN_TRANSPORT:
        assert_true(opened->transport_count < 2 * PEOPLE);
        opened->transports[opened->transport_count++] = cmd->transport.v;
        break;
    case MEDIA_OPEN_PRODUCER:
        assert_true(opened->producer_count < TRACKS * PEOPLE);
        opened->producers[opened->producer_count++] = cmd->producer.v;
        break;
    case MEDIA_OPEN_CONSUMER:
        assert_true(has(opened->producers, opened->producer_count, cmd->producer.v));
        opened->consumer_count++;
        break;
    default:
        fail_msg("unexpected command %d", cmd->type);
    }
}

static void everybody_comes(struct fake *f, struct id_text producers[PEOPLE][TRACKS]) {
    for (uint32_t i = 0; i < PEOPLE; i++) {
        char name[16];
        snprintf(name, sizeof name, "p%u", i);
        joins_capable(f, i + 1, "r", name);
        make_transport(f, i + 1, "recv");
        struct id_text send = make_transport(f, i + 1, "send");
        producers[i][0] = make_audio(f, i + 1, send, "a", 10);
        producers[i][1] = make_video(f, i + 1, send, "v", 20);
        forget_texts(f); // new-producer at the others
    }
}

static void everybody_consumes_everybody(struct fake *f, struct id_text producers[PEOPLE][TRACKS]) {
    for (uint32_t i = 0; i < PEOPLE; i++)
        for (uint32_t other = 0; other < PEOPLE; other++)
            for (unsigned track = 0; track < TRACKS && other != i; track++)
                make_consumer(f, i + 1, producers[other][track]); // must be answered with `consumed`
}

static void all_is_answered_while_the_worker_takes_nothing_and_done_when_it_does(void **state) {
    (void)state;
    static struct id_text producers[PEOPLE][TRACKS];
    struct fake *f = fake_hub(1);
    f->full[0] = true;
    everybody_comes(f, producers);
    everybody_consumes_everybody(f, producers);
    unsigned all = PEOPLE * (PEOPLE - 1) * TRACKS + (2 + TRACKS) * PEOPLE;
    assert_int_equal(counts(f).commands_waiting, all);
    assert_int_equal(counts(f).errors_out, 0);
    assert_int_equal(f->command_count, 0);

    // It takes again, while somebody talks all the time and wants nothing of it.
    f->full[0] = false;
    for (int ms = 0; ms < 10; ms++) {
        f->now_us += US_PER_MS;
        say(f, 1, "{'type':'ping'}");
        expect_only_type(f, 1, "pong");
        if (f->now_us >= fake_next_us(f))
            fake_advance(f);
    }
    assert_int_equal(counts(f).commands_waiting, 0);
    assert_int_equal(f->command_count, all);
    struct opened opened = {0};
    for (size_t i = 0; i < f->command_count; i++)
        take_command(&opened, &f->commands[i].cmd);
    assert_int_equal(opened.consumer_count, PEOPLE * (PEOPLE - 1) * TRACKS);
    fake_free(f);
}

// A thousand at once and a hundred a second is what a client may say; the rest is refused before it costs
// anything.
static void one_client_cannot_fill_what_waits(void **state) {
    (void)state;
    struct fake *f = fake_hub(1);
    joins_capable(f, 1, "r", "ann");
    joins_capable(f, 2, "r", "bob");
    struct id_text send = make_transport(f, 1, "send");
    make_transport(f, 2, "recv");
    struct id_text video = make_video(f, 1, send, "v", 20);
    forget_texts(f);
    struct id_text consumer = make_consumer(f, 2, video);
    f->full[0] = true;
    for (unsigned i = 0; i < 1050; i++)
        say(f, 2, "{'type':'request-key-frame','data':{'consumerId':'%s'}}", consumer.text);
    assert_true(counts(f).rate_limited > 0);
    assert_true(counts(f).commands_waiting <= 1000);
    assert_true(counts(f).commands_waiting * 60 < f->config.limits.commands_waiting_max);
    forget_texts(f);
    make_transport(f, 1, "recv"); // another is served all the same
    fake_free(f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_is_answered_while_the_worker_takes_nothing_and_done_when_it_does),
        cmocka_unit_test(one_client_cannot_fill_what_waits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
