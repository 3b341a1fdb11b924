// banner: what people read on their screen when the server has started.
#ifndef SERVER_BANNER_H
#define SERVER_BANNER_H

#include "server/announce.h"

#include <stdint.h>
#include <stdio.h>

struct banner {
    const char *listen_host;
    uint16_t http_port, media_port;
    unsigned workers;
    const char (*announce)[ANNOUNCE_TEXT_MAX]; // where clients send media to
    size_t announce_count;
    const char *web_root;
    bool web_root_missing;
};

// Where to open it, where media goes, what a firewall must let in; and a warning for what will not work.
void banner_print(FILE *out, const struct banner *banner);

#endif
