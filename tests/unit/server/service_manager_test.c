// What systemd hears, over both kinds of names, and when nobody listens.
#include "server/service_manager.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

static int listen_at(const char *name) {
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    size_t chars = strlen(name);
    memcpy(at.sun_path, name, chars);
    if (name[0] == '@')
        at.sun_path[0] = '\0';
    else
        unlink(name);
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    socklen_t len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + chars);
    assert_int_equal(bind(fd, (struct sockaddr *)&at, len), 0);
    return fd;
}

static void systemd_hears_how_long_it_takes(void **state) {
    (void)state;
    char names[2][64], heard[128];
    snprintf(names[0], sizeof names[0], "/tmp/rotunda-notify-%d", (int)getpid());
    snprintf(names[1], sizeof names[1], "@rotunda-notify-%d", (int)getpid());
    for (unsigned i = 0; i < 2; i++) {
        int fd = listen_at(names[i]);
        setenv("NOTIFY_SOCKET", names[i], 1);
        assert_int_equal(service_manager_find(), SERVICE_MANAGER_LISTENS);
        static const char said[] = "READY=1\nRELOADING=1\nMONOTONIC_USEC=17\nWATCHDOG=1\n";
        assert_true(service_manager_ready() && service_manager_reloading(17) && service_manager_alive());
        for (size_t at = 0; at < sizeof said - 1;) {
            ssize_t part = recv(fd, heard, sizeof heard, MSG_DONTWAIT);
            assert_true(part > 0);
            assert_memory_equal(heard, said + at, (size_t)part);
            at += (size_t)part;
        }
        assert_true(service_manager_stopping(310000000));
        ssize_t len = recv(fd, heard, sizeof heard - 1, MSG_DONTWAIT);
        assert_true(len > 0);
        heard[len] = '\0';
        assert_string_equal(heard, "STOPPING=1\nEXTEND_TIMEOUT_USEC=310000000\n");
        assert_true(service_manager_stopping(0));
        assert_int_equal(recv(fd, heard, sizeof heard, MSG_DONTWAIT), strlen("STOPPING=1\n"));
        close(fd);
        assert_false(service_manager_stopping(1)); // it has gone
    }
    unlink(names[0]);
}

static void *listen_later(void *fd) {
    char heard[64];
    usleep(100000);
    ssize_t len;
    while ((len = recv(*(int *)fd, heard, sizeof heard, 0)) > 0 && memcmp(heard, "READY", 5) != 0)
        ;
    return NULL;
}

// Of what it is told three times in its time it can miss one; not of the start.
static void a_manager_that_is_busy_hears_of_the_start(void **state) {
    (void)state;
    char name[64];
    pthread_t thread;
    unsigned queued = 0;
    snprintf(name, sizeof name, "@rotunda-busy-%d", (int)getpid());
    int fd = listen_at(name);
    setenv("NOTIFY_SOCKET", name, 1);
    while (service_manager_alive())
        queued++;
    assert_in_range(queued, 1, 100000);
    assert_int_equal(pthread_create(&thread, NULL, listen_later, &fd), 0);
    assert_true(service_manager_ready());
    pthread_join(thread, NULL);
    close(fd);
}

static void nobody_listens(void **state) {
    (void)state;
    static char longest[300];
    memset(longest, '/', sizeof longest - 1);
    const char *const names[] = {"", "/", "relative", "vsock:2:1234", longest};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        setenv("NOTIFY_SOCKET", names[i], 1);
        assert_false(service_manager_stopping(1));
    }
    unsetenv("NOTIFY_SOCKET");
    unsetenv("SYSTEMD_EXEC_PID");
    assert_false(service_manager_stopping(1));
    assert_int_equal(service_manager_find(), SERVICE_MANAGER_NONE);
    char pid[16];
    snprintf(pid, sizeof pid, "%d", (int)getpid());
    setenv("SYSTEMD_EXEC_PID", pid, 1);
    assert_int_equal(service_manager_find(), SERVICE_MANAGER_DEAF);
    setenv("SYSTEMD_EXEC_PID", "1", 1); // of the service that started us
    assert_int_equal(service_manager_find(), SERVICE_MANAGER_NONE);
}

static void a_watchdog_of_another_process_is_none(void **state) {
    (void)state;
    char pid[16];
    unsetenv("WATCHDOG_USEC");
    assert_int_equal(service_manager_watchdog_us(), 0);
    setenv("WATCHDOG_USEC", "30000000", 1);
    assert_int_equal(service_manager_watchdog_us(), 30000000);
    setenv("WATCHDOG_PID", "1", 1);
    assert_int_equal(service_manager_watchdog_us(), 0);
    snprintf(pid, sizeof pid, "%d", (int)getpid());
    setenv("WATCHDOG_PID", pid, 1);
    assert_int_equal(service_manager_watchdog_us(), 30000000);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(systemd_hears_how_long_it_takes),
        cmocka_unit_test(a_manager_that_is_busy_hears_of_the_start),
        cmocka_unit_test(nobody_listens),
        cmocka_unit_test(a_watchdog_of_another_process_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
