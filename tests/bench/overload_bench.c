// What a worker loses when it is given more than it can do: sound and video apart, with and without leaving
// video out.
//
//   overload_bench [-n] [-x TIMES] PARTICIPANTS AUDIO_PUBLISHERS VIDEO_PUBLISHERS SECONDS
//
// One worker. Everybody's sound is 50 packets a second throughout. Video is 1 Mbit/s (30 frames of 4 packets
// a second) at first, then TIMES as much for SECONDS, then 1 Mbit/s again until all of it is back (40 s at
// most). -n: without shedding. Each second has a line: what of sound went missing (numbers that did not reach
// the receivers), what share of the video they got, how much the worker had to do, and its level. Some ten
// participants count; nothing reaches the others' sockets, as if they were on other machines. Run it where
// nothing else wants the cores: the generator needs one.
#include "base/clock.h"
#include "tests/kit/conference.h"
#include "transport/udp_port.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#define AUDIO_PAYLOAD_BYTES 80
#define VIDEO_PAYLOAD_BYTES 1050
#define FRAME_US 33333
#define AUDIO_US 20000
#define KEY_US US_PER_SECOND
#define TURN_US 300
#define COUNTING 10
#define REACTION_US (US_PER_SECOND / 2) // what is lost before is told apart
#define BACK_US (40 * US_PER_SECOND)

// Of the worker's thread: nanoseconds on a CPU, and those that it was ready to run and another had the core.
struct cpu {
    uint64_t ran_ns, waited_ns;
};

static struct cpu worker_cpu(void) {
    struct cpu cpu = {0};
    DIR *dir = opendir("/proc/self/task");
    for (struct dirent *entry; dir && (entry = readdir(dir));) {
        char path[300], name[64] = "";
        snprintf(path, sizeof path, "/proc/self/task/%s/comm", entry->d_name);
        FILE *f = fopen(path, "r");
        if (f && fgets(name, sizeof name, f) && strncmp(name, "media-", 6) == 0) {
            snprintf(path, sizeof path, "/proc/self/task/%s/schedstat", entry->d_name);
            FILE *s = fopen(path, "r");
            if (s && fscanf(s, "%" SCNu64 "%" SCNu64, &cpu.ran_ns, &cpu.waited_ns) != 2)
                cpu = (struct cpu){0};
            if (s)
                fclose(s);
        }
        if (f)
            fclose(f);
    }
    if (dir)
        closedir(dir);
    return cpu;
}

struct bench {
    struct conference *conference;
    struct conference_config config;
    unsigned times;                         // of the usual video
    uint64_t *audio_us, *video_us, *key_us; // when each publisher sends next
    uint64_t audio_sent, video_sent;
    uint64_t late_us; // how far the generator was behind at most
};

static void bench_send_video(struct bench *b, unsigned i, uint64_t due_us) {
    bool key = due_us >= b->key_us[i];
    if (key)
        b->key_us[i] += KEY_US;
    for (unsigned k = 0; k < 4; k++)
        conference_send_video_of(b->conference, i, VIDEO_PAYLOAD_BYTES, k == 0, key, k == 3);
    b->video_sent += 4;
}

// Everything that is due until now.
static void bench_send(struct bench *b, uint64_t now_us) {
    for (unsigned i = 0; i < b->config.audio_publishers; i++)
        for (; b->audio_us[i] <= now_us; b->audio_us[i] += AUDIO_US, b->audio_sent++)
            conference_send_audio_of(b->conference, i, AUDIO_PAYLOAD_BYTES);
    for (unsigned i = 0; i < b->config.video_publishers; i++) {
        if (now_us > b->video_us[i] && now_us - b->video_us[i] > b->late_us)
            b->late_us = now_us - b->video_us[i];
        for (; b->video_us[i] <= now_us; b->video_us[i] += FRAME_US / b->times)
            bench_send_video(b, i, b->video_us[i]);
    }
}

static void bench_hold(struct bench *b, uint64_t us) {
    uint64_t end_us = clock_now_us() + us;
    for (uint64_t now_us; (now_us = clock_now_us()) < end_us;) {
        bench_send(b, now_us);
        nanosleep(&(struct timespec){.tv_nsec = TURN_US * 1000}, NULL);
        conference_turn(b->conference, 0);
    }
}

struct measured {
    struct conference_tally audio, video;
    uint64_t audio_sent, video_sent; // times receivers
    struct media_counters counters;
    double load, waited;
    uint64_t late_us;
};

// How many packets those who count should get of so many that all publishers sent: nobody gets their own.
static uint64_t bench_due(const struct bench *b, uint64_t sent, unsigned publishers) {
    if (publishers == 0)
        return 0;
    unsigned receivers = conference_counting(b->conference, b->config.participants);
    return sent * receivers - sent * conference_counting(b->conference, publishers) / publishers;
}

// Holds for some time and measures it.
static void bench_measure(struct bench *b, uint64_t us, struct measured *m) {
    struct conference *c = b->conference;
    uint64_t audio = b->audio_sent, video = b->video_sent, start_us = clock_now_us();
    struct cpu before = worker_cpu();
    conference_tally_reset(c);
    b->late_us = 0;
    bench_hold(b, us);
    m->audio = conference_tally(c, false);
    m->video = conference_tally(c, true);
    m->audio_sent = bench_due(b, b->audio_sent - audio, b->config.audio_publishers);
    m->video_sent = bench_due(b, b->video_sent - video, b->config.video_publishers);
    struct cpu after = worker_cpu();
    double ns = 1000 * (double)(clock_now_us() - start_us);
    m->load = (double)(after.ran_ns - before.ran_ns) / ns;
    m->waited = (double)(after.waited_ns - before.waited_ns) / ns;
    m->late_us = b->late_us;
    media_read_counters(conference_media(c), 0, &m->counters);
}

static double percent(uint64_t part, uint64_t whole) {
    return whole ? 100 * (double)part / (double)whole : 0;
}

static void print_measured(const char *what, const struct measured *m) {
    printf(
        "%-14s sound lost %" PRIu64 " of %" PRIu64
        " (%.3f %%), sound got %.2f %%, video got %.1f %%, worker %.0f %% of a core, waited for one %.0f %%, "
        "level %" PRIu64 ", %" PRIu64 " consumers shed, kernel dropped %" PRIu64
        ", longest turn %.1f ms, generator late %.1f ms\n",
        what, m->audio.missing, m->audio.got + m->audio.missing,
        percent(m->audio.missing, m->audio.got + m->audio.missing), percent(m->audio.got, m->audio_sent),
        percent(m->video.got, m->video_sent), 100 * m->load, 100 * m->waited, m->counters.shed_level,
        m->counters.shed_consumers, m->counters.drops[MEDIA_DROP_KERNEL_RECEIVE_QUEUE],
        (double)m->counters.loop_lag_us_max / 1000, (double)m->late_us / 1000);
    fflush(stdout);
}

static void bench_overload(struct bench *b, unsigned times, unsigned seconds) {
    struct measured m, sum = {0};
    char what[32];
    b->times = times;
    bench_measure(b, REACTION_US, &m);
    print_measured("first 0.5 s", &m);
    for (unsigned s = 0; s < seconds; s++) {
        bench_measure(b, US_PER_SECOND, &m);
        snprintf(what, sizeof what, "overload %u s", s + 1);
        print_measured(what, &m);
        sum.audio.got += m.audio.got;
        sum.audio.missing += m.audio.missing;
        sum.video.got += m.video.got;
        sum.audio_sent += m.audio_sent;
        sum.video_sent += m.video_sent;
        sum.load += m.load / seconds;
        sum.waited += m.waited / seconds;
        sum.late_us = m.late_us > sum.late_us ? m.late_us : sum.late_us;
        sum.counters = m.counters;
    }
    print_measured("overload, all", &sum);
}

static void bench_back(struct bench *b) {
    struct measured m;
    uint64_t start_us = clock_now_us();
    b->times = 1;
    do
        bench_measure(b, US_PER_SECOND / 2, &m);
    while (m.counters.shed_level > 0 && clock_now_us() - start_us < BACK_US);
    printf("all video was back after %.1f s\n", (double)(clock_now_us() - start_us) / 1e6);
    bench_measure(b, 2 * US_PER_SECOND, &m);
    print_measured("afterwards", &m);
    printf("receivers' sockets overflowed by %u datagrams\n", conference_overflowed(b->conference));
}

// When so many have come at once, the worker was full with that.
static void bench_before(struct bench *b) {
    struct measured m;
    uint64_t start_us = clock_now_us();
    do
        bench_measure(b, 2 * US_PER_SECOND, &m);
    while (m.counters.shed_level > 0 && clock_now_us() - start_us < BACK_US);
    bench_measure(b, 2 * US_PER_SECOND, &m);
    print_measured("before", &m);
}

static bool bench_ready(const struct bench *b) {
    uint64_t start_us = clock_now_us();
    while (!conference_ready(b->conference) && clock_now_us() - start_us < 60 * US_PER_SECOND)
        conference_turn(b->conference, 1);
    return conference_ready(b->conference);
}

static bool bench_start(struct bench *b) {
    unsigned n = b->config.participants;
    b->conference = conference_open(&b->config);
    b->audio_us = calloc((size_t)n * 3, sizeof *b->audio_us);
    if (!b->conference || !b->audio_us || !bench_ready(b)) {
        fprintf(stderr, "the conference did not come together\n");
        return false;
    }
    b->video_us = b->audio_us + n;
    b->key_us = b->video_us + n;
    uint64_t start_us = clock_now_us();
    for (unsigned i = 0; i < n; i++) {
        b->audio_us[i] = start_us + i * 7919u % AUDIO_US;
        b->video_us[i] = b->key_us[i] = start_us + i * 7919u % FRAME_US;
    }
    conference_send_reports(b->conference);
    conference_count(b->conference, n > COUNTING ? n / COUNTING : 1);
    return true;
}

// What the kernel grants of what the worker asks for.
static void print_buffers(void) {
    char error[256];
    struct pool *pool = pool_create(256);
    struct udp_port_config config = {.receive_buffer_bytes = 4 << 20, .send_buffer_bytes = 4 << 20};
    struct udp_port *port = pool ? udp_port_open(&config, pool, error, sizeof error) : NULL;
    int receive = 0, send = 0;
    socklen_t len = sizeof receive;
    if (port) {
        (void)getsockopt(udp_port_fd4(port), SOL_SOCKET, SO_RCVBUF, &receive, &len);
        (void)getsockopt(udp_port_fd4(port), SOL_SOCKET, SO_SNDBUF, &send, &len);
    }
    // The kernel doubles what was asked for, for its own bookkeeping (socket(7)).
    printf("receive buffer of the worker %d bytes, send buffer %d\n", receive / 2, send / 2);
    udp_port_close(port);
    pool_destroy(pool);
}

int main(int argc, char **argv) {
    struct bench b = {.config = {.workers = 1, .batch_us = 500, .shedding = true, .unlimited = true},
                      .times = 1};
    unsigned times = 20;
    bool usage = false;
    for (int option; (option = getopt(argc, argv, "nx:")) != -1;) {
        if (option == 'n')
            b.config.shedding = false;
        else if (option == 'x')
            times = (unsigned)strtoul(optarg, NULL, 10);
        else
            usage = true;
    }
    if (usage || argc - optind != 4 || times < 1 || times > 1000) {
        fprintf(stderr, "usage: %s [-n] [-x TIMES] PARTICIPANTS AUDIO_PUBLISHERS VIDEO_PUBLISHERS SECONDS\n",
                argv[0]);
        return 2;
    }
    unsigned values[4];
    for (int i = 0; i < 4; i++)
        values[i] = (unsigned)strtoul(argv[optind + i], NULL, 10);
    b.config.participants = b.config.participants_per_worker = values[0];
    b.config.audio_publishers = values[1];
    b.config.video_publishers = values[2];
    struct rlimit limit = {.rlim_cur = 20000, .rlim_max = 20000}; // two sockets a participant
    (void)setrlimit(RLIMIT_NOFILE, &limit);
    print_buffers();
    if (!bench_start(&b))
        return 1;
    bench_before(&b);
    bench_overload(&b, times, values[3]);
    bench_back(&b);
    conference_close(b.conference);
    free(b.audio_us);
    return 0;
}
