// selfcheck: the quick part of `rotunda doctor` at every start of the server: no network, some milliseconds,
// and silent unless something is wrong.
#ifndef SERVER_SELFCHECK_H
#define SERVER_SELFCHECK_H

#include "server/config/config.h"

// One log line ("self-check") for each finding that is a warning (warn) or will not work (error), with the
// fix. Before threads start.
void selfcheck_log(const struct config *config);
// The same of the files with secrets alone, which may have other modes, or be others, when they are read
// again.
void selfcheck_log_secrets(const struct config *config);

#endif
