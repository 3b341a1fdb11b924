// crowd: one run: people join at a rate, are measured, come and go, and the run ends by itself.
#ifndef LOAD_CROWD_H
#define LOAD_CROWD_H

#include "load/load.h"
#include "load/results.h"

#define CROWD_ERROR_MAX 512

// Runs on its own loop until it ends. False: it could not run as asked; `error` has one line. results:
// zeroed; the caller frees them.
bool crowd_run(const struct load_options *options, struct results *results, char error[CROWD_ERROR_MAX]);

#endif
