// ice_servers: the STUN and TURN servers that clients are told of, and their short-lived credentials.
//
// Pure. Any thread.
#ifndef SERVER_ICE_SERVERS_H
#define SERVER_ICE_SERVERS_H

#include "server/common/host_port.h"

#define ICE_URLS_MAX 8
#define ICE_URL_MAX 300 // bytes of one URL and its end
#define TURN_SECRET_MAX 256
#define TURNS_PORT 5349 // RFC 8656, section 3.1; turn and stun: STUN_PORT

struct ice_url {
    char text[ICE_URL_MAX];
    bool turn;   // else STUN
    bool secure; // turns:, stuns:
    bool tcp;    // ?transport=tcp, or secure without ?transport=udp
    struct host_port server;
};

// "stun:HOST[:PORT]" (RFC 7064), "turn:HOST[:PORT][?transport=udp|tcp]" (RFC 7065), and their secure kinds. A
// browser refuses a whole list for one bad URL, so this takes nothing else.
bool ice_url_parse(const char *text, size_t len, struct ice_url *out);

struct ice_servers {
    unsigned url_count; // 0: clients are told of none
    struct ice_url urls[ICE_URLS_MAX];
    char turn_secret[TURN_SECRET_MAX]; // shared with the TURN server; set if one of the URLs is TURN
    uint32_t turn_ttl_seconds;
};

// Whether one of the URLs is TURN.
bool ice_servers_have_turn(const struct ice_servers *servers);

struct turn_credential {
    char username[64];
    char password[32];
};

// What a TURN server takes that shares the secret (coturn's use-auth-secret; the "REST API for access to TURN
// services"): the username is "EXPIRY:USER", with the expiry in seconds since 1970, the password is the
// base64 of HMAC-SHA1(secret, username). `user` is cut after 40 bytes; it only tells people apart in the TURN
// server's log.
void turn_credential_make(const char *secret, uint64_t expires_at, const char *user,
                          struct turn_credential *out);

#endif
