// A room of Rotunda in C: publishes into it by WHIP, or watches it by WHEP, with GStreamer's webrtcbin.
//
//   cc -o room room.c $(pkg-config --cflags --libs gstreamer-webrtc-1.0 gstreamer-sdp-1.0 libcurl)
//   ./room publish 'https://meet.example.org/whip/garden?name=Camera' "$TOKEN"
//   ./room watch 'https://meet.example.org/whep/garden'
//
// The token is needed where the server has keys. A line a second says how many packets went or came; Ctrl+C
// ends the session. Needs libgstreamer-plugins-bad1.0-dev and libcurl4-openssl-dev. See docs/whip.md.
#define GST_USE_UNSTABLE_API
#include <curl/curl.h>
#include <glib-unix.h>
#include <gst/webrtc/webrtc.h>
#include <string.h>

// What is published. Other sources are other words here: v4l2src for a camera, alsasrc for a microphone.
static const char sources[] =
    "webrtcbin name=rtc bundle-policy=max-bundle "
    "videotestsrc is-live=true ! video/x-raw,width=640,height=360,framerate=15/1 ! videoconvert ! "
    "vp8enc deadline=1 cpu-used=8 target-bitrate=500000 keyframe-max-dist=60 ! "
    "rtpvp8pay pt=96 picture-id-mode=2 ! application/x-rtp,media=video,encoding-name=VP8,payload=96 ! rtc. "
    "audiotestsrc is-live=true volume=0.1 ! audioconvert ! opusenc ! "
    "rtpopuspay pt=97 ! application/x-rtp,media=audio,encoding-name=OPUS,payload=97 ! rtc. ";
static const char *const formats[] = {
    "application/x-rtp,media=video,encoding-name=VP8,clock-rate=90000,payload=96",
    "application/x-rtp,media=audio,encoding-name=OPUS,clock-rate=48000,encoding-params=(string)2,payload=97"};
static const char *const players[] = {
    "rtpvp8depay ! vp8dec ! videoconvert ! autovideosink",
    "rtpopusdepay ! opusdec ! audioconvert ! audioresample ! autoaudiosink"};
enum { VIDEO, AUDIO, KINDS };

static GMainLoop *loop;
static GstElement *pipeline, *rtc;
static const char *token;
static int packets[KINDS];

static GstPadProbeReturn on_packet(GstPad *pad, GstPadProbeInfo *info, void *counter) {
    (void)pad, (void)info;
    g_atomic_int_inc((int *)counter);
    return GST_PAD_PROBE_OK;
}

// Something comes in: it is decoded and played, or by ROOM_PLAYER, as ROOM_PLAYER=fakesink.
static void on_pad(GstElement *element, GstPad *pad, void *ctx) {
    (void)element, (void)ctx;
    GstCaps *caps = gst_pad_get_current_caps(pad);
    const char *media = gst_structure_get_string(gst_caps_get_structure(caps, 0), "media");
    int kind = g_strcmp0(media, "video") == 0 ? VIDEO : AUDIO;
    const char *player = g_getenv("ROOM_PLAYER") ? g_getenv("ROOM_PLAYER") : players[kind];
    GstElement *bin = gst_parse_bin_from_description(player, TRUE, NULL);
    GstPad *in = gst_element_get_static_pad(bin, "sink");
    gst_bin_add(GST_BIN(GST_OBJECT_PARENT(rtc)), bin);
    gst_element_sync_state_with_parent(bin);
    gst_pad_add_probe(pad, GST_PAD_PROBE_TYPE_BUFFER, on_packet, &packets[kind], NULL);
    gst_pad_link(pad, in);
    gst_object_unref(in);
    gst_caps_unref(caps);
}

static void on_state(GstElement *element, GParamSpec *spec, void *ctx) {
    (void)spec, (void)ctx;
    GstWebRTCPeerConnectionState state;
    g_object_get(element, "connection-state", &state, NULL);
    if (state >= GST_WEBRTC_PEER_CONNECTION_STATE_FAILED) // or closed
        g_main_loop_quit(loop);
}

static gboolean on_second(void *ctx) {
    (void)ctx;
    g_print("video %d audio %d\n", g_atomic_int_get(&packets[VIDEO]), g_atomic_int_get(&packets[AUDIO]));
    return G_SOURCE_CONTINUE;
}

static gboolean on_signal(void *ctx) {
    (void)ctx;
    g_main_loop_quit(loop);
    return G_SOURCE_REMOVE;
}

static size_t on_body(char *bytes, size_t size, size_t count, void *text) {
    g_string_append_len(text, bytes, (gssize)(size * count));
    return size * count;
}

// One request: the status. `session` becomes the address that the answer tells, if any.
static long ask(const char *method, const char *url, const char *offer, GString *answer, char **session) {
    long status = 0;
    struct curl_header *location;
    CURL *curl = curl_easy_init();
    struct curl_slist *headers = curl_slist_append(NULL, "Content-Type: application/sdp");
    g_autofree char *bearer = g_strdup_printf("Authorization: Bearer %s", token);
    if (token)
        headers = curl_slist_append(headers, bearer);
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, method);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    if (offer)
        curl_easy_setopt(curl, CURLOPT_POSTFIELDS, offer);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, answer);
    if (curl_easy_perform(curl) == CURLE_OK)
        curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    if (session && curl_easy_header(curl, "Location", 0, CURLH_HEADER, -1, &location) == CURLHE_OK)
        *session = g_uri_resolve_relative(url, location->value, G_URI_FLAGS_NONE, NULL);
    curl_slist_free_all(headers);
    curl_easy_cleanup(curl);
    return status;
}

// A signal of webrtcbin that answers with a promise; its reply, or NULL, lives as long as that.
static const GstStructure *emit(const char *signal, void *argument, GstPromise **promise) {
    *promise = gst_promise_new();
    g_signal_emit_by_name(rtc, signal, argument, *promise);
    gst_promise_wait(*promise);
    return gst_promise_get_reply(*promise);
}

// Offer out, answer in. NULL: it did not work, and why is said.
static char *negotiate(const char *url, gboolean sends) {
    GstWebRTCSessionDescription *offer = NULL, *answer;
    GstPromise *promise;
    GstSDPMessage *sdp;
    char *text = NULL, *session = NULL;
    for (int tries = 0; tries < 200;
         tries++, g_usleep(50000)) { // until the encoders have told what they make
        gst_structure_get(emit("create-offer", NULL, &promise), "offer", GST_TYPE_WEBRTC_SESSION_DESCRIPTION,
                          &offer, NULL);
        gst_promise_unref(promise);
        text = gst_sdp_message_as_text(offer->sdp);
        const char *last = strstr(text, "\nm=") ? g_strrstr(text, "\nm=") : "";
        if (!sends || (g_strstr_len(text, last - text, "a=ssrc:") && strstr(last, "a=ssrc:")))
            break;
        g_clear_pointer(&offer, gst_webrtc_session_description_free);
        g_clear_pointer(&text, g_free);
    }
    if (!offer)
        g_printerr("the sources make nothing\n");
    if (!offer)
        return NULL;
    emit("set-local-description", offer, &promise);
    gst_promise_unref(promise);
    GString *body = g_string_new("");
    long status = ask("POST", url, text, body, &session);
    if (status == 201 && gst_sdp_message_new_from_text(body->str, &sdp) == GST_SDP_OK) {
        answer = gst_webrtc_session_description_new(GST_WEBRTC_SDP_TYPE_ANSWER, sdp);
        emit("set-remote-description", answer, &promise);
        gst_promise_unref(promise);
        gst_webrtc_session_description_free(answer);
    } else {
        g_printerr("%s: status %ld %s\n", url, status, body->str);
    }
    gst_webrtc_session_description_free(offer);
    g_string_free(body, TRUE);
    g_free(text);
    return session;
}

static void prepare(gboolean sends) {
    const char *text = sends ? sources : "webrtcbin name=rtc bundle-policy=max-bundle";
    pipeline = gst_pipeline_new(NULL);
    gst_bin_add(GST_BIN(pipeline), gst_parse_bin_from_description(text, FALSE, NULL));
    rtc = gst_bin_get_by_name(GST_BIN(pipeline), "rtc");
    g_signal_connect(rtc, "notify::connection-state", G_CALLBACK(on_state), NULL);
    g_signal_connect(rtc, "pad-added", G_CALLBACK(on_pad), NULL);
    for (int kind = VIDEO; kind < KINDS; kind++) { // in the order of the sources
        GstWebRTCRTPTransceiver *transceiver = NULL;
        if (sends) {
            g_autofree char *name = g_strdup_printf("sink_%d", kind);
            GstPad *pad = gst_element_get_static_pad(rtc, name);
            gst_pad_add_probe(pad, GST_PAD_PROBE_TYPE_BUFFER, on_packet, &packets[kind], NULL);
            g_object_get(pad, "transceiver", &transceiver, NULL);
            g_object_set(transceiver, "direction", GST_WEBRTC_RTP_TRANSCEIVER_DIRECTION_SENDONLY, NULL);
            gst_object_unref(pad);
        } else {
            GstCaps *caps = gst_caps_from_string(formats[kind]);
            g_signal_emit_by_name(rtc, "add-transceiver", GST_WEBRTC_RTP_TRANSCEIVER_DIRECTION_RECVONLY, caps,
                                  &transceiver);
            gst_caps_unref(caps);
        }
        gst_object_unref(transceiver);
    }
}

int main(int argc, char **argv) {
    gboolean sends = argc > 2 && strcmp(argv[1], "publish") == 0;
    if (argc < 3 || (!sends && strcmp(argv[1], "watch") != 0)) {
        g_printerr("%s publish|watch URL [TOKEN]\n", argv[0]);
        return 2;
    }
    token = argv[3];
    gst_init(NULL, NULL);
    loop = g_main_loop_new(NULL, FALSE);
    prepare(sends);
    gst_element_set_state(pipeline, GST_STATE_PLAYING);
    char *session = negotiate(argv[2], sends);
    if (session) {
        g_timeout_add_seconds(1, on_second, NULL);
        g_unix_signal_add(SIGINT, on_signal, NULL);
        g_unix_signal_add(SIGTERM, on_signal, NULL);
        g_main_loop_run(loop);
        GString *body = g_string_new("");
        ask("DELETE", session, NULL, body, NULL);
        g_string_free(body, TRUE);
    }
    gst_element_set_state(pipeline, GST_STATE_NULL);
    return session ? 0 : 1;
}
