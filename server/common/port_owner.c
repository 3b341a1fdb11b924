#include "server/common/port_owner.h"

#include <ctype.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TCP_LISTEN 0x0a // the state in /proc/net/tcp

// The inode of the first socket in one of /proc/net's tables that has the port; 0: none.
static unsigned long inode_in(const char *table, enum port_kind kind, uint16_t port) {
    FILE *file = fopen(table, "re");
    char line[512];
    unsigned long found = 0;
    while (file && found == 0 && fgets(line, sizeof line, file)) {
        unsigned local, state;
        unsigned long inode;
        // sl local:port remote:port state tx:rx timer retransmits uid timeout inode
        if (sscanf(line, " %*u: %*[0-9A-F]:%x %*[0-9A-F]:%*x %x %*s %*s %*s %*u %*u %lu", &local, &state,
                   &inode) == 3 &&
            local == port && (kind == PORT_UDP || state == TCP_LISTEN))
            found = inode;
    }
    if (file)
        fclose(file);
    return found;
}

static bool process_has(const char *pid, const char *socket_name) {
    char path[300], target[64];
    snprintf(path, sizeof path, "/proc/%s/fd", pid);
    DIR *fds = opendir(path);
    bool found = false;
    for (struct dirent *entry; fds && !found && (entry = readdir(fds));) {
        ssize_t len = readlinkat(dirfd(fds), entry->d_name, target, sizeof target - 1);
        target[len > 0 ? len : 0] = '\0';
        found = strcmp(target, socket_name) == 0;
    }
    if (fds)
        closedir(fds);
    return found;
}

static void process_describe(const char *pid, char *out, size_t cap) {
    char path[300], name[64] = "another program";
    snprintf(path, sizeof path, "/proc/%s/comm", pid);
    FILE *file = fopen(path, "re");
    if (file && fgets(name, sizeof name, file))
        name[strcspn(name, "\n")] = '\0';
    if (file)
        fclose(file);
    snprintf(out, cap, "%s (pid %s)", name, pid);
}

bool port_owner_find(enum port_kind kind, uint16_t port, char *out, size_t cap) {
    static const char *const tables[][2] = {
        [PORT_TCP] = {"/proc/net/tcp", "/proc/net/tcp6"}, [PORT_UDP] = {"/proc/net/udp", "/proc/net/udp6"}};
    unsigned long inode = inode_in(tables[kind][0], kind, port);
    if (inode == 0)
        inode = inode_in(tables[kind][1], kind, port);
    if (inode == 0)
        return false;
    char socket_name[48];
    snprintf(socket_name, sizeof socket_name, "socket:[%lu]", inode);
    snprintf(out, cap, "another program");
    DIR *processes = opendir("/proc");
    for (struct dirent *entry; processes && (entry = readdir(processes));) {
        if (isdigit((unsigned char)entry->d_name[0]) && process_has(entry->d_name, socket_name)) {
            process_describe(entry->d_name, out, cap);
            break;
        }
    }
    if (processes)
        closedir(processes);
    return true;
}
