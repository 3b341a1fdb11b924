// What an operator named, looked at before anything starts.
#include "server/app.h"
#include "server/gate.h"
#include "server/web/tls_identity.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

// A folder that the operator names must be there. Whether it has a page is told at the start, and by the
// doctor: one that is about to be filled is none of our business.
bool app_web_root_exists(const struct config *config, char *error, size_t error_cap) {
    struct stat info;
    if (!config->web_root[0])
        return true;
    int failure = stat(config->web_root, &info) != 0 ? errno : S_ISDIR(info.st_mode) ? 0 : ENOTDIR;
    if (failure)
        snprintf(error, error_cap, "web-root: \"%.200s\" cannot be read: %s", config->web_root,
                 strerror(failure));
    return failure == 0;
}

bool app_check(const struct config *config, char *error, size_t error_cap) {
    if (!app_web_root_exists(config, error, error_cap))
        return false;
    struct gate *gate = gate_open(config, error, error_cap);
    gate_close(gate);
    if (!gate)
        return false;
    struct tls_identity *identity = NULL;
    if (config->tls_cert[0]) {
        identity = tls_identity_load(config->tls_cert, config->tls_key, error, error_cap);
        if (!identity)
            return false;
    }
    tls_identity_free(identity);
    return true;
}
