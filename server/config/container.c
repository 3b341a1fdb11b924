#include "server/config/container.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool file_exists(const char *root, const char *name) {
    char path[512];
    snprintf(path, sizeof path, "%s%s", root, name);
    return access(path, F_OK) == 0;
}

// The file's beginning holds the word.
static bool file_holds(const char *root, const char *name, const char *word) {
    char path[512], text[4096];
    snprintf(path, sizeof path, "%s%s", root, name);
    FILE *file = fopen(path, "re");
    if (!file)
        return false;
    size_t len = fread(text, 1, sizeof text - 1, file);
    fclose(file);
    text[len] = '\0';
    return strstr(text, word) != NULL;
}

// An empty variable counts as not set, as everywhere among the settings.
static bool variable_set(const char *name) {
    const char *value = getenv(name);
    return value && *value;
}

const char *container_find(const char *root) {
    static const char cgroup[] = "/proc/1/cgroup";
    if (variable_set("KUBERNETES_SERVICE_HOST") || file_holds(root, cgroup, "kubepods"))
        return "Kubernetes";
    if (file_exists(root, "/.dockerenv") || file_holds(root, cgroup, "/docker"))
        return "Docker";
    if (file_exists(root, "/run/.containerenv") || file_holds(root, cgroup, "libpod"))
        return "Podman";
    // What systemd says of any other (systemd-nspawn, LXC), and LXC itself.
    if (variable_set("container") || file_exists(root, "/run/systemd/container") ||
        file_holds(root, cgroup, "/lxc"))
        return "a container";
    return NULL;
}
