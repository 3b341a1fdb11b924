// Data channels by messages: transports, data producers, data consumers, a room's channels, and what the data
// worker says of them.
#include "fake_media.h"

#include "rooms/room_data.h"
#include "server/hub/hub_internal.h"

#define STREAM(id) "'sctpStreamParameters':{'streamId':" #id ",'ordered':true}"

static struct fake *f;
static struct id_text sends, recvs;

// The next text of that type; others are passed over.
static json_t *hears(uint32_t client, const char *type) {
    for (json_t *message; (message = hear(f, client)); json_decref(message)) {
        if (strcmp(type_of(message), type) != 0)
            continue;
        json_t *data = json_incref(json_object_get(message, "data"));
        json_decref(message);
        return data;
    }
    fail_msg("client %u: expected %s", client, type);
    return NULL;
}

static void hears_error(uint32_t client, const char *code) {
    json_t *data = hears(client, "error");
    if (strcmp(text_at(data, "code"), code) != 0)
        fail_msg("expected %s, got %s", code, text_at(data, "message"));
    json_decref(data);
}

static struct id_text data_transport(uint32_t client, const char *direction) {
    say(f, client, "{'type':'create-transport','data':{'direction':'%s','enableSctp':true}}", direction);
    return id_of(hears(client, "webRtcTransportCreated"), "id");
}

static int setup(void **state) {
    (void)state;
    f = fake_new(2);
    fake_start(f);
    joins_capable(f, 1, "r", "ann");
    joins_capable(f, 2, "r", "bob");
    sends = data_transport(1, "send");
    recvs = data_transport(2, "recv");
    forget_texts(f);
    return 0;
}

static int teardown(void **state) {
    (void)state;
    fake_free(f);
    return 0;
}

// The oldest command of the type, removed.
static struct data_cmd data_command(enum data_cmd_type type) {
    for (size_t i = 0; i < f->data_count; i++) {
        struct data_cmd cmd = f->data_commands[i];
        if (cmd.type != type)
            continue;
        memmove(&f->data_commands[i], &f->data_commands[i + 1], (f->data_count - i - 1) * sizeof cmd);
        f->data_count--;
        return cmd;
    }
    fail_msg("no command of type %d", (int)type);
    return (struct data_cmd){0};
}

static struct id_text make_producer(uint32_t client, struct id_text transport, unsigned stream,
                                    const char *more) {
    say(f, client,
        "{'type':'produce-data','data':{'transportId':'%s','sctpStreamParameters':{'streamId':%u}%s}}",
        transport.text, stream, more);
    return id_of(hears(client, "data-produced"), "dataProducerId");
}

static void event(struct data_event e) {
    hub_data_event(f->hub, &e, f->now_us);
}

static void a_transport_carries_data_when_asked(void **state) {
    (void)state;
    struct data_cmd open = data_command(DATA_OPEN_TRANSPORT);
    assert_int_equal(open.open_transport.streams_out, 1024);
    assert_int_not_equal(open.open_transport.owner, 0);
    assert_int_not_equal(data_command(DATA_OPEN_TRANSPORT).open_transport.owner, open.open_transport.owner);
    say(f, 1,
        "{'type':'create-transport','data':{'direction':'send','enableSctp':true,"
        "'numSctpStreams':{'OS':16,'MIS':65535}}}");
    json_t *created = hears(1, "webRtcTransportCreated"), *sctp = json_object_get(created, "sctpParameters");
    static const char *const names[] = {
        "port", "OS", "MIS", "maxMessageSize", "maxSendMessageSize", "maxReceiveMessageSize"};
    static const int values[] = {5000, 16, 1024, 262144, 262144, 262144};
    for (size_t i = 0; i < 6; i++)
        assert_int_equal(json_integer_value(json_object_get(sctp, names[i])), values[i]);
    json_decref(created);
    say(f, 1, "{'type':'create-transport','data':{'direction':'send'}}");
    created = hears(1, "webRtcTransportCreated");
    assert_null(json_object_get(created, "sctpParameters"));
    json_decref(created);
    for (int i = 0; i < 2; i++)
        data_transport(1, "recv");
    say(f, 1, "{'type':'create-transport','data':{'direction':'send','enableSctp':true}}");
    hears_error(1, "limit-reached");
    say(f, 2, "{'type':'create-transport','data':{'direction':'send','numSctpStreams':{'OS':0}}}");
    hears_error(2, "bad-request");
}

static void a_producer_is_announced_to_all_who_are_there_and_who_come(void **state) {
    (void)state;
    say(f, 1,
        "{'type':'produce-data','data':{'transportId':'%s'," STREAM(3) ",'label':'files','protocol':'p',"
                                                                       "'appData':{'a':1}}}",
        sends.text);
    struct id_text id = id_of(hears(1, "data-produced"), "id");
    struct data_cmd cmd = data_command(DATA_OPEN_PRODUCER);
    assert_int_equal(cmd.open.stream.id, 3);
    assert_int_equal(cmd.open.group, 0);
    json_t *told = hears(2, "new-data-producer");
    assert_string_equal(text_at(told, "dataProducerId"), id.text);
    assert_string_equal(text_at(told, "label"), "files");
    assert_string_equal(text_at(told, "user"), "ann");
    assert_int_equal(json_integer_value(json_object_get(json_object_get(told, "appData"), "a")), 1);
    json_decref(told);
    open_client(f, 3);
    say(f, 3, "{'type':'join-room','data':{'roomId':'r','username':'cat'}}");
    json_decref(hears(3, "joined"));
    told = hears(3, "new-data-producer");
    assert_string_equal(text_at(told, "dataProducerId"), id.text);
    json_decref(told);
    say(f, 1, "{'type':'close-data-producer','data':{'dataProducerId':'%s'}}", id.text);
    json_decref(hears(1, "data-producer-closed"));
    json_decref(hears(2, "data-producer-closed"));
    assert_int_equal(data_command(DATA_CLOSE_PRODUCER).producer.v, cmd.producer.v);
}

static void a_consumer_has_what_the_client_library_needs(void **state) {
    (void)state;
    struct id_text producer = make_producer(1, sends, 0, ",'label':'x'");
    struct data_cmd made = data_command(DATA_OPEN_PRODUCER);
    say(f, 2, "{'type':'consume-data','data':{'dataProducerId':'%s','paused':true}}", producer.text);
    json_t *consumed = hears(2, "data-consumed");
    assert_string_equal(text_at(consumed, "dataProducerId"), producer.text);
    assert_string_equal(text_at(consumed, "label"), "x");
    assert_true(
        json_is_integer(json_object_get(json_object_get(consumed, "sctpStreamParameters"), "streamId")));
    struct id_text id = id_of(consumed, "id");
    struct data_cmd open = data_command(DATA_OPEN_CONSUMER);
    assert_int_equal(open.producer.v, made.producer.v);
    assert_true(open.open.paused && open.open.stream.ordered);
    say(f, 2, "{'type':'resume-data-consumer','data':{'dataConsumerId':'%s'}}", id.text);
    json_decref(hears(2, "data-consumer-resumed"));
    assert_false(data_command(DATA_PAUSE_CONSUMER).pause.paused);
    // With a reliability of its own.
    say(f, 2,
        "{'type':'consume-data','data':{'dataProducerId':'%s','sctpStreamParameters':{'ordered':false,"
        "'maxRetransmits':2}}}",
        producer.text);
    json_decref(hears(2, "data-consumed"));
    open = data_command(DATA_OPEN_CONSUMER);
    assert_int_equal(open.open.stream.id, 1); // another one
    assert_false(open.open.stream.ordered);
    assert_int_equal(open.open.stream.reliability, DATA_MAX_RETRANSMITS);
    assert_int_equal(open.open.stream.limit, 2);
    say(f, 2, "{'type':'consume-data','data':{'dataProducerId':'%s'}}", producer.text);
    hears_error(2, "limit-reached"); // two of one
    say(f, 2, "{'type':'close-data-consumer','data':{'dataConsumerId':'%s'}}", id.text);
    json_decref(hears(2, "data-consumer-closed"));
    say(f, 1, "{'type':'close-data-producer','data':{'dataProducerId':'%s'}}", producer.text);
    json_t *closed = hears(2, "data-consumer-closed");
    assert_string_equal(text_at(closed, "reason"), "data-producer-closed");
    json_decref(closed);
}

static void what_is_refused(void **state) {
    (void)state;
    struct id_text plain = make_transport(f, 1, "send"), other = make_transport(f, 2, "recv"),
                   own = make_producer(1, sends, 5, "");
    const struct {
        uint32_t client;
        const char *code, *text;
        struct id_text id;
    } rows[] = {
        {1, "wrong-state", "{'type':'produce-data','data':{'transportId':'%s'," STREAM(1) "}}", plain},
        {1, "bad-request", "{'type':'produce-data','data':{'transportId':'%s'," STREAM(1024) "}}", sends},
        {1, "bad-request", "{'type':'produce-data','data':{'transportId':'%s'," STREAM(5) "}}", sends},
        {1, "bad-request", "{'type':'produce-data','data':{'transportId':'%s','sctpStreamParameters':{}}}",
         sends},
        {1, "bad-request",
         "{'type':'produce-data','data':{'transportId':'%s','sctpStreamParameters':{'streamId':1,"
         "'maxRetransmits':1,'maxPacketLifeTime':1}}}",
         sends},
        {1, "bad-request", "{'type':'produce-data','data':{'transportId':'%s'," STREAM(1) ",'label':'\\n'}}",
         sends},
        {2, "not-found", "{'type':'produce-data','data':{'transportId':'%s'," STREAM(1) "}}", sends},
        {2, "bad-request", "{'type':'produce-data','data':{'transportId':'%s'," STREAM(1) "}}", recvs},
        {1, "wrong-state", "{'type':'consume-data','data':{'dataProducerId':'%s'}}", own}, // no transport
        {2, "not-found", "{'type':'consume-data','data':{'dataProducerId':'%s'}}", sends},
        {2, "not-found", "{'type':'close-data-producer','data':{'dataProducerId':'%s'}}", own},
        {2, "bad-request", "{'type':'consume-data','data':{'dataProducerId':'%s','broadcast':true}}", own},
        {2, "bad-request", "{'type':'consume-data','data':{'transportId':'%s'}}", recvs},
        {2, "wrong-state", "{'type':'consume-data','data':{'broadcast':true,'transportId':'%s'}}", other},
    };
    size_t before = f->data_count;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char text[512];
        snprintf(text, sizeof text, rows[i].text, rows[i].id.text);
        forget_texts(f);
        say(f, rows[i].client, "%s", text);
        hears_error(rows[i].client, rows[i].code);
    }
    assert_int_equal(f->data_count, before);
}

static void a_channel_of_a_room_has_one_group_by_label(void **state) {
    (void)state;
    struct id_text send2 = data_transport(2, "send");
    make_producer(1, sends, 0, ",'label':'chat','broadcast':true");
    make_producer(2, send2, 0, ",'label':'chat','broadcast':true");
    make_producer(2, send2, 1, ",'label':'other','broadcast':true");
    uint32_t chat = data_command(DATA_OPEN_PRODUCER).open.group;
    assert_int_not_equal(chat, 0);
    assert_int_equal(data_command(DATA_OPEN_PRODUCER).open.group, chat);
    assert_int_not_equal(data_command(DATA_OPEN_PRODUCER).open.group, chat);
    say(f, 2, "{'type':'consume-data','data':{'broadcast':true,'label':'chat'}}");
    json_t *consumed = hears(2, "data-consumed");
    assert_string_equal(text_at(consumed, "dataProducerId"), "*");
    json_decref(consumed);
    struct data_cmd open = data_command(DATA_OPEN_CONSUMER);
    assert_int_equal(open.open.group, chat);
    assert_int_equal(open.producer.v, 0);
    // The same label in another room is another channel.
    joins_capable(f, 5, "elsewhere", "eve");
    struct id_text eves = data_transport(5, "send");
    make_producer(5, eves, 0, ",'label':'chat','broadcast':true");
    assert_int_not_equal(data_command(DATA_OPEN_PRODUCER).open.group, chat);
}

static void a_channel_opened_in_band_is_answered(void **state) {
    (void)state;
    struct transport_id transport = data_command(DATA_OPEN_TRANSPORT).transport;
    struct data_event opened = {.type = DATA_CHANNEL_OPENED,
                                .transport = transport,
                                .channel = {.stream = {.id = 9, .ordered = true}, .label = "chat"}};
    event(opened);
    struct data_cmd producer = data_command(DATA_OPEN_PRODUCER), consumer = data_command(DATA_OPEN_CONSUMER),
                    answer = data_command(DATA_ANSWER_CHANNEL);
    assert_true(answer.answer.accepted && answer.answer.stream == 9);
    assert_true(producer.open.in_band && consumer.open.in_band && producer.open.group == consumer.open.group);
    assert_int_equal(consumer.open.stream.id, 9);
    json_t *told = hears(1, "data-channel-opened");
    assert_string_equal(text_at(told, "label"), "chat");
    json_decref(told);
    json_decref(hears(2, "new-data-producer"));
    event(opened); // the stream is taken
    assert_false(data_command(DATA_ANSWER_CHANNEL).answer.accepted);
    event((struct data_event){
        .type = DATA_PRODUCER_CLOSED, .producer = producer.producer, .reason = DATA_REASON_CHANNEL_CLOSED});
    event((struct data_event){
        .type = DATA_CONSUMER_CLOSED, .consumer = consumer.consumer, .reason = DATA_REASON_TOO_SLOW});
    told = hears(1, "data-producer-closed");
    assert_string_equal(text_at(told, "reason"), "channel-closed");
    json_decref(told);
    told = hears(1, "data-consumer-closed");
    assert_string_equal(text_at(told, "reason"), "too-slow");
    json_decref(told);
    // What nobody knows any more is let be.
    event((struct data_event){.type = DATA_PRODUCER_CLOSED, .producer = producer.producer});
    event((struct data_event){.type = DATA_CHANNEL_OPENED, .transport = {12345}});
    assert_int_equal(f->data_count == 0 || f->data_commands[0].type != DATA_ANSWER_CHANNEL, 1);
}

// Neither by a request nor in-band.
static struct room_rules everything_encrypted(void *ctx, const char *room) {
    (void)ctx, (void)room;
    return (struct room_rules){.sealed = true};
}

// Where everything is encrypted a channel says that it is; one that is opened in-band cannot.
static void what_is_clear_opens_nothing_where_all_is_encrypted(void **state) {
    (void)state;
    struct transport_id transport = data_command(DATA_OPEN_TRANSPORT).transport;
    f->hub->io.rules = everything_encrypted;
    say(f, 1, "{'type':'produce-data','data':{'transportId':'%s'," STREAM(1) ",'appData':{'e2ee':1}}}",
        sends.text);
    hears_error(1, "encryption-needed");
    event((struct data_event){
        .type = DATA_CHANNEL_OPENED, .transport = transport, .channel = {.stream = {.id = 1}, .label = "x"}});
    struct data_cmd answer = data_command(DATA_ANSWER_CHANNEL);
    assert_false(answer.answer.accepted);
    expect_nothing(f, 2);
    f->hub->io.rules = NULL;
}

// As when the file of rooms is read again.
static void what_is_clear_ends_where_all_has_to_be_encrypted(void **state) {
    (void)state;
    struct id_text clear = make_producer(1, sends, 0, "");
    make_producer(1, sends, 1, ",'appData':{'e2ee':true}");
    forget_texts(f);
    f->hub->io.rules = everything_encrypted;
    hub_settle_again(f->hub, f->now_us);
    for (uint32_t client = 1; client <= 2; client++) {
        json_t *closed = hears(client, "data-producer-closed");
        assert_string_equal(text_at(closed, "dataProducerId"), clear.text);
        if (client == 1)
            assert_string_equal(text_at(closed, "reason"), "encryption-needed");
        json_decref(closed);
        expect_nothing(f, client); // of the other one
    }
    f->hub->io.rules = NULL;
}

static void who_may_not_send_data_opens_nothing(void **state) {
    (void)state;
    struct transport_id transport = data_command(DATA_OPEN_TRANSPORT).transport;
    room_find_name(hub_find_room(f->hub, "r"), "ann")->rights &= ~(unsigned)RIGHT_DATA;
    say(f, 1, "{'type':'produce-data','data':{'transportId':'%s'," STREAM(1) "}}", sends.text);
    hears_error(1, "forbidden");
    event((struct data_event){
        .type = DATA_CHANNEL_OPENED, .transport = transport, .channel = {.stream = {.id = 1}, .label = "x"}});
    struct data_cmd answer = data_command(DATA_ANSWER_CHANNEL);
    assert_false(answer.answer.accepted);
    expect_nothing(f, 2);
    room_find_name(hub_find_room(f->hub, "r"), "bob")->rights &= ~(unsigned)RIGHT_SUBSCRIBE;
    say(f, 2, "{'type':'consume-data','data':{'broadcast':true}}");
    hears_error(2, "forbidden");
}

static void the_association_has_a_state(void **state) {
    (void)state;
    struct transport_id transport = data_command(DATA_OPEN_TRANSPORT).transport;
    event((struct data_event){
        .type = DATA_TRANSPORT_STATE, .transport = transport, .state = DATA_STATE_CONNECTED});
    json_t *told = hears(1, "transport-state");
    assert_string_equal(text_at(told, "sctpState"), "connected");
    json_decref(told);
}

// With it ends all that is on it, however much; nothing new is confirmed there.
static void what_closes_with_its_association(void **state) {
    (void)state;
    struct transport_id transport = data_command(DATA_OPEN_TRANSPORT).transport;
    struct transport_id bobs = data_command(DATA_OPEN_TRANSPORT).transport;
    struct id_text producer = make_producer(1, sends, 0, "");
    for (unsigned stream = 1; stream < 10; stream++)
        make_producer(1, sends, stream, "");
    say(f, 2, "{'type':'consume-data','data':{'dataProducerId':'%s'}}", producer.text);
    say(f, 2, "{'type':'consume-data','data':{'broadcast':true,'label':'c'}}");
    forget_texts(f);
    f->data_count = 0;
    event((struct data_event){
        .type = DATA_TRANSPORT_STATE, .transport = transport, .state = DATA_STATE_CLOSED});
    for (unsigned i = 0; i < 10; i++) {
        json_t *told = hears(1, "data-producer-closed");
        assert_string_equal(text_at(told, "reason"), "association-closed");
        json_decref(told);
    }
    json_t *told = hears(2, "data-consumer-closed");
    assert_string_equal(text_at(told, "reason"), "data-producer-closed");
    json_decref(told);
    event((struct data_event){.type = DATA_TRANSPORT_STATE, .transport = bobs, .state = DATA_STATE_FAILED});
    told = hears(2, "data-consumer-closed");
    assert_string_equal(text_at(told, "reason"), "association-closed");
    json_decref(told);
    assert_int_equal(f->data_count, 0); // the data worker has closed them
    say(f, 1, "{'type':'produce-data','data':{'transportId':'%s'," STREAM(1) "}}", sends.text);
    hears_error(1, "wrong-state");
    say(f, 2, "{'type':'consume-data','data':{'broadcast':true,'label':'c'}}");
    hears_error(2, "wrong-state");
}

// What the data worker has no place for is not confirmed; what closes makes place.
static void a_server_has_so_many_associations(void **state) {
    (void)state;
    const char ask[] = "{'type':'create-transport','data':{'direction':'send','enableSctp':true}}";
    assert_int_equal(f->hub->data_transports, 2);
    f->hub->data_transports = DATA_ASSOCIATIONS_MAX - 1;
    struct id_text last = data_transport(1, "send");
    f->data_count = 0;
    say(f, 2, ask);
    hears_error(2, "limit-reached");
    assert_int_equal(f->data_count, 0);
    say(f, 1, "{'type':'close-transport','data':{'transportId':'%s'}}", last.text);
    data_transport(2, "send");
    assert_int_equal(f->hub->data_transports, DATA_ASSOCIATIONS_MAX);
    f->hub->data_transports = 3;
}

static void what_closes_with_its_transport_or_its_owner(void **state) {
    (void)state;
    struct id_text producer = make_producer(1, sends, 0, ",'broadcast':true,'label':'c'");
    say(f, 2, "{'type':'consume-data','data':{'dataProducerId':'%s'}}", producer.text);
    say(f, 2, "{'type':'consume-data','data':{'broadcast':true,'label':'c'}}");
    forget_texts(f);
    say(f, 2, "{'type':'close-transport','data':{'transportId':'%s'}}", recvs.text);
    for (int i = 0; i < 2; i++) {
        json_t *told = hears(2, "data-consumer-closed");
        assert_string_equal(text_at(told, "reason"), "transport-closed");
        json_decref(told);
    }
    data_command(DATA_CLOSE_TRANSPORT);
    say(f, 1, "{'type':'leave-room'}");
    json_decref(hears(2, "data-producer-closed"));
    data_command(DATA_CLOSE_TRANSPORT);
}

// Both queues are full: nothing is half done.
static void a_worker_that_takes_nothing(void **state) {
    (void)state;
    unsigned carried = 0;
    f->data_full = true;
    struct id_text producer = make_producer(1, sends, 0, "");
    say(f, 2, "{'type':'consume-data','data':{'dataProducerId':'%s'}}", producer.text);
    json_decref(hears(2, "data-consumed"));
    // A transport that it does not hear of is refused, and the media worker hears nothing of it either.
    f->hub->data_post.waiting_max = 0;
    say(f, 1, "{'type':'create-transport','data':{'direction':'send','enableSctp':true}}");
    hears_error(1, "internal");
    for (size_t i = 0; i < f->command_count; i++)
        carried += f->commands[i].cmd.type == MEDIA_CARRY_DATA;
    assert_int_equal(carried, 2); // those of the beginning
    assert_int_equal(f->hub->data_transports, 2);
    size_t before = f->data_count;
    f->data_full = false;
    pass(f, 20 * US_PER_MS);
    assert_int_equal(f->data_count, before + 2);
    assert_int_equal(f->data_commands[before].type, DATA_OPEN_PRODUCER); // in order
    assert_int_equal(f->data_commands[before + 1].type, DATA_OPEN_CONSUMER);
}

static void what_is_said_of_them_is_bounded(void **state) {
    (void)state;
    char label[256];
    memset(label, 'a', 255);
    label[255] = '\0';
    unsigned made = 0;
    for (unsigned i = 0; i < 20; i++) {
        say(f, 1,
            "{'type':'produce-data','data':{'transportId':'%s','sctpStreamParameters':{'streamId':%u},"
            "'label':'%s'}}",
            sends.text, i, label);
        json_t *answer = hear(f, 1);
        made += strcmp(json_string_value(json_object_get(answer, "type")), "data-produced") == 0;
        json_decref(answer);
    }
    assert_int_equal(made, 16);
    say(f, 2, "{'type':'create-transport','data':{'direction':'send','enableSctp':true}}");
    struct id_text bobs = id_of(hears(2, "webRtcTransportCreated"), "id");
    static char app_data[1100];
    memset(app_data, 'b', sizeof app_data - 1);
    say(f, 2, "{'type':'produce-data','data':{'transportId':'%s'," STREAM(0) ",'appData':{'x':'%s'}}}",
        bobs.text, app_data);
    hears_error(2, "bad-request");
}

static void a_room_has_so_many_channels(void **state) {
    (void)state;
    f->quiet = true;
    uint64_t refused = counts(f).rate_limited;
    for (unsigned i = 0; i < ROOM_CHANNELS_MAX; i++) {
        if (i % 500 == 0)
            pass(f, 10 * US_PER_SECOND);
        f->data_count = 0;
        say(f, 2, "{'type':'consume-data','data':{'broadcast':true,'label':'%u'}}", i);
    }
    f->quiet = false;
    assert_int_equal(counts(f).rate_limited, refused);
    say(f, 2, "{'type':'consume-data','data':{'broadcast':true,'label':'one more'}}");
    hears_error(2, "limit-reached");
}

static void a_server_without_them_says_so(void **state) {
    (void)state;
    teardown(NULL);
    f = fake_new(1);
    f->no_data = true;
    fake_start(f);
    joins_capable(f, 1, "r", "ann");
    say(f, 1, "{'type':'create-transport','data':{'direction':'send','enableSctp':true}}");
    hears_error(1, "unsupported");
    say(f, 1, "{'type':'create-transport','data':{'direction':'send'}}");
    json_decref(hears(1, "webRtcTransportCreated"));
}

static void answer_stats(struct data_stats stats) {
    stats.token = data_command(DATA_GET_STATS).stats.token;
    event((struct data_event){.type = DATA_STATS, .stats = stats});
}

static void stats_of_channels(void **state) {
    (void)state;
    const struct data_stats counts = {.found = true, .messages = 3, .bytes = 70, .waiting_bytes = 5};
    struct id_text producer = make_producer(1, sends, 3, ",'label':'files','protocol':'p'");
    say(f, 1, "{'type':'get-stats','id':7,'data':{'dataProducerId':'%s'}}", producer.text);
    answer_stats(counts);
    json_t *data = hears(1, "stats");
    assert_string_equal(text_at(data, "stats.0.type"), "data-producer");
    assert_string_equal(text_at(data, "stats.0.label"), "files");
    assert_string_equal(text_at(data, "stats.0.protocol"), "p");
    assert_int_equal(int_at(data, "stats.0.messagesReceived"), 3);
    assert_int_equal(int_at(data, "stats.0.bytesReceived"), 70);
    assert_null(json_object_get(json_array_get(json_object_get(data, "stats"), 0), "bufferedAmount"));
    json_decref(data);

    say(f, 2, "{'type':'consume-data','data':{'dataProducerId':'%s'}}", producer.text);
    struct id_text consumer = id_of(hears(2, "data-consumed"), "dataConsumerId");
    say(f, 2, "{'type':'get-stats','data':{'dataConsumerId':'%s'}}", consumer.text);
    answer_stats(counts);
    data = hears(2, "stats");
    assert_string_equal(text_at(data, "stats.0.type"), "data-consumer");
    assert_string_equal(text_at(data, "stats.0.label"), "files");
    assert_int_equal(int_at(data, "stats.0.messagesSent"), 3);
    assert_int_equal(int_at(data, "stats.0.bytesSent"), 70);
    assert_int_equal(int_at(data, "stats.0.bufferedAmount"), 5);
    json_decref(data);
    say(f, 2, "{'type':'consume-data','data':{'broadcast':true,'label':'all'}}");
    consumer = id_of(hears(2, "data-consumed"), "dataConsumerId");
    say(f, 2, "{'type':'get-stats','data':{'dataConsumerId':'%s'}}", consumer.text);
    answer_stats(counts);
    data = hears(2, "stats");
    assert_string_equal(text_at(data, "stats.0.label"), "all");
    json_decref(data);

    // Others', two at once, one that closes meanwhile, one that nobody answers.
    say(f, 2, "{'type':'get-stats','data':{'dataProducerId':'%s'}}", producer.text);
    hears_error(2, "not-found");
    say(f, 2, "{'type':'get-stats','data':{'dataConsumerId':'%s','transportId':'%s'}}", consumer.text,
        recvs.text);
    hears_error(2, "bad-request");
    say(f, 1, "{'type':'get-stats','data':{'dataProducerId':'%s'},'id':1}", producer.text);
    answer_stats((struct data_stats){0});
    hears_error(1, "not-found");
    say(f, 1, "{'type':'get-stats','data':{'dataProducerId':'%s'},'id':2}", producer.text);
    say(f, 1, "{'type':'close-data-producer','data':{'dataProducerId':'%s'},'id':3}", producer.text);
    answer_stats(counts);
    hears_error(1, "not-found");
}

static void a_transport_tells_its_associations_state(void **state) {
    (void)state;
    struct media_stats stats = {.found = true};
    say(f, 2, "{'type':'get-stats','data':{'transportId':'%s'}}", recvs.text);
    while (f->command_count > 0) {
        struct media_cmd cmd = f->commands[0].cmd;
        stats.token = cmd.type == MEDIA_GET_STATS ? cmd.stats.token : stats.token;
        command(f, cmd.type, NULL);
    }
    hub_media_stats(f->hub, 0, &stats, f->now_us);
    hub_media_stats(f->hub, 1, &stats, f->now_us); // whichever has it
    json_t *data = hears(2, "stats");
    assert_string_equal(text_at(data, "stats.0.sctpState"), "new");
    json_decref(data);
    // An answer of the other kind of worker to the same number is none.
    say(f, 2, "{'type':'get-stats','data':{'transportId':'%s'}}", recvs.text);
    event((struct data_event){.type = DATA_STATS,
                              .stats = {.token = command(f, MEDIA_GET_STATS, NULL).stats.token}});
    assert_null(hear(f, 2));
}

#define TEST(t) cmocka_unit_test_setup_teardown(t, setup, teardown)
int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(a_transport_carries_data_when_asked),
        TEST(stats_of_channels),
        TEST(a_transport_tells_its_associations_state),
        TEST(a_producer_is_announced_to_all_who_are_there_and_who_come),
        TEST(a_consumer_has_what_the_client_library_needs),
        TEST(what_is_refused),
        TEST(a_channel_of_a_room_has_one_group_by_label),
        TEST(a_channel_opened_in_band_is_answered),
        TEST(what_is_clear_ends_where_all_has_to_be_encrypted),
        TEST(who_may_not_send_data_opens_nothing),
        TEST(the_association_has_a_state),
        TEST(what_closes_with_its_association),
        TEST(a_server_has_so_many_associations),
        TEST(what_closes_with_its_transport_or_its_owner),
        TEST(a_worker_that_takes_nothing),
        TEST(what_is_said_of_them_is_bounded),
        TEST(a_room_has_so_many_channels),
        TEST(a_server_without_them_says_so),
        TEST(what_is_clear_opens_nothing_where_all_is_encrypted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
