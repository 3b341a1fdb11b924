#include "record/compose.h"

#include <errno.h>
#include <jansson.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define WIDTH 1280
#define HEIGHT 720
#define TEXT_MAX (16 * 1024 * 1024)
#define ARGS_MAX (2 * COMPOSE_FILES_MAX + 32)

// ---- what there is

static void read_file(const json_t *event, struct compose_file *out) {
    const char *name = json_string_value(json_object_get(event, "file"));
    const char *kind = json_string_value(json_object_get(event, "kind"));
    const char *source = json_string_value(json_object_get(event, "source"));
    snprintf(out->name, sizeof out->name, "%s", name);
    snprintf(out->source, sizeof out->source, "%s", source ? source : "");
    out->video = kind && strstr(kind, "video") != NULL;
    out->audio = !kind || strstr(kind, "audio") != NULL;
    out->begins_s = json_number_value(json_object_get(event, "begins"));
    out->rotation = (unsigned)json_integer_value(json_object_get(event, "rotation")) % 360;
}

unsigned compose_read(const char *text, struct compose_file out[COMPOSE_FILES_MAX], double *seconds) {
    unsigned count = 0;
    *seconds = 0;
    while (*text) {
        size_t len = strcspn(text, "\n");
        json_t *event = json_loadb(text, len, 0, NULL);
        const char *what = json_string_value(json_object_get(event, "event"));
        const char *name = json_string_value(json_object_get(event, "file"));
        // A name without a folder: files of the recording alone are opened.
        double at_s = json_number_value(json_object_get(event, "at"));
        *seconds = at_s > *seconds ? at_s : *seconds;
        if (count < COMPOSE_FILES_MAX && what && name && strcmp(what, "file-opened") == 0 &&
            !strchr(name, '/') && name[0] != '-')
            read_file(event, &out[count++]);
        json_decref(event);
        text += len + (text[len] == '\n');
    }
    return count;
}

// ---- the filter

static const char *turn_of(unsigned rotation) {
    return rotation == 90    ? "transpose=clock,"
           : rotation == 180 ? "hflip,vflip,"
           : rotation == 270 ? "transpose=cclock,"
                             : "";
}

static unsigned columns_of(unsigned count) {
    unsigned columns = 1;
    while (columns * columns < count)
        columns++;
    return columns;
}

// Files keep the times of the recording, so each is laid over a black picture at its own place while it
// lasts.
static void print_pictures(FILE *out, const struct compose_file *files, unsigned count, unsigned pictures,
                           double seconds) {
    unsigned columns = columns_of(pictures), rows = (pictures + columns - 1) / columns, place = 0;
    unsigned width = WIDTH / columns / 2 * 2, height = HEIGHT / rows / 2 * 2;
    fprintf(out, "color=black:s=%dx%d:r=25:d=%.3f[v0]", WIDTH, HEIGHT, seconds);
    for (unsigned i = 0; i < count; i++) {
        if (!files[i].video)
            continue;
        fprintf(out,
                ";[%u:v]%sscale=%u:%u:force_original_aspect_ratio=decrease,pad=%u:%u:-1:-1,setsar=1[p%u]"
                ";[v%u][p%u]overlay=%u:%u:eof_action=pass[v%u]",
                i, turn_of(files[i].rotation), width, height, width, height, place, place, place,
                place % columns * width, place / columns * height, place + 1);
        place++;
    }
    fprintf(out, ";[v%u]format=yuv420p[v]", place);
}

char *compose_filter(const struct compose_file *files, unsigned count, double seconds) {
    char *text = NULL;
    size_t len;
    unsigned pictures = 0, sounds = 0;
    FILE *out = open_memstream(&text, &len);
    if (!out)
        return NULL;
    for (unsigned i = 0; i < count; i++) {
        pictures += files[i].video != 0;
        sounds += files[i].audio != 0;
    }
    if (pictures > 0)
        print_pictures(out, files, count, pictures, seconds);
    for (unsigned i = 0; i < count; i++)
        if (files[i].audio)
            fprintf(out, "%s[%u:a]aresample=48000:async=1:first_pts=0[a%u]", pictures > 0 || i > 0 ? ";" : "",
                    i, i);
    if (sounds > 0)
        fputc(';', out);
    for (unsigned i = 0; i < count; i++)
        if (files[i].audio)
            fprintf(out, "[a%u]", i);
    if (sounds > 0)
        fprintf(out, "amix=inputs=%u:duration=longest:normalize=0,alimiter[a]", sounds);
    return fclose(out) == 0 ? text : NULL;
}

// ---- running it

static char *read_text(const char *folder) {
    char path[1024];
    snprintf(path, sizeof path, "%.900s/events.jsonl", folder);
    FILE *in = fopen(path, "re");
    char *text = in ? malloc(TEXT_MAX + 1) : NULL;
    if (!text) {
        fprintf(stderr, "rotunda-record: %s: %s\n", path, strerror(errno));
    } else {
        size_t len = fread(text, 1, TEXT_MAX, in);
        text[len] = '\0';
    }
    if (in)
        fclose(in);
    return text;
}

static int run_ffmpeg(char *const args[]) {
    pid_t child = fork();
    int status = -1;
    if (child == 0) {
        execvp("ffmpeg", args);
        fprintf(stderr, "rotunda-record: ffmpeg cannot be run: %s\n", strerror(errno));
        _exit(127);
    }
    while (child > 0 && waitpid(child, &status, 0) < 0 && errno == EINTR)
        continue;
    return child > 0 && WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

static int compose(const char *folder, const char *file, const struct compose_file *files, unsigned count,
                   double seconds) {
    static char paths[COMPOSE_FILES_MAX][1400];
    const char *args[ARGS_MAX + COMPOSE_FILES_MAX * 2] = {"ffmpeg", "-hide_banner", "-loglevel",
                                                          "error",  "-y",           "-copyts"};
    unsigned n = 6, pictures = 0, sounds = 0;
    for (unsigned i = 0; i < count; i++) {
        snprintf(paths[i], sizeof paths[i], "%.1000s/%.*s", folder, (int)sizeof files[i].name, files[i].name);
        args[n++] = "-i";
        args[n++] = paths[i];
        pictures += files[i].video != 0;
        sounds += files[i].audio != 0;
    }
    char *filter = compose_filter(files, count, seconds);
    if (!filter)
        return 1;
    args[n++] = "-filter_complex";
    args[n++] = filter;
    if (pictures > 0) {
        args[n++] = "-map";
        args[n++] = "[v]";
    }
    if (sounds > 0) {
        args[n++] = "-map";
        args[n++] = "[a]";
    }
    args[n++] = file;
    args[n] = NULL;
    int status = run_ffmpeg((char *const *)(uintptr_t)args);
    free(filter);
    return status;
}

int compose_main(const char *folder, const char *file) {
    static struct compose_file files[COMPOSE_FILES_MAX];
    char *text = read_text(folder);
    double seconds = 0;
    unsigned count = text ? compose_read(text, files, &seconds) : 0;
    free(text);
    if (!text)
        return 1;
    if (count == 0) {
        fprintf(stderr, "rotunda-record: %s has no file of a recording\n", folder);
        return 1;
    }
    return compose(folder, file, files, count, seconds);
}
