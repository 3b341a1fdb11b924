// doctor_server: the server that these settings make, started for a call with itself: a child process that
// runs app_run, so that whatever happens to it is a finding and not the end of the doctor.
//
// The child is a fork, so it must not need what other threads of this process may hold; a thread that still
// waits for a name server is fine, because the child looks up no names.
#ifndef SERVER_DOCTOR_SERVER_H
#define SERVER_DOCTOR_SERVER_H

#include "server/config/config.h"

#include <sys/types.h>

#define DOCTOR_SERVER_WHY_MAX 512

struct doctor_server {
    pid_t pid;  // 0: none
    int errors; // what it says on standard error
    uint16_t http_port, media_port;
};

// Waits until it serves. False: it does not start; `why` is what it said, one line.
bool doctor_server_start(struct doctor_server *server, const struct config *config,
                         char why[DOCTOR_SERVER_WHY_MAX]);
// Asks it to end, and makes it after some seconds. False: it had ended, or did not end, as it should; `why`
// says how. true when there is none.
bool doctor_server_stop(struct doctor_server *server, char why[DOCTOR_SERVER_WHY_MAX]);

#endif
