// docs/protocol.md is true: its requests fit the schema, it shows every message there is, and what the server
// sends has no type and no field that the page does not show.
#include "fake_media.h"

#include "server/hub/hub_operate.h"
#include "server/signal/signal.h"

#define PAGE "docs/protocol.md"
#define EXAMPLES_MAX 256

struct example {
    bool from_client;
    int line;
    json_t *message;
};

struct page {
    char *text;
    struct example examples[EXAMPLES_MAX];
    size_t count;
};

static char *read_page(void) {
    FILE *file = fopen(PAGE, "rb");
    if (!file)
        fail_msg("%s is missing (tests run in the repository's root)", PAGE);
    char *text = calloc(1, 1 << 20);
    assert_true(fread(text, 1, (1 << 20) - 1, file) > 0);
    fclose(file);
    return text;
}

// Every JSON value between `at` and `end`.
static void take_values(struct page *page, const char *at, const char *end, bool from_client, int line) {
    while (at < end && strspn(at, " \n") < (size_t)(end - at)) {
        json_error_t error;
        json_t *message = json_loadb(at, (size_t)(end - at), JSON_DISABLE_EOF_CHECK, &error);
        if (!message)
            fail_msg("%s:%d: %s", PAGE, line + error.line, error.text);
        assert_true(page->count < EXAMPLES_MAX);
        page->examples[page->count++] =
            (struct example){.from_client = from_client, .line = line, .message = message};
        at += error.position;
    }
}

static struct page page_read(void) {
    struct page page = {.text = read_page()};
    int line = 1;
    bool inside = false, from_client = false;
    int first = 0;
    const char *block = NULL;
    for (const char *at = page.text; *at; line++) {
        const char *next = strchrnul(at, '\n');
        if (inside && strncmp(at, "```", 3) == 0) {
            take_values(&page, block, at, from_client, first);
            inside = false;
        } else if (strncmp(at, "```json", 7) == 0) {
            inside = true;
            from_client = strncmp(at, "```json client\n", 15) == 0;
            if (!from_client && strncmp(at, "```json server\n", 15) != 0)
                fail_msg("%s:%d: say ```json client or ```json server", PAGE, line);
            block = next + 1;
            first = line;
        }
        at = *next ? next + 1 : next;
    }
    assert_false(inside);
    return page;
}

static void page_close(struct page *page) {
    for (size_t i = 0; i < page->count; i++)
        json_decref(page->examples[i].message);
    free(page->text);
}

static void requests_fit_the_schema(void **state) {
    (void)state;
    struct page page = page_read();
    size_t rows, shown = 0;
    for (size_t i = 0; i < page.count; i++) {
        const struct example *e = &page.examples[i];
        if (!e->from_client)
            continue;
        char why[SIGNAL_ERROR_BYTES_MAX];
        const struct signal_row *row = signal_find_row(text_at(e->message, "type"));
        if (!row)
            fail_msg("%s:%d: %s is no request", PAGE, e->line, text_at(e->message, "type"));
        if (!signal_check_fields(row->fields, at(e->message, "data"), why))
            fail_msg("%s:%d: %s: %s", PAGE, e->line, row->type, why);
        const char *key;
        json_t *value;
        json_object_foreach(at(e->message, "data"), key, value) {
            const struct field_rule *rule = row->fields;
            while (rule->kind != FIELD_END && strcmp(rule->name, key) != 0)
                rule++;
            if (rule->kind == FIELD_END)
                fail_msg("%s:%d: %s has no field %s", PAGE, e->line, row->type, key);
        }
    }
    const struct signal_row *row = signal_rows(&rows);
    for (size_t r = 0; r < rows; r++) {
        bool found = false;
        for (size_t i = 0; i < page.count; i++)
            found |= page.examples[i].from_client &&
                     strcmp(text_at(page.examples[i].message, "type"), row[r].type) == 0;
        if (!found)
            fail_msg("%s has no example of the request %s", PAGE, row[r].type);
        shown += found;
    }
    assert_int_equal(shown, rows);
    page_close(&page);
}

static void every_message_and_code_is_shown(void **state) {
    (void)state;
    struct page page = page_read();
    for (enum signal_out out = 0; out < OUT_COUNT; out++) {
        bool found = false;
        for (size_t i = 0; i < page.count; i++)
            found |= !page.examples[i].from_client &&
                     strcmp(text_at(page.examples[i].message, "type"), signal_out_name(out)) == 0;
        if (!found)
            fail_msg("%s has no example of %s", PAGE, signal_out_name(out));
    }
    for (size_t i = 0; i < page.count; i++) {
        bool known = page.examples[i].from_client;
        for (enum signal_out out = 0; out < OUT_COUNT; out++)
            known |= strcmp(text_at(page.examples[i].message, "type"), signal_out_name(out)) == 0;
        if (!known)
            fail_msg("%s:%d: the server never sends this", PAGE, page.examples[i].line);
    }
    for (enum signal_code code = 0; code < CODE_COUNT; code++) {
        char cell[64];
        snprintf(cell, sizeof cell, "\n| `%s` |", signal_code_name(code));
        if (!strstr(page.text, cell))
            fail_msg("%s does not explain the code %s", PAGE, signal_code_name(code));
    }
    page_close(&page);
}

// ---- what the server says has been announced

// Whether some example of the type has the key in its data.
static bool page_shows(const struct page *page, const char *type, const char *key) {
    for (size_t i = 0; i < page->count; i++) {
        const struct example *e = &page->examples[i];
        if (!e->from_client && strcmp(text_at(e->message, "type"), type) == 0 &&
            json_object_get(at(e->message, "data"), key))
            return true;
    }
    return false;
}

// Whether some stats object of the page has the key.
static bool page_shows_stat(const struct page *page, const char *key) {
    for (size_t i = 0; i < page->count; i++) {
        const struct example *e = &page->examples[i];
        if (strcmp(text_at(e->message, "type"), "stats") == 0 &&
            json_object_get(at(e->message, "data.stats.0"), key))
            return true;
    }
    return false;
}

static void check_heard(const struct page *page, struct fake *f, uint32_t client, size_t *checked) {
    for (json_t *message; (message = hear(f, client)); json_decref(message)) {
        const char *type = type_of(message), *key;
        json_t *value;
        json_object_foreach(at(message, "data"), key, value) {
            if (!page_shows(page, type, key))
                fail_msg("%s shows no %s with `%s`", PAGE, type, key);
            ++*checked;
        }
        if (strcmp(type, "stats") == 0)
            json_object_foreach(at(message, "data.stats.0"), key, value) {
                if (!page_shows_stat(page, key))
                    fail_msg("%s shows no stats with `%s`", PAGE, key);
                ++*checked;
            }
    }
}

static void what_is_sent_is_on_the_page(void **state) {
    (void)state;
    struct page page = page_read();
    struct fake *f = fake_hub(1);
    size_t checked = 0;
    joins_capable(f, 1, "r", "ann");
    joins_capable(f, 2, "r", "bob");
    struct id_text send = make_transport(f, 1, "send");
    struct id_text recv = make_transport(f, 2, "recv");
    struct id_text producer = make_video(f, 1, send, "v", 10);
    forget_texts(f);
    struct id_text consumer = make_consumer(f, 2, producer);
    open_client(f, 3);
    say(f, 3, "{'type':'join-room','data':{'roomId':'r','username':'cat'}}");
    say(f, 3, "{'type':'join-room','data':{'roomId':'r','username':'cat'}}");
    say(f, 1, "{'type':'create-transport','data':{'direction':'recv'}}");
    say(f, 1, "{'type':'restart-ice','data':{'transportId':'%s'}}", send.text);
    say(f, 1,
        "{'type':'produce','data':{'transportId':'%s','kind':'audio','rtpParameters':" AUDIO_PARAMETERS "}}",
        send.text, "x", 99, "x");
    say(f, 2, "{'type':'consume','data':{'producerId':'%s'}}", producer.text);
    say(f, 1, "{'type':'pause-producer','data':{'producerId':'%s'}}", producer.text);
    say(f, 2, "{'type':'set-preferred-layers','data':{'consumerId':'%s','spatialLayer':1,'temporalLayer':1}}",
        consumer.text);
    say(f, 2, "{'type':'set-priority','data':{'consumerId':'%s','priority':1}}", consumer.text);
    say(f, 2, "{'type':'set-max-bitrate','data':{'consumerId':'%s','maxBitrate':1}}", consumer.text);
    say(f, 1, "{'type':'set-max-bitrate','data':{'transportId':'%s','maxBitrate':1}}", send.text);
    say(f, 2, "{'type':'call-remote','data':{'target':'ann','payload':1},'id':1}");
    say(f, 1, "{'type':'webrtc-offer','data':{'target':'bob','payload':{}}}");
    say(f, 1, "{'type':'chat-message','data':{'text':'hi'}}");
    for (uint32_t n = 0; n < 2; n++) {
        say(f, n + 1, "{'type':'get-stats','data':{'%s':'%s'}}", n ? "consumerId" : "transportId",
            n ? consumer.text : send.text);
        struct media_stats stats = {
            .token = f->commands[f->command_count - 1].cmd.stats.token, .found = true, .stream_count = 1};
        stats.streams[0].rtx_ssrc = 1;
        stats.streams[0].rid[0] = 'r';
        stats.streams[0].round_trip_ms = 1;
        stats.streams[0].playout_delay_ms = 1;
        stats.transport.selected.protocol = TUPLE_UDP;
        stats.transport.estimate_reason = LINK_DELAY;
        stats.transport.max_bps = 1;
        hub_media_stats(f->hub, 0, &stats, f->now_us);
    }
    struct media_event event = {.type = MEDIA_CONSUMER_LAYERS, .layers = {LAYER_NONE, LAYER_NONE}};
    for (size_t i = 0; i < f->command_count; i++)
        if (f->commands[i].cmd.type == MEDIA_OPEN_CONSUMER) {
            event.consumer = f->commands[i].cmd.consumer;
            event.producer = f->commands[i].cmd.producer;
            event.transport = f->commands[i].cmd.transport;
        }
    hub_media_event(f->hub, 0, &event, f->now_us);
    event.layers.spatial = 1;
    static const enum media_event_type types[] = {MEDIA_LAYERS_WANTED, MEDIA_TRANSPORT_STATE,
                                                  MEDIA_CONSUMER_SCORE, MEDIA_PRODUCER_SCORE};
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        event.type = types[i];
        hub_media_event(f->hub, 0, &event, f->now_us);
    }
    say(f, 2, "{'type':'close-transport','data':{'transportId':'%s'}}", recv.text);
    say(f, 1, "{'type':'leave-room'}");
    struct room *room = hub_operate_next(f->hub, NULL);
    signalling_send_data(f->signalling, room, NULL, "aGk=", "topic");
    hub_drain(f->hub, 0, f->now_us);
    for (uint32_t client = 1; client <= 3; client++)
        check_heard(&page, f, client, &checked);
    assert_true(checked > 150);
    fake_free(f);
    page_close(&page);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests_fit_the_schema),
        cmocka_unit_test(every_message_and_code_is_shown),
        cmocka_unit_test(what_is_sent_is_on_the_page),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
