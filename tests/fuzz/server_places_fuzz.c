// What says where something is: HOST:PORT, addresses, networks, ICE URLs, PROXY headers, X-Forwarded-For,
// frame ancestors.
#include "server/web/forwarded.h"
#include "server/hub/ice_servers.h"
#include "server/common/frame_ancestors.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_address(const char *text, size_t len) {
    struct net_address address, again;
    char printed[IP_TEXT_MAX];
    if (!net_address_parse(text, len, &address))
        return;
    net_address_print(&address, printed);
    assert(net_address_parse(printed, strlen(printed), &again) &&
           memcmp(&address, &again, sizeof again) == 0);
}

static void check_proxy(const uint8_t *bytes, size_t len) {
    struct net_address client;
    size_t used, less;
    enum proxy_outcome outcome = proxy_header_read(bytes, len, &used, &client);
    assert(used <= len && used <= PROXY_HEADER_MAX);
    for (size_t n = 0; n < used && outcome == PROXY_FOUND; n++) // no beginning of one is another
        assert(proxy_header_read(bytes, n, &less, &client) == PROXY_MORE);
}

static void check_forwarded(const char *text, size_t len) {
    struct networks trusted;
    struct net_address peer = {{[15] = 1}};
    struct span fields[2] = {span_of(text, len / 2), span_of(text + len / 2, len - len / 2)};
    assert(networks_parse("::1,10.0.0.0/8", &trusted));
    (void)forwarded_client(&peer, &trusted, fields, 2);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char *text = malloc(size + 1), *exact = malloc(size ? size : 1), normal[IP_TEXT_MAX];
    struct host_port place;
    struct ice_url url;
    struct networks networks;
    memcpy(text, data, size);
    text[size] = '\0';
    memcpy(exact, data, size);
    if (host_port_parse(exact, size, 3478, &place))
        assert(place.host[0] && place.port);
    if (ip_normalise(text, normal))
        assert(ip_normalise(normal, normal));
    if (networks_parse(text, &networks))
        assert(networks.count >= 1 && networks.count <= NETWORKS_MAX);
    (void)ice_url_parse(exact, size, &url);
    (void)frame_ancestors_valid(text);
    check_address(exact, size);
    check_proxy((const uint8_t *)exact, size);
    check_forwarded(exact, size);
    free(text);
    free(exact);
    return 0;
}
