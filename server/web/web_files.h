// web_files: from a request's path to a file of the web page, or to nothing.
//
// Only plain files below the root are found. A path with an empty or dotted part ("..", ".git"), a backslash
// or a control character finds nothing; a folder stands for its index.html and is never listed; "about" also
// finds about.html, as static exports of web pages are laid out. Beside a file there may be the same in
// another encoding (http_encoding.h), made when the page was built: it is what is sent to who takes it,
// unless the file is newer. Symbolic links are followed: who may write into the root decides what is served.
#ifndef SERVER_WEB_FILES_H
#define SERVER_WEB_FILES_H

#include "server/web/http_encoding.h"

#include <stdbool.h>
#include <stddef.h>

#define WEB_PATH_MAX 1024

struct web_file {
    char path[WEB_PATH_MAX]; // the file
    char sent[WEB_PATH_MAX]; // what to send of it: itself, or the same in another encoding
    enum http_encoding encoding;
    bool varies;               // there are others
    const char *content_type;  // lives for ever
    const char *cache_control; // lives for ever
    char etag[64];             // quoted; of what is sent
};

// `target` is the decoded path of the request, without query; `encodings` what http_encodings_taken says.
// False: no such file.
bool web_file_find(const char *root, const char *target, unsigned encodings, struct web_file *out);

// Where the page is when the operator names no folder: beside the build (../frontend/dist from the program)
// or the installation (../share/rotunda/web). False: nowhere; `out` then names the first place.
bool web_root_find(char *out, size_t cap);

// Whether the folder has a page to start with: an index.html that can be read.
bool web_root_has_page(const char *root);

#endif
