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

// Tries root + target + ending.
static bool file_try(const char *root, const char *target, const char *ending, struct web_file *out) {
    struct stat info;
    int len = snprintf(out->path, sizeof out->path, "%s%s%s", root, target, ending);
    if (len < 0 || (size_t)len >= sizeof out->path || stat(out->path, &info) != 0 || !S_ISREG(info.st_mode))
        return false;
    out->content_type = content_type_of(out->path);
    // Names below _next/static and assets carry a hash of the content, so what they name never changes.
    bool hashed = strncmp(target, "/_next/static/", 14) == 0 || strncmp(target, "/assets/", 8) == 0;
    out->cache_control = hashed ? "public, max-age=31536000, immutable" : "no-cache";
    snprintf(out->etag, sizeof out->etag, "\"%" PRIxMAX "-%" PRIxMAX "-%lx\"", (uintmax_t)info.st_size,
             (uintmax_t)info.st_mtim.tv_sec, info.st_mtim.tv_nsec);
    return true;
}

bool web_file_find(const char *root, const char *target, struct web_file *out) {
    if (!target_allowed(target))
        return false;
    size_t len = strlen(target);
    if (target[len - 1] == '/')
        return file_try(root, target, "index.html", out);
    return file_try(root, target, "", out) || file_try(root, target, ".html", out) ||
           file_try(root, target, "/index.html", out);
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
    return web_file_find(root, "/", &file) && access(file.path, R_OK) == 0;
}
