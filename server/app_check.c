// What an operator named, looked at before anything starts.
#include "server/app.h"
#include "server/gate.h"
#include "server/web/tls_identity.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

// 0, or why this process cannot go into that folder, or (W_OK) make others in it.
static int folder_failure(const char *path, int mode) {
    struct stat info;
    if (stat(path, &info) != 0)
        return errno;
    if (!S_ISDIR(info.st_mode))
        return ENOTDIR;
    return access(path, mode | X_OK) != 0 ? errno : 0;
}

// Whether there is a page is told at the start, and by the doctor: a folder that is about to be filled is
// none of our business.
bool app_folders_exist(const struct config *config, char *error, size_t error_cap) {
    int failure = config->web_root[0] ? folder_failure(config->web_root, 0) : 0;
    if (failure) {
        snprintf(error, error_cap, "web-root: \"%.200s\" cannot be read: %s", config->web_root,
                 strerror(failure));
        return false;
    }
    failure = config->record_dir[0] ? folder_failure(config->record_dir, W_OK) : 0;
    if (failure)
        snprintf(error, error_cap, "record-dir: no folder can be made in \"%.200s\": %s", config->record_dir,
                 strerror(failure));
    return failure == 0;
}

bool app_check(const struct config *config, char *error, size_t error_cap) {
    if (!app_folders_exist(config, error, error_cap))
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
