#include "transport/dtls_context.h"

#include "transport/dtls.h"

#include "base/clock.h"
#include "transport/dtls_record.h"

#include <assert.h>
#include <openssl/crypto.h>
#include <openssl/srtp.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>

#define TIMER_LAST_US 4000000U
#define TIMER_GRAIN_US US_PER_MS // OpenSSL has its own clock: do not spin when it is a little behind
#define ALERT_RECORD_MAX 64
#define FAILURE_MAX 128
#define EXPORTER_LABEL "EXTRACTOR-dtls_srtp" // RFC 5764, section 4.2

enum side { SIDE_OPEN, SIDE_SERVER, SIDE_CLIENT };

struct dtls {
    struct dtls_context *context;
    struct dtls_output output;
    SSL *ssl; // from the first ClientHello or the start to the release
    enum dtls_state state;
    enum side side;
    bool handshake_done;
    bool flight_sent; // something other than an alert has left this SSL
    bool carries;     // application data
    bool extended;    // the peer's ServerHello has the extended master secret (RFC 7627)
    bool have_fingerprint;
    struct fingerprint fingerprint;
    uint64_t deadline_us;    // of the handshake
    uint64_t timer_us;       // OpenSSL's next retransmission, by our clock
    uint32_t timer_first_us; // of a flight
    uint16_t mtu;
    struct span input;    // the record that OpenSSL may read now
    uint32_t clear_count; // records of epoch 0 given to this SSL
    uint8_t refused;
    const char *refused_as;    // OpenSSL's reason for the last refusal, NULL for none
    uint64_t version_us;       // when the first ClientHello came whose version is not ours, 0: none
    uint64_t version_alert_us; // when that is to be said, TIME_NEVER: nothing to say
    uint64_t now_us;           // of the present call
    uint8_t peer_alert;        // the last alert in the clear, 0 for none
    uint8_t alert_held[ALERT_RECORD_MAX]; // ours, until it is sure that we fail
    uint8_t alert_held_len;
    char failure[FAILURE_MAX];
};

// ---- Datagram ends ----

static int bio_write(BIO *bio, const char *data, int len) {
    struct dtls *dtls = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    assert(len > 0);
    struct span datagram = span_of(data, (size_t)len);
    // A forged ClientHello must not make us send the peer an alert that ends its handshake.
    bool alert = datagram.ptr[0] == DTLS_CONTENT_ALERT && !dtls->handshake_done;
    if (alert && datagram.len <= sizeof dtls->alert_held) {
        memcpy(dtls->alert_held, datagram.ptr, datagram.len);
        dtls->alert_held_len = (uint8_t)datagram.len;
        return len;
    }
    dtls->flight_sent = true;
    dtls->output.send(dtls->output.ctx, datagram);
    return len;
}

static int bio_read(BIO *bio, char *out, int cap) {
    struct dtls *dtls = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    struct span record = dtls->input;
    if (record.len == 0 || cap <= 0) {
        BIO_set_retry_read(bio);
        return -1;
    }
    dtls->input = (struct span){0};
    size_t n = record.len < (size_t)cap ? record.len : (size_t)cap;
    memcpy(out, record.ptr, n);
    // Record numbers of epoch 0 are not authentic, yet one far ahead would shut OpenSSL's replay window on
    // those that follow. Number them ourselves; the handshake's own message numbers catch repetitions.
    if (n >= DTLS_RECORD_HEADER_BYTES && load_be16(record.ptr + 3) == 0) {
        store_be16((uint8_t *)out + DTLS_RECORD_SEQUENCE_OFFSET, 0);
        store_be32((uint8_t *)out + DTLS_RECORD_SEQUENCE_OFFSET + 2, dtls->clear_count++);
    }
    return (int)n;
}

static long bio_ctrl(BIO *bio, int cmd, long num, void *ptr) {
    (void)bio;
    (void)num;
    (void)ptr;
    return cmd == BIO_CTRL_FLUSH ? 1 : 0;
}

BIO_METHOD *dtls_bio_method_create(void) {
    // No type number of its own: nobody looks for it, and a process has few of them.
    BIO_METHOD *method = BIO_meth_new(BIO_TYPE_SOURCE_SINK, "rotunda datagrams");
    if (method && BIO_meth_set_write(method, bio_write) && BIO_meth_set_read(method, bio_read) &&
        BIO_meth_set_ctrl(method, bio_ctrl))
        return method;
    BIO_meth_free(method);
    return NULL;
}

// ---- Life ----

struct dtls *dtls_create(struct dtls_context *context, const struct dtls_output *output) {
    struct dtls *dtls = calloc(1, sizeof *dtls);
    if (!dtls)
        return NULL;
    dtls->context = context;
    dtls->output = *output;
    dtls->timer_us = dtls->version_alert_us = TIME_NEVER;
    dtls->timer_first_us = DTLS_TIMER_UNKNOWN_US;
    dtls->mtu = DTLS_MTU;
    return dtls;
}

static void dtls_close_ssl(struct dtls *dtls) {
    SSL_free(dtls->ssl);
    dtls->ssl = NULL;
    dtls->timer_us = TIME_NEVER;
    dtls->alert_held_len = 0;
    ERR_clear_error();
}

void dtls_destroy(struct dtls *dtls) {
    if (!dtls)
        return;
    dtls_close_ssl(dtls);
    free(dtls);
}

static unsigned int timer_duration(SSL *ssl, unsigned int previous_us) {
    const struct dtls *dtls = BIO_get_data(SSL_get_rbio(ssl));
    if (previous_us == 0)
        return dtls->timer_first_us;
    return previous_us < TIMER_LAST_US / 2 ? previous_us * 2 : TIMER_LAST_US;
}

// Of a handshake that goes on OpenSSL does not say whether it has the extended master secret.
static void extension_came(SSL *ssl, int from_server, int type, const unsigned char *data, int len,
                           void *arg) {
    struct dtls *dtls = arg;
    (void)ssl, (void)data, (void)len;
    dtls->extended |= from_server && type == TLSEXT_TYPE_extended_master_secret;
}

static bool dtls_open_ssl(struct dtls *dtls) {
    assert(!dtls->ssl && dtls->side != SIDE_OPEN);
    SSL *ssl = SSL_new(dtls->context->ssl_ctx);
    BIO *bio = BIO_new(dtls->context->method);
    if (!ssl || !bio) {
        SSL_free(ssl);
        BIO_free(bio);
        ERR_clear_error();
        return false;
    }
    BIO_set_data(bio, dtls);
    BIO_set_init(bio, 1);
    SSL_set_bio(ssl, bio, bio);
    (void)SSL_set_mtu(ssl, dtls->mtu);
    DTLS_set_timer_cb(ssl, timer_duration);
    if (dtls->side == SIDE_SERVER)
        SSL_set_accept_state(ssl);
    else
        SSL_set_connect_state(ssl);
    SSL_set_tlsext_debug_callback(ssl, extension_came);
    SSL_set_tlsext_debug_arg(ssl, dtls);
    dtls->ssl = ssl;
    dtls->flight_sent = dtls->extended = false;
    dtls->clear_count = 0;
    return true;
}

static void dtls_begin(struct dtls *dtls, uint64_t now_us) {
    if (dtls->state == DTLS_CONNECTING)
        return;
    assert(dtls->state == DTLS_NEW);
    dtls->state = DTLS_CONNECTING;
    dtls->deadline_us = now_us + DTLS_HANDSHAKE_US;
}

static void dtls_fail(struct dtls *dtls, const char *why, const char *detail) {
    assert(dtls->state == DTLS_NEW || dtls->state == DTLS_CONNECTING);
    if (dtls->alert_held_len)
        dtls->output.send(dtls->output.ctx, span_of(dtls->alert_held, dtls->alert_held_len));
    snprintf(dtls->failure, sizeof dtls->failure, "%s%s%s", why, detail ? ": " : "", detail ? detail : "");
    dtls->state = DTLS_FAILED;
    dtls_close_ssl(dtls);
}

// ---- Handshake ----

static const EVP_MD *digest_of(enum fingerprint_hash hash) {
    switch (hash) {
    case FINGERPRINT_SHA224:
        return EVP_sha224();
    case FINGERPRINT_SHA256:
        return EVP_sha256();
    case FINGERPRINT_SHA384:
        return EVP_sha384();
    case FINGERPRINT_SHA512:
        return EVP_sha512();
    }
    return NULL;
}

static bool fingerprint_agrees(SSL *ssl, const struct fingerprint *expected) {
    uint8_t digest[EVP_MAX_MD_SIZE];
    unsigned len = 0;
    const EVP_MD *md = digest_of(expected->hash);
    X509 *x509 = SSL_get1_peer_certificate(ssl);
    bool ok = md && x509 && X509_digest(x509, md, digest, &len) && len == expected->len &&
              CRYPTO_memcmp(digest, expected->bytes, len) == 0;
    X509_free(x509);
    return ok;
}

// Connected only when the handshake is done, the fingerprint is known, and the two agree.
static void dtls_agree(struct dtls *dtls) {
    if (dtls->state != DTLS_CONNECTING || !dtls->handshake_done || !dtls->have_fingerprint)
        return;
    assert(dtls->ssl);
    if (fingerprint_agrees(dtls->ssl, &dtls->fingerprint))
        dtls->state = DTLS_CONNECTED;
    else
        dtls_fail(dtls, "the peer's certificate does not have the signalled fingerprint", NULL);
}

static void handshake_finish(struct dtls *dtls) {
    dtls->handshake_done = true;
    dtls->alert_held_len = 0;
    if (!SSL_get_selected_srtp_profile(dtls->ssl))
        dtls_fail(dtls, "no SRTP profile in common", NULL);
    else
        dtls_agree(dtls);
}

// The peer's ClientHello names no version of ours.
static void dtls_refuse_version(struct dtls *dtls) {
    if (dtls->version_us)
        return;
    dtls->version_us = dtls->now_us;
    dtls->version_alert_us = dtls->now_us + DTLS_VERSION_ALERT_US;
    dtls->deadline_us = dtls->now_us + DTLS_VERSION_US;
}

static void dtls_version_is_fine(struct dtls *dtls) {
    if (!dtls->version_us)
        return;
    dtls->version_us = 0;
    dtls->version_alert_us = TIME_NEVER;
    dtls->refused_as = NULL;
    dtls->deadline_us = dtls->now_us + DTLS_HANDSHAKE_US;
}

// OpenSSL 3.0 knows no DTLS 1.3, and would take a ClientHello for it for one of 1.2.
static void dtls_refuse_newer(struct dtls *dtls) {
    dtls_begin(dtls, dtls->now_us);
    dtls->refused_as = ERR_reason_error_string(ERR_PACK(ERR_LIB_SSL, 0, SSL_R_UNSUPPORTED_PROTOCOL));
    dtls_refuse_version(dtls);
}

static void dtls_say_version(struct dtls *dtls) {
    static const uint8_t alert[] = {
        DTLS_CONTENT_ALERT, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, SSL3_AL_FATAL, SSL_AD_PROTOCOL_VERSION};
    dtls->version_alert_us = TIME_NEVER;
    dtls->output.send(dtls->output.ctx, span_of(alert, sizeof alert));
}

static void handshake_break(struct dtls *dtls) {
    unsigned long error = ERR_peek_error();
    const char *reason = ERR_reason_error_string(error);
    // Nobody has seen an answer yet: whoever sent this ClientHello, the next one gets a fresh start.
    if (dtls->side == SIDE_SERVER && !dtls->flight_sent && dtls->refused < DTLS_REFUSED_MAX) {
        dtls->refused++;
        dtls->refused_as = reason;
        dtls_close_ssl(dtls);
        if (ERR_GET_REASON(error) == SSL_R_UNSUPPORTED_PROTOCOL ||
            ERR_GET_REASON(error) == SSL_R_VERSION_TOO_LOW)
            dtls_refuse_version(dtls);
        return;
    }
    dtls_fail(dtls, "handshake failed", reason);
}

static void dtls_handshake(struct dtls *dtls) {
    int ret = SSL_do_handshake(dtls->ssl);
    if (ret == 1) {
        handshake_finish(dtls);
        return;
    }
    int error = SSL_get_error(dtls->ssl, ret);
    if (error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE)
        handshake_break(dtls);
}

// The peer is who it should be: its fingerprint has been seen.
static bool dtls_hands_out(const struct dtls *dtls) {
    return dtls->carries && dtls->state == DTLS_CONNECTED && dtls->output.data;
}

// After the handshake: repetitions of the peer's last flight are answered by OpenSSL, application data is
// handed out or thrown away, close_notify and fatal alerts (authentic by now) end the association.
static void dtls_drain(struct dtls *dtls) {
    uint8_t data[DTLS_DATA_MAX];
    int ret;
    while ((ret = SSL_read(dtls->ssl, data, sizeof data)) > 0)
        if (dtls_hands_out(dtls))
            dtls->output.data(dtls->output.ctx, span_of(data, (size_t)ret));
    if (SSL_get_shutdown(dtls->ssl) & SSL_RECEIVED_SHUTDOWN) {
        (void)SSL_shutdown(dtls->ssl); // RFC 5246, section 7.2.1: answer with a close_notify
        dtls->state = DTLS_CLOSED;
        dtls_close_ssl(dtls);
    } else if (SSL_get_error(dtls->ssl, ret) == SSL_ERROR_SSL && dtls->state == DTLS_CONNECTED) {
        dtls_close_ssl(dtls); // OpenSSL gives up; the keys are good
    }
}

static void dtls_step(struct dtls *dtls) {
    ERR_clear_error();
    if (!dtls->handshake_done)
        dtls_handshake(dtls);
    else
        dtls_drain(dtls);
    ERR_clear_error();
}

static void dtls_schedule(struct dtls *dtls, uint64_t now_us) {
    struct timeval left;
    dtls->timer_us = TIME_NEVER;
    if (!dtls->ssl || DTLSv1_get_timeout(dtls->ssl, &left) != 1)
        return;
    uint64_t left_us = (uint64_t)left.tv_sec * US_PER_SECOND + (uint64_t)left.tv_usec;
    dtls->timer_us = now_us + (left_us > TIMER_GRAIN_US ? left_us : TIMER_GRAIN_US);
}

enum err dtls_connect(struct dtls *dtls, enum dtls_role remote_role, const struct fingerprint *fingerprint) {
    if (dtls->have_fingerprint || (dtls->side == SIDE_SERVER && remote_role == DTLS_ROLE_SERVER))
        return ERR_WRONG_STATE;
    dtls->fingerprint = *fingerprint;
    dtls->have_fingerprint = true;
    if (dtls->side == SIDE_OPEN)
        dtls->side = remote_role == DTLS_ROLE_CLIENT ? SIDE_SERVER : SIDE_CLIENT;
    dtls_agree(dtls);
    return ERR_OK;
}

void dtls_set_round_trip(struct dtls *dtls, uint64_t round_trip_us) {
    uint64_t first_us = round_trip_us + round_trip_us / 2 + DTLS_TIMER_SLACK_US;
    dtls->timer_first_us = (uint32_t)(first_us < DTLS_TIMER_MIN_US   ? DTLS_TIMER_MIN_US
                                      : first_us > DTLS_TIMER_MAX_US ? DTLS_TIMER_MAX_US
                                                                     : first_us);
}

void dtls_set_mtu(struct dtls *dtls, uint16_t bytes) {
    dtls->mtu = bytes;
}

void dtls_start(struct dtls *dtls, uint64_t now_us) {
    if (dtls->side != SIDE_CLIENT || dtls->state != DTLS_NEW)
        return;
    dtls_begin(dtls, now_us);
    if (!dtls_open_ssl(dtls)) {
        dtls_fail(dtls, "no memory", NULL);
        return;
    }
    dtls_step(dtls);
    dtls_schedule(dtls, now_us);
}

// ---- Input ----

static bool record_welcome(const struct dtls *dtls, const struct dtls_record *record) {
    // Every cipher of ours adds a tag of 16 bytes: what is shorter is forged, and some releases of OpenSSL
    // take it amiss.
    bool may_be_encrypted = record->epoch == 1 && record->body.len > 16;
    if (dtls->handshake_done)
        return may_be_encrypted;
    if (record->epoch == 0)
        return dtls_record_in_clear_plausible(record, dtls->side == SIDE_SERVER);
    // OpenSSL queues records of the next epoch until its keys are there: bytes of anybody's. The one that
    // matters comes behind the ChangeCipherSpec, or is repeated.
    OSSL_HANDSHAKE_STATE at = SSL_get_state(dtls->ssl);
    return may_be_encrypted && record->content == DTLS_CONTENT_HANDSHAKE &&
           (at == TLS_ST_SR_CHANGE || at == TLS_ST_CR_CHANGE);
}

static bool dtls_take_record(struct dtls *dtls, const struct dtls_record *record, uint64_t now_us) {
    if (dtls->handshake_done && !dtls->ssl)
        return true; // released
    if (!dtls->ssl) {
        if (dtls->side == SIDE_CLIENT || !dtls_record_is_client_hello(record))
            return false;
        dtls->side = SIDE_SERVER;
        if (!dtls_record_takes_dtls12(record)) {
            dtls_refuse_newer(dtls);
            return true;
        }
        if (!dtls_open_ssl(dtls))
            return false; // the peer tries again
        dtls_begin(dtls, now_us);
    }
    if (!dtls->handshake_done && record->content == DTLS_CONTENT_ALERT && record->epoch == 0 &&
        record->body.len == 2)
        dtls->peer_alert = record->body.ptr[1];
    if (!record_welcome(dtls, record))
        return false;
    dtls->input = record->bytes;
    dtls_step(dtls);
    dtls->input = (struct span){0};
    if (dtls->flight_sent)
        dtls_version_is_fine(dtls);
    return true;
}

static bool dtls_over(const struct dtls *dtls) {
    return dtls->state == DTLS_FAILED || dtls->state == DTLS_CLOSED;
}

bool dtls_input(struct dtls *dtls, struct span datagram, uint64_t now_us) {
    struct reader reader = reader_of(datagram);
    struct dtls_record record;
    bool taken = false;
    dtls->now_us = now_us;
    while (!dtls_over(dtls) && reader.left > 0 && dtls_record_next(&reader, &record))
        if (dtls_take_record(dtls, &record, now_us))
            taken = true;
    dtls_schedule(dtls, now_us);
    return taken;
}

uint64_t dtls_next_us(const struct dtls *dtls) {
    if (dtls->state != DTLS_CONNECTING || dtls->handshake_done)
        return dtls->timer_us;
    uint64_t next_us = dtls->deadline_us < dtls->timer_us ? dtls->deadline_us : dtls->timer_us;
    return dtls->version_alert_us < next_us ? dtls->version_alert_us : next_us;
}

static void dtls_expire(struct dtls *dtls) {
    if (dtls->refused_as) {
        dtls_fail(dtls,
                  dtls->version_us ? "no DTLS version in common"
                                   : "no handshake in time; the last ClientHello was refused",
                  dtls->refused_as);
        return;
    }
    const char *alert = dtls->peer_alert ? SSL_alert_desc_string_long(dtls->peer_alert) : NULL;
    dtls_fail(dtls, alert ? "no handshake in time; the peer's last alert" : "no handshake in time", alert);
}

void dtls_advance(struct dtls *dtls, uint64_t now_us) {
    bool waits = dtls->state == DTLS_CONNECTING && !dtls->handshake_done;
    if (waits && now_us >= dtls->version_alert_us)
        dtls_say_version(dtls);
    if (waits && now_us >= dtls->deadline_us) {
        dtls_expire(dtls);
    } else if (dtls->ssl && now_us >= dtls->timer_us) {
        ERR_clear_error();
        if (DTLSv1_handle_timeout(dtls->ssl) < 0 && !dtls->handshake_done)
            dtls_expire(dtls);
        ERR_clear_error();
        dtls_schedule(dtls, now_us);
    }
}

void dtls_carry(struct dtls *dtls) {
    dtls->carries = true;
}

bool dtls_send(struct dtls *dtls, struct span data) {
    if (dtls->state != DTLS_CONNECTED || !dtls->ssl)
        return false;
    assert(data.len > 0 && data.len <= DTLS_MTU);
    ERR_clear_error();
    int sent = SSL_write(dtls->ssl, data.ptr, (int)data.len);
    ERR_clear_error();
    return sent == (int)data.len;
}

void dtls_close(struct dtls *dtls) {
    if (dtls->state == DTLS_CONNECTED && dtls->ssl) {
        ERR_clear_error();
        (void)SSL_shutdown(dtls->ssl);
    }
    if (!dtls_over(dtls))
        dtls->state = DTLS_CLOSED;
    dtls_close_ssl(dtls);
}

// ---- Results ----

enum dtls_state dtls_get_state(const struct dtls *dtls) {
    return dtls->state;
}

const char *dtls_failure(const struct dtls *dtls) {
    return dtls->state == DTLS_FAILED ? dtls->failure : "";
}

struct key_sizes {
    enum srtp_profile profile;
    uint8_t key, salt;
};

// RFC 5764, section 4.1.2 and RFC 7714, section 14.2.
static struct key_sizes key_sizes_of(unsigned long id) {
    switch (id) {
    case SRTP_AEAD_AES_128_GCM:
        return (struct key_sizes){SRTP_PROFILE_AEAD_AES_128_GCM, 16, 12};
    case SRTP_AEAD_AES_256_GCM:
        return (struct key_sizes){SRTP_PROFILE_AEAD_AES_256_GCM, 32, 12};
    case SRTP_AES128_CM_SHA1_80:
        return (struct key_sizes){SRTP_PROFILE_AES_CM_128_HMAC_SHA1_80, 16, 14};
    default:
        return (struct key_sizes){SRTP_PROFILE_NONE, 0, 0};
    }
}

bool dtls_may_send_early(const struct dtls *dtls) {
    if (dtls->side != SIDE_CLIENT || dtls->carries || dtls->state != DTLS_CONNECTING ||
        dtls->handshake_done || !dtls->have_fingerprint || !dtls->ssl)
        return false;
    OSSL_HANDSHAKE_STATE at = SSL_get_state(dtls->ssl);
    bool finished_left = at == TLS_ST_CW_FINISHED || at == TLS_ST_CR_CHANGE || at == TLS_ST_CR_FINISHED;
    return finished_left && dtls->extended && !SSL_session_reused(dtls->ssl) &&
           SSL_get_selected_srtp_profile(dtls->ssl) != NULL &&
           fingerprint_agrees(dtls->ssl, &dtls->fingerprint);
}

enum err dtls_export_keys(const struct dtls *dtls, struct srtp_keys *out) {
    if ((dtls->state != DTLS_CONNECTED && !dtls_may_send_early(dtls)) || !dtls->ssl)
        return ERR_WRONG_STATE;
    struct key_sizes n = key_sizes_of(SSL_get_selected_srtp_profile(dtls->ssl)->id);
    uint8_t material[2 * SRTP_KEY_MAX];
    size_t len = 2 * ((size_t)n.key + n.salt);
    if (n.profile == SRTP_PROFILE_NONE ||
        SSL_export_keying_material(dtls->ssl, material, len, EXPORTER_LABEL, strlen(EXPORTER_LABEL), NULL, 0,
                                   0) != 1) {
        ERR_clear_error();
        return ERR_UNSUPPORTED;
    }
    // RFC 5764, section 4.2: client's key, server's key, client's salt, server's salt.
    bool server = dtls->side == SIDE_SERVER;
    uint8_t *of_client = server ? out->remote : out->local;
    uint8_t *of_server = server ? out->local : out->remote;
    out->profile = n.profile;
    out->len = (uint8_t)(n.key + n.salt);
    memcpy(of_client, material, n.key);
    memcpy(of_server, material + n.key, n.key);
    memcpy(of_client + n.key, material + 2 * n.key, n.salt);
    memcpy(of_server + n.key, material + 2 * n.key + n.salt, n.salt);
    OPENSSL_cleanse(material, sizeof material);
    return ERR_OK;
}

void dtls_release(struct dtls *dtls) {
    if (dtls->state == DTLS_CONNECTED && !dtls->carries)
        dtls_close_ssl(dtls);
}
