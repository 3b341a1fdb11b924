// A configuration file of any bytes: taken or refused in one line, and what is taken is within its limits.
#include "server/config/config.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_taken(const struct config *config) {
    size_t count;
    const struct setting *settings = config_settings(&count);
    for (size_t i = 0; i < count; i++) {
        uint32_t value;
        memcpy(&value, (const char *)config + settings[i].offset, sizeof value);
        if (settings[i].type == SETTING_NUMBER && settings[i].preset[0])
            assert(value >= settings[i].min && value <= settings[i].max);
    }
    assert(config->announce_count >= 1 && config->announce_count <= HUB_ANNOUNCE_MAX);
    assert(config->trusted.count <= NETWORKS_MAX);
    assert(frame_ancestors_valid(config->frame_ancestors));
    assert(config_worker_count(config) >= 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static struct config config;
    char path[64], error[CONFIG_ERROR_MAX] = "";
    int fd = memfd_create("config", 0);
    if (fd < 0 || write(fd, data, size) != (ssize_t)size)
        return 0;
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    char *const argv[] = {"rotunda", "--config", path, NULL}, *const environment[] = {NULL};
    memset(&config, 0, sizeof config);
    enum config_task task = config_load(&config, 3, argv, environment, error);
    assert(task == CONFIG_RUN || task == CONFIG_REFUSED);
    if (task == CONFIG_RUN)
        check_taken(&config);
    else
        assert(error[0] && !strchr(error, '\n'));
    close(fd);
    return 0;
}
