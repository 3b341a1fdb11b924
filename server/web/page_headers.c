#include "server/web/page_headers.h"

#include <assert.h>
#include <openssl/evp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#define PAGE_BYTES_MAX (1024 * 1024) // of a page that is looked through
#define SCRIPTS_MAX 64               // in one page; a page with more gets no hashes

// The text of the next script that stands in the page at or after *at; NULL at the end.
static const char *next_script(const char *page, const char *end, const char **at, size_t *len) {
    (void)page;
    while (*at < end) {
        const char *tag = memmem(*at, (size_t)(end - *at), "<script", 7);
        if (!tag)
            break;
        const char *c = tag + 7;
        bool source = false;
        for (char quote = 0; c < end && (quote || *c != '>'); c++) {
            if (quote ? *c == quote : *c == '"' || *c == '\'')
                quote = quote ? 0 : *c;
            source = source || (!quote && end - c > 5 && strncasecmp(c, " src=", 5) == 0);
        }
        const char *text = c < end ? c + 1 : end;
        const char *stop = memmem(text, (size_t)(end - text), "</script", 8);
        if (!stop)
            break;
        *at = stop + 8;
        *len = (size_t)(stop - text);
        if (!source && *len)
            return text;
    }
    *at = end;
    return NULL;
}

// " 'sha256-...'" for each script; false when there are too many.
static bool hashes_print(const char *page, size_t len, char *out, size_t cap) {
    const char *at = page, *end = page + len, *text;
    size_t n = 0, text_len;
    for (unsigned count = 0; (text = next_script(page, end, &at, &text_len)); count++) {
        unsigned char digest[32], base64[64];
        if (count == SCRIPTS_MAX || EVP_Digest(text, text_len, digest, NULL, EVP_sha256(), NULL) != 1)
            return false;
        EVP_EncodeBlock(base64, digest, sizeof digest);
        int printed = snprintf(out + n, cap - n, " 'sha256-%s'", base64);
        if (printed < 0 || (size_t)printed >= cap - n)
            return false;
        n += (size_t)printed;
    }
    return true;
}

static char *page_read(int fd, size_t *len) {
    char *page = malloc(PAGE_BYTES_MAX);
    ssize_t n = page ? pread(fd, page, PAGE_BYTES_MAX, 0) : -1;
    if (n < 0) {
        free(page);
        return NULL;
    }
    *len = (size_t)n;
    return page;
}

void page_headers(int fd, const char *frame_ancestors, char *out, size_t cap) {
    char hashes[SCRIPTS_MAX * 56] = "";
    size_t len;
    char *page = page_read(fd, &len);
    if (page && !hashes_print(page, len, hashes, sizeof hashes))
        snprintf(hashes, sizeof hashes, " 'unsafe-inline'");
    free(page);
    // Scripts: WebAssembly may be compiled (the blurred background's), text may not become a script.
    // Styles: the page's libraries write rules and attributes when they run, which no hash can name.
    int n =
        snprintf(out, cap,
                 "content-security-policy: default-src 'self'; script-src 'self' 'wasm-unsafe-eval'%s; "
                 "style-src 'self' "
                 "'unsafe-inline'; img-src 'self' data: blob:; media-src 'self' blob: mediastream:; font-src "
                 "'self' data:; connect-src 'self' ws: wss:; worker-src 'self' blob:; object-src 'none'; "
                 "base-uri 'self'; form-action 'self'; frame-ancestors %s\r\n"
                 "permissions-policy: camera=(self), microphone=(self), display-capture=(self)\r\n"
                 "referrer-policy: no-referrer\r\n",
                 hashes, frame_ancestors);
    assert(n > 0 && (size_t)n < cap);
    (void)n;
}
