// standard_files: descriptors 0, 1 and 2, as every program expects them.
#ifndef BASE_STANDARD_FILES_H
#define BASE_STANDARD_FILES_H

// Puts /dev/null where one of them is closed, so that no file, socket or pipe of ours gets such a number and
// with it what was meant for a log. First of all in main().
void standard_files_open(void);

#endif
