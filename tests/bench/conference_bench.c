// What a conference costs: CPU of the media threads for each packet sent, and memory for each participant.
//
//   conference_bench WORKERS PARTICIPANTS AUDIO_PUBLISHERS VIDEO_PUBLISHERS SECONDS
//
// Hub and workers run in this process; the CPU time is that of the threads named media-*, from
// /proc/self/task. Video is about 1 Mbit/s (30 frames of 4 packets a second), audio 50 packets a second.
// Bounded: it ends after SECONDS.
#include "base/clock.h"
#include "tests/kit/conference.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

static uint64_t resident_bytes(void) {
    uint64_t size, pages = 0;
    FILE *f = fopen("/proc/self/statm", "r");
    if (f && fscanf(f, "%" SCNu64 " %" SCNu64, &size, &pages) != 2)
        pages = 0;
    if (f)
        fclose(f);
    return pages * 4096;
}

static void read_totals(struct conference *c, unsigned workers, struct media_counters *out) {
    memset(out, 0, sizeof *out);
    for (unsigned i = 0; i < workers; i++) {
        struct media_counters one;
        media_read_counters(conference_media(c), i, &one);
        out->packets_out += one.packets_out;
        out->rtp_out += one.rtp_out;
        out->rtp_in += one.rtp_in;
    }
}

static void turn_for(struct conference *c, uint64_t us) {
    uint64_t end_us = clock_now_us() + us;
    while (clock_now_us() < end_us)
        conference_turn(c, 1);
}

// Sends audio each 20 ms and a frame of four packets each 33 ms.
static void hold(struct conference *c, uint64_t us) {
    uint64_t now_us = clock_now_us(), end_us = now_us + us, audio_us = now_us, video_us = now_us;
    for (unsigned frame = 0; (now_us = clock_now_us()) < end_us;) {
        if (now_us >= audio_us) {
            conference_send_audio(c, 80);
            audio_us += 20 * US_PER_MS;
        }
        if (now_us >= video_us) {
            for (unsigned i = 0; i < 4; i++)
                conference_send_video(c, 1050, i == 0, frame % 300 == 0, i == 3);
            frame++;
            video_us += 33333;
        }
        conference_turn(c, 1);
    }
}

int main(int argc, char **argv) {
    if (argc != 6) {
        fprintf(stderr, "usage: %s WORKERS PARTICIPANTS AUDIO_PUBLISHERS VIDEO_PUBLISHERS SECONDS\n",
                argv[0]);
        return 2;
    }
    unsigned values[5];
    for (int i = 0; i < 5; i++)
        values[i] = (unsigned)strtoul(argv[i + 1], NULL, 10);
    uint64_t before_bytes = resident_bytes();
    struct conference_config config = {.workers = values[0],
                                       .participants = values[1],
                                       .audio_publishers = values[2],
                                       .video_publishers = values[3],
                                       .participants_per_worker = (values[1] + values[0] - 1) / values[0]};
    struct conference *c = conference_open(&config);
    if (!c)
        return 1;
    uint64_t start_us = clock_now_us();
    while (!conference_ready(c) && clock_now_us() - start_us < 60 * US_PER_SECOND)
        conference_turn(c, 1);
    if (!conference_ready(c)) {
        fprintf(stderr, "the conference did not come together in 60 s\n");
        return 1;
    }
    double ready_ms = (double)(clock_now_us() - start_us) / 1000;
    hold(c, US_PER_SECOND); // warm
    struct media_counters a, b;
    turn_for(c, 600 * US_PER_MS); // counters are published each 250 ms
    read_totals(c, values[0], &a);
    uint64_t cpu_a = threads_cpu_ns("media-");
    hold(c, values[4] * US_PER_SECOND);
    turn_for(c, 600 * US_PER_MS);
    uint64_t cpu_b = threads_cpu_ns("media-");
    read_totals(c, values[0], &b);
    uint64_t forwarded = b.rtp_out - a.rtp_out;
    printf("workers %u, participants %u, audio %u, video %u: all connected %.0f ms, %" PRIu64
           " packets in, %" PRIu64
           " forwarded, %.0f ns of CPU a forwarded packet, %.1f KB resident a participant (both sides)\n",
           values[0], values[1], values[2], values[3], ready_ms, b.rtp_in - a.rtp_in, forwarded,
           forwarded ? (double)(cpu_b - cpu_a) / (double)forwarded : 0.0,
           (double)(resident_bytes() - before_bytes) / 1024 / values[1]);
    conference_close(c);
    return 0;
}
