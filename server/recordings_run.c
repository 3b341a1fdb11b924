// The process of a recording: started, told, heard, ended.
#include "server/recordings_internal.h"

#include "base/log.h"

#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FAILED_STATUS 3 // of rotunda-record: it could not write

// ---- out

struct written {
    uv_write_t request;
    char *text;
};

static void on_written(uv_write_t *request, int status) {
    struct written *w = (struct written *)(void *)request;
    (void)status; // a process that does not read any more has ended, or is about to
    free(w->text);
    free(w);
}

static uv_stream_t *input_of(struct recording_run *run) {
    return (uv_stream_t *)&run->in;
}

static bool is_heard(const struct recording_run *run) {
    return !run->exited && !run->stuck && !uv_is_closing((const uv_handle_t *)&run->in);
}

// What of it cannot be written now. Takes `text` over.
static bool write_later(struct recording_run *run, char *text, size_t done) {
    struct written *w = calloc(1, sizeof *w);
    uv_buf_t buffer = uv_buf_init(text + done, (unsigned)(strlen(text) - done));
    if (w)
        w->text = text;
    if (w && uv_write(&w->request, input_of(run), &buffer, 1, on_written) == 0)
        return true;
    free(text);
    free(w);
    return false;
}

static bool write_text(struct recording_run *run, char *text) {
    size_t len = strlen(text), done = 0;
    if (uv_stream_get_write_queue_size(input_of(run)) == 0) {
        uv_buf_t buffer = uv_buf_init(text, (unsigned)len);
        int n = uv_try_write(input_of(run), &buffer, 1);
        done = n > 0 ? (size_t)n : 0;
    }
    if (done < len)
        return write_later(run, text, done);
    free(text);
    return true;
}

bool run_tell(struct recording_run *run, json_t *line) {
    char *text = line && is_heard(run) ? json_dumps(line, JSON_COMPACT) : NULL;
    json_decref(line);
    char *longer = text ? realloc(text, strlen(text) + 2) : NULL;
    if (!longer) {
        free(text);
        return false;
    }
    strcat(longer, "\n");
    if (uv_stream_get_write_queue_size(input_of(run)) + strlen(longer) <= RUN_UNREAD_BYTES_MAX)
        return write_text(run, longer);
    free(longer);
    run->stuck = true;
    snprintf(run->error, sizeof run->error, "its process reads nothing any more");
    run_kill(run);
    return false;
}

// ---- in

static void note_event(struct recording_run *run, const char *text, size_t len) {
    json_t *event = json_loadb(text, len, 0, NULL);
    const char *what = json_string_value(json_object_get(event, "event"));
    const char *reason = json_string_value(json_object_get(event, "reason"));
    json_int_t port = json_integer_value(json_object_get(event, "port"));
    if (what && strcmp(what, "listening") == 0 && port > 0 && port <= UINT16_MAX)
        recording_listens(run, (uint16_t)port);
    else if (what && (strcmp(what, "failed") == 0 || strcmp(what, "refused") == 0 ||
                      strcmp(what, "track-unusable") == 0))
        LOG_WARN("recording", LOG_TEXT("room", run->room), LOG_TEXT("recording", run->id.text),
                 LOG_TEXT("event", what), LOG_TEXT("reason", reason ? reason : ""));
    const char *track = json_string_value(json_object_get(event, "track"));
    if (what && track && strcmp(what, "refused") == 0)
        recording_refuses(run, track);
    if (what && strcmp(what, "failed") == 0)
        snprintf(run->error, sizeof run->error, "%s", reason ? reason : "it could not be written");
    json_decref(event);
}

static void on_alloc(uv_handle_t *handle, size_t wanted, uv_buf_t *buffer) {
    struct recording_run *run = handle->data;
    (void)wanted;
    if (run->line_len == sizeof run->line)
        run->line_len = 0; // longer than anything that it tells
    *buffer = uv_buf_init(run->line + run->line_len, (unsigned)(sizeof run->line - run->line_len));
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buffer) {
    struct recording_run *run = stream->data;
    (void)buffer;
    if (n < 0) {
        uv_read_stop(stream);
        return;
    }
    run->line_len += (size_t)n;
    for (char *end; (end = memchr(run->line, '\n', run->line_len));) {
        size_t len = (size_t)(end - run->line);
        note_event(run, run->line, len);
        run->line_len -= len + 1;
        memmove(run->line, end + 1, run->line_len);
    }
}

// ---- life

static void on_process_exit(uv_process_t *process, int64_t status, int signal_number) {
    struct recording_run *run = process->data;
    run->exited = true;
    if ((status != 0 || signal_number != 0) && !run->error[0])
        snprintf(run->error, sizeof run->error, "its process ended with %s %d",
                 signal_number ? "signal" : "status", signal_number ? signal_number : (int)status);
    recording_exited(run, status == 0 && signal_number == 0);
}

bool run_start(struct recording_run *run) {
    // None of the server's environment, which may hold secrets, but where programs are.
    char path[2048] = "PATH=/usr/local/bin:/usr/bin:/bin", *environment[] = {path, NULL};
    const char *own = getenv("PATH");
    if (own && strlen(own) < sizeof path - 5)
        snprintf(path, sizeof path, "PATH=%s", own);
    char together[] = "participant", apart[] = "track";
    char *args[] = {run->all->program,
                    "--dir",
                    run->folder,
                    "--room",
                    run->room,
                    "--layout",
                    run->together ? together : apart,
                    NULL};
    uv_stdio_container_t stdio[] = {
        {.flags = UV_CREATE_PIPE | UV_READABLE_PIPE, .data.stream = (uv_stream_t *)&run->in},
        {.flags = UV_CREATE_PIPE | UV_WRITABLE_PIPE, .data.stream = (uv_stream_t *)&run->out},
        {.flags = UV_INHERIT_FD, .data.fd = 2}};
    uv_process_options_t options = {.exit_cb = on_process_exit,
                                    .file = args[0],
                                    .env = environment,
                                    .args = args,
                                    .stdio = stdio,
                                    .stdio_count = 3};
    run->in.data = run->out.data = run->process.data = run;
    uv_pipe_init(run->all->loop, &run->in, 0);
    uv_pipe_init(run->all->loop, &run->out, 0);
    int code = uv_spawn(run->all->loop, &run->process, &options);
    run->handles = 3; // also of one that was not started
    if (code != 0) {
        snprintf(run->error, sizeof run->error, "%.90s cannot be started: %s", args[0], uv_strerror(code));
        run->exited = true;
        return false;
    }
    uv_unref((uv_handle_t *)&run->process);
    uv_unref((uv_handle_t *)&run->in);
    uv_unref((uv_handle_t *)&run->out);
    uv_read_start((uv_stream_t *)&run->out, on_alloc, on_read);
    return true;
}

static void on_closed(uv_handle_t *handle) {
    struct recording_run *run = handle->data;
    if (--run->handles == 0)
        recording_free(run);
}

// The end of its input is the end of it, too. What it has not read is lost.
static void close_input(struct recording_run *run) {
    if (!uv_is_closing((uv_handle_t *)&run->in))
        uv_close((uv_handle_t *)&run->in, on_closed);
}

void run_end(struct recording_run *run) {
    if (!run_tell(run, json_pack("{s:s}", "do", "stop")) && !run->exited)
        close_input(run);
}

void run_shut(struct recording_run *run) {
    run_end(run);
    if (!run->exited && uv_stream_get_write_queue_size(input_of(run)) > 0)
        close_input(run);
}

void run_kill(struct recording_run *run) {
    if (!run->exited)
        (void)uv_process_kill(&run->process, SIGKILL);
}

void run_close_handles(struct recording_run *run) {
    uv_handle_t *const all[] = {(uv_handle_t *)&run->process, (uv_handle_t *)&run->in,
                                (uv_handle_t *)&run->out};
    for (unsigned i = 0; i < sizeof all / sizeof all[0]; i++)
        if (!uv_is_closing(all[i]))
            uv_close(all[i], on_closed);
}
