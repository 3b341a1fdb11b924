// What a conference costs: CPU of the media threads for each packet sent, and memory for each participant.
//
//   conference_bench [-a] [-b BATCH_US] [-x TIMES] [-f] [-r] WORKERS PARTICIPANTS AUDIO_PUBLISHERS
//   VIDEO_PUBLISHERS SECONDS
//
// Hub and workers run in this process, people are placed as in the server; the CPU time is that of the
// threads named media-*, from /proc/self/task. Video is about 1 Mbit/s (30 frames of 4 packets a second),
// audio 50 packets a second; -x sends TIMES as much, to load the workers of small cases. Delay is from a
// publisher's send call to the receiver's socket, of some ten participants; the others read their packets and
// throw them away. With -f it is two, and the others are far: the kernel drops what is for them, so that more
// can be sent than this machine could read. With -a everybody acknowledges what arrives, each 50 to 100 ms,
// as browsers do; those who are far cannot. Bounded: it ends after SECONDS. -r prints one line of numbers for
// scripts: packets forwarded, ns of CPU a forwarded packet, packets a message, bytes a packet, median and p99
// of delay in us, CPU us a second of each participant when nobody sends, load of a worker in %.
#include "base/clock.h"
#include "tests/kit/conference.h"

#include <dirent.h>
#include <inttypes.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#define VIDEO_PAYLOAD_BYTES 1050
#define TURN_US 500
#define SETTLE_US (2200 * US_PER_MS)   // workers publish their counters each other second at the latest
#define SILENCE_US (4 * US_PER_SECOND) // then nobody is taken for a speaker any more
#define IDLE_US (5 * US_PER_SECOND)    // twice the time between two ICE checks of a participant
#define LISTENERS 10
#define LISTENERS_FAR 2 // each gets everything that is sent

// Nanoseconds on a CPU of all threads whose name starts with `prefix`.
static uint64_t threads_cpu_ns(const char *prefix) {
    uint64_t sum = 0;
    DIR *dir = opendir("/proc/self/task");
    for (struct dirent *entry; dir && (entry = readdir(dir));) {
        char path[300], name[64] = "";
        snprintf(path, sizeof path, "/proc/self/task/%s/comm", entry->d_name);
        FILE *f = fopen(path, "r");
        if (!f)
            continue;
        if (fgets(name, sizeof name, f) && strncmp(name, prefix, strlen(prefix)) == 0) {
            snprintf(path, sizeof path, "/proc/self/task/%s/schedstat", entry->d_name);
            FILE *s = fopen(path, "r");
            uint64_t ns = 0;
            if (s && fscanf(s, "%" SCNu64, &ns) == 1)
                sum += ns;
            if (s)
                fclose(s);
        }
        fclose(f);
    }
    if (dir)
        closedir(dir);
    return sum;
}

// Bytes that the workers' threads have allocated: everything in malloc's arenas but the first, which is this
// thread's. Packet blocks and other large pieces lie outside of arenas.
static uint64_t workers_heap_bytes(void) {
    char *text = NULL;
    size_t len = 0;
    FILE *f = open_memstream(&text, &len);
    if (!f || malloc_info(0, f) != 0)
        abort();
    fclose(f);
    uint64_t sum = 0;
    const char *heap = strstr(text, "<heap nr=\"1\"");
    for (; heap; heap = strstr(heap + 1, "<heap nr=")) {
        uint64_t fast = 0, rest = 0, current = 0;
        const char *at = strstr(heap, "<total type=\"fast\"");
        if (at)
            sscanf(at, "<total type=\"fast\" count=\"%*u\" size=\"%" SCNu64, &fast);
        if ((at = strstr(heap, "<total type=\"rest\"")))
            sscanf(at, "<total type=\"rest\" count=\"%*u\" size=\"%" SCNu64, &rest);
        if ((at = strstr(heap, "<system type=\"current\"")))
            sscanf(at, "<system type=\"current\" size=\"%" SCNu64, &current);
        sum += current - fast - rest;
    }
    free(text);
    return sum;
}

static void read_totals(struct conference *c, unsigned workers, struct media_counters *out) {
    memset(out, 0, sizeof *out);
    for (unsigned i = 0; i < workers; i++) {
        struct media_counters one;
        media_read_counters(conference_media(c), i, &one);
        out->packets_out += one.packets_out;
        out->rtp_out += one.rtp_out;
        out->rtp_in += one.rtp_in;
        out->bytes_out += one.bytes_out;
        out->send_messages += one.send_messages;
        out->send_calls += one.send_calls;
    }
}

// Receivers are looked at again and again, not woken by each datagram: real ones are on other machines, where
// the server does not pay for waking them.
static void turn(struct conference *c) {
    nanosleep(&(struct timespec){.tv_nsec = TURN_US * 1000}, NULL);
    conference_turn(c, 0);
}

static void turn_for(struct conference *c, uint64_t us) {
    uint64_t end_us = clock_now_us() + us;
    while (clock_now_us() < end_us)
        turn(c);
}

// Publishers send on their own clocks: audio each 20 ms, and each 33 ms a frame of four packets in a row, the
// smaller ones first, as browsers cut it.
static void hold(struct conference *c, const struct conference_config *config, unsigned times, uint64_t us) {
    uint64_t start_us = clock_now_us(), now_us = start_us;
    uint64_t *audio_us = calloc(config->participants, 2 * sizeof *audio_us);
    if (!audio_us)
        abort();
    uint64_t *video_us = audio_us + config->participants;
    for (unsigned i = 0; i < config->participants; i++) {
        audio_us[i] = start_us + i * 7919u % 20000;
        video_us[i] = start_us + i * 7919u % 33333;
    }
    for (; now_us < start_us + us; turn(c)) {
        now_us = clock_now_us();
        for (unsigned i = 0; i < config->audio_publishers; i++)
            for (; now_us >= audio_us[i]; audio_us[i] += 20 * US_PER_MS / times)
                conference_send_audio_of(c, i, 80);
        for (unsigned i = 0; i < config->video_publishers; i++)
            for (; now_us >= video_us[i]; video_us[i] += 33333 / times) {
                bool key = (video_us[i] - start_us) % (10 * US_PER_SECOND) < 33333;
                for (unsigned k = 0; k < 4; k++)
                    conference_send_video_of(c, i, VIDEO_PAYLOAD_BYTES + k / 2, k == 0, key, k == 3);
            }
    }
    free(audio_us);
}

static double each(uint64_t sum, uint64_t count) {
    return count ? (double)sum / (double)count : 0;
}

struct result {
    uint64_t forwarded;
    double cpu_ns, per_message, bytes, idle_us, load;
    uint32_t delay_p50_us, delay_p99_us;
};

static void measure(struct conference *c, const struct conference_config *config, unsigned times, uint64_t us,
                    struct result *out) {
    struct media_counters a, b;
    hold(c, config, times, US_PER_SECOND); // warm
    turn_for(c, SILENCE_US);
    uint64_t idle_a = threads_cpu_ns("media-");
    turn_for(c, IDLE_US);
    uint64_t idle_ns = threads_cpu_ns("media-") - idle_a;
    read_totals(c, config->workers, &a);
    conference_delay_reset(c);
    uint64_t cpu_a = threads_cpu_ns("media-");
    hold(c, config, times, us);
    uint64_t cpu_ns = threads_cpu_ns("media-") - cpu_a;
    turn_for(c, SETTLE_US);
    read_totals(c, config->workers, &b);
    uint64_t sent = b.packets_out - a.packets_out;
    out->forwarded = b.rtp_out - a.rtp_out;
    out->cpu_ns = each(cpu_ns, out->forwarded);
    out->per_message = each(sent, b.send_messages - a.send_messages);
    out->bytes = each(b.bytes_out - a.bytes_out, sent);
    out->idle_us = each(idle_ns * US_PER_MS / IDLE_US, config->participants);
    out->load = each(cpu_ns, 10 * us * config->workers);
    out->delay_p50_us = conference_delay_us(c, 0.5);
    out->delay_p99_us = conference_delay_us(c, 0.99);
}

static int bench(const struct conference_config *config, unsigned times, unsigned seconds, bool far,
                 bool acknowledge, bool raw) {
    struct conference *c = conference_open(config);
    if (!c)
        return 1;
    uint64_t start_us = clock_now_us();
    while (!conference_ready(c) && clock_now_us() - start_us < 60 * US_PER_SECOND)
        conference_turn(c, 1);
    if (!conference_ready(c)) {
        fprintf(stderr, "the conference did not come together in 60 s\n");
        return 1;
    }
    conference_send_reports(c);
    unsigned listeners = far ? LISTENERS_FAR : LISTENERS;
    conference_listen(c, config->participants > listeners ? config->participants / listeners : 1, far);
    if (acknowledge)
        conference_acknowledge(c);
    double ready_ms = (double)(clock_now_us() - start_us) / 1000;
    struct result r;
    measure(c, config, times, seconds * US_PER_SECOND, &r);
    if (raw)
        printf("%" PRIu64 " %.0f %.2f %.0f %u %u %.1f %.0f\n", r.forwarded, r.cpu_ns, r.per_message, r.bytes,
               r.delay_p50_us, r.delay_p99_us, r.idle_us, r.load);
    else
        printf(
            "workers %u, participants %u, audio %u, video %u: all connected %.0f ms, %" PRIu64
            " forwarded, %.0f ns of CPU a forwarded packet, %.1f packets of %.0f bytes a message, delay p50 "
            "%u us, p99 %u us, %.1f us of CPU a second for each idle participant, load of a worker %.0f %%, "
            "%.1f KB of the workers' heap a participant\n",
            config->workers, config->participants, config->audio_publishers, config->video_publishers,
            ready_ms, r.forwarded, r.cpu_ns, r.per_message, r.bytes, r.delay_p50_us, r.delay_p99_us,
            r.idle_us, r.load, (double)workers_heap_bytes() / 1024 / config->participants);
    conference_close(c);
    return 0;
}

int main(int argc, char **argv) {
    struct conference_config config = {.batch_us = 500, .unlimited = true};
    bool raw = false, far = false, acknowledge = false;
    unsigned times = 1;
    for (int option; (option = getopt(argc, argv, "ab:frx:")) != -1;) {
        if (option == 'b')
            config.batch_us = (uint32_t)strtoul(optarg, NULL, 10);
        else if (option == 'x')
            times = (unsigned)strtoul(optarg, NULL, 10);
        else if (option == 'f')
            far = true;
        else if (option == 'a')
            acknowledge = true;
        else if (option == 'r')
            raw = true;
        else
            return 2;
    }
    if (argc - optind != 5 || times < 1 || times > 100 || (far && acknowledge)) {
        fprintf(stderr,
                "usage: %s [-a] [-b BATCH_US] [-x TIMES] [-f] [-r] WORKERS PARTICIPANTS AUDIO_PUBLISHERS "
                "VIDEO_PUBLISHERS SECONDS\n",
                argv[0]);
        return 2;
    }
    unsigned values[5];
    for (int i = 0; i < 5; i++)
        values[i] = (unsigned)strtoul(argv[optind + i], NULL, 10);
    config.workers = values[0];
    config.participants = values[1];
    config.audio_publishers = values[2];
    config.video_publishers = values[3];
    struct rlimit limit = {.rlim_cur = 20000, .rlim_max = 20000}; // two sockets a participant
    (void)setrlimit(RLIMIT_NOFILE, &limit);
    return bench(&config, times, values[4], far, acknowledge, raw);
}
