// What the server itself refuses, at addresses of programs: in the form that their clients read, from the
// first byte that can be wrong on.
#include "ws_fixture.h"

static const struct http_route program_routes[] = {
    {HTTP_POST, "/api/v1/*", HTTP_PUBLIC, 10, "", on_health},
    {HTTP_POST, "/whip/*", HTTP_PUBLIC, 10, "", on_health},
};
static const struct http_form_row forms[] = {{"/api/v1/", HTTP_FORM_TWIRP}, {"/whip/", HTTP_FORM_PROBLEM}};

static int set_up_programs(void **state) {
    set_up_serving(state, (struct ws_handlers){.routes = program_routes,
                                               .route_count = 2,
                                               .forms = forms,
                                               .form_count = sizeof forms / sizeof forms[0]});
    return 0;
}

// The answer to this alone, until the server is done with the connection.
static void answer_to(struct fixture *f, const char *request, size_t len, char *out, size_t cap) {
    size_t n = 0;
    int fd = client_connect(f);
    client_write(f, fd, request, len);
    while (n + 1 < cap && client_read(f, fd, out + n, 1))
        n++;
    out[n] = '\0';
    close(fd);
}

#define END "Host: x\r\nConnection: close\r\n\r\n"
#define LISTED "Origin: https://app.example\r\n"

static void each_refusal_has_the_form_of_its_address(void **state) {
    struct fixture *f = *state;
    static const struct {
        const char *request;
        unsigned status;
        const char *code, *header; // of Twirp; a line that the head has
    } rows[] = {
        {"GET %sx HTTP/1.1\r\n" END, 405, "bad_route", "\r\nallow: POST\r\n"},
        {"PUT %sx HTTP/1.1\r\n" END, 405, "bad_route", "\r\nallow: POST\r\n"},
        {"BREW %sx HTTP/1.1\r\n" END, 405, "bad_route", "\r\nallow: POST\r\n"},
        {"GET %sx HTTP/1.1\r\n" LISTED END, 405, "bad_route", "\r\naccess-control-allow-origin: https://app"},
        {"POST %s HTTP/1.1\r\n" END, 404, "bad_route", ""},
        {"GET %s HTTP/1.1\r\n" END, 404, "bad_route", ""},
        {"BREW %s HTTP/1.1\r\n" END, 501, "unimplemented", ""},
        {"POST %sx HTTP/1.1\r\nContent-Length: 11\r\n" END "12345678901", 413, "resource_exhausted", ""},
        {"POST %sx HTTP/1.1\r\nContent-Length: 9999999999999999\r\n" END, 413, "resource_exhausted", ""},
        {"POST %sx HTTP/1.1\r\nContent-Encoding: gzip\r\nContent-Length: 1\r\n" END "x", 415, "malformed",
         "\r\naccept-encoding: identity\r\n"},
        {"PUT %sx HTTP/1.1\r\nContent-Encoding: gzip\r\nContent-Length: 1\r\n" END "x", 405, "bad_route", ""},
        {"POST %sx HTTP/1.1\r\nTransfer-Encoding: chunked\r\n" END "0\r\n\r\n", 411, "malformed", ""},
        {"POST %sx HTTP/1.1\r\nno field\r\n" END, 400, "malformed", ""},
        {"POST %sx\r\n" END, 400, "malformed", ""},
        {"POST %sx HTTP/2.0\r\n" END, 505, "unimplemented", ""},
        {"POST %s/x HTTP/1.1\r\n" END, 400, "malformed", ""},
        {"POST http://x%s/x HTTP/1.1\r\n" END, 400, "malformed", ""},
        {"\r\nPOST %sx HTTP/1.1\nHost: x\n\n", 400, "malformed", ""},
        {"POST %sx HTTP/1.1\r\nOrigin: https://evil.example\r\n" END, 403, "permission_denied", ""},
        {"GET %sx HTTP/1.1\r\nUpgrade: websocket\r\nHost: x\r\nConnection: upgrade, close\r\n\r\n", 404,
         "bad_route", ""},
    };
    for (size_t i = 0; i < 2 * sizeof rows / sizeof rows[0]; i++) {
        const char *under = i % 2 ? "/whip/" : "/api/v1/",
                   *type = i % 2 ? "application/problem+json" : "application/json";
        char request[512], text[4096], line[64], body[64];
        int len = snprintf(request, sizeof request, rows[i / 2].request, under);
        answer_to(f, request, (size_t)len, text, sizeof text);
        snprintf(line, sizeof line, "HTTP/1.1 %u ", rows[i / 2].status);
        if (i % 2)
            snprintf(body, sizeof body, "\r\n\r\n{\"type\":\"about:blank\",\"title\":\"");
        else
            snprintf(body, sizeof body, "\r\n\r\n{\"code\":\"%s\",\"msg\":\"", rows[i / 2].code);
        char of_type[64];
        snprintf(of_type, sizeof of_type, "\r\ncontent-type: %s\r\n", type);
        if (strncmp(text, line, strlen(line)) != 0 || !strstr(text, of_type) || !strstr(text, body) ||
            !strstr(text, rows[i / 2].header))
            fail_msg("%s\nexpected %s%s, got: %s", request, line, body, text);
    }
}

static void a_head_without_end_is_refused_in_the_form_of_its_address(void **state) {
    struct fixture *f = *state;
    static char request[17000];
    char text[4096];
    memset(request, 'x', sizeof request);
    memcpy(request, "POST /api/v1/x HTTP/1.1\r\nCookie: ", 33);
    answer_to(f, request, sizeof request, text, sizeof text);
    assert_memory_equal(text, "HTTP/1.1 431 ", 13);
    assert_non_null(
        strstr(text, "\r\n\r\n{\"code\":\"resource_exhausted\",\"msg\":\"The request's headers are"));
}

static void elsewhere_it_is_a_page(void **state) {
    struct fixture *f = *state;
    static const char *const requests[] = {"GET /api/v2/ HTTP/1.1\r\n" END, "GET /api HTTP/1.1\r\n" END,
                                           "POST /whips/ HTTP/1.1\r\n" END, "GET //api/v1/ HTTP/1.1\r\n" END,
                                           "/api/v1/\r\n" END};
    for (size_t i = 0; i < sizeof requests / sizeof requests[0]; i++) {
        char text[4096];
        answer_to(f, requests[i], strlen(requests[i]), text, sizeof text);
        if (!strstr(text, "\r\ncontent-type: text/html; charset=utf-8\r\n"))
            fail_msg("%s\n%s", requests[i], text);
    }
}

// The next request on a connection may be for people again.
static void the_form_is_that_of_the_request(void **state) {
    struct fixture *f = *state;
    char text[8192];
    static const char two[] = "GET /api/v1/ HTTP/1.1\r\nHost: x\r\n\r\nGET /none HTTP/1.1\r\n" END;
    answer_to(f, two, sizeof two - 1, text, sizeof text);
    const char *first = strstr(text, "\r\n\r\n{\"code\""), *second = strstr(text, "\r\n\r\n<!doctype html>");
    assert_true(first && second && first < second);
}

int main(void) {
#define PROGRAMS(name) cmocka_unit_test_setup_teardown(name, set_up_programs, tear_down)
    const struct CMUnitTest tests[] = {
        PROGRAMS(each_refusal_has_the_form_of_its_address),
        PROGRAMS(a_head_without_end_is_refused_in_the_form_of_its_address),
        PROGRAMS(elsewhere_it_is_a_page),
        PROGRAMS(the_form_is_that_of_the_request),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
