#include "transport/ice_agent_answers.h"

#include <assert.h>
#include <dlfcn.h>
#include <gio/gio.h>
#include <stun/usages/ice.h>
#include <string.h>

#define KEY "rotunda-relays"
#define STUN_DATA_INDICATION 0x0017

typedef gssize receive_function(GSocket *socket, GSocketAddress **address, GInputVector *vectors,
                                gint num_vectors, GSocketControlMessage ***messages, gint *num_messages,
                                gint *flags, GCancellable *cancellable, GError **error);
typedef StunUsageIceReturn process_function(StunMessage *msg, struct sockaddr_storage *addr,
                                            socklen_t *addrlen, StunUsageIceCompatibility compatibility);

// The datagram that this thread has taken last: libnice reads it before it takes another one.
static _Thread_local struct {
    GSocket *socket; // NULL: one that is not watched
    struct addr from;
    bool relayed;
} last;

void ice_agent_answers_watch(struct _GSocket *socket, struct ice_agent_relays *relays) {
    g_object_set_data(G_OBJECT(socket), KEY, relays);
    if (!relays && last.socket == socket)
        last.socket = NULL;
}

// What dlsym finds behind our own function of that name.
static void *theirs(const char *name) {
    void *found = dlsym(RTLD_NEXT, name);
    assert(found);
    return found;
}

static void from_native(GSocketAddress *address, struct addr *out) {
    struct sockaddr_storage sa = {0};
    if (g_socket_address_to_native(address, &sa, sizeof sa, NULL))
        addr_from_sockaddr((struct sockaddr *)&sa, out);
    else
        *out = (struct addr){0};
}

// Whether it came over a TURN server (RFC 8656): in ChannelData or a Data indication.
static bool is_relayed(const GInputVector *vector, gssize len) {
    const uint8_t *bytes = vector->buffer;
    if (len < 2 || vector->size < 2)
        return false;
    return (bytes[0] & 0xc0) == 0x40 || (bytes[0] << 8 | bytes[1]) == STUN_DATA_INDICATION;
}

// Visible in whatever way the rest is built, as the other one below: else the libraries would go on with
// theirs.
#define VISIBLE __attribute__((visibility("default")))

VISIBLE gssize g_socket_receive_message(GSocket *socket, GSocketAddress **address, GInputVector *vectors,
                                        gint num_vectors, GSocketControlMessage ***messages,
                                        gint *num_messages, gint *flags, GCancellable *cancellable,
                                        GError **error) {
    static _Atomic(receive_function *) function;
    receive_function *receive = function;
    if (!receive)
        function = receive = (receive_function *)theirs("g_socket_receive_message");
    gssize len =
        receive(socket, address, vectors, num_vectors, messages, num_messages, flags, cancellable, error);
    bool watched =
        len > 0 && num_vectors > 0 && address && *address && g_object_get_data(G_OBJECT(socket), KEY);
    last.socket = watched ? socket : NULL;
    if (watched) {
        last.relayed = is_relayed(vectors, len);
        if (last.relayed)
            from_native(*address, &last.from);
    }
    return len;
}

// Over this server, at this socket: what was said first, if it is a place of ours; from then on always that.
static const struct addr *place_of(struct ice_agent_relays *relays, int fd, const struct addr *said) {
    for (unsigned i = 0; i < relays->learnt; i++)
        if (relays->list[i].fd == fd && addr_equal(&relays->list[i].server, &last.from))
            return &relays->list[i].place;
    const struct addr *place = &relays->places[0];
    for (unsigned i = 0; i < relays->count; i++)
        if (addr_equal(&relays->places[i], said))
            place = &relays->places[i];
    if (relays->learnt < ICE_AGENT_RELAYS_MAX) {
        relays->list[relays->learnt].fd = fd;
        relays->list[relays->learnt].server = last.from;
        relays->list[relays->learnt++].place = *place;
    }
    return place;
}

// Where the check left from. False: it is not known.
static bool asked_from(const struct sockaddr_storage *said, struct addr *out) {
    struct ice_agent_relays *relays = g_object_get_data(G_OBJECT(last.socket), KEY);
    int fd = g_socket_get_fd(last.socket);
    if (last.relayed) {
        struct addr address;
        addr_from_sockaddr((const struct sockaddr *)said, &address);
        if (relays->count > 0)
            *out = *place_of(relays, fd, &address);
        return relays->count > 0;
    }
    struct sockaddr_storage sa;
    socklen_t len = sizeof sa;
    bool known = getsockname(fd, (struct sockaddr *)&sa, &len) == 0;
    if (known)
        addr_from_sockaddr((struct sockaddr *)&sa, out);
    return known;
}

VISIBLE StunUsageIceReturn stun_usage_ice_conncheck_process(StunMessage *msg, struct sockaddr_storage *addr,
                                                            socklen_t *addrlen,
                                                            StunUsageIceCompatibility compatibility) {
    static _Atomic(process_function *) function;
    process_function *process = function;
    struct addr from;
    if (!process)
        function = process = (process_function *)theirs("stun_usage_ice_conncheck_process");
    StunUsageIceReturn result = process(msg, addr, addrlen, compatibility);
    if (result == STUN_USAGE_ICE_RETURN_SUCCESS && last.socket && asked_from(addr, &from))
        *addrlen = addr_to_sockaddr(&from, addr);
    return result;
}
