// worker_scene: one worker whose loop does not run, for tests that are its thread. Include cmocka first.
#ifndef TESTS_WORKER_SCENE_H
#define TESTS_WORKER_SCENE_H

#include "base/log.h"
#include "server/media/worker_internal.h"
#include "transport/srtp.h"

struct scene {
    struct dtls_context *dtls;
    struct mesh *mesh;
    struct worker *worker;
    struct tuple from; // somebody else's address, for whoever sends to it
};

static inline void nobody_is_woken(void *ctx, unsigned worker) {
    (void)ctx, (void)worker;
}

static inline void nobody_hears(void *ctx) {
    (void)ctx;
}

// With settings of the test's own; the scene is one with what else the test keeps, or it alone.
static inline void scene_open_with(struct scene *s, struct worker_config config) {
    char error[256];
    log_configure(LOG_LEVEL_ERROR, LOG_FORMAT_TEXT);
    assert_int_equal(srtp_library_start(), ERR_OK);
    *s = (struct scene){.dtls = dtls_context_create(),
                        .mesh = mesh_create(config.workers, nobody_is_woken, NULL)};
    assert_true(s->dtls && s->mesh);
    config.dtls = s->dtls;
    config.mesh = s->mesh;
    config.events_ready = nobody_hears;
    s->worker = worker_create(&config, error, sizeof error);
    assert_non_null(s->worker);
    assert_int_equal(addr_parse("127.0.0.1", 9, &s->from.remote), ERR_OK);
}

static inline int scene_open(void **state) {
    static struct scene s;
    scene_open_with(&s, (struct worker_config){.workers = 1});
    *state = &s;
    return 0;
}

// The pool asserts that every block has come back.
static inline int scene_close(void **state) {
    const struct scene *s = *state;
    worker_destroy(s->worker);
    mesh_destroy(s->mesh);
    dtls_context_destroy(s->dtls);
    srtp_library_stop();
    return 0;
}

#endif
