#include "server/secret_files.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static bool file_look(struct secret_file *file) {
    char path[PATH_MAX];
    struct stat info;
    bool reach = true;
    if (!realpath(file->path, path)) // past links: what they lead to counts
        return false;
    for (char *end = path; reach && (end = strchr(end, '/')); end++) {
        char after = end[1];
        end[1] = '\0'; // "/etc/", the folder that ends here
        if (stat(path, &info) != 0)
            return false;
        end[1] = after;
        reach = info.st_mode & S_IXOTH;
        file->others_write |= reach && (info.st_mode & S_IWOTH) && !(info.st_mode & S_ISVTX);
    }
    if (stat(path, &info) != 0 || !S_ISREG(info.st_mode))
        return false;
    file->others_read = reach && (info.st_mode & S_IROTH);
    file->others_write |= reach && (info.st_mode & S_IWOTH);
    return true;
}

size_t secret_files_examine(const struct config *c, struct secret_file out[SECRET_FILES_MAX]) {
    const struct secret_file all[SECRET_FILES_MAX] = {
        {.setting = "keys", .path = c->keys},
        {.setting = "rooms", .path = c->rooms},
        {.setting = "tls-key", .path = c->tls_key},
        {.setting = "turn-secret-file", .path = c->turn_secret_file},
        {.setting = "ice-turn-login-file", .path = c->ice_turn_login_file},
    };
    size_t count = 0;
    for (size_t i = 0; i < SECRET_FILES_MAX; i++) {
        out[count] = all[i];
        count += all[i].path[0] && file_look(&out[count]);
    }
    return count;
}
