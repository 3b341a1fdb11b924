#include "server/versions.h"

#include "rooms/name.h"
#include "server/control_loop.h"
#include "server/web/ws_server.h"
#include "transport/versions.h"

#include <jansson.h>

const char *versions_jansson(void) {
    return jansson_version_str();
}

void versions_print(FILE *out) {
    char transport[256];
    transport_versions(transport, sizeof transport);
    fprintf(out, "rotunda %s\nlibwebsockets %s, libuv %s, jansson %s, utf8proc %s, %s\n", ROTUNDA_VERSION,
            ws_server_library_version(), control_loop_library_version(), jansson_version_str(),
            name_library_version(), transport);
}
