#include "transport/ice_agent_hosts.h"

#include <assert.h>
#include <nice/interfaces.h>

static _Thread_local const struct addr *entered;
static _Thread_local unsigned entered_count;

void ice_agent_hosts_enter(const struct addr *hosts, unsigned count) {
    assert(count <= ICE_HOSTS_LISTED_MAX);
    entered = hosts;
    entered_count = count;
}

// The further behind, the more an address is preferred. Visible in whatever way the rest is built: else
// libnice would go on with its own, and tell peers every address of the machine.
__attribute__((visibility("default"))) GList *nice_interfaces_get_local_ips(gboolean include_loopback) {
    GList *list = NULL;
    char ip[ADDR_TEXT_MAX];
    (void)include_loopback;
    for (unsigned i = 0; i < entered_count; i++) {
        addr_print_ip(&entered[i], ip);
        list = g_list_prepend(list, g_strdup(ip));
    }
    return list;
}
