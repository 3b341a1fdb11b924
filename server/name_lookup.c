#include "server/name_lookup.h"

#include "server/host_port.h"

#include <assert.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

// What glibc's resolver thread works on. When it does not finish in time it is left to that thread, for good:
// there is no way to take it back.
struct lookup {
    struct gaicb request;
    struct addrinfo hints;
    char host[HOST_BYTES_MAX + 1];
};

static void lookup_free(struct lookup *lookup) {
    if (lookup->request.ar_result)
        freeaddrinfo(lookup->request.ar_result);
    free(lookup);
}

static unsigned addresses_pick(const struct addrinfo *found, uint16_t port, struct addr out[2]) {
    static const int families[] = {AF_INET, AF_INET6};
    unsigned count = 0;
    for (size_t f = 0; f < 2; f++) {
        for (const struct addrinfo *i = found; i; i = i->ai_next) {
            if (i->ai_family != families[f])
                continue;
            addr_from_sockaddr(i->ai_addr, &out[count]);
            out[count++].port = port;
            break;
        }
    }
    return count;
}

// 0 or an EAI_ code; EAI_INPROGRESS: out of time, and the lookup is no longer ours.
static int lookup_run(struct lookup *lookup, unsigned wait_ms) {
    struct gaicb *requests[] = {&lookup->request};
    int code = getaddrinfo_a(GAI_NOWAIT, requests, 1, NULL);
    if (code != 0)
        return code;
    struct timespec wait = {.tv_sec = wait_ms / 1000, .tv_nsec = (long)(wait_ms % 1000) * 1000000};
    gai_suspend((const struct gaicb *const *)requests, 1, &wait);
    code = gai_error(&lookup->request);
    return code == EAI_INPROGRESS && gai_cancel(&lookup->request) == EAI_CANCELED ? EAI_AGAIN : code;
}

unsigned name_lookup(const char *host, uint16_t port, unsigned wait_ms, struct addr out[2], char *why,
                     size_t why_cap) {
    struct addr literal;
    if (addr_parse(host, port, &literal) == ERR_OK) {
        out[0] = literal;
        return 1;
    }
    struct lookup *lookup = calloc(1, sizeof *lookup);
    size_t len = strlen(host);
    if (!lookup || len == 0 || len > HOST_BYTES_MAX) {
        snprintf(why, why_cap, "%s", lookup ? "no host name" : "out of memory");
        free(lookup);
        return 0;
    }
    memcpy(lookup->host, host, len);
    lookup->hints = (struct addrinfo){.ai_family = AF_UNSPEC, .ai_socktype = SOCK_DGRAM};
    lookup->request = (struct gaicb){.ar_name = lookup->host, .ar_request = &lookup->hints};
    int code = lookup_run(lookup, wait_ms);
    if (code == EAI_INPROGRESS) {
        snprintf(why, why_cap, "no answer from the name servers within %u s", wait_ms / 1000);
        return 0;
    }
    unsigned count = code == 0 ? addresses_pick(lookup->request.ar_result, port, out) : 0;
    if (count == 0)
        snprintf(why, why_cap, "%s", code ? gai_strerror(code) : "it has no address");
    lookup_free(lookup);
    assert(count <= 2);
    return count;
}
