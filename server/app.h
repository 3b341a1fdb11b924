// app: the whole server. It owns every part, starts them in order and stops them in the reverse order.
#ifndef SERVER_APP_H
#define SERVER_APP_H

#include "server/config/config.h"

// What somebody else than a person at a screen wants to know of the start (`rotunda doctor`).
struct app_watcher {
    void *ctx;
    void (*started)(void *ctx, uint16_t http_port, uint16_t media_port);
};

// Where the settings came from, so that SIGHUP can have them read again; as for config_load.
struct app_source {
    int argc;
    char *const *argv;
    char *const *environment;
};

// Runs until SIGTERM or SIGINT; SIGHUP has it read its settings and files again (source NULL: files alone).
// The process's exit status: 0 after
// a clean end, 2 when it could not start (one line on standard error says why). Once it runs it tells the
// watcher; with none (NULL) it tells people, on standard output.
int app_run(const struct config *config, const struct app_watcher *watcher, const struct app_source *source);

// What can be known without starting anything: that the files that the settings name are there and good.
// False: one sentence in `error`.
bool app_check(const struct config *config, char *error, size_t error_cap);
// The part of it about folders (web-root, record-dir), which every start looks at.
bool app_folders_exist(const struct config *config, char *error, size_t error_cap);

#endif
