// rotunda-record: one recording, as a process of its own, so that a fault of a muxer never touches calls. It
// reads what to do as lines of JSON from its standard input, gets RTP on a UDP port of loopback, and tells
// what happens as lines of JSON on its standard output (docs/recording.md). The end of the input is the end
// of the recording.
#include "base/clock.h"
#include "record/compose.h"
#include "record/muxer.h"
#include "record/recording.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define STATUS_USAGE 2
#define STATUS_FAILED 3 // it could not be written
#define TURN_MS 50
#define DATAGRAMS_A_TURN 512
#define DATAGRAM_MAX 2048
#define RECEIVE_BUFFER_BYTES (16 * 1024 * 1024) // asked for

static const char usage[] =
    "rotunda-record: records media that comes as plain RTP to a UDP port of 127.0.0.1.\n\n"
    "usage: rotunda-record --dir DIR [--room NAME] [--layout track|participant]\n"
    "       rotunda-record compose DIR FILE\n\n"
    "The server starts it; docs/recording.md describes what it reads from standard input, and writes.\n"
    "compose makes one video of all the files of a recording, with ffmpeg.\n\n"
    "  -V, --version   print the version, and that of FFmpeg's libraries\n"
    "  -h, --help      print this\n\n"
    "  --dir DIR\n"
    "        Where the files go, and events.jsonl with what happened; made if it does not exist.\n"
    "  --room NAME\n"
    "        The room's name, for events.jsonl.\n"
    "  --layout track|participant\n"
    "        One file for each track, or one for each participant's audio and video. [track]\n\n"
    "Exit status: 0 the recording is complete, 2 a flag was refused, 3 something could not be written.\n";

struct main {
    struct recording *recording;
    int udp, signals;
    struct sockaddr_in from; // where the last packet came from; connected: the only one that is heard
    bool connected;
    char line[RECORDING_LINE_MAX];
    size_t line_len;
    bool line_too_long, input_over;
};

static void on_event(void *ctx, const char *line, size_t len) {
    (void)ctx;
    fwrite(line, 1, len, stdout);
    fputc('\n', stdout);
    fflush(stdout);
}

static void on_send(void *ctx, struct span rtcp) {
    struct main *m = ctx;
    if (m->from.sin_port != 0)
        (void)sendto(m->udp, rtcp.ptr, rtcp.len, MSG_DONTWAIT, (struct sockaddr *)&m->from, sizeof m->from);
}

// ---- in

static void take_lines(struct main *m, const char *bytes, size_t len) {
    for (; len > 0; bytes++, len--) {
        if (*bytes == '\n') {
            if (!m->line_too_long)
                recording_line(m->recording, m->line, m->line_len, clock_now_us());
            m->line_len = 0;
            m->line_too_long = false;
        } else if (m->line_len < sizeof m->line) {
            m->line[m->line_len++] = *bytes;
        } else {
            m->line_too_long = true;
        }
    }
}

static void read_input(struct main *m) {
    char bytes[4096];
    ssize_t n = read(STDIN_FILENO, bytes, sizeof bytes);
    if (n > 0)
        take_lines(m, bytes, (size_t)n);
    else if (n == 0 || errno != EINTR)
        m->input_over = true;
}

static bool is_same(const struct sockaddr_in *a, const struct sockaddr_in *b) {
    return a->sin_port == b->sin_port && a->sin_addr.s_addr == b->sin_addr.s_addr;
}

static void read_datagrams(struct main *m) {
    uint8_t bytes[DATAGRAM_MAX];
    uint64_t now_us = clock_now_us();
    for (unsigned i = 0; i < DATAGRAMS_A_TURN; i++) {
        struct sockaddr_in from;
        socklen_t len = sizeof from;
        ssize_t n = recvfrom(m->udp, bytes, sizeof bytes, MSG_DONTWAIT, (struct sockaddr *)&from, &len);
        if (n < 0)
            return;
        if (ntohl(from.sin_addr.s_addr) >> 24 != 127)
            continue; // it is bound to loopback; who asks for more is refused
        if (m->connected && !is_same(&from, &m->from))
            continue; // was waiting when it was connected
        if (!m->connected)
            m->from = from;
        bool ours = recording_datagram(m->recording, span_of(bytes, (size_t)n), now_us);
        if (ours && !m->connected)
            m->connected = connect(m->udp, (struct sockaddr *)&from, len) == 0;
    }
}

// ---- life

static int open_udp(uint16_t *port) {
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t len = sizeof at;
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), bytes = RECEIVE_BUFFER_BYTES;
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
    if (bind(fd, (struct sockaddr *)&at, len) != 0 || getsockname(fd, (struct sockaddr *)&at, &len) != 0)
        return -1;
    *port = ntohs(at.sin_port);
    return fd;
}

static int open_signals(void) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigprocmask(SIG_BLOCK, &set, NULL);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN); // told by what writes
    return signalfd(-1, &set, SFD_CLOEXEC);
}

static void loop(struct main *m) {
    while (!recording_is_over(m->recording)) {
        struct pollfd fds[] = {{.fd = STDIN_FILENO, .events = POLLIN},
                               {.fd = m->udp, .events = POLLIN},
                               {.fd = m->signals, .events = POLLIN}};
        if (poll(fds, 3, TURN_MS) < 0 && errno != EINTR)
            return;
        if (fds[1].revents)
            read_datagrams(m);
        if (fds[0].revents)
            read_input(m);
        if (fds[2].revents || m->input_over) {
            read_datagrams(m); // what is there already
            recording_stop(m->recording, fds[2].revents ? "signal" : "input-ended", clock_now_us());
        }
        recording_advance(m->recording, clock_now_us());
    }
}

static int record(const char *folder, const char *room, bool together) {
    static struct main m;
    char error[256] = "";
    uint16_t port = 0;
    struct recording_output output = {.ctx = &m, .event = on_event, .send = on_send};
    if (mkdir(folder, 0750) != 0 && errno != EEXIST) {
        fprintf(stderr, "rotunda-record: %s: %s\n", folder, strerror(errno));
        return STATUS_FAILED;
    }
    m.signals = open_signals();
    m.udp = open_udp(&port);
    muxer_start();
    struct recording_config config = {
        .folder = folder, .room = room, .files_max = RECORDING_FILES_MAX, .together = together};
    m.recording = m.udp >= 0 ? recording_open(&config, &output, clock_now_us(), error) : NULL;
    if (!m.recording) {
        fprintf(stderr, "rotunda-record: %s\n", m.udp < 0 ? "no UDP port of 127.0.0.1" : error);
        return STATUS_FAILED;
    }
    printf("{\"event\":\"listening\",\"port\":%u}\n", port);
    fflush(stdout);
    loop(&m);
    int status = recording_failed(m.recording) ? STATUS_FAILED : 0;
    recording_close(m.recording);
    close(m.udp);
    close(m.signals);
    return status;
}

static int refuse(const char *what) {
    fprintf(stderr, "rotunda-record: %s; rotunda-record --help lists what there is\n", what);
    return STATUS_USAGE;
}

static int refuse_flag(const char *flag, bool known) {
    char what[160];
    snprintf(what, sizeof what, known ? "%.64s needs a value" : "\"%.64s\" is no flag of it", flag);
    return refuse(what);
}

int main(int argc, char *argv[]) {
    const char *folder = NULL, *room = "", *layout = "track";
    if (argc > 1 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0))
        return fputs(usage, stdout) < 0;
    if (argc > 1 && (strcmp(argv[1], "--version") == 0 || strcmp(argv[1], "-V") == 0))
        return printf("rotunda-record " ROTUNDA_VERSION " (FFmpeg %s)\n", muxer_version()) < 0;
    if (argc > 1 && strcmp(argv[1], "compose") == 0)
        return argc == 4 ? compose_main(argv[2], argv[3]) : refuse("compose wants a folder and a file");
    for (int i = 1; i < argc; i++) {
        const char **value = strcmp(argv[i], "--dir") == 0      ? &folder
                             : strcmp(argv[i], "--room") == 0   ? &room
                             : strcmp(argv[i], "--layout") == 0 ? &layout
                                                                : NULL;
        if (!value || i + 1 == argc)
            return refuse_flag(argv[i], value != NULL);
        *value = argv[++i];
    }
    bool together = strcmp(layout, "participant") == 0;
    if (!together && strcmp(layout, "track") != 0)
        return refuse("--layout is track or participant");
    return folder ? record(folder, room, together) : refuse("--dir is missing");
}
