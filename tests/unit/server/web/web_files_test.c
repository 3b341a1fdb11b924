// Which file a path finds; that nothing outside the root is found.
#include "server/web/web_files.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

struct fixture {
    char top[64], root[80];
};

static const char *const files[] = {
    "secret.txt",    "root/index.html",      "root/app.js",     "root/about.html",
    "root/.hidden",  "root/docs/index.html", "root/noext",      "root/_next/static/a-1f.js",
    "root/a b.txt",  "root/form.js",         "root/form.js.gz", "root/form.js.br",
    "root/large.js", "root/large.js.br",
};
static const char *const folders[] = {"root", "root/docs", "root/empty", "root/_next", "root/_next/static"};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static int set_up(void **state) {
    struct fixture *f = calloc(1, sizeof *f);
    snprintf(f->top, sizeof f->top, "/tmp/rotunda_web_XXXXXX");
    assert_non_null(mkdtemp(f->top));
    snprintf(f->root, sizeof f->root, "%s/root", f->top);
    char path[200];
    for (size_t i = 0; i < COUNT(folders); i++) {
        snprintf(path, sizeof path, "%s/%s", f->top, folders[i]);
        assert_int_equal(mkdir(path, 0755), 0);
    }
    for (size_t i = 0; i < COUNT(files); i++) {
        snprintf(path, sizeof path, "%s/%s", f->top, files[i]);
        FILE *file = fopen(path, "we");
        assert_non_null(file);
        // Each a size of its own; "form.js" larger than its other forms.
        fprintf(file, "%s%*s", files[i],
                strstr(files[i], "form.js.br")   ? 1
                : strstr(files[i], "form.js.gz") ? 20
                                                 : 40,
                "");
        fclose(file);
    }
    *state = f;
    return 0;
}

static int tear_down(void **state) {
    struct fixture *f = *state;
    char path[200];
    for (size_t i = 0; i < COUNT(files); i++) {
        snprintf(path, sizeof path, "%s/%s", f->top, files[i]);
        unlink(path);
    }
    for (size_t i = COUNT(folders); i-- > 0;) {
        snprintf(path, sizeof path, "%s/%s", f->top, folders[i]);
        rmdir(path);
    }
    rmdir(f->top);
    free(f);
    return 0;
}

static void test_paths(void **state) {
    struct fixture *f = *state;
    static const struct {
        const char *target, *file, *type, *cache; // file: NULL when nothing is to be found
    } rows[] = {
        {"/", "/index.html", "text/html; charset=utf-8", "no-cache"},
        {"/index.html", "/index.html", "text/html; charset=utf-8", "no-cache"},
        {"/app.js", "/app.js", "text/javascript; charset=utf-8", "no-cache"},
        {"/about", "/about.html", "text/html; charset=utf-8", "no-cache"},
        {"/docs/", "/docs/index.html", "text/html; charset=utf-8", "no-cache"},
        {"/docs", "/docs/index.html", "text/html; charset=utf-8", "no-cache"},
        {"/noext", "/noext", "application/octet-stream", "no-cache"},
        {"/a b.txt", "/a b.txt", "text/plain; charset=utf-8", "no-cache"},
        {"/_next/static/a-1f.js", "/_next/static/a-1f.js", "text/javascript; charset=utf-8",
         "public, max-age=31536000, immutable"},
        {"/empty/", NULL, NULL, NULL},
        {"/empty", NULL, NULL, NULL},
        {"/missing", NULL, NULL, NULL},
        {"/../secret.txt", NULL, NULL, NULL},
        {"/docs/../../secret.txt", NULL, NULL, NULL},
        {"/docs/..", NULL, NULL, NULL},
        {"/./index.html", NULL, NULL, NULL},
        {"//index.html", NULL, NULL, NULL},
        {"/.hidden", NULL, NULL, NULL},
        {"/..\\secret.txt", NULL, NULL, NULL},
        {"/index.html\n", NULL, NULL, NULL},
        {"index.html", NULL, NULL, NULL},
        {"", NULL, NULL, NULL},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct web_file file;
        bool found = web_file_find(f->root, rows[i].target, 0, &file);
        if (found != (rows[i].file != NULL))
            fail_msg("\"%s\": expected %s", rows[i].target, rows[i].file ? rows[i].file : "nothing");
        if (!found)
            continue;
        assert_string_equal(file.path + strlen(f->root), rows[i].file);
        assert_string_equal(file.content_type, rows[i].type);
        assert_string_equal(file.cache_control, rows[i].cache);
        assert_int_equal(file.etag[0], '"');
    }
}

static void test_too_long_a_path_finds_nothing(void **state) {
    struct fixture *f = *state;
    char target[2 * WEB_PATH_MAX];
    memset(target, 'a', sizeof target);
    target[0] = '/';
    target[sizeof target - 1] = '\0';
    struct web_file file;
    assert_false(web_file_find(f->root, target, 0, &file));
}

static void test_etag_follows_the_content(void **state) {
    struct fixture *f = *state;
    struct web_file before, after;
    assert_true(web_file_find(f->root, "/noext", 0, &before));
    FILE *file = fopen(before.path, "ae");
    fputs("more", file);
    fclose(file);
    assert_true(web_file_find(f->root, "/noext", 0, &after));
    assert_string_not_equal(before.etag, after.etag);
}

// The smallest form that the client takes; never one that is older than the file.
static void test_forms(void **state) {
    struct fixture *f = *state;
    static const struct {
        unsigned taken;
        const char *sent;
        enum http_encoding encoding;
    } rows[] = {
        {0, "/form.js", ENCODING_IDENTITY},
        {1U << ENCODING_GZIP, "/form.js.gz", ENCODING_GZIP},
        {1U << ENCODING_BROTLI, "/form.js.br", ENCODING_BROTLI},
        {1U << ENCODING_GZIP | 1U << ENCODING_BROTLI, "/form.js.br", ENCODING_BROTLI},
    };
    char etags[COUNT(rows)][64];
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct web_file file;
        assert_true(web_file_find(f->root, "/form.js", rows[i].taken, &file));
        assert_string_equal(file.path + strlen(f->root), "/form.js");
        assert_string_equal(file.sent + strlen(f->root), rows[i].sent);
        assert_string_equal(file.content_type, "text/javascript; charset=utf-8");
        assert_int_equal(file.encoding, rows[i].encoding);
        assert_true(file.varies);
        snprintf(etags[i], sizeof etags[i], "%s", file.etag);
    }
    assert_string_not_equal(etags[0], etags[1]);
    assert_string_not_equal(etags[1], etags[2]);
    assert_string_equal(etags[2], etags[3]);
}

static void test_a_form_that_is_no_use_is_not_sent(void **state) {
    struct fixture *f = *state;
    struct web_file file;
    unsigned all = 1U << ENCODING_GZIP | 1U << ENCODING_BROTLI;
    char path[200];
    // "root/app.js" has no other forms.
    assert_true(web_file_find(f->root, "/app.js", all, &file));
    assert_false(file.varies);
    // One that is not smaller.
    assert_true(web_file_find(f->root, "/large.js", all, &file));
    assert_int_equal(file.encoding, ENCODING_IDENTITY);
    assert_true(file.varies);
    // The file was changed after its forms were made.
    snprintf(path, sizeof path, "%s/form.js", f->root);
    struct timespec later[2] = {{.tv_sec = 2000000000}, {.tv_sec = 2000000000}};
    assert_int_equal(utimensat(AT_FDCWD, path, later, 0), 0);
    assert_true(web_file_find(f->root, "/form.js", all, &file));
    assert_int_equal(file.encoding, ENCODING_IDENTITY);
    assert_string_equal(file.sent, file.path);
    assert_false(file.varies);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_paths),
        cmocka_unit_test(test_too_long_a_path_finds_nothing),
        cmocka_unit_test(test_etag_follows_the_content),
        cmocka_unit_test(test_forms),
        cmocka_unit_test(test_a_form_that_is_no_use_is_not_sent),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
