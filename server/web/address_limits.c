#include "server/web/address_limits.h"

#include "base/clock.h"
#include "base/hmap.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define MINUTE_US (60 * US_PER_SECOND)
#define SWEEP_STEPS 64 // entries looked at when a place is needed
#define SITE_BYTES 6   // of an IPv6 address that one site has: a /48
#define SITE_FACTOR 2  // of what one of its /64 may
#define SITE_MARK 48   // in the last byte, where the key of a /64 has none

// What is counted: an address (of IPv6 a /64), and of IPv6 its site.
enum width { NARROW, SITE, WIDTHS };

struct entry {
    struct net_address address;
    bool used;
    enum width width;
    uint32_t waiting, joined; // connections
    // Virtual scheduling: when everything so far would be paid for; a minute may be owed.
    uint64_t rooms_due_us, failed_due_us;
};

struct address_limits {
    struct address_limits_config config;
    struct hmap *places; // address -> index
    struct entry *entries;
    uint32_t entries_used; // the first that was never used
    uint32_t *free;        // places that were used and are not
    uint32_t free_count;
    uint32_t sweep;             // where the next search for an entry that owes nothing begins
    uint32_t sites;             // entries of sites
    struct entry crowd[WIDTHS]; // all that found no place
};

struct address_limits *address_limits_create(const struct address_limits_config *config) {
    assert(config->addresses_max > 0);
    struct address_limits *limits = calloc(1, sizeof *limits);
    if (!limits)
        return NULL;
    limits->config = *config;
    limits->places = hmap_create(sizeof(struct net_address), config->addresses_max);
    limits->entries =
        calloc(config->addresses_max, sizeof *limits->entries); // pages come when they are touched
    limits->free = calloc(config->addresses_max, sizeof *limits->free);
    for (enum width width = NARROW; width < WIDTHS; width++)
        limits->crowd[width] = (struct entry){.used = true, .width = width};
    if (limits->places && limits->entries && limits->free)
        return limits;
    address_limits_destroy(limits);
    return NULL;
}

void address_limits_destroy(struct address_limits *limits) {
    if (!limits)
        return;
    hmap_destroy(limits->places);
    free(limits->entries);
    free(limits->free);
    free(limits);
}

void address_limits_set(struct address_limits *limits, const struct address_limits_config *config) {
    uint32_t addresses_max = limits->config.addresses_max;
    limits->config = *config;
    limits->config.addresses_max = addresses_max;
}

static enum width widths_of(const struct net_address *address) {
    return net_address_is_v4(address) ? SITE : WIDTHS;
}

static struct net_address key_of(const struct net_address *address, enum width width) {
    struct net_address key = net_address_base(address);
    if (width == SITE) {
        memset(key.bytes + SITE_BYTES, 0, sizeof key.bytes - SITE_BYTES);
        key.bytes[sizeof key.bytes - 1] = SITE_MARK;
    }
    return key;
}

static uint32_t times(uint32_t limit, enum width width) {
    return width == SITE ? limit * SITE_FACTOR : limit;
}

static bool owes_nothing(const struct entry *e, uint64_t now_us) {
    return e->waiting == 0 && e->joined == 0 && e->rooms_due_us <= now_us && e->failed_due_us <= now_us;
}

static void entry_release(struct address_limits *limits, struct entry *e) {
    hmap_remove(limits->places, &e->address);
    e->used = false;
    limits->sites -= e->width == SITE;
    limits->free[limits->free_count++] = (uint32_t)(e - limits->entries);
}

// Looks at some entries in turn for those that need not be remembered.
static void sweep(struct address_limits *limits, uint64_t now_us) {
    for (unsigned i = 0; i < SWEEP_STEPS && limits->entries_used; i++) {
        struct entry *e = &limits->entries[limits->sweep++ % limits->entries_used];
        if (e->used && owes_nothing(e, now_us))
            entry_release(limits, e);
    }
}

static struct entry *entry_find(const struct address_limits *limits, const struct net_address *address,
                                enum width width) {
    struct net_address key = key_of(address, width);
    uint32_t place = hmap_get(limits->places, &key);
    return place == HMAP_NONE ? NULL : &limits->entries[place];
}

static const struct entry *entry_or_crowd(const struct address_limits *limits,
                                          const struct net_address *address, enum width width) {
    const struct entry *e = entry_find(limits, address, width);
    return e ? e : &limits->crowd[width];
}

// Good until the next one is taken.
static struct entry *entry_take(struct address_limits *limits, const struct net_address *address,
                                enum width width, uint64_t now_us) {
    struct entry *e = entry_find(limits, address, width);
    if (e)
        return e;
    if (limits->free_count == 0 && limits->entries_used == limits->config.addresses_max)
        sweep(limits, now_us);
    bool fresh = limits->free_count == 0;
    if (fresh && limits->entries_used == limits->config.addresses_max)
        return &limits->crowd[width];
    uint32_t place = fresh ? limits->entries_used : limits->free[limits->free_count - 1];
    struct net_address key = key_of(address, width);
    if (hmap_put(limits->places, &key, place) != ERR_OK)
        return &limits->crowd[width];
    if (fresh)
        limits->entries_used++;
    else
        limits->free_count--;
    limits->entries[place] = (struct entry){.address = key, .used = true, .width = width};
    limits->sites += width == SITE;
    return &limits->entries[place];
}

// The entry that a connection was counted in. One that came when the table was full is in the crowd for good,
// and an entry of its own may have been made since, for another of its address.
static struct entry *entry_counted(struct address_limits *limits, const struct net_address *address,
                                   enum width width, bool joined) {
    struct entry *e = entry_find(limits, address, width);
    return e && (joined ? e->joined : e->waiting) ? e : &limits->crowd[width];
}

// ---- connections

static uint64_t waiting_allowed(const struct address_limits *limits, const struct entry *e) {
    return (uint64_t)times(limits->config.waiting_max, e->width) + e->joined;
}

static void disconnect(struct address_limits *limits, const struct net_address *address, enum width width,
                       uint64_t now_us) {
    struct entry *e = entry_counted(limits, address, width, false);
    assert(e->waiting > 0);
    e->waiting--;
    if (e != &limits->crowd[width] && owes_nothing(e, now_us))
        entry_release(limits, e);
}

bool address_limits_connect(struct address_limits *limits, const struct net_address *address,
                            uint64_t now_us) {
    for (enum width width = NARROW; width < widths_of(address); width++) {
        struct entry *e = entry_take(limits, address, width, now_us);
        if (limits->config.waiting_max && e->waiting >= waiting_allowed(limits, e)) {
            if (width == SITE)
                disconnect(limits, address, NARROW, now_us);
            return false;
        }
        e->waiting++;
    }
    return true;
}

void address_limits_disconnect(struct address_limits *limits, const struct net_address *address,
                               uint64_t now_us) {
    for (enum width width = NARROW; width < widths_of(address); width++)
        disconnect(limits, address, width, now_us);
}

void address_limits_joined(struct address_limits *limits, const struct net_address *address,
                           uint64_t now_us) {
    (void)now_us;
    for (enum width width = NARROW; width < widths_of(address); width++) {
        struct entry *e = entry_counted(limits, address, width, false);
        assert(e->waiting > 0);
        e->waiting--;
        e->joined++;
    }
}

void address_limits_left(struct address_limits *limits, const struct net_address *address, uint64_t now_us) {
    (void)now_us;
    for (enum width width = NARROW; width < widths_of(address); width++) {
        struct entry *e = entry_counted(limits, address, width, true);
        assert(e->joined > 0);
        e->joined--;
        e->waiting++;
    }
}

bool address_limits_roomy(const struct address_limits *limits, const struct net_address *address) {
    for (enum width width = NARROW; width < widths_of(address); width++) {
        const struct entry *e = entry_or_crowd(limits, address, width);
        if (limits->config.waiting_max && e->waiting > waiting_allowed(limits, e) / 2)
            return false;
    }
    return true;
}

// ---- what comes by the minute

static bool may_owe(uint64_t due_us, uint32_t per_minute, uint64_t now_us, unsigned *wait_seconds) {
    *wait_seconds = 0;
    if (per_minute == 0 || due_us <= now_us || due_us - now_us + MINUTE_US / per_minute <= MINUTE_US)
        return true;
    uint64_t over_us = due_us - now_us + MINUTE_US / per_minute - MINUTE_US;
    *wait_seconds = (unsigned)((over_us + US_PER_SECOND - 1) / US_PER_SECOND);
    return false;
}

static void owe(uint64_t *due_us, uint32_t per_minute, uint64_t now_us) {
    if (per_minute == 0)
        return;
    uint64_t most_us = now_us + MINUTE_US;
    *due_us = (*due_us < now_us ? now_us : *due_us) + MINUTE_US / per_minute;
    if (*due_us > most_us) // what could not be refused any more is forgiven
        *due_us = most_us;
}

bool address_limits_may_join(struct address_limits *limits, const struct net_address *address,
                             uint64_t now_us, unsigned *wait_seconds) {
    bool may = true;
    *wait_seconds = 0;
    for (enum width width = NARROW; width < widths_of(address); width++) {
        const struct entry *e = entry_or_crowd(limits, address, width);
        unsigned seconds;
        bool here =
            may_owe(e->failed_due_us, times(limits->config.failed_joins_per_minute, width), now_us, &seconds);
        may = may && here;
        *wait_seconds = seconds > *wait_seconds ? seconds : *wait_seconds;
    }
    return may;
}

void address_limits_join_failed(struct address_limits *limits, const struct net_address *address,
                                uint64_t now_us) {
    for (enum width width = NARROW; width < widths_of(address); width++)
        owe(&entry_take(limits, address, width, now_us)->failed_due_us,
            times(limits->config.failed_joins_per_minute, width), now_us);
}

bool address_limits_open_room(struct address_limits *limits, const struct net_address *address,
                              uint64_t now_us, unsigned *wait_seconds) {
    bool may = true;
    *wait_seconds = 0;
    for (enum width width = NARROW; width < widths_of(address); width++) {
        const struct entry *e = entry_take(limits, address, width, now_us);
        unsigned seconds;
        bool here = may_owe(e->rooms_due_us, times(limits->config.rooms_per_minute, width), now_us, &seconds);
        may = may && here;
        *wait_seconds = seconds > *wait_seconds ? seconds : *wait_seconds;
    }
    for (enum width width = NARROW; may && width < widths_of(address); width++)
        owe(&entry_take(limits, address, width, now_us)->rooms_due_us,
            times(limits->config.rooms_per_minute, width), now_us);
    return may;
}

uint32_t address_limits_count(const struct address_limits *limits) {
    return hmap_count(limits->places) - limits->sites;
}
