#include "server/web/web_files.h"

#include <inttypes.h>
#include <limits.h>
#include <stdint.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *content_type_of(const char *path) {
    static const struct {
        const char *ending, *type;
    } rows[] = {
        {".html", "text/html; charset=utf-8"},
        {".js", "text/javascript; charset=utf-8"},
        {".mjs", "text/javascript; charset=utf-8"},
        {".css", "text/css; charset=utf-8"},
        {".json", "application/json"},
        {".map", "application/json"},
        {".webmanifest", "application/manifest+json"},
        {".txt", "text/plain; charset=utf-8"},
        {".xml", "application/xml"},
        {".svg", "image/svg+xml"},
        {".png", "image/png"},
        {".jpg", "image/jpeg"},
        {".jpeg", "image/jpeg"},
        {".gif", "image/gif"},
        {".webp", "image/webp"},
        {".avif", "image/avif"},
        {".ico", "image/x-icon"},
        {".woff", "font/woff"},
        {".woff2", "font/woff2"},
        {".ttf", "font/ttf"},
        {".wasm", "application/wasm"},
        {".mp3", "audio/mpeg"},
        {".wav", "audio/wav"},
        {".ogg", "audio/ogg"},
        {".mp4", "video/mp4"},
        {".webm", "video/webm"},
    };
    const char *ending = strrchr(path, '.');
    for (size_t i = 0; ending && i < sizeof rows / sizeof rows[0]; i++) {
        if (strcasecmp(rows[i].ending, ending) == 0)
            return rows[i].type;
    }
    return "application/octet-stream";
}

static bool target_allowed(const char *target) {
    if (target[0] != '/')
        return false;
    for (const char *c = target; *c; c++) {
        if ((unsigned char)*c < 0x20 || *c == 0x7f || *c == '\\')
            return false;
        if (*c == '/' && (c[1] == '.' || c[1] == '/'))
            return false;
    }
    return true;
}

// Whether root + target + ending names a plain file.
static bool file_stat(char path[WEB_PATH_MAX], const char *root, const char *target, const char *ending,
                      struct stat *info) {
    int len = snprintf(path, WEB_PATH_MAX, "%s%s%s", root, target, ending);
    return len >= 0 && len < WEB_PATH_MAX && stat(path, info) == 0 && S_ISREG(info->st_mode);
}

static bool older(const struct stat *a, const struct stat *b) {
    return a->st_mtim.tv_sec != b->st_mtim.tv_sec ? a->st_mtim.tv_sec < b->st_mtim.tv_sec
                                                  : a->st_mtim.tv_nsec < b->st_mtim.tv_nsec;
}

// The smallest form that is there and taken; `info` is the file's, and becomes that of what is sent.
static void choose_form(struct web_file *out, unsigned encodings, struct stat *info) {
    struct stat plain = *info;
    out->encoding = ENCODING_IDENTITY;
    out->varies = false;
    memcpy(out->sent, out->path, sizeof out->sent);
    for (unsigned i = ENCODING_GZIP; i < ENCODING_COUNT; i++) {
        char path[WEB_PATH_MAX];
        struct stat form;
        if (!file_stat(path, out->path, http_encoding_ending(i), "", &form) || older(&form, &plain))
            continue;
        out->varies = true;
        if (!(encodings & 1U << i) || form.st_size >= info->st_size)
            continue;
        out->encoding = i;
        memcpy(out->sent, path, sizeof path);
        *info = form;
    }
}

// Tries root + target + ending.
static bool file_try(const char *root, const char *target, const char *ending, unsigned encodings,
                     struct web_file *out) {
    struct stat info;
    if (!file_stat(out->path, root, target, ending, &info))
        return false;
    choose_form(out, encodings, &info);
    out->content_type = content_type_of(out->path);
    // Names below _next/static and assets carry a hash of the content, so what they name never changes.
    bool hashed = strncmp(target, "/_next/static/", 14) == 0 || strncmp(target, "/assets/", 8) == 0;
    out->cache_control = hashed ? "public, max-age=31536000, immutable" : "no-cache";
    snprintf(out->etag, sizeof out->etag, "\"%" PRIxMAX "-%" PRIxMAX "-%lx%s\"", (uintmax_t)info.st_size,
             (uintmax_t)info.st_mtim.tv_sec, info.st_mtim.tv_nsec, http_encoding_ending(out->encoding));
    return true;
}

bool web_file_find(const char *root, const char *target, unsigned encodings, struct web_file *out) {
    if (!target_allowed(target))
        return false;
    size_t len = strlen(target);
    if (target[len - 1] == '/')
        return file_try(root, target, "index.html", encodings, out);
    return file_try(root, target, "", encodings, out) || file_try(root, target, ".html", encodings, out) ||
           file_try(root, target, "/index.html", encodings, out);
}

bool web_root_find(char *out, size_t cap) {
    static const char *const places[] = {"../frontend/dist", "../share/rotunda/web"};
    char program[WEB_PATH_MAX];
    ssize_t len = readlink("/proc/self/exe", program, sizeof program - 1);
    program[len > 0 ? len : 0] = '\0';
    char *slash = strrchr(program, '/');
    if (slash)
        *slash = '\0';
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        char candidate[WEB_PATH_MAX + 64], resolved[PATH_MAX];
        snprintf(candidate, sizeof candidate, "%s/%s", program, places[i]);
        if (realpath(candidate, resolved) && strlen(resolved) < cap) {
            snprintf(out, cap, "%s", resolved);
            return true;
        }
    }
    slash = strrchr(program, '/'); // of the folder that the first place is beside
    if (slash)
        *slash = '\0';
    snprintf(out, cap, "%s%s", program, places[0] + 2);
    return false;
}

bool web_root_has_page(const char *root) {
    struct web_file file;
    return web_file_find(root, "/", 0, &file) && access(file.path, R_OK) == 0;
}
