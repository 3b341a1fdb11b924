// compose: one picture of all files of a recording, by ffmpeg, after its end: those who are seen at a time
// stand in a grid, all sound is mixed. No thread, no state.
#ifndef RECORD_COMPOSE_H
#define RECORD_COMPOSE_H

#include <stddef.h>

#define COMPOSE_FILES_MAX 64

// One file as events.jsonl tells of it.
struct compose_file {
    char name[256];
    char source[64];  // "CAMERA"
    int video, audio; // one of them, or both
    double begins_s;
    unsigned rotation; // degrees clockwise
};

// Reads the lines of events.jsonl; how many files there are, at most COMPOSE_FILES_MAX. *seconds: how long it
// is.
unsigned compose_read(const char *text, struct compose_file out[COMPOSE_FILES_MAX], double *seconds);
// ffmpeg's -filter_complex of these, whose n-th is its n-th input; from malloc, NULL: no memory.
char *compose_filter(const struct compose_file *files, unsigned count, double seconds);
// Runs it; the status of ffmpeg.
int compose_main(const char *folder, const char *file);

#endif
