// secret_files: the files of the settings that decide who may come in, and whether other users of this
// machine may read or change them.
//
// What counts is whether somebody who is neither the owner nor in the group gets to the file, through all
// folders above it; a folder where anybody may exchange it is as good as a file that anybody may write.
// Control thread; some system calls for each file.
#ifndef SERVER_SECRET_FILES_H
#define SERVER_SECRET_FILES_H

#include "server/config/config.h"

#include <stdbool.h>
#include <stddef.h>

#define SECRET_FILES_MAX 5

struct secret_file {
    const char *setting; // "keys"; lives for ever
    const char *path;    // as the settings have it, in them
    bool others_read, others_write;
};

// Those that are set and there; how many.
size_t secret_files_examine(const struct config *config, struct secret_file out[SECRET_FILES_MAX]);

#endif
