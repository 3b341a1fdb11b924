// An answer that comes later: the request has been read, and whoever answers it waits for news. Requests that
// come behind it wait, too. It is not the client's to hurry: nobody sends it anything until the answer is
// there.
#include "server/web/connection.h"

#include "base/clock.h"
#include "base/slots.h"

#include <assert.h>
#include <stdlib.h>
#include <sys/socket.h>

void late_begin(struct connection *connection, char *headers, uint64_t now_us) {
    assert(connection->late && !connection->late_headers);
    connection->late_headers = headers;
    connection->state = CONNECTION_LATE;
    connection_arm(connection, now_us + LATE_US);
}

void late_forget(struct connection *connection) {
    struct ws_server *server = connection->server;
    uint32_t late = connection->late;
    if (!late)
        return;
    connection->late = 0;
    free(connection->late_headers);
    connection->late_headers = NULL;
    slots_remove(server->lates, late);
    if (server->handlers.late_closed)
        server->handlers.late_closed(server->handlers.ctx, late);
}

bool ws_server_answer_late(struct ws_server *server, uint32_t late, unsigned status, const char *content_type,
                           const char *text, size_t len) {
    struct connection *connection = slots_get(server->lates, late);
    if (!connection || connection->state != CONNECTION_LATE || server->stopping)
        return false;
    slots_remove(server->lates, late);
    connection->late = 0;
    if (http_answer_late(connection, status, content_type, text, len, clock_now_us()))
        return true;
    shutdown(connection->socket, SHUT_RDWR); // the loop sees it
    return false;
}
