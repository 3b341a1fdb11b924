// app: the whole server. It owns every part, starts them in order and stops them in the reverse order.
#ifndef SERVER_APP_H
#define SERVER_APP_H

#include "server/config.h"

// Runs until SIGTERM or SIGINT. The process's exit status: 0 after a clean end, 2 when it could not start
// (one line on standard error says why).
int app_run(const struct config *config);

#endif
