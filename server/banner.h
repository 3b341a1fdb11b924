// banner: what people read when the server has started: on their screen, or as events of a log in JSON.
#ifndef SERVER_BANNER_H
#define SERVER_BANNER_H

#include "server/config/reach.h"
#include "server/web/tls_identity.h"

#include <stdint.h>
#include <stdio.h>

struct banner {
    const char *listen_host;
    uint16_t http_port, media_port;
    const char *admin_host; // NULL or "": operators have no port of their own
    uint16_t admin_port;
    bool tcp; // media over TCP, on the media port's number
    unsigned workers;
    const struct announce *announce; // where clients send media to
    const struct reach *reach;
    const struct tls_facts *certificate; // NULL: plain HTTP
    const char *web_root;
    bool web_root_missing;
    bool stands_open;          // to everybody who finds it
    const char *dialects;      // others' signalling that is served, for people; NULL or "": none
    bool dialects_beside_keys; // though everybody else needs a token
};

// Where to open it, where media goes, what a firewall must let in; and a warning for what will not work.
void banner_print(FILE *out, const struct banner *banner);
void banner_say(
    const struct banner *banner); // the same on standard output, without waiting for anybody to read it

// The same as log events: "media announced" for each address, and warnings.
void banner_log(const struct banner *banner);

#endif
