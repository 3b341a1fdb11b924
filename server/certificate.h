// certificate: the server's own, from the settings to the port, at the start and at SIGHUP. Control thread.
#ifndef SERVER_CERTIFICATE_H
#define SERVER_CERTIFICATE_H

#include "server/config/config.h"
#include "server/web/tls_identity.h"
#include "server/web/ws_server.h"

// *identity is the caller's, NULL where no certificate is set. False: one line in `error`.
bool certificate_load(const struct config *config, struct tls_identity **identity, struct tls_facts *facts,
                      char *error, size_t error_cap);
// Whose it is, and a warning where browsers will refuse it.
void certificate_log(const char *event, const struct tls_facts *facts);
// Has the files read again; bad ones leave everything as it is.
void certificate_reload(const struct config *config, struct ws_server *ws, bool names_are_watched);

#endif
