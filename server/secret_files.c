#include "server/secret_files.h"

#include "server/access/keys.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

// Whether everybody may pass through the folder, and put something else into it.
static bool folder_lets_pass(const char *path, bool *replaceable) {
    struct stat info;
    if (stat(path, &info) != 0 || !(info.st_mode & S_IXOTH))
        return false;
    *replaceable = *replaceable || (info.st_mode & (S_IWOTH | S_ISVTX)) == S_IWOTH;
    return true;
}

bool secret_file_reach(const char *path, enum secret_reach *out) {
    struct stat info;
    char *real = realpath(path, NULL);
    bool seen = real && stat(real, &info) == 0 && S_ISREG(info.st_mode);
    bool passed = seen, replaceable = false;
    for (char *slash = seen ? strchr(real + 1, '/') : NULL; passed && slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        passed = folder_lets_pass(real, &replaceable);
        *slash = '/';
    }
    free(real);
    *out = SECRET_CLOSED;
    if (replaceable || (passed && (info.st_mode & S_IWOTH)))
        *out = SECRET_CHANGEABLE;
    else if (passed && (info.st_mode & S_IROTH))
        *out = SECRET_READABLE;
    return seen;
}

static bool has_secret(const char *path) {
    char ignored[512];
    bool found = false;
    struct keys *keys = malloc(sizeof *keys);
    if (!keys || !keys_load(keys, path, ignored, sizeof ignored)) {
        free(keys);
        return false; // whoever loads it says so
    }
    for (unsigned i = 0; i < keys->count; i++)
        found = found || keys->list[i].kind == KEY_SECRET;
    keys_free(keys);
    free(keys);
    return found;
}

unsigned secret_files_examine(const struct config *config, struct secret_file out[SECRET_FILES_MAX]) {
    const struct secret_file all[SECRET_FILES_MAX] = {
        {.setting = "config", .path = config->file},
        {.setting = "keys", .path = config->keys},
        {.setting = "rooms", .path = config->rooms},
        {.setting = "tls-key", .path = config->tls_key},
        {.setting = "turn-secret-file", .path = config->turn_secret_file},
        {.setting = "ice-turn-login-file", .path = config->ice_turn_login_file},
    };
    unsigned count = 0;
    for (size_t i = 0; i < SECRET_FILES_MAX; i++) {
        struct secret_file file = all[i];
        if (!file.path[0] || !secret_file_reach(file.path, &file.reach))
            continue;
        if (file.reach == SECRET_READABLE && ((file.path == config->file && !config->file_has_secret) ||
                                              (file.path == config->keys && !has_secret(file.path))))
            file.reach = SECRET_CLOSED;
        out[count++] = file;
    }
    return count;
}
