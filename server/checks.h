// checks: facts about this machine (machine.h) and settings in, one finding out. Pure; each is a table row
// away from its test. Those that need the network or other programs are in server/doctor/doctor_checks.h.
#ifndef SERVER_CHECKS_H
#define SERVER_CHECKS_H

#include "server/finding.h"
#include "server/machine.h"
#include "server/secret_files.h"

#define CHECKS_STOP_SECONDS 10 // that stopping may take beyond drain-time

// files_allowed: the hard limit. Of all that the settings ask for (server/descriptors.h).
void check_file_limit(struct finding *out, const struct config *config, uint64_t files_allowed);
// Of all workers' sockets; `setting` and `sysctl` name what is to be changed.
void check_buffer(struct finding *out, const char *setting, const char *sysctl,
                  const struct machine_buffer *buffer);
void check_gso(struct finding *out, enum machine_gso gso);
// Not before the program was built, nor decades after. built_us 0: not known.
void check_clock(struct finding *out, uint64_t wall_us, uint64_t built_us, bool synchronised);
void check_library(struct finding *out, enum machine_library library, const struct machine_version *version);
// Whoever stops the server must wait as long as it waits for its people. drain_seconds not 0.
void check_drain(struct finding *out, uint32_t drain_seconds, enum service_manager manager,
                 const char *container);
void check_cipher(struct finding *out, const char *cipher, bool slow);
// container: NULL for none. There everybody is the server itself, and files come from outside, often open to
// all.
void check_secret_file(struct finding *out, const struct secret_file *file, const char *container);

// <0, 0, >0 as version a ("1.44.2") is before, the same as or after b; missing parts are 0.
int version_compare(const char *a, const char *b);

// All of the above: what needs no network and takes no time.
void checks_quick(const struct config *config, const struct machine *machine, struct findings *out);

#endif
