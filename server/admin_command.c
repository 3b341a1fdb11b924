#include "server/admin_command.h"

#include "base/clock.h"
#include "server/access/token.h"
#include "server/common/host_port.h"

#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#define STATUS_FAILED 1
#define STATUS_REFUSED 2
#define DEFAULT_PORT 8080
#define TOKEN_TTL_S 60
#define WAIT_SECONDS 10
#define ARGUMENTS_MAX 3
#define PATH_BYTES_MAX 2048
#define ANSWER_BYTES_MAX (16 * 1024 * 1024)
#define ERROR_MAX 1024

// %s in a path is the next argument.
// In place of a body: it is the last argument, as it is; or a text in the member `metadata`.
static const char body_follows[] = "", metadata_follows[] = "";
static const struct command {
    const char *name, *method, *path, *body;
    int arguments;
} commands[] = {
    {"rooms", "GET", "rooms", NULL, 0},
    {"room", "GET", "rooms/%s", NULL, 1},
    {"describe", "PATCH", "rooms/%s", metadata_follows, 2},
    {"close", "DELETE", "rooms/%s", NULL, 1},
    {"people", "GET", "rooms/%s/participants", NULL, 1},
    {"person", "GET", "rooms/%s/participants/%s", NULL, 2},
    {"remove", "DELETE", "rooms/%s/participants/%s", NULL, 2},
    {"mute", "POST", "rooms/%s/participants/%s/tracks/%s/mute", "{\"muted\":true}", 3},
    {"hold", "POST", "rooms/%s/participants/%s/tracks/%s/mute", "{\"muted\":true,\"hold\":true}", 3},
    {"allow-unmute", "POST", "rooms/%s/participants/%s/tracks/%s/mute", "{\"muted\":false}", 3},
    {"record", "POST", "rooms/%s/recordings", "{}", 1},
    {"recordings", "GET", "rooms/%s/recordings", NULL, 1},
    {"stop-recording", "DELETE", "rooms/%s/recordings/%s", NULL, 2},
    {"plain", "GET", "rooms/%s/plain-transports", NULL, 1},
    {"plain-open", "POST", "rooms/%s/plain-transports", body_follows, 2},
    {"plain-produce", "POST", "rooms/%s/plain-transports/%s/producers", body_follows, 3},
    {"plain-consume", "POST", "rooms/%s/plain-transports/%s/consumers", body_follows, 3},
    {"plain-close", "DELETE", "rooms/%s/plain-transports/%s", NULL, 2},
    {"drain", "POST", "drain", NULL, 0},
};

static const char usage[] =
    "usage: rotunda admin [--server HOST[:PORT]] [--keys FILE] COMMAND\n\n"
    "Asks a running server that has keys, and prints its answer. It speaks plain "
    "HTTP, so ask on the machine\n"
    "itself, at the port of --admin-listen if it has one.\n\n"
    "  rooms                  all rooms\n"
    "  room ROOM              one of them\n"
    "  describe ROOM TEXT     sets its metadata, which everybody in it is told; \"\" removes it\n"
    "  close ROOM             removes everybody and closes the room\n"
    "  people ROOM            everybody in a room\n"
    "  person ROOM WHO        one of them, by identity or userId\n"
    "  remove ROOM WHO        removes one of them\n"
    "  mute ROOM WHO TRACK    pauses a track, by producerId\n"
    "  hold ROOM WHO TRACK    the same, and its owner may not unmute that kind until\n"
    "  allow-unmute ROOM WHO TRACK\n"
    "                         lets it\n"
    "  record ROOM            starts recording everybody in a room\n"
    "  recordings ROOM        the recordings in progress there\n"
    "  stop-recording ROOM ID ends one\n"
    "  plain ROOM             its transports of plain RTP\n"
    "  plain-open ROOM JSON, plain-produce ROOM TRANSPORT JSON,\n"
    "  plain-consume ROOM TRANSPORT JSON, plain-close ROOM TRANSPORT\n"
    "                         plain RTP, as docs/interop.md shows\n"
    "  drain                  ends the server as SIGTERM does\n\n"
    "  --server HOST[:PORT]   the server [127.0.0.1:8080]\n"
    "  --keys FILE            the same file as the server's [ROTUNDA_KEYS]\n";

static int refuse(int status, const char *what, const char *more) {
    fprintf(stderr, "rotunda admin: %s%s\n", what, more);
    return status;
}

// Adds a part of a path, everything but letters and digits escaped. False: too long.
static bool add_escaped(char *out, size_t *len, const char *text) {
    for (const unsigned char *c = (const unsigned char *)text; *c; c++) {
        bool plain = (*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') || (*c >= '0' && *c <= '9') ||
                     strchr("-._~", *c);
        if (*len + 4 > PATH_BYTES_MAX)
            return false;
        *len += (size_t)snprintf(out + *len, 4, plain ? "%c" : "%%%02X", *c);
    }
    return true;
}

static bool make_path(const struct command *command, char *const arguments[], char out[PATH_BYTES_MAX]) {
    size_t len = (size_t)snprintf(out, PATH_BYTES_MAX, "/api/v1/");
    for (const char *c = command->path; *c; c++) {
        if (*c == '%') {
            if (!add_escaped(out, &len, *arguments++))
                return false;
            c++;
        } else if (len + 2 < PATH_BYTES_MAX) {
            out[len++] = *c;
            out[len] = '\0';
        }
    }
    return true;
}

static int connect_to(const struct host_port *server) {
    char port[8];
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *found = NULL;
    snprintf(port, sizeof port, "%u", server->port);
    if (getaddrinfo(server->host, port, &hints, &found) != 0)
        return -1;
    int fd = -1;
    for (const struct addrinfo *a = found; a && fd < 0; a = a->ai_next) {
        struct timeval wait = {.tv_sec = WAIT_SECONDS};
        fd = socket(a->ai_family, a->ai_socktype | SOCK_CLOEXEC, 0);
        setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
        setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof wait);
        if (fd >= 0 && connect(fd, a->ai_addr, a->ai_addrlen) != 0) {
            close(fd);
            fd = -1;
        }
    }
    freeaddrinfo(found);
    return fd;
}

// All that comes until the server closes, the caller's to free; NULL: nothing.
static char *read_answer(int fd) {
    size_t cap = 65536, len = 0;
    char *answer = malloc(cap);
    ssize_t n;
    while (answer && (n = recv(fd, answer + len, cap - len - 1, 0)) > 0) {
        len += (size_t)n;
        if (len + 1 < cap)
            continue;
        char *grown = cap < ANSWER_BYTES_MAX ? realloc(answer, cap *= 2) : NULL;
        if (!grown)
            break;
        answer = grown;
    }
    if (answer)
        answer[len] = '\0';
    if (answer && len > 0)
        return answer;
    free(answer);
    return NULL;
}

static int ask(const struct host_port *server, const struct command *command, const char *path,
               const char *body, const char *token) {
    char *request = NULL, *answer = NULL;
    int len =
        asprintf(&request,
                 "%s %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nAuthorization: Bearer %s\r\n"
                 "Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s",
                 command->method, path, token, strlen(body), body);
    int fd = len > 0 ? connect_to(server) : -1;
    if (fd >= 0 && send(fd, request, (size_t)len, MSG_NOSIGNAL) == len)
        answer = read_answer(fd);
    if (fd >= 0)
        close(fd);
    if (len > 0)
        free(request);
    const char *text = answer ? strstr(answer, "\r\n\r\n") : NULL;
    if (!text) {
        free(answer);
        return refuse(STATUS_FAILED, "no answer from ", server->host);
    }
    bool fine = strncmp(answer, "HTTP/1.1 200 ", 13) == 0;
    fprintf(fine ? stdout : stderr, "%s\n", text + 4);
    free(answer);
    return fine ? 0 : STATUS_FAILED;
}

// {"metadata": text}, the caller's to free; NULL: no memory.
static char *make_metadata(const char *text) {
    char *body = malloc(sizeof "{\"metadata\":\"\"}" + 6 * strlen(text)), *out = body;
    if (!body)
        return NULL;
    out += sprintf(out, "{\"metadata\":\"");
    for (const char *c = text; *c; c++) {
        if ((unsigned char)*c < ' ' || *c == '"' || *c == '\\')
            out += sprintf(out, "\\u%04x", (unsigned)*c);
        else
            *out++ = *c;
    }
    strcpy(out, "\"}");
    return body;
}

static int run(const struct host_port *server, const char *keys_path, const struct command *command,
               char *const arguments[]) {
    struct keys keys;
    char error[ERROR_MAX], why[TOKEN_WHY_MAX], path[PATH_BYTES_MAX];
    const struct token_wish wish = {.operator_ = true, .ttl_s = TOKEN_TTL_S};
    if (!make_path(command, arguments, path))
        return refuse(STATUS_REFUSED, "a name is too long", "");
    if (!keys_load(&keys, keys_path, error, sizeof error))
        return refuse(STATUS_REFUSED, error, "");
    char *token = token_mint(&keys, &wish, clock_wall_us() / US_PER_SECOND, why);
    keys_free(&keys);
    if (!token)
        return refuse(STATUS_REFUSED, why, "");
    char *made = command->body == metadata_follows ? make_metadata(arguments[command->arguments - 1]) : NULL;
    const char *body = made                            ? made
                       : command->body == body_follows ? arguments[command->arguments - 1]
                       : command->body                 ? command->body
                                                       : "";
    int status = ask(server, command, path, body, token);
    free(made);
    free(token);
    return status;
}

static const struct command *find_command(const char *name, int arguments) {
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++)
        if (strcmp(commands[i].name, name) == 0 && commands[i].arguments == arguments)
            return &commands[i];
    return NULL;
}

int admin_command_main(int argc, char *const argv[]) {
    const char *keys = getenv("ROTUNDA_KEYS"), *address = "127.0.0.1";
    struct host_port server;
    int i = 1;
    for (; i < argc && argv[i][0] == '-'; i++) {
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
            return fputs(usage, stdout) < 0;
        const char **value = strcmp(argv[i], "--keys") == 0     ? &keys
                             : strcmp(argv[i], "--server") == 0 ? &address
                                                                : NULL;
        if (!value || i + 1 == argc)
            return refuse(STATUS_REFUSED, argv[i], ": rotunda admin --help lists what it takes");
        *value = argv[++i];
    }
    const struct command *command = i < argc ? find_command(argv[i], argc - i - 1) : NULL;
    if (!command)
        return refuse(STATUS_REFUSED, i < argc ? argv[i] : "a command is missing",
                      ": rotunda admin --help lists the commands and what they need");
    if (!keys || !keys[0])
        return refuse(STATUS_REFUSED, "--keys is missing: the same file as the server's", "");
    if (!host_port_parse(address, strlen(address), DEFAULT_PORT, &server))
        return refuse(STATUS_REFUSED, "--server must be HOST or HOST:PORT, not ", address);
    return run(&server, keys, command, argv + i + 1);
}
