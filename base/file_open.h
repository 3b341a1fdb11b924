// file_open: the operator's files, which are read at the start and again while the server runs.
//
// At the start a file may be a pipe or a device (`--keys /dev/stdin`, `--keys <(command)`), and is waited
// for. Later nobody may wait: opening a named pipe stops the thread until somebody writes into it, and a pipe
// that was read once is empty, which for a file of settings would mean that all of them are as if nothing had
// been said. Control thread.
#ifndef BASE_FILE_OPEN_H
#define BASE_FILE_OPEN_H

#include <stdio.h>

// To read; closed in programs that are started. NULL: errno says why.
FILE *file_open(const char *path);
// From now on only what can be read again is opened: regular files.
void file_open_settle(void);
// The end of a sentence "... cannot be read: ", for an errno of the above or of reading.
const char *file_open_reason(int error);

#endif
