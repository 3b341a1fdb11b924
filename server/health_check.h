// health_check: asks a running server whether it serves, for a container's health check.
//
// One GET of /healthz at the address that `listen` names (this machine's own for "any"), as an HTTP client
// would send it; over TLS when the settings say so, with whatever certificate. Blocks for at most
// HEALTH_CHECK_SECONDS a step (connecting, sending, each read). Any thread.
#ifndef SERVER_HEALTH_CHECK_H
#define SERVER_HEALTH_CHECK_H

#include "server/config/config.h"

#define HEALTH_CHECK_SECONDS 3

// True when the answer is 200. Otherwise `error` (cap bytes, at least 1) gets one line without a newline.
bool health_check(const struct config *config, char *error, size_t cap);

#endif
