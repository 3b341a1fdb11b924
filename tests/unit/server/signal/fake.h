// fake: a hub with recorded texts, closes and commands, for transcript tests.
//
// JSON is written with single quotes: say(f, 1, "{'type':'ping'}").
#ifndef TESTS_UNIT_SERVER_FAKE_H
#define TESTS_UNIT_SERVER_FAKE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "server/signal/signalling.h"

#define FAKE_TEXTS 4096
#define FAKE_COMMANDS 4096
#define FAKE_WALL_US UINT64_C(1767225600000000) // 2026-01-01T00:00:00Z

struct fake {
    struct hub_config config;
    struct hub *hub;
    struct signalling *signalling;
    uint64_t now_us;
    struct {
        uint32_t client;
        char *text;
    } texts[FAKE_TEXTS];
    size_t text_count;
    struct {
        unsigned worker;
        struct media_cmd cmd;
    } commands[FAKE_COMMANDS];
    size_t command_count;
    struct data_cmd data_commands[256];
    size_t data_count;
    bool data_full, no_data; // the data worker's queue takes nothing; there is no data worker
    struct {
        uint32_t client;
        uint16_t code;
    } closes[64];
    size_t close_count;
    bool full[WORKERS_MAX]; // the worker's queue takes nothing
    uint64_t sent;          // texts, also when they are not recorded
    bool quiet;             // record no texts
};

static void fake_send(void *ctx, uint32_t client, const char *text, size_t len, enum signal_haste haste) {
    struct fake *f = ctx;
    (void)haste;
    f->sent++;
    if (f->quiet)
        return;
    assert_true(f->text_count < FAKE_TEXTS);
    char *copy = malloc(len + 1); // the text has no NUL of its own
    assert_non_null(copy);
    memcpy(copy, text, len);
    copy[len] = '\0';
    f->texts[f->text_count].client = client;
    f->texts[f->text_count++].text = copy;
}

static void fake_close(void *ctx, uint32_t client, uint16_t code, const char *reason) {
    struct fake *f = ctx;
    assert_true(strlen(reason) <= 123); // RFC 6455, section 5.5, with the code
    assert_true(f->close_count < 64);
    f->closes[f->close_count].client = client;
    f->closes[f->close_count++].code = code;
}

static bool fake_post(void *ctx, unsigned worker, const struct media_cmd *cmd) {
    struct fake *f = ctx;
    assert_true(worker < f->config.workers);
    if (f->full[worker])
        return false;
    assert_true(f->command_count < FAKE_COMMANDS);
    f->commands[f->command_count].worker = worker;
    f->commands[f->command_count++].cmd = *cmd;
    return true;
}

static bool fake_post_data(void *ctx, const struct data_cmd *cmd) {
    struct fake *f = ctx;
    if (f->data_full)
        return false;
    assert_true(f->data_count < sizeof f->data_commands / sizeof f->data_commands[0]);
    f->data_commands[f->data_count++] = *cmd;
    return true;
}

static uint64_t fake_wall_us(void *ctx) {
    return FAKE_WALL_US + ((struct fake *)ctx)->now_us;
}

static struct hub_io fake_io(struct fake *f) {
    return (struct hub_io){.ctx = f,
                           .post = fake_post,
                           .post_data = f->no_data ? NULL : fake_post_data,
                           .wall_us = fake_wall_us};
}

static struct signal_io fake_signal_io(struct fake *f) {
    return (struct signal_io){.ctx = f, .send = fake_send, .close = fake_close};
}

static inline struct fake *fake_new(unsigned workers) {
    log_configure(LOG_LEVEL_ERROR, LOG_FORMAT_TEXT);
    struct fake *f = calloc(1, sizeof *f);
    assert_non_null(f);
    f->now_us = US_PER_SECOND;
    f->config.workers = workers;
    f->config.announce_count = 2;
    strcpy(f->config.announce[0], "203.0.113.5");
    strcpy(f->config.announce[1], "2001:db8::5");
    for (unsigned w = 0; w < WORKERS_MAX; w++)
        f->config.media_ports[w] = 40000;
    memset(f->config.fingerprint_sha256, 'A', sizeof f->config.fingerprint_sha256 - 1);
    for (size_t i = 2; i < sizeof f->config.fingerprint_sha256 - 1; i += 3)
        f->config.fingerprint_sha256[i] = ':';
    hub_limits_default(&f->config.limits);
    return f;
}

static inline void fake_start_with(struct fake *f, const struct signal_io *signal_io) {
    struct hub_io io = fake_io(f);
    f->hub = hub_create(&f->config, &io, f->now_us);
    assert_non_null(f->hub);
    f->signalling = signalling_create(f->hub, signal_io, f->now_us);
    assert_non_null(f->signalling);
}

static inline void fake_start(struct fake *f) {
    struct signal_io io = fake_signal_io(f);
    fake_start_with(f, &io);
}

static inline struct fake *fake_hub(unsigned workers) {
    struct fake *f = fake_new(workers);
    fake_start(f);
    return f;
}

static inline void forget_texts(struct fake *f) {
    for (size_t i = 0; i < f->text_count; i++)
        free(f->texts[i].text);
    f->text_count = 0;
}

static inline void fake_free(struct fake *f) {
    signalling_destroy(f->signalling);
    hub_destroy(f->hub);
    forget_texts(f);
    free(f);
}

static inline uint64_t fake_next_us(const struct fake *f) {
    uint64_t hub_us = hub_next_us(f->hub), signalling_us = signalling_next_us(f->signalling);
    return hub_us < signalling_us ? hub_us : signalling_us;
}

static inline void fake_advance(struct fake *f) {
    hub_advance(f->hub, f->now_us);
    signalling_advance(f->signalling, f->now_us);
}

// Lets time pass, as the control loop does.
static inline void pass(struct fake *f, uint64_t us) {
    uint64_t end_us = f->now_us + us;
    for (;;) {
        uint64_t next_us = fake_next_us(f);
        if (next_us > end_us)
            break;
        f->now_us = next_us > f->now_us ? next_us : f->now_us + US_PER_MS;
        fake_advance(f);
    }
    f->now_us = end_us;
    fake_advance(f);
}

static inline void say_raw(struct fake *f, uint32_t client, const char *text) {
    signalling_client_message(f->signalling, client, text, strlen(text), f->now_us);
}

__attribute__((format(printf, 3, 4))) static inline void say(struct fake *f, uint32_t client,
                                                             const char *format, ...) {
    static char text[SIGNAL_MESSAGE_MAX + 1024];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    for (char *c = text; *c; c++)
        *c = *c == '\'' ? '"' : *c;
    say_raw(f, client, text);
}

// The oldest text for the client, removed; NULL when there is none. The caller releases it.
static inline json_t *hear(struct fake *f, uint32_t client) {
    for (size_t i = 0; i < f->text_count; i++) {
        if (f->texts[i].client != client)
            continue;
        json_error_t error;
        json_t *message = json_loads(f->texts[i].text, 0, &error);
        if (!message)
            fail_msg("the hub sent what is not JSON: %s", f->texts[i].text);
        free(f->texts[i].text);
        memmove(&f->texts[i], &f->texts[i + 1], (f->text_count - i - 1) * sizeof f->texts[0]);
        f->text_count--;
        return message;
    }
    return NULL;
}

static inline const char *type_of(const json_t *message) {
    return json_string_value(json_object_get(message, "type"));
}

// The data of the client's next text, which must have this type. The caller releases it.
static inline json_t *expect(struct fake *f, uint32_t client, const char *type) {
    json_t *message = hear(f, client);
    if (!message)
        fail_msg("client %u: expected %s, got nothing", client, type);
    if (strcmp(type_of(message), type) != 0) {
        char *got = json_dumps(message, 0);
        fail_msg("client %u: expected %s, got %s", client, type, got);
    }
    json_t *data = json_incref(json_object_get(message, "data"));
    json_decref(message);
    return data;
}

static inline void expect_only_type(struct fake *f, uint32_t client, const char *type) {
    json_decref(expect(f, client, type));
}

static inline void expect_nothing(struct fake *f, uint32_t client) {
    json_t *message = hear(f, client);
    if (message) {
        char *got = json_dumps(message, 0);
        fail_msg("client %u: expected nothing, got %s", client, got);
    }
}

static inline void expect_error(struct fake *f, uint32_t client, const char *code) {
    json_t *data = expect(f, client, "error");
    const char *got = json_string_value(json_object_get(data, "code"));
    if (strcmp(got, code) != 0)
        fail_msg("expected error %s, got %s: %s", code, got,
                 json_string_value(json_object_get(data, "message")));
    assert_true(strlen(json_string_value(json_object_get(data, "message"))) > 10);
    json_decref(data);
}

// "a.b.0.c" inside a value; borrowed.
static inline json_t *at(const json_t *value, const char *path) {
    char key[64];
    while (*path) {
        size_t len = strcspn(path, ".");
        snprintf(key, sizeof key, "%.*s", (int)len, path);
        value = json_is_array(value) ? json_array_get(value, (size_t)atoi(key)) : json_object_get(value, key);
        path += len + (path[len] == '.');
    }
    return (json_t *)(uintptr_t)value;
}

static inline const char *text_at(const json_t *value, const char *path) {
    const char *text = json_string_value(at(value, path));
    if (!text) {
        char *got = json_dumps(value, 0);
        fail_msg("no text at %s in %s", path, got);
    }
    return text;
}

static inline int64_t int_at(const json_t *value, const char *path) {
    if (!json_is_integer(at(value, path))) {
        char *got = json_dumps(value, 0);
        fail_msg("no integer at %s in %s", path, got);
    }
    return json_integer_value(at(value, path));
}

static inline void open_client(struct fake *f, uint32_t client) {
    signalling_client_opened(f->signalling, client, f->now_us);
}

// Opens a connection and joins; returns `joined`, to be released.
static inline json_t *join(struct fake *f, uint32_t client, const char *room, const char *name) {
    open_client(f, client);
    say(f, client, "{'type':'join-room','data':{'roomId':'%s','username':'%s'}}", room, name);
    return expect(f, client, "joined");
}

static inline void joins(struct fake *f, uint32_t client, const char *room, const char *name) {
    json_decref(join(f, client, room, name));
}

// The oldest command, removed, which must have this type; its worker in *worker when not NULL.
static inline struct media_cmd command(struct fake *f, enum media_cmd_type type, unsigned *worker) {
    if (f->command_count == 0)
        fail_msg("expected command %d, got none", type);
    struct media_cmd cmd = f->commands[0].cmd;
    if (worker)
        *worker = f->commands[0].worker;
    if (cmd.type != type)
        fail_msg("expected command %d, got %d", type, cmd.type);
    memmove(&f->commands[0], &f->commands[1], (f->command_count - 1) * sizeof f->commands[0]);
    f->command_count--;
    return cmd;
}

// What both sides count.
struct fake_counts {
#define FAKE_MEMBER(member, ...) uint64_t member;
    HUB_COUNTERS(FAKE_MEMBER)
    SIGNAL_COUNTERS(FAKE_MEMBER)
    uint64_t rate_limited, transports_by_ice[ICE_STATE_COUNT], transports_by_dtls[DTLS_STATE_COUNT];
};

static inline struct fake_counts counts(const struct fake *f) {
    struct hub_counts h;
    struct signal_counts s;
    hub_read_counts(f->hub, &h);
    signalling_read_counts(f->signalling, &s);
    struct fake_counts out = {.rate_limited = h.rate_limited + s.rate_limited};
#define FAKE_OF_HUB(member, ...) out.member = h.member;
    HUB_COUNTERS(FAKE_OF_HUB)
#define FAKE_OF_SIGNAL(member, ...) out.member = s.member;
    SIGNAL_COUNTERS(FAKE_OF_SIGNAL)
    memcpy(out.transports_by_ice, h.transports_by_ice, sizeof out.transports_by_ice);
    memcpy(out.transports_by_dtls, h.transports_by_dtls, sizeof out.transports_by_dtls);
    return out;
}

#endif
