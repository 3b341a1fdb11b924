#include "server/certificate.h"

#include "base/clock.h"
#include "base/log.h"

#define ERROR_MAX 1024

bool certificate_load(const struct config *config, struct tls_identity **identity, struct tls_facts *facts,
                      char *error, size_t error_cap) {
    *identity = NULL;
    if (!config->tls_cert[0])
        return true;
    *identity = tls_identity_load(config->tls_cert, config->tls_key, error, error_cap);
    if (*identity)
        tls_identity_facts(*identity, facts);
    return *identity != NULL;
}

void certificate_log(const char *event, const struct tls_facts *facts) {
    char wrong[64];
    LOG_INFO(event, LOG_TEXT("name", facts->name), LOG_TEXT("serial", facts->serial));
    if (tls_dates_judge(facts, (int64_t)(clock_wall_us() / US_PER_SECOND), wrong, sizeof wrong))
        LOG_WARN("browsers will refuse the certificate", LOG_TEXT("reason", wrong),
                 LOG_TEXT("fix", "renew it, then send SIGHUP"));
}

// A bad file leaves everything as it is.
void certificate_reload(const struct config *config, struct ws_server *ws, bool names_are_watched) {
    char error[ERROR_MAX];
    if (!config->tls_cert[0]) {
        if (!names_are_watched && !config->keys[0] && !config->rooms[0])
            LOG_INFO("nothing to read again",
                     LOG_TEXT("reason", "there is no tls-cert, no keys, no rooms, and no name in announce"));
        return;
    }
    struct tls_identity *identity = tls_identity_load(config->tls_cert, config->tls_key, error, sizeof error);
    if (!identity) {
        LOG_ERROR("certificate not reloaded, the one before stays", LOG_TEXT("reason", error));
        return;
    }
    struct tls_facts facts;
    tls_identity_facts(identity, &facts);
    if (ws_server_set_identity(ws, identity))
        certificate_log("certificate reloaded", &facts);
    else
        LOG_ERROR("certificate not reloaded, the one before stays", LOG_TEXT("reason", "out of memory"));
    tls_identity_free(identity);
}
