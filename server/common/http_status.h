// http_status: what the statuses of HTTP are called. Pure. Any thread.
#ifndef SERVER_HTTP_STATUS_H
#define SERVER_HTTP_STATUS_H

// Lives for ever; "Status" for one that this server never says.
const char *http_status_text(unsigned status);

#endif
