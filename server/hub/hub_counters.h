// hub_counters: what the hub counts. A row here is all that a new counter needs besides the line that counts:
// it becomes a member of struct hub_counts and a metric of /metrics; docs/operations.md explains it.
#ifndef SERVER_HUB_COUNTERS_H
#define SERVER_HUB_COUNTERS_H

#include "rooms/media_msg.h"

#include <stdint.h>

// X(member, type of the metric, its name, its help). Gauges are of now and counted when they are read,
// counters are totals since the start.
#define HUB_COUNTERS(X)                                                                                      \
    X(rooms, "gauge", "rotunda_rooms", "Rooms.")                                                             \
    X(participants, "gauge", "rotunda_participants", "Participants in rooms.")                               \
    X(transports, "gauge", "rotunda_transports", "Transports.")                                              \
    X(producers, "gauge", "rotunda_producers", "Tracks that participants send.")                             \
    X(consumers, "gauge", "rotunda_consumers", "Tracks that participants receive.")                          \
    X(relays, "gauge", "rotunda_relays", "Tracks that are carried to a further worker.")                     \
    X(commands_waiting, "gauge", "rotunda_commands_waiting",                                                 \
      "Commands that wait for room in a worker's queue.")                                                    \
    X(held_bytes, "gauge", "rotunda_control_memory_bytes",                                                   \
      "Memory that is held for clients, besides media: sessions, rooms, chat, what waits to be sent.")       \
    X(full_transports, "gauge", "rotunda_ice_full_transports", "Transports with a full ICE agent.")          \
    X(ice_candidates_kept, "counter", "rotunda_ice_candidates_refused_total",                                \
      "Candidates of peers that lead to networks that checks may not go to.")                                \
    X(ice_refused_full, "counter", "rotunda_ice_agents_refused_full_total",                                  \
      "Full ICE agents that were refused since there were ice-agents-max.")                                  \
    X(ice_refused_room, "counter", "rotunda_ice_agents_refused_room_total",                                  \
      "Those of rooms that had ice-agents-per-room.")                                                        \
    X(ice_refused_address, "counter", "rotunda_ice_agents_refused_address_total",                            \
      "Those of addresses that had ice-agents-per-address.")                                                 \
    X(ice_refused_own, "counter", "rotunda_ice_agents_refused_participant_total",                            \
      "Those of participants that had as many as one may have, or asked too often.")                         \
    X(joins, "counter", "rotunda_joins_total", "Participants who joined.")                                   \
    X(joins_refused, "counter", "rotunda_joins_refused_total", "Joins that were refused.")                   \
    X(resumes, "counter", "rotunda_resumes_total", "Sessions resumed on a new connection.")                  \
    X(leaves, "counter", "rotunda_leaves_total", "Participants who left.")

struct hub_counts {
#define HUB_MEMBER(member, ...) uint64_t member;
    HUB_COUNTERS(HUB_MEMBER)
#undef HUB_MEMBER
    uint64_t rate_limited; // refused because one sent others too much; a metric with that of the signalling
    uint64_t transports_by_ice[ICE_STATE_COUNT];   // by enum ice_state
    uint64_t transports_by_dtls[DTLS_STATE_COUNT]; // by enum dtls_state
};

#endif
