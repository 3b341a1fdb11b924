// The n-th JSON allocation fails, for every n: each request still gets exactly one answer, nothing leaks, and
// the same request succeeds afterwards.
#include "fake_media.h"

static long left = -1; // allocations until one fails; -1: none fails
static bool failed;
static long allocations;

static void *failing_malloc(size_t size) {
    allocations++;
    if (left == 0) {
        left = -1;
        failed = true;
        return NULL;
    }
    if (left > 0)
        left--;
    return malloc(size);
}

// What fails after the n-th: each of the first, and a part of those behind, which are of lists with many
// equal entries.
static long next_to_fail(long n) {
    return n + (n < 100 ? 1 : 7);
}

struct scene {
    struct fake *f;
    struct id_text send, recv, producer, consumer, token;
};

static struct scene scene_new(void) {
    struct scene s = {.f = fake_new(2)};
    struct ice_servers *servers = &s.f->config.ice_servers;
    assert_true(ice_url_parse("stun:a", 6, &servers->urls[0]) &&
                ice_url_parse("turn:b", 6, &servers->urls[1]));
    servers->url_count = 2;
    strcpy(servers->turn_secret, "secret");
    fake_start(s.f);
    s.token = id_of(join_capable(s.f, 1, "r", "ann"), "resumeToken");
    joins_capable(s.f, 2, "r", "bob");
    s.send = (forget_texts(s.f), make_transport(s.f, 1, "send"));
    s.recv = make_transport(s.f, 2, "recv");
    s.producer = make_video(s.f, 1, s.send, "v", 10);
    forget_texts(s.f);
    s.consumer = make_consumer(s.f, 2, s.producer);
    open_client(s.f, 3);
    s.f->command_count = 0;
    return s;
}

// What jansson allocates to read the text. These do not fail here: its scanner ignores that its buffer could
// not grow, and reads on behind it.
static long allocations_to_read(const char *text) {
    long before = allocations;
    json_t *value = json_loadb(text, strlen(text), 0, NULL);
    long used = allocations - before;
    assert_non_null(value);
    json_decref(value);
    return used;
}

// One request, of which the n-th allocation after reading it fails (n < 0: none). "$s", "$r", "$p", "$c",
// "$t" stand for the scene's ids.
static void say_scene(struct scene *s, uint32_t client, const char *text, long n_fails) {
    char out[4096];
    size_t n = 0;
    for (const char *c = text; *c; c++) {
        if (*c != '$') {
            out[n++] = *c == '\'' ? '"' : *c;
            continue;
        }
        c++;
        const char *id = *c == 's'   ? s->send.text
                         : *c == 'r' ? s->recv.text
                         : *c == 'p' ? s->producer.text
                         : *c == 't' ? s->token.text
                                     : s->consumer.text;
        memcpy(out + n, id, strlen(id));
        n += strlen(id);
    }
    out[n] = '\0';
    failed = false;
    left = n_fails < 0 ? -1 : allocations_to_read(out) + n_fails;
    say_raw(s->f, client, out);
    left = -1;
}

// Answers that the client heard to its request, which has the id 5; the type of the last in `type`.
static unsigned answers(struct fake *f, uint32_t client, char type[64]) {
    unsigned count = 0;
    for (json_t *message; (message = hear(f, client)); json_decref(message)) {
        bool is_error = strcmp(type_of(message), "error") == 0;
        if (!is_error && !json_object_get(message, "id"))
            continue; // a notification
        count++;
        snprintf(type, 64, "%s", is_error ? text_at(message, "data.code") : type_of(message));
    }
    return count;
}

static const struct {
    uint32_t client;
    const char *request, *answer;
    const char *again; // what a second success would get, when the first try may have done it
} rows[] = {
    {3, "{'id':5,'type':'join-room','data':{'roomId':'r','username':'cat'}}", "joined", NULL},
    {3, "{'id':5,'type':'join-room','data':{'roomId':'new','username':'cat'}}", "joined", NULL},
    {3, "{'id':5,'type':'join-room','data':{'roomId':'r','resumeToken':'$t'}}", "joined", NULL},
    {3,
     "{'id':5,'type':'join-room','data':{'roomId':'r','username':'cat','openTransports':['recv'],'consume':{}"
     ","
     "'rtpCapabilities':{'codecs':[{'kind':'video','mimeType':'video/VP8','preferredPayloadType':101,"
     "'clockRate':90000}],'headerExtensions':[]}}}",
     "joined", NULL},
    {3, "{'id':5,'type':'get-capabilities'}", "capabilities", NULL},
    {1, "{'id':5,'type':'leave-room','data':{}}", "left", "not-joined"},
    {1, "{'id':5,'type':'set-last-n','data':{'lastN':2,'pinned':[]}}", "last-n-set", NULL},
    {1, "{'id':5,'type':'set-loudest-n','data':{'loudestN':2}}", "loudest-n-set", NULL},
    {1, "{'id':5,'type':'chat-message','data':{'text':'hi'}}", "chat-message", NULL},
    {1, "{'id':5,'type':'ping'}", "pong", NULL},
    {1, "{'id':5,'type':'create-transport','data':{'direction':'send'}}", "webRtcTransportCreated", NULL},
    {1, "{'id':5,'type':'restart-ice','data':{'transportId':'$s'}}", "ice-restarted", NULL},
    {1,
     "{'id':5,'type':'connect-transport','data':{'transportId':'$s','dtlsParameters':{'role':'client',"
     "'fingerprints':[" FINGERPRINT "]}}}",
     "transport-connected", "wrong-state"},
    {1,
     "{'id':5,'type':'produce','data':{'transportId':'$s','kind':'video','appData':{'a':1},'rtpParameters':"
     "{'mid':'7'," VP8_CODECS ",'headerExtensions':[" EXT_MID_JSON
     "],'encodings':[{'ssrc':70,'rtx':{'ssrc':71}}],"
     "'rtcp':{'cname':'c'}}}}",
     "produced", NULL},
    {2, "{'id':5,'type':'consume','data':{'producerId':'$p'}}", "consumed", NULL},
    {1, "{'id':5,'type':'pause-producer','data':{'producerId':'$p'}}", "producer-paused", NULL},
    {1, "{'id':5,'type':'close-producer','data':{'producerId':'$p'}}", "producer-closed", "not-found"},
    {2, "{'id':5,'type':'pause-consumer','data':{'consumerId':'$c'}}", "consumer-paused", NULL},
    {2, "{'id':5,'type':'set-preferred-layers','data':{'consumerId':'$c','spatialLayer':1}}",
     "preferred-layers-set", NULL},
    {2, "{'id':5,'type':'close-consumer','data':{'consumerId':'$c'}}", "consumer-closed", "not-found"},
    {2, "{'id':5,'type':'close-transport','data':{'transportId':'$r'}}", "transport-closed", "not-found"},
    {1, "{'id':5,'type':'webrtc-offer','data':{'target':'bob','payload':{'a':[1]}}}", "relayed", NULL},
    {1, "{'id':5,'type':'call-remote','data':{'target':'bob'}}", "relayed", NULL},
    {1, "{'id':5,'type':'no-such'}", "unknown-type", NULL},
};

static void every_allocation_may_fail(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        long n = 0;
        bool some_failed;
        do {
            struct scene s = scene_new();
            char type[64] = "";
            say_scene(&s, rows[i].client, rows[i].request, n);
            some_failed = failed;
            unsigned count = answers(s.f, rows[i].client, type);
            if (count != 1)
                fail_msg("%s: allocation %ld failed: %u answers", rows[i].request, n, count);
            if (strcmp(type, rows[i].answer) != 0 && !(some_failed && strcmp(type, "internal") == 0))
                fail_msg("%s: allocation %ld failed: %s", rows[i].request, n, type);
            if (strcmp(type, "internal") == 0) {
                say_scene(&s, rows[i].client, rows[i].request, -1);
                assert_int_equal(answers(s.f, rows[i].client, type), 1);
                if (strcmp(type, rows[i].answer) != 0 && !(rows[i].again && strcmp(type, rows[i].again) == 0))
                    fail_msg("%s: allocation %ld failed: then %s", rows[i].request, n, type);
            }
            fake_free(s.f);
            n = next_to_fail(n);
        } while (some_failed);
        assert_true(n > 1);
    }
}

static void a_hub_may_not_come_to_be(void **state) {
    (void)state;
    struct fake *f = fake_new(1);
    struct hub_io io = fake_io(f);
    struct signal_io signal_io = fake_signal_io(f);
    long n = 0;
    do {
        failed = false;
        left = n;
        n = next_to_fail(n);
        f->hub = hub_create(&f->config, &io, f->now_us);
        f->signalling = f->hub ? signalling_create(f->hub, &signal_io, f->now_us) : NULL;
        left = -1;
        assert_true(f->signalling || failed);
        signalling_destroy(f->signalling);
        hub_destroy(f->hub);
    } while (failed);
    assert_true(n > 100);
    free(f);
}

int main(void) {
    json_set_alloc_funcs(failing_malloc, free);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_allocation_may_fail),
        cmocka_unit_test(a_hub_may_not_come_to_be),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
