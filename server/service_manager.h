// service_manager: what is said to systemd, by its protocol of datagrams (sd_notify(3)), without its library.
//
// systemd ends whoever is not gone TimeoutStopSec= after it was told to stop. A server that waits for its
// people (drain-time) says how much longer it needs, so that no figure has to be kept in two places. Any
// thread.
#ifndef SERVER_SERVICE_MANAGER_H
#define SERVER_SERVICE_MANAGER_H

#include <stdbool.h>
#include <stdint.h>

enum service_manager {
    SERVICE_MANAGER_NONE,    // somebody else started this process
    SERVICE_MANAGER_LISTENS, // systemd, which hears what is said
    SERVICE_MANAGER_DEAF,    // systemd, whose unit lacks NotifyAccess=
};
// By what this process's environment says.
enum service_manager service_manager_find(void);

// Stopping has begun and may take so long. False: nobody listens.
bool service_manager_stopping(uint64_t wait_us);

#endif
