#include "rooms/media/budget.h"

#include "rooms/media/media_objects.h"

static void fill(uint32_t *limit, uint32_t preset) {
    *limit = *limit ? *limit : preset;
}

void media_limits_fill(struct media_limits *limits) {
    fill(&limits->audio_packets_per_second, MEDIA_AUDIO_PACKETS_DEFAULT);
    fill(&limits->audio_bitrate_bps, MEDIA_AUDIO_BITRATE_DEFAULT);
    fill(&limits->video_packets_per_second, MEDIA_VIDEO_PACKETS_DEFAULT);
    fill(&limits->video_bitrate_bps, MEDIA_VIDEO_BITRATE_DEFAULT);
    fill(&limits->transport_bitrate_bps, MEDIA_TRANSPORT_BITRATE_DEFAULT);
    fill(&limits->receive_bitrate_bps, MEDIA_RECEIVE_BITRATE_DEFAULT);
}

static struct token_rate rate_of(uint32_t limit, uint32_t burst_seconds) {
    uint64_t per_second = limit ? limit : UINT32_MAX, burst = per_second * burst_seconds;
    return (struct token_rate){.per_second = (uint32_t)per_second,
                               .burst = burst < UINT32_MAX ? (uint32_t)burst : UINT32_MAX};
}

void budget_rates_init(struct budget_rates *rates, const struct media_limits *limits) {
    *rates = (struct budget_rates){
        .packets = {[MEDIA_AUDIO] = rate_of(limits->audio_packets_per_second, MEDIA_AUDIO_BURST_SECONDS),
                    [MEDIA_VIDEO] = rate_of(limits->video_packets_per_second, MEDIA_BURST_SECONDS)},
        .bits = {[MEDIA_AUDIO] = rate_of(limits->audio_bitrate_bps, MEDIA_AUDIO_BURST_SECONDS),
                 [MEDIA_VIDEO] = rate_of(limits->video_bitrate_bps, MEDIA_BURST_SECONDS)},
        .egress = rate_of(limits->transport_bitrate_bps, MEDIA_BURST_SECONDS),
    };
}
