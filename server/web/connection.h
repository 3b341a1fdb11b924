// connection: one TCP connection of ws_server: HTTP at first, then perhaps a WebSocket client. Bytes that
// came in go to connection_received, connection_writeable is called when the socket takes more,
// connection_timer when its time is up; what leaves goes through connection_write. It knows nothing of
// libwebsockets, which ws_server.c alone speaks.
//
// For ws_server.c and connection_*.c. Control thread.
#ifndef SERVER_CONNECTION_H
#define SERVER_CONNECTION_H

#include "base/patience.h"
#include "base/wheel.h"
#include "server/web/address_limits.h"
#include "server/web/http_route.h"
#include "server/web/outbox.h"
#include "server/web/web_files.h"
#include "server/web/ws_frames.h"
#include "server/web/ws_server.h"

#define GATHER_BYTES (64 * 1024) // that one write carries
#define REASON_MAX 123           // bytes of a close reason (RFC 6455, section 5.5)

#define HEAD_US (10 * US_PER_SECOND)      // for a request to arrive whole
#define KEEPALIVE_US (15 * US_PER_SECOND) // for the next request on a connection
#define LATE_US (90 * US_PER_SECOND)      // for an answer that is to come later
#define STALL_US (30 * US_PER_SECOND)     // for a client that reads an answer to take some of it
#define LINGER_US (2 * US_PER_SECOND)     // for a client to read the last answer before the socket goes
#define CLOSE_US (5 * US_PER_SECOND)      // for a client to take what is queued before it is closed
#define NOTICE_US (50 * US_PER_MS)        // that a message which may wait gathers others

#define ARRIVING_BYTES_MAX (32 * 1024 * 1024) // of all requests and messages that have come in part

enum connection_state {
    CONNECTION_PROXY,  // a trusted peer may say first for whom it speaks, or a first byte is awaited
    CONNECTION_HEAD,   // a request is awaited, or has come in part
    CONNECTION_ANSWER, // an answer is being written
    CONNECTION_STREAM, // an answer that goes on
    CONNECTION_LATE,   // an answer is to come later
    CONNECTION_LINGER, // the last answer is written; what still comes is thrown away
    CONNECTION_WS,
    CONNECTION_WS_CLOSED, // the close frame is written
};

struct first_wait;
struct lws;
struct proxy_wait;

struct connection {
    struct ws_server *server;
    struct lws *wsi;  // NULL in CONNECTION_PROXY
    struct list link; // of server->all
    struct proxy_wait *proxy;
    struct first_wait *first; // where others share the port
    int socket;
    enum http_place place;
    enum connection_state state;
    struct net_address peer;   // who the TCP connection is from, or for whom the PROXY header says that it is
    struct net_address client; // the same, or whom X-Forwarded-For names
    bool counted, joined;      // by the address limits, as `client`
    struct wheel_node timer;   // of its state
    bool reading;              // the socket is being read
    size_t arriving;           // bytes that are kept of what has come in part
    struct list arrival;       // of server->arrivals, when there are any

    // HTTP
    char *inbox; // what came and is not handled yet
    size_t inbox_len, inbox_cap, scanned;
    enum http_form form; // of refusals, where what came last is for
    char *out;           // the answer: head and body
    size_t out_len, out_at;
    int file; // whose bytes follow, or -1
    uint64_t file_left;
    bool last;               // answer of this connection
    bool continued;          // the client was told to send its body
    uint32_t stream;         // the number of an answer that goes on; 0: none
    struct list stream_link; // of server->streams, then
    bool stream_ending;
    uint32_t late;      // the number of an answer that may come later; 0: none
    char *late_headers; // of it, once it is to do so

    // WebSocket
    uint32_t id;                // of the client, or 0
    const struct ws_talk *talk; // NULL: the handlers of /ws speak with it
    struct ws_reader reader;
    struct outbox outbox;
    struct wheel_node notice; // when messages that may wait go out
    uint64_t heard_us;        // the last sign of life
    bool given_up;            // it was closed here for want of one, or because it does not read
    uint64_t asked_end;       // of the bytes up to the first ping that is not answered; 0: none is
    uint64_t acked;           // of the bytes, when that was looked at last
    bool ping_due, pong_due;
    uint8_t pong[WS_CONTROL_MAX];
    size_t pong_len;
    bool deaf;        // nothing more can be read from it
    bool heard_close; // its close frame came
    bool closing;     // close_code is to be sent once the outbox is empty
    uint16_t close_code;
    char close_reason[REASON_MAX + 1];
};

struct ws_server {
    struct ws_server_config config;
    char web_root[WEB_PATH_MAX];
    struct ws_handlers handlers;
    struct uv_loop_s *loop;
    struct tcp_listener *listener, *admin;
    struct lws_context *context;
    struct lws_vhost *vhost;
    void *ssl_ctx;         // the vhost's, once it has its certificate; NULL for plain HTTP
    struct slots *clients; // struct connection
    struct list all;       // struct connection
    struct list streams;   // likewise, by stream_link
    struct slots *lates;   // struct connection, with an answer that may come later
    uint32_t connections, admin_connections;
    size_t backlog_bytes;  // of all outboxes
    size_t arriving_bytes; // of all connections
    struct list arrivals;  // those with some, who began first in front
    struct wheel wheel;
    struct ws_clock *clock; // turns the wheel
    struct patience patience;
    uint64_t pings; // sent so far; each has a number of its own in it
    bool stopping;  // nothing more is sent
    uint8_t gather[GATHER_BYTES];
};

// ---- what happens to it. False: close it now.

bool connection_received(struct connection *connection, uint8_t *bytes, size_t len, uint64_t now_us);
bool connection_writeable(struct connection *connection, uint64_t now_us);
bool connection_timer(struct connection *connection, uint64_t now_us);
bool connection_notice(struct connection *connection, uint64_t now_us);  // what waited goes out
void connection_release(struct connection *connection, uint64_t now_us); // all but the struct itself

void connection_forget_client(struct connection *connection); // the handlers hear that it is gone

// To be called when what it keeps of a request or message that has come in part may have changed. All
// together they are bounded, and who is slowest to end makes room: the oldest are told to come again.
void connection_note_arriving(struct connection *connection, uint64_t now_us);

// ---- what it does; ws_server.c

// Gives bytes to the socket; what it does not take is kept and goes out first. False: the socket is gone.
bool connection_write(struct connection *connection, const uint8_t *bytes, size_t len);
bool connection_holds(
    const struct connection *connection); // something is kept; a write would be kept as well
void connection_want_write(struct connection *connection);
void connection_read_on(struct connection *connection, bool on);
void connection_arm(struct connection *connection, uint64_t due_us);
void connection_arm_notice(struct connection *connection, uint64_t due_us);
void ws_accept_key(struct span key, char out[32]); // Sec-WebSocket-Accept

// ---- connection_http.c

bool http_received(struct connection *connection, const uint8_t *bytes, size_t len, uint64_t now_us);
bool http_writeable(struct connection *connection, uint64_t now_us);
bool http_timer(struct connection *connection, uint64_t now_us);
bool http_answer_late(struct connection *connection, unsigned status, const char *content_type,
                      const char *text, size_t len, uint64_t now_us);
void http_give_up_arriving(struct connection *connection, uint64_t now_us);
// Counts the connection as `address`'s; false when that has too many.
bool connection_count(struct connection *connection, const struct net_address *address, uint64_t now_us);

// ---- connection_stream.c

void stream_prepare(struct connection *connection, uint32_t stream); // its answer's head is about to go out
bool stream_begin(struct connection *connection, uint64_t now_us);   // the head has gone out
bool stream_writeable(struct connection *connection, uint64_t now_us);
bool stream_timer(struct connection *connection, uint64_t now_us);
void stream_forget(struct connection *connection); // the handlers hear that nobody reads it

// ---- connection_late.c

void late_begin(struct connection *connection, char *headers, uint64_t now_us); // takes `headers` over
void late_forget(struct connection *connection); // the handlers hear that nobody waits for it

// ---- connection_ws.c

// What the handlers of its path hear.
void client_tell_opened(const struct connection *connection, struct span query);
void client_tell_closed(const struct connection *connection, uint32_t id);
bool client_open(struct connection *connection, struct span query, uint64_t now_us);
void client_cut(struct connection *connection, const char *why);
bool client_received(struct connection *connection, uint8_t *bytes, size_t len, uint64_t now_us);
bool client_writeable(struct connection *connection, uint64_t now_us);
bool client_timer(struct connection *connection, uint64_t now_us);
void client_give_up_arriving(struct connection *connection, uint64_t now_us);
void client_close(struct connection *connection, uint16_t code, const char *reason, uint64_t now_us);

#endif
