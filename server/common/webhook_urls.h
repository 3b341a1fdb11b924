// webhook_urls: where an operator wants to hear of what happens in rooms. Pure. Any thread.
//
// What is sent there tells who is in which room, so it goes over TLS: https. Plain http is taken only where
// the URL itself shows that it stays on this machine or network: a loopback or private address, localhost, or
// a name of one label (as containers of one network have), which no public name is.
#ifndef SERVER_WEBHOOK_URLS_H
#define SERVER_WEBHOOK_URLS_H

#include <stdbool.h>
#include <stddef.h>

#define WEBHOOK_URLS_MAX 4
#define WEBHOOK_URL_MAX 512 // bytes of one with its end

struct webhook_urls {
    unsigned count;
    char list[WEBHOOK_URLS_MAX][WEBHOOK_URL_MAX];
};

// URLs separated by commas. False: not such a list, none, or too many; a user or password in a URL, and a
// fragment, are refused, too.
bool webhook_urls_parse(const char *text, struct webhook_urls *out);

// "https://host:port" of a URL that was taken, for logs: what stands behind it may be secret.
void webhook_url_origin(const char *url, char out[WEBHOOK_URL_MAX]);

#endif
