#include "base/trace.h"

#include "base/log.h"

#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#define FRAMES_MAX 64
#define STACK_BYTES (64 * 1024) // backtrace reads unwinding tables; this is ample
#define ASK_SIGNAL SIGUSR2
#define ANSWER_PAUSES 200 // of 5 ms, for which another one is waited for

static const char *program_version = "";
static atomic_flag crashing = ATOMIC_FLAG_INIT;
static int gathered[2] = {-1, STDERR_FILENO}; // a pipe of our own; without it words go out as they come

// ---- in handlers: nothing but system calls

static void say(const char *text) {
    ssize_t ignored = write(gathered[1], text, strlen(text));
    (void)ignored;
}

// Standard error may be a pipe or a terminal that takes nothing, for which nobody is to wait: a thread that
// was slow would then be stuck for good, and a process that crashed would not end.
static void say_out(void) {
    char text[PIPE_BUF];
    for (ssize_t len; gathered[0] >= 0 && (len = read(gathered[0], text, sizeof text)) > 0;)
        log_say(STDERR_FILENO, text, (size_t)len);
}

static void say_hex(uintptr_t value) {
    char text[2 + 2 * sizeof value + 1], *end = text + sizeof text - 1;
    *end = '\0';
    do
        *--end = "0123456789abcdef"[value & 15];
    while (value >>= 4);
    *--end = 'x';
    *--end = '0';
    say(end);
}

static void say_stack(const char *whose) {
    void *frames[FRAMES_MAX];
    char name[16 + 1] = "", head[64] = ""; // in one piece, since other threads write lines meanwhile
    prctl(PR_GET_NAME, name);
    strcat(strcat(strcat(strcat(head, whose), " in thread "), name), "\n");
    say(head);
    int count = backtrace(frames, FRAMES_MAX);
    backtrace_symbols_fd(frames, count, gathered[1]);
}

static const char *signal_text(int number) {
    switch (number) {
    case SIGSEGV:
        return "SIGSEGV";
    case SIGBUS:
        return "SIGBUS";
    case SIGILL:
        return "SIGILL";
    case SIGFPE:
        return "SIGFPE";
    default:
        return "SIGABRT";
    }
}

static void on_crash(int number, siginfo_t *info, void *context) {
    (void)context;
    if (!atomic_flag_test_and_set(&crashing)) {
        say("rotunda ");
        say(program_version);
        say(" crashed: ");
        say(signal_text(number));
        if (number != SIGABRT) {
            say(" at ");
            say_hex((uintptr_t)info->si_addr);
        }
        say_stack("");
        say("docs/operations.md, \"When it has crashed\", tells how to read this.\n");
        say_out();
    }
    raise(number); // the handler is gone by now (SA_RESETHAND)
}

// Threads that are stuck together are asked together, and answer one after the other.
static void on_asked(int number) {
    static atomic_flag answering = ATOMIC_FLAG_INIT;
    static const struct timespec pause = {.tv_nsec = 5000000};
    int error = errno;
    bool mine = false;
    (void)number;
    for (unsigned i = 0; i < ANSWER_PAUSES && !mine; i++) {
        mine = !atomic_flag_test_and_set(&answering);
        if (!mine)
            nanosleep(&pause, NULL);
    }
    say_stack("stack");
    say_out();
    if (mine)
        atomic_flag_clear(&answering);
    errno = error;
}

// ---- outside them

static bool sanitizer_reports(void) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    return true; // and it has such a stack already
#else
    return false;
#endif
}

void trace_thread_begin(void) {
    if (sanitizer_reports())
        return;
    static _Thread_local char stack[STACK_BYTES];
    stack_t own = {.ss_sp = stack, .ss_size = sizeof stack};
    sigaltstack(&own, NULL);
}

void trace_install(const char *version) {
    static const int crashes[] = {SIGABRT, SIGSEGV, SIGBUS, SIGILL, SIGFPE};
    struct sigaction crash = {.sa_sigaction = on_crash,
                              .sa_flags = (int)(SA_SIGINFO | SA_ONSTACK | SA_RESETHAND | SA_NODEFER)};
    struct sigaction asked = {.sa_handler = on_asked, .sa_flags = SA_RESTART | SA_ONSTACK};
    void *frame;
    program_version = version;
    if (pipe2(gathered, O_CLOEXEC | O_NONBLOCK) != 0)
        gathered[0] = -1, gathered[1] = STDERR_FILENO;
    backtrace(&frame, 1); // loads what it needs now, not in a handler
    trace_thread_begin();
    size_t count = sanitizer_reports() ? 1 : sizeof crashes / sizeof crashes[0];
    for (size_t i = 0; i < count; i++)
        sigaction(crashes[i], &crash, NULL);
    sigaction(ASK_SIGNAL, &asked, NULL);
}

void trace_unblock(sigset_t *blocked) {
    sigdelset(blocked, ASK_SIGNAL);
}

void trace_thread(pthread_t thread) {
    pthread_kill(thread, ASK_SIGNAL);
}
