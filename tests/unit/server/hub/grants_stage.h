// grants_stage: the stage of tests in which people join with what a token says.
#ifndef TESTS_UNIT_SERVER_GRANTS_STAGE_H
#define TESTS_UNIT_SERVER_GRANTS_STAGE_H

#include "stage.h"

// The end of a token, seconds after now.
static uint64_t wall_s;
static inline uint64_t wall_us(void *ctx) {
    (void)ctx;
    return wall_s * US_PER_SECOND;
}

static inline struct stage *stage_with_clock(void) {
    struct stage *s = stage_new();
    const struct hub_io io = {.ctx = s, .post = post, .wall_us = wall_us};
    struct hub_events events = observer;
    events.ctx = s;
    wall_s = 1800000000;
    s->hub = hub_create(&s->config, &io, s->now_us);
    assert_non_null(s->hub);
    hub_observe(s->hub, HUB_OBSERVER_SIGNALLING, &events);
    return s;
}

static inline struct grants grants_of(const char *identity, const char *name, unsigned rights) {
    struct grants grants = {.rights = rights, .room = " r ", .ends_s = wall_s + 3600};
    snprintf(grants.identity, sizeof grants.identity, "%s", identity);
    snprintf(grants.name, sizeof grants.name, "%s", name);
    return grants;
}

static inline struct participant *join_with(struct stage *s, const struct grants *grants,
                                            const char *username, const char *resume_token,
                                            struct hub_refusal *refusal) {
    struct hub_join join = {.room = "r",
                            .username = username,
                            .resume_token = resume_token,
                            .grants = grants,
                            .only_resume = grants == NULL,
                            .capabilities = hub_router_capabilities(s->hub),
                            .connection = ++s->connections,
                            .spent = &s->spent};
    return hub_join(s->hub, &join, refusal);
}

#endif
