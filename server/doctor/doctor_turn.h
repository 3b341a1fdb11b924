// doctor_turn: asks a TURN server for a relayed address, as a browser would, and gives it back at once
// (RFC 8656, sections 7 and 8; long-term credentials of RFC 8489, section 9.2).
//
// turn_probe_* are pure: bytes in, bytes out. turn_ask blocks for a bounded time.
#ifndef SERVER_DOCTOR_TURN_H
#define SERVER_DOCTOR_TURN_H

#include "server/common/host_port.h"
#include "base/addr.h"

#define TURN_MESSAGE_MAX 1400
#define TURN_LOOKUP_MS_MAX 5000
#define TURN_ANSWER_MS_MAX 3000 // of one request; over UDP asked again after 0.5 and 1.5 s (RFC 8489, 6.2.1)

enum turn_result {
    TURN_WORKS,
    TURN_UNRESOLVED, // the name
    TURN_SILENT,     // no answer in time
    TURN_REFUSED,    // nobody listens there
    TURN_DENIED,     // the credentials are wrong: 401 to a request with them
    TURN_ERROR,      // another error response, see code
    TURN_ODD,        // an answer that is not TURN, or not authentic
};

struct turn_outcome {
    enum turn_result result;
    int code;            // of TURN_ERROR (RFC 8656, section 19)
    struct addr relayed; // of TURN_WORKS
    char realm[128];     // of the server, as far as it came; printable
    char why[128];       // of TURN_UNRESOLVED and TURN_REFUSED
};

struct turn_probe;

// The texts must live as long as the probe. NULL: no memory.
struct turn_probe *turn_probe_create(const char *username, const char *password);
void turn_probe_destroy(struct turn_probe *probe); // NULL is fine
// The Allocate request that is to be sent, without credentials at first, then with; 0: it does not fit.
size_t turn_probe_write(struct turn_probe *probe, uint8_t out[TURN_MESSAGE_MAX]);

enum turn_step { TURN_STEP_WAIT, TURN_STEP_WRITE, TURN_STEP_OVER };
// One answer, with 24 writable bytes behind it. WAIT: it was for somebody else; WRITE: ask again, with what
// the answer said; OVER: `out` is set.
enum turn_step turn_probe_read(struct turn_probe *probe, uint8_t *message, size_t len,
                               struct turn_outcome *out);
// After TURN_WORKS: the Refresh that gives the allocation back (RFC 8656, section 8: a lifetime of 0).
size_t turn_probe_release(struct turn_probe *probe, uint8_t out[TURN_MESSAGE_MAX]);

void turn_ask(const struct host_port *server, bool tcp, const char *username, const char *password,
              struct turn_outcome *out);

#endif
