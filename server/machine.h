// machine: what this machine and process are like, as far as the server depends on it: facts for
// server/checks.h. No network and no waiting: some system calls, a datagram to itself, some files in /proc.
//
// Any thread, before others run (it opens and closes sockets and reads the limits of the process).
#ifndef SERVER_MACHINE_H
#define SERVER_MACHINE_H

#include "server/config/announce.h"
#include "server/config/config.h"
#include "server/secret_files.h"
#include "server/service_manager.h"

#define MACHINE_ADDRESSES_MAX 64
#define MACHINE_VERSION_MAX 32

enum machine_library { LIBRARY_LIBWEBSOCKETS, LIBRARY_LIBUV, LIBRARY_JANSSON, LIBRARY_OPENSSL, LIBRARIES };

struct machine_buffer {
    int wanted_bytes, granted_bytes; // of one worker's socket
    int limit_bytes;                 // net.core.rmem_max, wmem_max; 0: not known
};

enum machine_gso {
    GSO_WORKS,
    GSO_MISSING,  // the kernel does not know UDP_SEGMENT (before Linux 4.18)
    GSO_MANGLES,  // it takes it, but what arrives is not what was sent
    GSO_UNTESTED, // no socket could be opened
};

struct machine_version {
    char built[MACHINE_VERSION_MAX]; // the headers it was built with
    char running[MACHINE_VERSION_MAX];
};

struct machine {
    uint64_t wall_us, built_us; // now; when this program was built, or 0: not known
    bool clock_synchronised;    // the kernel's clock is kept right by NTP or the like
    uint64_t files_allowed;     // the hard limit of open files
    struct machine_buffer receive, send;
    enum machine_gso gso;
    const char *cipher; // the library that encrypts media
    bool cipher_slow;   // it is the stock one
    enum service_manager service_manager;
    const char *container; // "Docker", "Podman", "Kubernetes", "a container"; NULL: none is seen
    struct machine_version libraries[LIBRARIES];
    unsigned secret_count;
    struct secret_file secrets[SECRET_FILES_MAX];
    size_t address_count;
    char addresses[MACHINE_ADDRESSES_MAX][ANNOUNCE_TEXT_MAX]; // of running interfaces, loopback included
};

// clock_synchronised stays true.
void machine_examine(const struct config *config, struct machine *out);
// Asks the kernel with adjtimex, which a service's filter of system calls may answer with the end of the
// process: not for the server.
bool machine_clock_is_synchronised(void);
bool machine_has_address(const struct machine *machine, const char *address);
const char *machine_library_name(enum machine_library library);

#endif
