// A connection as long as it speaks HTTP: requests in, answers out, the way to the WebSocket.
#include "server/web/connection.h"

#include "base/clock.h"
#include "base/log_pace.h"
#include "base/slots.h"
#include "server/web/answer_head.h"
#include "server/web/cross_origin.h"
#include "server/web/forwarded.h"
#include "server/web/page_headers.h"
#include "server/web/tcp_listener.h"
#include "server/web/ws_handshake.h"

#include <assert.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define INBOX_FIRST_BYTES 1024
#define INBOX_MAX (HTTP_HEAD_MAX + GATHER_BYTES) // a head, and what was read with its end
#define FORWARDED_FIELDS_MAX 16

// Ends the head and queues the answer; the body is copied. False: no memory, the connection goes.
static bool answer_send(struct connection *c, struct answer_head *h, const char *body, size_t len) {
    head_add(h, "connection: %s\r\n\r\n", c->last ? "close" : "keep-alive");
    assert(!h->full && !c->out);
    c->out = malloc(h->len + len);
    if (!c->out)
        return false;
    memcpy(c->out, h->text, h->len);
    if (len)
        memcpy(c->out + h->len, body, len);
    c->out_len = h->len + len;
    c->out_at = 0;
    c->state = CONNECTION_ANSWER;
    connection_want_write(c);
    return true;
}

// A refusal of the server's own, or a page that says what is here; `headers` further ones, each with its
// CRLF.
static bool answer_words(struct connection *c, bool head_only, unsigned status, const char *headers,
                         const char *words) {
    struct answer_head h;
    char body[HTTP_REFUSAL_MAX];
    size_t len;
    const char *type = http_refusal_write(c->form, status, words, body, &len);
    head_begin(&h, status);
    head_add_body(&h, type, len);
    head_add(&h,
             "cache-control: no-store\r\ncontent-security-policy: default-src 'none'; frame-ancestors "
             "'none'\r\n%s",
             headers);
    return answer_send(c, &h, body, head_only ? 0 : len);
}

static void inbox_free(struct connection *c) {
    free(c->inbox);
    c->inbox = NULL;
    c->inbox_len = c->inbox_cap = c->scanned = 0;
}

// What is no request: said, and then nothing more is read.
static bool refuse(struct connection *c, unsigned status, const char *words) {
    c->last = true;
    inbox_free(c);
    LOG_DEBUG("request refused", LOG_NUMBER("status", status), LOG_TEXT("reason", words));
    return answer_words(c, false, status, "", words);
}

// ---- answers that come later

// What is known of it already is kept.
static bool answer_later(struct connection *c, struct http_answer *answer, const char *of_row,
                         const char *headers) {
    char *all = NULL;
    if (asprintf(&all, "cache-control: no-store\r\n%s%s%s", of_row, answer->headers ? answer->headers : "",
                 headers) < 0)
        all = NULL;
    free(answer->body);
    free(answer->headers);
    if (!all)
        return false;
    late_begin(c, all, clock_now_us());
    return true;
}

bool http_answer_late(struct connection *c, unsigned status, const char *content_type, const char *text,
                      size_t len, uint64_t now_us) {
    struct answer_head h;
    char *headers = c->late_headers;
    assert(c->state == CONNECTION_LATE && headers);
    c->late_headers = NULL;
    head_begin(&h, status);
    head_add_body(&h, content_type, len);
    head_add(&h, "%s", headers);
    free(headers);
    connection_arm(c, now_us + STALL_US);
    return answer_send(c, &h, text, len);
}

// ---- rows

// `headers` are further ones, each with its CRLF.
static bool answer_route(struct connection *c, const struct http_route *row,
                         const struct http_request *request, const char *headers) {
    struct ws_server *server = c->server;
    struct http_answer answer = {.status = 500, .content_type = "text/plain; charset=utf-8"};
    struct answer_head h;
    row->answer(server->handlers.ctx, request, &answer);
    assert(!answer.later || (request->late && !answer.stream));
    assert(!answer.headers || strlen(answer.headers) <= HTTP_ANSWER_HEADERS_MAX);
    if (answer.later)
        return answer_later(c, &answer, row->headers, headers);
    slots_remove(server->lates, c->late);
    c->late = 0;
    head_begin(&h, answer.status);
    if (answer.stream) {
        stream_prepare(c, answer.stream);
        head_add(&h, "content-type: %s\r\nx-content-type-options: nosniff\r\n", answer.content_type);
        answer.len = 0;
    } else if (answer.status != 204) { // RFC 9110, section 8.6
        head_add_body(&h, answer.content_type, answer.len);
    }
    head_add(&h, "cache-control: no-store\r\n%s%s%s", row->headers, answer.headers ? answer.headers : "",
             headers);
    bool fine = answer_send(c, &h, answer.body, request->head->method == HTTP_HEAD ? 0 : answer.len);
    free(answer.body);
    free(answer.headers);
    return fine;
}

// ---- files

// Whether the client says that it has this version (RFC 9110, section 13.1.2).
static bool client_has(const struct http_head *head, const char *etag) {
    struct span known = http_field_find(head, "if-none-match");
    return known.len && memmem(known.ptr, known.len, etag, strlen(etag));
}

// What a page's own text says about it in the answer's head. False: it is gone.
static bool head_add_policy(struct answer_head *h, const struct connection *c, const struct web_file *file) {
    char policy[PAGE_HEADERS_MAX];
    if (strncmp(file->content_type, "text/html", 9) != 0)
        return true;
    int fd = open(file->path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    page_headers(fd, c->server->config.frame_ancestors, policy, sizeof policy);
    head_add(h, "%s", policy);
    close(fd);
    return true;
}

static void head_add_form(struct answer_head *h, const struct web_file *file, bool unchanged) {
    head_add(h, "etag: %s\r\ncache-control: %s\r\n", file->etag, file->cache_control);
    if (file->varies)
        head_add(h, "vary: accept-encoding\r\n");
    if (!unchanged && file->encoding != ENCODING_IDENTITY)
        head_add(h, "content-encoding: %s\r\n", http_encoding_name(file->encoding));
}

static bool answer_missing(struct connection *c, bool head_only) {
    return answer_words(c, head_only, 404, "", "There is no such page on this server.");
}

static bool answer_file(struct connection *c, const struct http_head *head, const struct web_file *file) {
    struct answer_head h;
    struct stat info;
    bool unchanged = client_has(head, file->etag);
    int fd = open(file->sent, O_RDONLY | O_CLOEXEC);
    bool fine = fd >= 0 && fstat(fd, &info) == 0 && S_ISREG(info.st_mode);
    head_begin(&h, unchanged ? 304 : 200);
    if (fine && !unchanged)
        head_add_body(&h, file->content_type, (uint64_t)info.st_size);
    head_add_form(&h, file, unchanged);
    if (!fine || !head_add_policy(&h, c, file)) { // gone since it was found
        if (fd >= 0)
            close(fd);
        return answer_missing(c, head->method == HTTP_HEAD);
    }
    bool send_file = !unchanged && head->method != HTTP_HEAD && info.st_size > 0;
    c->file = send_file ? fd : -1;
    c->file_left = send_file ? (uint64_t)info.st_size : 0;
    if (!send_file)
        close(fd);
    return answer_send(c, &h, NULL, 0);
}

// Who speaks with WebSocket clients of that path; NULL: nobody, or the handlers of /ws.
static const struct ws_talk *talk_find(const struct ws_server *server, const char *path) {
    const struct ws_handlers *handlers = &server->handlers;
    size_t len = strlen(path);
    if (len > 1 && path[len - 1] == '/')
        len--;
    for (size_t i = 0; i < handlers->talk_count; i++)
        if (strlen(handlers->talks[i].path) == len && memcmp(handlers->talks[i].path, path, len) == 0)
            return &handlers->talks[i];
    return NULL;
}

static bool answer_page(struct connection *c, const struct http_head *head) {
    bool head_only = head->method == HTTP_HEAD;
    struct web_file file;
    if (head->method != HTTP_GET && !head_only && c->form != HTTP_FORM_PAGE)
        return answer_missing(c, false);
    if (head->method != HTTP_GET && !head_only)
        return answer_words(c, false, 405, "allow: GET, HEAD\r\n", "Only GET and HEAD are answered here.");
    if (c->place == HTTP_PUBLIC && (strcmp(head->path, "/ws") == 0 || talk_find(c->server, head->path)))
        return answer_words(c, head_only, 426, "upgrade: websocket\r\n", "This address speaks WebSocket.");
    if (c->place == HTTP_PUBLIC &&
        web_file_find(c->server->web_root, head->path, http_encodings_taken(head), &file))
        return answer_file(c, head, &file);
    if (c->place == HTTP_PUBLIC && strcmp(head->path, "/") == 0)
        return answer_words(
            c, head_only, 404, "",
            "The server runs, but its web page was not built or --web-root names another folder. "
            "Clients connect to /ws.");
    return answer_missing(c, head_only);
}

// ---- the WebSocket

bool connection_count(struct connection *c, const struct net_address *address, uint64_t now_us) {
    struct address_limits *limits = c->server->config.limits;
    if (!limits || c->counted || networks_have(&c->server->config.trusted, address))
        return true;
    c->counted = address_limits_connect(limits, address, now_us);
    return c->counted;
}

static bool open_ws(struct connection *c, const struct http_head *head, uint64_t now_us) {
    const struct ws_talk *talk = talk_find(c->server, head->path);
    const char *why;
    char accept[WS_ACCEPT_MAX], text[256];
    unsigned status = (talk || strcmp(head->path, "/ws") == 0) && c->place == HTTP_PUBLIC
                          ? ws_handshake_check(head, &why)
                          : 404;
    bool head_only = head->method == HTTP_HEAD; // then a body would be taken for the next answer
    if (status == 404)
        return answer_words(c, head_only, 404, "", "The WebSocket is at /ws.");
    if (status != 101)
        return answer_words(c, head_only, status,
                            status == 426 ? "upgrade: websocket\r\nsec-websocket-version: 13\r\n" : "", why);
    if (!connection_count(c, &c->client, now_us)) {
        LOG_STRANGER(LOG_LEVEL_WARN, "connection refused", LOG_TEXT("reason", "waiting-per-address"));
        return answer_words(
            c, false, 429, "retry-after: 10\r\n",
            "Too many connections from your network have not joined a room; try again in a moment.");
    }
    ws_accept_key(http_field_find(head, "sec-websocket-key"), accept);
    int len = snprintf(text, sizeof text,
                       "HTTP/1.1 101 Switching Protocols\r\nserver: rotunda\r\nupgrade: websocket\r\n"
                       "connection: upgrade\r\nsec-websocket-accept: %s\r\n\r\n",
                       accept);
    c->talk = talk;
    return connection_write(c, (const uint8_t *)text, (size_t)len) && client_open(c, head->query, now_us);
}

// ---- requests

static void find_client(struct connection *c, const struct http_head *head) {
    struct span fields[FORWARDED_FIELDS_MAX];
    size_t count = 0;
    for (unsigned i = 0; i < head->field_count; i++) {
        const struct http_field *field = &head->fields[i];
        if (field->name.len != 15 || strncasecmp((const char *)field->name.ptr, "x-forwarded-for", 15) != 0)
            continue;
        if (count == FORWARDED_FIELDS_MAX) { // the nearest proxies wrote the last ones
            memmove(fields, fields + 1, sizeof fields - sizeof fields[0]);
            count--;
        }
        fields[count++] = field->value;
    }
    if (!c->counted)
        c->client = forwarded_client(&c->peer, &c->server->config.trusted, fields, count);
}

static void field_text(const struct http_head *head, const char *name, char out[256]) {
    struct span value = http_field_find(head, name);
    snprintf(out, 256, "%.*s", value.len < 255 ? (int)value.len : 255, (const char *)value.ptr);
}

// Another site's page must not act for its visitors here, where they may reach what that site cannot.
static bool refuse_page(struct connection *c, const struct http_head *head) {
    char origin[256], host[256];
    field_text(head, "origin", origin);
    field_text(head, "host", host);
    LOG_STRANGER(LOG_LEVEL_WARN, "request refused", LOG_TEXT("reason", "a page of another origin"),
                 LOG_TEXT("origin", origin), LOG_TEXT("host", host),
                 LOG_TEXT("fix", "name it with --origins if it is yours, or let the proxy pass Host on"));
    return answer_words(c, head->method == HTTP_HEAD, 403, "vary: origin\r\n",
                        "Pages of that origin may not use this server: its operator names those that may "
                        "with --origins.");
}

static enum page_of page_of(const struct connection *c, const struct http_head *head) {
    static const struct origins none;
    const struct ws_server_config *config = &c->server->config;
    bool proxied = c->place == HTTP_PUBLIC && networks_have(&config->trusted, &c->peer);
    unsigned usual = c->server->ssl_ctx ? 443 : 80; // a port that browsers leave out of Host
    return cross_origin_of(head, config->origins ? config->origins : &none, proxied,
                           tcp_listener_port(c->server->listener) != usual);
}

// A browser asks what a listed page may do with an address.
static bool answer_preflight(struct connection *c, const char *allow, const char *headers) {
    char text[2 * CROSS_ORIGIN_HEADERS_MAX], more[CROSS_ORIGIN_HEADERS_MAX];
    struct answer_head h;
    cross_origin_preflight(allow, more);
    snprintf(text, sizeof text, "%s%s", headers, more);
    head_begin(&h, 204);
    head_add(&h, "cache-control: no-store\r\n%s", text);
    return answer_send(c, &h, NULL, 0);
}

// One whole request whose head has `head_len` bytes.
static bool answer_request(struct connection *c, const struct http_head *head, size_t head_len,
                           uint64_t now_us) {
    const struct ws_server_config *config = &c->server->config;
    const struct ws_handlers *handlers = &c->server->handlers;
    char allow[HTTP_ALLOW_MAX], headers[HTTP_ALLOW_MAX + 16 + CROSS_ORIGIN_HEADERS_MAX];
    unsigned status;
    const struct http_route *row =
        http_route_find(handlers->routes, handlers->route_count, c->place, head, &status, allow);
    bool too_long = head->body_len > (row ? row->body_max : 0), head_only = head->method == HTTP_HEAD;
    find_client(c, head);
    // A body that is not read must not be taken for the next request.
    c->last = too_long || !head->keep_alive ||
              (config->limits && c->counted && !address_limits_roomy(config->limits, &c->client));
    bool files = !row && (head->method == HTTP_GET || head_only) && !ws_handshake_asked(head);
    enum page_of page = page_of(c, head);
    char cross[CROSS_ORIGIN_HEADERS_MAX];
    cross_origin_headers(head, page, cross);
    if (page == PAGE_OF_OTHER && !files)
        return refuse_page(c, head);
    if (ws_handshake_asked(head))
        return open_ws(c, head, now_us);
    if (page == PAGE_OF_LISTED && allow[0] && cross_origin_is_preflight(head))
        return answer_preflight(c, allow, cross);
    bool reads = row && row->method != HTTP_OTHER; // the body of what is not taken anyway is not read
    if (reads && too_long)
        return answer_words(c, head_only, 413, cross, "This address does not take so long a body.");
    if (reads && http_body_is_encoded(head)) {
        snprintf(headers, sizeof headers, "accept-encoding: identity\r\n%s", cross);
        return answer_words(c, head_only, 415, headers,
                            "This address takes no compressed body: send it without Content-Encoding.");
    }
    if (row) {
        size_t body_len = too_long ? 0 : (size_t)head->body_len;
        struct http_request request = {
            .head = head, .body = span_of(c->inbox + head_len, body_len), .client = c->client};
        if (row->places & HTTP_LATE)
            request.late = c->late = slots_add(c->server->lates, c);
        return answer_route(c, row, &request, cross);
    }
    snprintf(headers, sizeof headers, "allow: %s\r\n%s", allow, cross);
    if (status == 405)
        return answer_words(c, head_only, 405, headers, "This address does not take that method.");
    if (head->method == HTTP_OTHER)
        return answer_words(c, false, 501, "", "This server does not know that method.");
    return answer_page(c, head);
}

// The bytes that a request needs beyond its head before it can be answered.
static size_t body_wanted(const struct connection *c, const struct http_head *head) {
    char allow[HTTP_ALLOW_MAX];
    unsigned status;
    const struct ws_handlers *handlers = &c->server->handlers;
    const struct http_route *row =
        http_route_find(handlers->routes, handlers->route_count, c->place, head, &status, allow);
    return row && head->body_len <= row->body_max ? (size_t)head->body_len : 0;
}

// What to say of a head that is too long, or that cannot end in time.
static bool refuse_long(struct connection *c) {
    const char *line_end = memchr(c->inbox, '\n', c->inbox_len);
    if (!line_end || line_end - c->inbox > HTTP_TARGET_MAX)
        return refuse(c, 414, "The address is too long for this server.");
    return refuse(c, 431, "The request's headers are longer than 16 KB (cookies of another site, perhaps).");
}

static void inbox_drop(struct connection *c, size_t len) {
    c->inbox_len -= len;
    memmove(c->inbox, c->inbox + len, c->inbox_len);
    c->scanned = 0;
    if (c->inbox_len == 0) // most connections are quiet for long
        inbox_free(c);
}

// Handles the request that has come in, if it has come in whole.
static bool take_request(struct connection *c, bool *taken, uint64_t now_us) {
    struct http_head head;
    const char *why;
    const struct ws_handlers *handlers = &c->server->handlers;
    *taken = true;
    c->form = http_form_find(handlers->forms, handlers->form_count, http_head_target(c->inbox, c->inbox_len));
    size_t head_len = http_head_end(c->inbox, c->inbox_len, &c->scanned);
    if (head_len > HTTP_HEAD_MAX || (head_len == 0 && c->inbox_len >= HTTP_HEAD_MAX))
        return refuse_long(c);
    *taken = false;
    if (head_len == 0)
        return true;
    unsigned status = http_head_parse(c->inbox, head_len, &head, &why);
    *taken = true;
    if (status != 200)
        return refuse(c, status, why);
    size_t body = body_wanted(c, &head);
    if (c->inbox_len - head_len < body) {
        *taken = false;
        if (body && http_field_has_token(&head, "expect", "100-continue") && !c->continued) {
            static const char go_on[] = "HTTP/1.1 100 Continue\r\n\r\n";
            c->continued = true;
            return connection_write(c, (const uint8_t *)go_on, sizeof go_on - 1);
        }
        c->scanned = 0; // the same head again when the body is there
        return true;
    }
    c->continued = false;
    bool fine = answer_request(c, &head, head_len, now_us);
    if (c->last && c->state == CONNECTION_ANSWER)
        inbox_free(c);
    else
        inbox_drop(c, head_len + body);
    return fine;
}

static bool inbox_add(struct connection *c, const uint8_t *bytes, size_t len) {
    size_t need = c->inbox_len + len, cap = c->inbox_cap ? c->inbox_cap : INBOX_FIRST_BYTES;
    while (cap < need)
        cap *= 2;
    if (cap > c->inbox_cap) {
        char *grown = realloc(c->inbox, cap);
        if (!grown)
            return false;
        c->inbox = grown;
        c->inbox_cap = cap;
    }
    memcpy(c->inbox + c->inbox_len, bytes, len);
    c->inbox_len += len;
    return true;
}

// Requests that came behind the one that is being answered wait; the socket is read again when there is room.
static bool take_requests(struct connection *c, uint64_t now_us) {
    bool taken = true;
    while (taken && c->state == CONNECTION_HEAD && c->inbox_len > 0) {
        if (!take_request(c, &taken, now_us))
            return false;
    }
    if (c->state == CONNECTION_WS && c->inbox_len > 0) {
        char *rest = c->inbox;
        size_t len = c->inbox_len;
        c->inbox = NULL;
        c->inbox_len = c->inbox_cap = 0;
        connection_read_on(c, true);
        bool fine = client_received(c, (uint8_t *)rest, len, now_us);
        free(rest);
        return fine;
    }
    if (c->state == CONNECTION_ANSWER)
        connection_arm(c, now_us + STALL_US);
    bool answering = c->state == CONNECTION_ANSWER || c->state == CONNECTION_LATE;
    connection_read_on(c, !answering || c->inbox_len < HTTP_HEAD_MAX);
    connection_note_arriving(c, now_us);
    return true;
}

bool http_received(struct connection *c, const uint8_t *bytes, size_t len, uint64_t now_us) {
    if (c->state == CONNECTION_LINGER || c->state == CONNECTION_STREAM ||
        (c->state == CONNECTION_ANSWER && c->last))
        return true; // nothing more is answered here
    if (c->state == CONNECTION_HEAD && c->inbox_len == 0)
        connection_arm(c, now_us + HEAD_US);
    if (c->inbox_len + len > INBOX_MAX || !inbox_add(c, bytes, len))
        return false;
    // At once: a client that has ended its side is gone by the next turn.
    return take_requests(c, now_us) && http_writeable(c, now_us);
}

// ---- answers

static bool answer_done(struct connection *c, uint64_t now_us) {
    free(c->out);
    c->out = NULL;
    if (c->stream)
        return stream_begin(c, now_us);
    if (c->last) {
        c->state = CONNECTION_LINGER;
        if (!c->server->ssl_ctx || c->place == HTTP_ADMIN)
            shutdown(c->socket,
                     SHUT_WR); // what the client has sent meanwhile must not take the answer from it
        connection_arm(c, now_us + LINGER_US);
        connection_read_on(c, true);
        return true;
    }
    c->state = CONNECTION_HEAD;
    connection_arm(c, now_us + (c->inbox_len ? HEAD_US : KEEPALIVE_US));
    return take_requests(c, now_us);
}

// The next piece of the file; false when it got shorter meanwhile, and the answer cannot be what was
// announced.
static bool write_file(struct connection *c) {
    uint8_t *piece = c->server->gather;
    size_t want = c->file_left < GATHER_BYTES ? (size_t)c->file_left : GATHER_BYTES;
    ssize_t n = read(c->file, piece, want);
    if (n <= 0)
        return false;
    c->file_left -= (uint64_t)n;
    if (c->file_left == 0) {
        close(c->file);
        c->file = -1;
    }
    return connection_write(c, piece, (size_t)n);
}

bool http_writeable(struct connection *c, uint64_t now_us) {
    if (c->state == CONNECTION_STREAM)
        return stream_writeable(c, now_us);
    if (c->state != CONNECTION_ANSWER)
        return true;
    if (connection_holds(c)) { // it does not read what it was given
        connection_want_write(c);
        return true;
    }
    connection_arm(c, now_us + STALL_US);
    size_t left = c->out_len - c->out_at, piece = left < GATHER_BYTES ? left : GATHER_BYTES;
    if (left) {
        if (!connection_write(c, (const uint8_t *)c->out + c->out_at, piece))
            return false;
        c->out_at += piece;
    } else if (c->file >= 0 && !write_file(c)) {
        return false;
    }
    if (c->out_at == c->out_len && c->file < 0 && !connection_holds(c))
        return answer_done(c, now_us);
    connection_want_write(c);
    return true;
}

void http_give_up_arriving(struct connection *c, uint64_t now_us) {
    static const char words[] =
        "The server is short of memory, and this request was slow to arrive; try again.";
    c->last = true; // what came behind a request that is being answered is not answered any more
    inbox_free(c);
    if (c->state != CONNECTION_HEAD)
        return;
    connection_arm(c, now_us + STALL_US);
    if (!refuse(c, 503, words))
        shutdown(c->socket, SHUT_RDWR); // the loop sees it
}

bool http_timer(struct connection *c, uint64_t now_us) {
    if (c->state == CONNECTION_STREAM)
        return stream_timer(c, now_us);
    if (c->state != CONNECTION_HEAD || c->inbox_len == 0)
        return false; // idle, or it does not read
    connection_arm(c, now_us + STALL_US);
    return refuse(c, 408, "The request did not arrive within 10 seconds.");
}
