// What goes over the wire, and what becomes of it by what the receiver answers: a process of a few lines.
#include "base/log.h"
#include "server/webhook/webhook_sender.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define REQUEST_MAX 4096
#define PATIENCE_MS 20000

struct receiver {
    pid_t child;
    int told; // each request as a message of its own, then what was done with its answer
    struct webhook_urls urls;
    struct webhook_sender *sender;
};

// ---- in the child

static void read_request(int fd, char text[REQUEST_MAX]) {
    size_t len = 0;
    const char *body = NULL;
    do {
        ssize_t n = read(fd, text + len, REQUEST_MAX - 1 - len);
        len += n > 0 ? (size_t)n : 0;
        text[len] = '\0';
        body = strstr(text, "\r\n\r\n");
        const char *length = strcasestr(text, "content-length: ");
        if (n <= 0 || (body && length && strlen(body + 4) >= strtoul(length + 16, NULL, 10)))
            return;
    } while (len < REQUEST_MAX - 1);
}

// Bytes without end, until nobody takes them any more.
static bool write_without_end(int fd) {
    static const char bytes[65536] = {'x'};
    for (unsigned i = 0; i < 1024; i++)
        if (send(fd, bytes, sizeof bytes, MSG_NOSIGNAL) < 0)
            return false;
    return true;
}

static void serve(int listening, int tell, const char *const *answers) {
    static char text[REQUEST_MAX];
    for (; *answers; answers++) {
        int fd = accept(listening, NULL, NULL);
        read_request(fd, text);
        (void)!send(tell, text, strlen(text), MSG_NOSIGNAL);
        (void)!send(fd, *answers, strlen(*answers), MSG_NOSIGNAL);
        if (strstr(*answers, "without-end"))
            (void)!send(tell, write_without_end(fd) ? "all" : "cut", 3, MSG_NOSIGNAL);
        close(fd);
    }
    _exit(0);
}

// ---- in the parent

// answers: one for each request, NULL ends them.
static void listens(struct receiver *r, const char *const *answers, char url[128]) {
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t len = sizeof at;
    int pair[2], listening = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(listening, (struct sockaddr *)&at, len), 0);
    assert_int_equal(listen(listening, 8), 0);
    assert_int_equal(getsockname(listening, (struct sockaddr *)&at, &len), 0);
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
    pid_t parent = getpid();
    r->child = fork();
    if (r->child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() != parent) // it was over before that
            _exit(0);
        serve(listening, pair[1], answers);
    }
    close(listening);
    close(pair[1]);
    r->told = pair[0];
    snprintf(url, 128, "http://127.0.0.1:%u/hook?key=1", ntohs(at.sin_port));
}

static void opens(struct receiver *r, const char *const *answers) {
    char url[128];
    listens(r, answers, url);
    assert_true(webhook_urls_parse(url, &r->urls));
    r->sender = webhook_sender_open(&r->urls);
    assert_non_null(r->sender);
}

static void ends(struct receiver *r) {
    if (r->sender)
        webhook_sender_close(r->sender, 0);
    r->sender = NULL;
    if (r->child > 0) {
        kill(r->child, SIGKILL);
        waitpid(r->child, NULL, 0);
    }
    r->child = 0;
}

static void closes(struct receiver *r) {
    ends(r);
    close(r->told);
}

static void posts(struct receiver *r, const char *body) {
    webhook_sender_post(r->sender, 1, body, strlen(body), "a.to.ken");
}

// The next that the receiver tells; "" when it has ended.
static const char *hears(struct receiver *r) {
    static char text[REQUEST_MAX];
    struct pollfd ready = {.fd = r->told, .events = POLLIN};
    assert_int_equal(poll(&ready, 1, PATIENCE_MS), 1);
    ssize_t n = recv(r->told, text, sizeof text - 1, 0);
    text[n > 0 ? n : 0] = '\0';
    return text;
}

static struct webhook_counts counts_of(struct receiver *r) {
    struct webhook_counts counts = {0};
    webhook_sender_read_counts(r->sender, &counts);
    return counts;
}

// As soon as something is known of each. What is to be tried again may have been, meanwhile, and again.
static void expect_counts(struct receiver *r, uint64_t sent, uint64_t lost, bool retried) {
    struct webhook_counts counts = {0};
    for (int i = 0; i < PATIENCE_MS / 2; i++) {
        counts = counts_of(r);
        if (counts.sent + counts.lost + (counts.retried > 0) >= sent + lost + retried)
            break;
        (void)poll(NULL, 0, 2);
    }
    if (counts.sent != sent || counts.lost != lost || (counts.retried > 0) != retried)
        fail_msg("%u sent, %u lost, %u retried", (unsigned)counts.sent, (unsigned)counts.lost,
                 (unsigned)counts.retried);
    assert_int_equal(counts.waiting, retried);
}

// The sender and the receiver end, and nothing more was asked.
static void expect_no_more(struct receiver *r) {
    ends(r);
    assert_string_equal(hears(r), "");
}

#define EMPTY "content-length: 0\r\n\r\n"

static void what_goes_over_the_wire(void **state) {
    (void)state;
    static const char *const answers[] = {"HTTP/1.1 204 No Content\r\n\r\n", NULL};
    struct receiver r;
    opens(&r, answers);
    posts(&r, "{\"event\":\"room_started\"}");
    const char *request = hears(&r);
    static const char *const has[] = {"POST /hook?key=1 HTTP/1.1\r\n",
                                      "\r\nAuthorization: a.to.ken\r\n",
                                      "\r\nContent-Type: application/webhook+json\r\n",
                                      "\r\nContent-Length: 24\r\n",
                                      "\r\nUser-Agent: rotunda/",
                                      "\r\n\r\n{\"event\":\"room_started\"}"};
    for (size_t i = 0; i < sizeof has / sizeof has[0]; i++)
        if (!strstr(request, has[i]))
            fail_msg("%s: no %s", request, has[i]);
    static const char *const has_not[] = {"Expect", "Cookie", "Accept-Encoding", "Bearer"};
    for (size_t i = 0; i < sizeof has_not / sizeof has_not[0]; i++)
        assert_null(strcasestr(request, has_not[i]));
    expect_counts(&r, 1, 0, false);
    webhook_sender_post(r.sender, 1, NULL, 0, "a.to.ken"); // what could not be made
    webhook_sender_post(r.sender, 1, "{}", 2, NULL);       // or not be signed
    expect_counts(&r, 1, 2, false);
    closes(&r);
}

// One request each: whoever is refused, or sent elsewhere, asks no more.
static void what_answers_mean(void **state) {
    (void)state;
    static const struct {
        const char *answer;
        unsigned sent, lost;
        bool retried;
    } rows[] = {
        {"HTTP/1.1 200 OK\r\n" EMPTY, 1, 0, false},
        {"HTTP/1.1 299 Odd\r\n" EMPTY, 1, 0, false},
        {"HTTP/1.1 300 Choices\r\n" EMPTY, 0, 1, false},
        {"HTTP/1.1 302 Found\r\nlocation: /elsewhere\r\n" EMPTY, 0, 1, false},
        {"HTTP/1.1 307 Elsewhere\r\nlocation: file:///etc/passwd\r\n" EMPTY, 0, 1, false},
        {"HTTP/1.1 400 Bad\r\n" EMPTY, 0, 1, false},
        {"HTTP/1.1 401 No\r\nwww-authenticate: Basic\r\n" EMPTY, 0, 1, false},
        {"HTTP/1.1 404 Not Found\r\n" EMPTY, 0, 1, false},
        {"HTTP/1.1 428 Odd\r\n" EMPTY, 0, 1, false},
        {"HTTP/1.1 429 Slower\r\nretry-after: 30\r\n" EMPTY, 0, 0, true},
        {"HTTP/1.1 499 Odd\r\n" EMPTY, 0, 1, false},
        {"HTTP/1.1 500 Broken\r\nretry-after: 30\r\n" EMPTY, 0, 0, true},
        {"HTTP/1.1 503 Away\r\nretry-after: 30\r\n" EMPTY, 0, 0, true},
        {"HTTP/1.1 503 Away\r\n" EMPTY, 0, 0, true},
        {"nonsense\r\n\r\n", 0, 0, true},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const char *const answers[] = {rows[i].answer, "HTTP/1.1 200 OK\r\n" EMPTY, NULL};
        struct receiver r;
        opens(&r, answers);
        posts(&r, "{}");
        assert_non_null(strstr(hears(&r), "POST /hook"));
        expect_counts(&r, rows[i].sent, rows[i].lost, rows[i].retried);
        if (!rows[i].retried)
            expect_no_more(&r);
        closes(&r);
    }
}

// The end is no time to wait: what is to be tried again is, at once.
static void one_more_try_at_the_end(void **state) {
    (void)state;
    static const char *const answers[] = {"HTTP/1.1 503 Away\r\nretry-after: 60\r\n" EMPTY,
                                          "HTTP/1.1 200 OK\r\n" EMPTY, NULL};
    struct receiver r;
    opens(&r, answers);
    posts(&r, "{\"n\":1}");
    assert_non_null(strstr(hears(&r), "{\"n\":1}"));
    expect_counts(&r, 0, 0, true);
    webhook_sender_close(r.sender, 10 * US_PER_SECOND);
    r.sender = NULL;
    assert_non_null(strstr(hears(&r), "{\"n\":1}"));
    closes(&r);
}

static void an_answer_without_end(void **state) {
    (void)state;
    static const char *const answers[] = {"HTTP/1.1 200 OK\r\nx: without-end\r\n\r\n", NULL};
    struct receiver r;
    opens(&r, answers);
    posts(&r, "{}");
    assert_non_null(strstr(hears(&r), "POST /hook"));
    assert_string_equal(hears(&r), "cut");
    expect_counts(&r, 1, 0, false); // it has taken it
    closes(&r);
}

static void await_sent(struct receiver *r, uint64_t sent) {
    for (int i = 0; i < PATIENCE_MS / 2 && counts_of(r).sent < sent; i++)
        (void)poll(NULL, 0, 2);
    assert_int_equal(counts_of(r).sent, sent);
}

// More than go out at once, each on a slot that another one had before.
static void one_behind_the_other(void **state) {
    (void)state;
    static const char *const answers[] = {"HTTP/1.1 200 OK\r\n" EMPTY,
                                          "HTTP/1.1 200 OK\r\n" EMPTY,
                                          "HTTP/1.1 200 OK\r\n" EMPTY,
                                          "HTTP/1.1 200 OK\r\n" EMPTY,
                                          "HTTP/1.1 200 OK\r\n" EMPTY,
                                          "HTTP/1.1 200 OK\r\n" EMPTY,
                                          NULL};
    struct receiver r;
    char body[32];
    opens(&r, answers);
    for (unsigned i = 0; i < WEBHOOK_AT_ONCE + 2; i++) {
        snprintf(body, sizeof body, "{\"n\":%u}", i);
        posts(&r, body);
    }
    for (unsigned i = 0; i < WEBHOOK_AT_ONCE + 2; i++) {
        snprintf(body, sizeof body, "{\"n\":%u}", i);
        assert_non_null(strstr(hears(&r), body));
    }
    await_sent(&r, WEBHOOK_AT_ONCE + 2);
    closes(&r);
}

// It is sent again by itself; a receiver that asks for a day does not mean it.
static void once_more_by_itself(void **state) {
    (void)state;
    static const char *const answers[] = {"HTTP/1.1 503 Away\r\nretry-after: 86400\r\n" EMPTY,
                                          "HTTP/1.1 200 OK\r\n" EMPTY, NULL};
    struct receiver r;
    opens(&r, answers);
    posts(&r, "{}");
    for (unsigned i = 0; i < 2; i++)
        assert_non_null(strstr(hears(&r), "POST /hook"));
    await_sent(&r, 1);
    assert_int_equal(counts_of(&r).retried, 1);
    closes(&r);
}

// Who asks for half a minute is not asked again before another room's event, which has its second try.
static void what_a_receiver_asks_for_is_kept(void **state) {
    (void)state;
    static const char *const answers[] = {"HTTP/1.1 429 Slower\r\nretry-after: 30\r\n" EMPTY,
                                          "HTTP/1.1 503 Away\r\n" EMPTY, "HTTP/1.1 200 OK\r\n" EMPTY, NULL};
    struct receiver r;
    opens(&r, answers);
    webhook_sender_post(r.sender, 1, "{\"room\":1}", 10, "a.to.ken");
    assert_non_null(strstr(hears(&r), "{\"room\":1}"));
    webhook_sender_post(r.sender, 2, "{\"room\":2}", 10, "a.to.ken");
    for (unsigned i = 0; i < 2; i++)
        assert_non_null(strstr(hears(&r), "{\"room\":2}"));
    await_sent(&r, 1);
    assert_int_equal(counts_of(&r).waiting, 1);
    closes(&r);
}

// And at the end each that is owed something gets it once more.
static void each_receiver_gets_it(void **state) {
    (void)state;
    static const char *const answers[] = {"HTTP/1.1 200 OK\r\n" EMPTY, NULL};
    static const char *const others[] = {"HTTP/1.1 503 Away\r\nretry-after: 60\r\n" EMPTY,
                                         "HTTP/1.1 200 OK\r\n" EMPTY, NULL};
    struct receiver r = {0}, other = {0};
    char url[128], other_url[128], both[257];
    listens(&r, answers, url);
    listens(&other, others, other_url);
    snprintf(both, sizeof both, "%s,%s", url, other_url);
    assert_true(webhook_urls_parse(both, &r.urls));
    r.sender = webhook_sender_open(&r.urls);
    assert_non_null(r.sender);
    posts(&r, "{}");
    assert_non_null(strstr(hears(&r), "POST /hook"));
    assert_non_null(strstr(hears(&other), "POST /hook"));
    expect_counts(&r, 1, 0, true);
    webhook_sender_close(r.sender, 10 * US_PER_SECOND);
    r.sender = NULL;
    assert_non_null(strstr(hears(&other), "POST /hook"));
    closes(&r);
    closes(&other);
}

// How often the log has these words.
static unsigned logged(int log, const char *words) {
    char text[4096];
    ssize_t len = pread(log, text, sizeof text - 1, 0);
    text[len > 0 ? len : 0] = '\0';
    unsigned count = 0;
    for (const char *at = text; (at = strstr(at, words)); at++)
        count++;
    return count;
}

static int stderr_kept = -1;

static int logs_aside(void **state) {
    static int log;
    log = memfd_create("log", MFD_CLOEXEC);
    stderr_kept = dup(STDERR_FILENO);
    dup2(log, STDERR_FILENO);
    log_configure(LOG_LEVEL_WARN, LOG_FORMAT_TEXT);
    *state = &log;
    return 0;
}

static int logs_again(void **state) {
    dup2(stderr_kept, STDERR_FILENO);
    log_configure(LOG_LEVEL_ERROR, LOG_FORMAT_TEXT);
    close(stderr_kept);
    close(*(int *)*state);
    return 0;
}

// Told at once, with the reason; not of each that follows, but at the end.
static void what_is_lost_is_logged(void **state) {
    int log = *(int *)*state;
    static const char *const answers[] = {"HTTP/1.1 418 No\r\n" EMPTY, "HTTP/1.1 410 Gone\r\n" EMPTY,
                                          "HTTP/1.1 200 OK\r\n" EMPTY, NULL};
    struct receiver r;
    opens(&r, answers);
    posts(&r, "{}");
    expect_counts(&r, 0, 1, false);
    for (int i = 0; i < PATIENCE_MS / 2 && logged(log, "webhooks lost") == 0; i++)
        (void)poll(NULL, 0, 2);
    unsigned first = logged(log, "count=1 last_failure=\"it answers with status 418\"");
    posts(&r, "{}");
    expect_counts(&r, 0, 2, false);
    posts(&r, "{}"); // its thread has had a turn since
    await_sent(&r, 1);
    unsigned meanwhile = logged(log, "webhooks lost");
    ends(&r);
    unsigned all = logged(log, "webhooks lost receiver=\"http://127.0.0.1:"),
             second = logged(log, "count=1 last_failure=\"it answers with status 410\"");
    closes(&r);
    assert_int_equal(first, 1);
    assert_int_equal(meanwhile, 1);
    assert_int_equal(second, 1);
    assert_int_equal(all, 2);
}

int main(void) {
    log_configure(LOG_LEVEL_ERROR, LOG_FORMAT_TEXT);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_goes_over_the_wire),
        cmocka_unit_test(what_answers_mean),
        cmocka_unit_test(one_more_try_at_the_end),
        cmocka_unit_test(an_answer_without_end),
        cmocka_unit_test(one_behind_the_other),
        cmocka_unit_test(once_more_by_itself),
        cmocka_unit_test(what_a_receiver_asks_for_is_kept),
        cmocka_unit_test(each_receiver_gets_it),
        cmocka_unit_test_setup_teardown(what_is_lost_is_logged, logs_aside, logs_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
