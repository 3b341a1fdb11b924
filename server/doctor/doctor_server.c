#include "server/doctor/doctor_server.h"

#include "base/clock.h"
#include "server/app.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define START_MS_MAX 10000
#define STOP_MS_MAX 4000 // it takes up to 2 s by itself
#define STOP_LOOK_MS 5

struct started {
    uint16_t http_port, media_port;
};

static void on_started(void *ctx, uint16_t http_port, uint16_t media_port) {
    struct started ports = {http_port, media_port};
    if (write(*(int *)ctx, &ports, sizeof ports) != sizeof ports)
        _exit(1);
}

// The child's life. It ends with the doctor, however that ends.
_Noreturn static void child_run(const struct config *config, pid_t parent, int ready, int errors) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(1);
    int nowhere = open("/dev/null", O_RDWR | O_CLOEXEC);
    dup2(nowhere, STDOUT_FILENO);
    dup2(errors, STDERR_FILENO);
    struct app_watcher watcher = {.ctx = &ready, .started = on_started};
    _exit(app_run(config, &watcher, NULL));
}

// The last line of what the child has said; "" when it was silent.
static void errors_read(int fd, char *out, size_t cap) {
    char text[4096];
    size_t len = 0;
    ssize_t n;
    while (len < sizeof text - 1 && (n = read(fd, text + len, sizeof text - 1 - len)) > 0)
        len += (size_t)n;
    while (len && text[len - 1] == '\n')
        len--;
    text[len] = '\0';
    char *line = strrchr(text, '\n');
    line = line ? line + 1 : text;
    if (strncmp(line, "rotunda: ", 9) == 0)
        line += 9;
    snprintf(out, cap, "%.*s", (int)cap - 1, line);
}

// Of a child that has ended.
static void end_explain(int status, int errors, char why[DOCTOR_SERVER_WHY_MAX]) {
    errors_read(errors, why, DOCTOR_SERVER_WHY_MAX);
    if (WIFSIGNALED(status)) {
        char said[DOCTOR_SERVER_WHY_MAX - 64];
        snprintf(said, sizeof said, "%s", why);
        snprintf(why, DOCTOR_SERVER_WHY_MAX, "it was ended by signal %d%s%s", WTERMSIG(status),
                 said[0] ? ": " : "", said);
    } else if (!why[0]) {
        snprintf(why, DOCTOR_SERVER_WHY_MAX, "it ended with status %d", WEXITSTATUS(status));
    }
}

static bool wait_started(struct doctor_server *server, int ready, char why[DOCTOR_SERVER_WHY_MAX]) {
    struct started ports;
    struct pollfd wait = {.fd = ready, .events = POLLIN};
    int outcome = poll(&wait, 1, START_MS_MAX);
    if (outcome == 1 && read(ready, &ports, sizeof ports) == sizeof ports) {
        server->http_port = ports.http_port;
        server->media_port = ports.media_port;
        return true;
    }
    int status = 0;
    if (outcome != 1)
        kill(server->pid, SIGKILL);
    waitpid(server->pid, &status, 0);
    if (outcome == 1)
        end_explain(status, server->errors, why);
    else
        snprintf(why, DOCTOR_SERVER_WHY_MAX, "it did not serve within %d s", START_MS_MAX / 1000);
    close(server->errors);
    *server = (struct doctor_server){.pid = 0};
    return false;
}

bool doctor_server_start(struct doctor_server *server, const struct config *config,
                         char why[DOCTOR_SERVER_WHY_MAX]) {
    int ready[2] = {-1, -1}, errors[2] = {-1, -1};
    *server = (struct doctor_server){.pid = 0};
    pid_t parent = getpid(), pid = -1;
    if (pipe2(ready, O_CLOEXEC) == 0 && pipe2(errors, O_CLOEXEC) == 0) {
        fflush(NULL);
        pid = fork();
    }
    if (pid == 0)
        child_run(config, parent, ready[1], errors[1]);
    if (pid < 0)
        snprintf(why, DOCTOR_SERVER_WHY_MAX, "no process for it: %s", strerror(errno));
    close(ready[1]);
    close(errors[1]);
    if (pid > 0) {
        server->pid = pid;
        server->errors = errors[0];
        // A child that goes on talking is never waited for.
        fcntl(server->errors, F_SETFL, O_NONBLOCK);
        bool started = wait_started(server, ready[0], why);
        close(ready[0]);
        return started;
    }
    close(ready[0]);
    close(errors[0]);
    return false;
}

bool doctor_server_stop(struct doctor_server *server, char why[DOCTOR_SERVER_WHY_MAX]) {
    if (server->pid == 0)
        return true;
    int status = 0;
    bool gone = waitpid(server->pid, &status, WNOHANG) == server->pid, forced = false;
    bool early = gone;
    if (!gone)
        kill(server->pid, SIGTERM);
    for (uint64_t until_us = clock_now_us() + STOP_MS_MAX * US_PER_MS; !gone && clock_now_us() < until_us;) {
        poll(NULL, 0, STOP_LOOK_MS);
        gone = waitpid(server->pid, &status, WNOHANG) == server->pid;
    }
    if (!gone) {
        forced = true;
        kill(server->pid, SIGKILL);
        waitpid(server->pid, &status, 0);
    }
    bool fine = !early && !forced && WIFEXITED(status) && WEXITSTATUS(status) == 0;
    if (forced)
        snprintf(why, DOCTOR_SERVER_WHY_MAX, "it did not end within %d s of SIGTERM", STOP_MS_MAX / 1000);
    else if (!fine)
        end_explain(status, server->errors, why);
    close(server->errors);
    *server = (struct doctor_server){.pid = 0};
    return fine;
}
