// secret_files: whether everybody on this machine may read or change the files with the server's secrets, and
// so make tokens, guess passwords, or pass for the server.
//
// What counts is what everybody (S_IROTH, S_IWOTH) may do with the file that a name leads to, through folders
// that let everybody pass: a link's own mode says nothing, and in a folder that is closed any mode is fine. A
// group is somebody's choice (`chgrp rotunda`). Whoever may write to a folder on the way may put another file
// there, unless the folder is sticky as /tmp is.
//
// No network and no waiting, but for reading `keys` again: before threads start, or on the control thread.
#ifndef SERVER_SECRET_FILES_H
#define SERVER_SECRET_FILES_H

#include "server/config/config.h"

#define SECRET_FILES_MAX 6

enum secret_reach { SECRET_CLOSED, SECRET_READABLE, SECRET_CHANGEABLE };

struct secret_file {
    const char *setting, *path;
    enum secret_reach reach; // of everybody on this machine
};

// What everybody may do with the file, which is a regular one; false: it is none, or cannot be seen.
bool secret_file_reach(const char *path, enum secret_reach *out);

// Of all files of the settings that are regular ones, how many. Public keys alone, and settings without
// turn-secret, may be read.
unsigned secret_files_examine(const struct config *config, struct secret_file out[SECRET_FILES_MAX]);

#endif
