#include "base/file_open.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool settled;

void file_open_settle(void) {
    settled = true;
}

FILE *file_open(const char *path) {
    struct stat info;
    if (!settled)
        return fopen(path, "re");
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    bool again = fd >= 0 && fstat(fd, &info) == 0 && (S_ISREG(info.st_mode) || S_ISDIR(info.st_mode));
    FILE *file = again ? fdopen(fd, "r") : NULL; // a folder fails when it is read
    if (!file && fd >= 0) {
        int error = again ? errno : ESPIPE;
        close(fd);
        errno = error;
    }
    return file;
}

const char *file_open_reason(int error) {
    return error == ESPIPE ? "it is a pipe or a device, which can be read at the start alone"
                           : strerror(error);
}
