// An independent full-ICE peer, libnice's NiceAgent, against the responder over loopback UDP.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/clock.h"
#include "transport/ice.h"
#include "transport/udp_port.h"

#include <nice/agent.h>
#include <stdio.h>
#include <stdlib.h>

#define AGENTS 4
#define DEADLINE_US (20 * US_PER_SECOND)

struct peer {
    NiceAgent *agent;
    guint stream;
    NiceComponentState component;
    bool gathered;
    char got[32]; // what the agent received
    struct ice ice;
    unsigned checks, nominations;
};

struct world {
    GMainContext *context;
    struct pool *pool;
    struct udp_port *port;
    struct ice_stun *stun;
    struct peer peers[AGENTS];
    char heard[AGENTS][32]; // what the server got from validated tuples
    unsigned rejected;
};

static void on_gathered(NiceAgent *agent, guint stream, gpointer data) {
    (void)agent;
    (void)stream;
    ((struct peer *)data)->gathered = true;
}

static void on_component(NiceAgent *agent, guint stream, guint component, guint state, gpointer data) {
    (void)agent;
    (void)stream;
    (void)component;
    ((struct peer *)data)->component = (NiceComponentState)state;
}

static void on_received(NiceAgent *agent, guint stream, guint component, guint len, gchar *bytes,
                        gpointer data) {
    (void)agent;
    (void)stream;
    (void)component;
    struct peer *peer = data;
    memcpy(peer->got, bytes, len < sizeof peer->got ? len : sizeof peer->got - 1);
}

static void peer_start(struct world *w, struct peer *peer, bool nominate_first, const char *ip) {
    NiceAddress address;
    // Even agents nominate regularly (a check, then a second with USE-CANDIDATE), odd ones aggressively.
    peer->agent = nice_agent_new_full(w->context, NICE_COMPATIBILITY_RFC5245,
                                      NICE_AGENT_OPTION_CONSENT_FRESHNESS |
                                          (nominate_first ? 0 : NICE_AGENT_OPTION_REGULAR_NOMINATION));
    g_object_set(peer->agent, "controlling-mode", TRUE, "ice-tcp", FALSE, "upnp", FALSE, NULL);
    nice_address_init(&address);
    assert_true(nice_address_set_from_string(&address, ip));
    nice_agent_add_local_address(peer->agent, &address);
    peer->stream = nice_agent_add_stream(peer->agent, 1);
    assert_true(peer->stream > 0);
    g_signal_connect(peer->agent, "candidate-gathering-done", G_CALLBACK(on_gathered), peer);
    g_signal_connect(peer->agent, "component-state-changed", G_CALLBACK(on_component), peer);
    nice_agent_attach_recv(peer->agent, peer->stream, 1, w->context, on_received, peer);
    assert_true(nice_agent_gather_candidates(peer->agent, peer->stream));
}

static void peer_connect(struct world *w, struct peer *peer, const char *server_ip, bool restart) {
    struct ice_credentials credentials;
    ice_credentials_make(3, &credentials);
    if (restart)
        ice_restart(&peer->ice, &credentials, clock_now_us());
    else
        ice_init(&peer->ice, &credentials);
    assert_true(
        nice_agent_set_remote_credentials(peer->agent, peer->stream, credentials.ufrag, credentials.pwd));
    NiceCandidate *candidate = nice_candidate_new(NICE_CANDIDATE_TYPE_HOST);
    candidate->transport = NICE_CANDIDATE_TRANSPORT_UDP;
    candidate->stream_id = peer->stream;
    candidate->component_id = 1;
    candidate->priority = 1076302079;
    g_strlcpy(candidate->foundation, "1", sizeof candidate->foundation);
    assert_true(nice_address_set_from_string(&candidate->addr, server_ip));
    nice_address_set_port(&candidate->addr, udp_port_number(w->port));
    GSList *list = g_slist_append(NULL, candidate);
    assert_int_equal(nice_agent_set_remote_candidates(peer->agent, peer->stream, 1, list), 1);
    g_slist_free_full(list, (GDestroyNotify)nice_candidate_free);
}

static void server_stun(struct world *w, struct udp_datagram *d) {
    struct span ufrag;
    uint8_t reply[ICE_REPLY_MAX];
    struct span bytes = span_of(block_data(d->block), d->block->len);
    if (ice_peek_ufrag(bytes, &ufrag) != ERR_OK)
        return;
    for (int i = 0; i < AGENTS; i++) {
        struct peer *peer = &w->peers[i];
        if (!span_equal(ufrag, span_of_text(peer->ice.credentials.ufrag)) &&
            !span_equal(ufrag, span_of_text(peer->ice.old_credentials.ufrag)))
            continue;
        struct ice_result result;
        ice_input(&peer->ice, w->stun, &d->from, block_data(d->block), d->block->len, clock_now_us(), reply,
                  &result);
        w->rejected += result.err != ERR_OK;
        peer->checks++;
        if (result.reply_len)
            assert_true(udp_port_queue_bytes(w->port, &d->from, span_of(reply, result.reply_len)));
    }
}

static void server_data(struct world *w, struct udp_datagram *d) {
    for (int i = 0; i < AGENTS; i++)
        if (ice_validated(&w->peers[i].ice, &d->from) && d->block->len < sizeof w->heard[i])
            memcpy(w->heard[i], block_data(d->block), d->block->len);
}

static void world_step(struct world *w) {
    struct udp_datagram batch[UDP_PORT_BATCH];
    g_main_context_iteration(w->context, FALSE);
    for (int family = 4; family <= 6; family += 2) {
        unsigned n = udp_port_receive(w->port, family, batch);
        for (unsigned i = 0; i < n; i++) {
            if (batch[i].block->len && block_data(batch[i].block)[0] <= 3)
                server_stun(w, &batch[i]);
            else
                server_data(w, &batch[i]);
            block_release(batch[i].block);
        }
    }
    udp_port_flush(w->port, 1);
}

static bool all_ready(struct world *w) {
    for (int i = 0; i < AGENTS; i++)
        if (w->peers[i].component != NICE_COMPONENT_STATE_READY)
            return false;
    return true;
}

static bool all_heard(struct world *w) {
    for (int i = 0; i < AGENTS; i++)
        if (!w->heard[i][0] || !w->peers[i].got[0])
            return false;
    return true;
}

static bool all_gathered(struct world *w) {
    for (int i = 0; i < AGENTS; i++)
        if (!w->peers[i].gathered)
            return false;
    return true;
}

static bool world_run(struct world *w, bool (*done)(struct world *)) {
    for (uint64_t end = clock_now_us() + DEADLINE_US; clock_now_us() < end;) {
        world_step(w);
        if (done(w))
            return true;
    }
    return false;
}

static int world_start(void **state) {
    char error[128] = "";
    struct world *w = calloc(1, sizeof *w);
    *state = w;
    w->context = g_main_context_new();
    w->pool = pool_create(1024);
    assert_non_null(w->pool);
    w->stun = ice_stun_create();
    assert_non_null(w->stun);
    w->port = udp_port_open(&(struct udp_port_config){0}, w->pool, error, sizeof error);
    assert_non_null(w->port);
    if (!w->port)
        print_message("%s\n", error);
    return w->port ? 0 : -1;
}

static int world_stop(void **state) {
    struct world *w = *state;
    for (int i = 0; i < AGENTS; i++)
        g_clear_object(&w->peers[i].agent);
    while (g_main_context_iteration(w->context, FALSE)) {
    }
    g_main_context_unref(w->context);
    udp_port_close(w->port);
    ice_stun_destroy(w->stun);
    pool_destroy(w->pool);
    free(w);
    return 0;
}

static void four_agents_connect_on_one_port(void **state) {
    struct world *w = *state;
    for (int i = 0; i < AGENTS; i++)
        peer_start(w, &w->peers[i], i % 2, "127.0.0.1");
    assert_true(world_run(w, all_gathered));
    for (int i = 0; i < AGENTS; i++)
        peer_connect(w, &w->peers[i], i == 3 ? "127.0.0.2" : "127.0.0.1", false);
    bool ready = world_run(w, all_ready);
    for (int i = 0; i < AGENTS; i++)
        print_message("agent %d: %s, %u checks; server: state %d, %u tuples\n", i,
                      nice_component_state_to_string(w->peers[i].component), w->peers[i].checks,
                      w->peers[i].ice.state, w->peers[i].ice.path_count);
    assert_true(ready);
    assert_int_equal(w->rejected, 0);
    // And bytes go both ways over what was selected, here "to I" and "from I".
    for (int i = 0; i < AGENTS; i++) {
        char text[16];
        const struct tuple *selected = ice_selected(&w->peers[i].ice);
        assert_non_null(selected);
        snprintf(text, sizeof text, "\x80to %d", i);
        assert_true(udp_port_queue_bytes(w->port, selected, span_of_text(text)));
        snprintf(text, sizeof text,
                 "\x80"
                 "from %d",
                 i);
        assert_int_equal(nice_agent_send(w->peers[i].agent, w->peers[i].stream, 1, (guint)strlen(text), text),
                         strlen(text));
    }
    assert_true(world_run(w, all_heard));
    for (int i = 0; i < AGENTS; i++) {
        char text[16];
        snprintf(text, sizeof text, "\x80to %d", i);
        assert_string_equal(w->peers[i].got, text);
        snprintf(text, sizeof text,
                 "\x80"
                 "from %d",
                 i);
        assert_string_equal(w->heard[i], text);
    }
}

static void an_agent_restarts_ice_on_the_same_path(void **state) {
    struct world *w = *state;
    for (int i = 0; i < AGENTS; i++)
        peer_start(w, &w->peers[i], i % 2, "127.0.0.1");
    assert_true(world_run(w, all_gathered));
    for (int i = 0; i < AGENTS; i++)
        peer_connect(w, &w->peers[i], "127.0.0.1", false);
    assert_true(world_run(w, all_ready));
    for (int i = 0; i < AGENTS; i++) {
        struct peer *peer = &w->peers[i];
        assert_true(nice_agent_restart_stream(peer->agent, peer->stream));
        peer->component = NICE_COMPONENT_STATE_DISCONNECTED;
        peer_connect(w, peer, "127.0.0.1", true);
        assert_non_null(ice_selected(&peer->ice));
    }
    assert_true(world_run(w, all_ready));
    assert_int_equal(w->rejected, 0);
    for (int i = 0; i < AGENTS; i++) // nominated with the new credentials, so the old ones are gone
        assert_int_equal(w->peers[i].ice.old_until_us, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(four_agents_connect_on_one_port, world_start, world_stop),
        cmocka_unit_test_setup_teardown(an_agent_restarts_ice_on_the_same_path, world_start, world_stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
