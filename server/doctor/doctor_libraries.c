#include "server/doctor/doctor_libraries.h"

#include <libwebsockets.h>
#include <assert.h>
#include <stddef.h>
#include <uv.h>

static void on_lws_log(int level, const char *line) {
    (void)level, (void)line; // the finding says it
}

bool doctor_lws_has_libuv(void) {
    uv_loop_t loop;
    if (uv_loop_init(&loop) != 0)
        return false;
    void *loops[] = {&loop};
    struct lws_context_creation_info info = {
        .port = CONTEXT_PORT_NO_LISTEN,
        .options = LWS_SERVER_OPTION_LIBUV | LWS_SERVER_OPTION_EXPLICIT_VHOSTS,
        .foreign_loops = loops,
    };
    lws_set_log_level(LLL_ERR, on_lws_log);
    struct lws_context *context = lws_create_context(&info);
    // On a loop of ours, lws destroys in two steps, with the loop's work between them.
    if (context)
        lws_context_destroy(context);
    while (uv_run(&loop, UV_RUN_DEFAULT))
        ;
    if (context)
        lws_context_destroy(context);
    int left = uv_loop_close(&loop);
    assert(left == 0);
    (void)left;
    return context != NULL;
}
