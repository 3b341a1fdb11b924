// Where dialects may be: each has a part of the tree of its own.
#include "server/config/config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void paths_that_meet_are_refused(void **state) {
    (void)state;
    static char *const no_environment[] = {NULL};
    static const struct {
        const char *flags[8], *says; // NULL: fine
    } rows[] = {
        {{"rotunda", "--peerjs", "/", "--named-ws", "/ws", "--socket-io", "/socket.io"}, NULL},
        {{"rotunda", "--peerjs", "/calls", "--named-ws", "/calls2", "--socket-io", "/wsx"}, NULL},
        {{"rotunda", "--peerjs", "/ws"}, "peerjs: \"/ws\" is the server's own; choose another path"},
        {{"rotunda", "--socket-io", "/ws/x"},
         "socket-io: \"/ws/x\" is the server's own; choose another path"},
        {{"rotunda", "--named-ws", "/whip"}, "named-ws: \"/whip\" is the server's own; choose another path"},
        {{"rotunda", "--peerjs", "/api/v1"}, "peerjs: \"/api/v1\" is the server's own; choose another path"},
        {{"rotunda", "--socket-io", "/"},
         "socket-io: \"/\" is where the web page is; choose a path below it"},
        {{"rotunda", "--peerjs", "/a", "--named-ws", "/a/b"},
         "named-ws: \"/a/b\" meets the path of peerjs; choose another"},
        {{"rotunda", "--named-ws", "/a/b", "--socket-io", "/a"},
         "socket-io: \"/a\" meets the path of named-ws; choose another"},
        {{"rotunda", "--peerjs", "/", "--named-ws", "/peerjs"},
         "named-ws: \"/peerjs\" meets the path of peerjs; choose another"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        static struct config config;
        char error[CONFIG_ERROR_MAX] = "", *argv[8];
        int argc = 0;
        while (rows[i].flags[argc]) {
            argv[argc] = strdup(rows[i].flags[argc]);
            if (!argv[argc++])
                fail_msg("no memory");
        }
        enum config_task task = config_load(&config, argc, argv, no_environment, error);
        while (argc > 0)
            free(argv[--argc]);
        assert_string_equal(error, rows[i].says ? rows[i].says : "");
        assert_int_equal(task, rows[i].says ? CONFIG_REFUSED : CONFIG_RUN);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(paths_that_meet_are_refused)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
