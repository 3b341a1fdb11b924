// service_manager: what is said to systemd, by its protocol of datagrams (sd_notify(3)), without its library.
//
// The unit's Type=notify waits for the start and watches over reloads; a watchdog ends a server that does not
// say that it is alive. libsystemd would be one more library for these lines.
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

// The server serves, or has read its settings again. These say nothing where nobody listens; what is said
// once waits for a second, at most, where a busy manager takes nothing more.
bool service_manager_ready(void);
bool service_manager_reloading(uint64_t now_us); // service_manager_ready follows
// How often systemd wants to hear that the server is alive (WatchdogSec=); 0: it does not.
uint64_t service_manager_watchdog_us(void);
bool service_manager_alive(void);

// Stopping has begun and may take so long (0: as long as the unit says). False: nobody listens.
bool service_manager_stopping(uint64_t wait_us);

#endif
