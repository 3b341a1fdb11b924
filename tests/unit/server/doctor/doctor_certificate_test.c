// Whether browsers will believe a certificate file: chains made for this test by OpenSSL's command.
#include "server/doctor/doctor_certificate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static char folder[] = "/tmp/rotunda-chain-XXXXXX";

// A root, an intermediate authority, a server's certificate of it, and one that signed itself.
static const char make[] =
    "cd %s && exec >log 2>&1 && set -e\n"
    "key() { openssl ecparam -name prime256v1 -genkey -noout -out $1.key; }\n"
    "key root; key middle; key leaf; key self; key client\n"
    "authority='basicConstraints=critical,CA:TRUE'\n"
    "openssl req -x509 -new -key root.key -subj '/CN=Test Root' -days 2 -addext $authority -out root.pem\n"
    "openssl req -x509 -new -key self.key -subj '/CN=self.example' -days 2 "
    "-addext basicConstraints=critical,CA:FALSE -out self.pem\n"
    "openssl req -new -key middle.key -subj '/CN=Test Middle' -out middle.csr\n"
    "printf 'basicConstraints=critical,CA:TRUE' >ca.ext\n"
    "openssl x509 -req -in middle.csr -CA root.pem -CAkey root.key -CAcreateserial -days 2 -extfile ca.ext "
    "-out middle.pem\n"
    "openssl req -new -key leaf.key -subj '/CN=meet.example' -out leaf.csr\n"
    "openssl x509 -req -in leaf.csr -CA middle.pem -CAkey middle.key -CAcreateserial -days 2 -out leaf.pem\n"
    "printf 'extendedKeyUsage=clientAuth' >client.ext\n"
    "openssl req -new -key client.key -subj '/CN=client.example' -out client.csr\n"
    "openssl x509 -req -in client.csr -CA root.pem -CAkey root.key -CAcreateserial -days 2 -extfile "
    "client.ext "
    "-out client.pem\n"
    "cat leaf.pem middle.pem >full.pem; cat leaf.pem middle.pem root.pem >whole.pem\n"
    "cat leaf.key full.pem >with_key.pem; echo text >none.pem\n";

static int setup(void **state) {
    (void)state;
    char command[sizeof make + sizeof folder];
    if (!mkdtemp(folder))
        return -1;
    snprintf(command, sizeof command, make, folder);
    return system(command);
}

static int teardown(void **state) {
    (void)state;
    char command[64];
    snprintf(command, sizeof command, "rm -r %s", folder);
    return system(command);
}

static void test_chains(void **state) {
    (void)state;
    static const struct {
        const char *file;
        bool root_known;
        enum chain_state state;
        unsigned count;
        const char *issuer;
    } rows[] = {
        {"full.pem", true, CHAIN_TRUSTED, 2, ""},
        {"whole.pem", true, CHAIN_TRUSTED, 3, ""},
        {"with_key.pem", true, CHAIN_TRUSTED, 2, ""},
        {"leaf.pem", true, CHAIN_BROKEN, 1, "Test Middle"},
        {"full.pem", false, CHAIN_BROKEN, 2, "Test Root"},
        {"whole.pem", false, CHAIN_PRIVATE, 3, "Test Root"},
        {"self.pem", true, CHAIN_SELF_SIGNED, 1, ""},
        {"client.pem", true, CHAIN_BAD, 1, ""},
        {"none.pem", true, CHAIN_UNREADABLE, 0, ""},
        {"nowhere.pem", true, CHAIN_UNREADABLE, 0, ""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char path[128], roots[128];
        struct chain_facts got;
        snprintf(path, sizeof path, "%s/%s", folder, rows[i].file);
        snprintf(roots, sizeof roots, "%s/%s", folder, rows[i].root_known ? "root.pem" : "client.pem");
        chain_examine(path, roots, &got);
        if (got.state != rows[i].state || got.count != rows[i].count ||
            strcmp(got.issuer, rows[i].issuer) != 0)
            fail_msg("%s: expected state %d of %u \"%s\", got %d of %u \"%s\" %s", rows[i].file,
                     rows[i].state, rows[i].count, rows[i].issuer, got.state, got.count, got.issuer,
                     got.problem);
        if ((got.state == CHAIN_BAD || got.state == CHAIN_UNREADABLE) != (got.problem[0] != '\0'))
            fail_msg("%s: expected a problem to be named when there is one, got \"%s\"", rows[i].file,
                     got.problem);
    }
    char path[128];
    struct chain_facts got;
    snprintf(path, sizeof path, "%s/full.pem", folder);
    chain_examine(path, "/nowhere/roots.pem", &got);
    assert_int_equal(got.state, CHAIN_NO_ROOTS);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_chains)};
    return cmocka_run_group_tests(tests, setup, teardown);
}
