// Hashes of passwords: which are taken, and that a password fits its own alone.
#include <crypt.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>
#include <string.h>

#include "server/access/password.h"

// Of "garden gnome", with the least costs that there are.
#define BCRYPT "$2b$04$abcdefghijklmnopqrstuuSQzWmt8HusakwD2pvgR3ozkfKxMd.Q2"
#define YESCRYPT "$y$j75$abcdefghijkl$lJdRvHRV7/swWI0KvyTajkuksooG3amtK5laLyXrwrA"
#define SCRYPT "$7$2/..../....saltsalt$cG0SfdSa/BvZeXI.V1WheqqJ7zL7RJaDfsp4O2K1pSD"

static void which_hashes_are_taken(void **state) {
    (void)state;
    static const struct {
        const char *hash;
        bool taken;
    } rows[] = {
        {BCRYPT, true},
        {YESCRYPT, true},
        {SCRYPT, true},
        {"", false},
        {"garden gnome", false},
        {"*0", false},
        {"$y$", false},
        {"$y$j75$abcdefghijkl", false}, // how to make one, without the hash: any password would do
        {"$y$j75$abcdefghijkl$", false},
        {"$2b$04$abcdefghijklmnopqrstuu", false},
        {"$7$2/..../....saltsalt", false},
        {"$2b$16$abcdefghijklmnopqrstuuSQzWmt8HusakwD2pvgR3ozkfKxMd.Q2", false}, // would take seconds
        {"$2b$31$abcdefghijklmnopqrstuuSQzWmt8HusakwD2pvgR3ozkfKxMd.Q2", false},
        // The most that libcrypt makes, 1 GiB; and twice as much, which a stranger could ask for by guessing
        {"$y$jFT$abcdefghijkl$lJdRvHRV7/swWI0KvyTajkuksooG3amtK5laLyXrwrA", true},
        {"$gy$jFT$abcdefghijkl$lJdRvHRV7/swWI0KvyTajkuksooG3amtK5laLyXrwrA", true},
        {"$y$jGT$abcdefghijkl$lJdRvHRV7/swWI0KvyTajkuksooG3amtK5laLyXrwrA", false},
        {"$gy$jGT$abcdefghijkl$lJdRvHRV7/swWI0KvyTajkuksooG3amtK5laLyXrwrA", false},
        {"$y$jFU$abcdefghijkl$lJdRvHRV7/swWI0KvyTajkuksooG3amtK5laLyXrwrA", false},
        {"$y$jKT$abcdefghijkl$lJdRvHRV7/swWI0KvyTajkuksooG3amtK5laLyXrwrA", false},
        {"$y$jzz$abcdefghijkl$lJdRvHRV7/swWI0KvyTajkuksooG3amtK5laLyXrwrA", false},
        {"$y$jF$abcdefghijkl$lJdRvHRV7/swWI0KvyTajkuksooG3amtK5laLyXrwrA", false},
        {"$y$jFT/0$abcdefghijkl$lJdRvHRV7/swWI0KvyTajkuksooG3amtK5laLyXrwrA", false},
        {"$7$GU..../....saltsalt$cG0SfdSa/BvZeXI.V1WheqqJ7zL7RJaDfsp4O2K1pSD", true},
        {"$7$HU..../....saltsalt$cG0SfdSa/BvZeXI.V1WheqqJ7zL7RJaDfsp4O2K1pSD", false},
        {"$7$GU....0....saltsalt$cG0SfdSa/BvZeXI.V1WheqqJ7zL7RJaDfsp4O2K1pSD", false},
        {"$7$/.zzzz/....saltsalt$cG0SfdSa/BvZeXI.V1WheqqJ7zL7RJaDfsp4O2K1pSD", false},
        {"$6$saltsalt$vjiFXqGN1vrH57AIZOWN/uO0VR7qrRnx4lZpaiczEb0MmxObwff1Q08bPLlNyB.jSgxXgY2J0vRpIQ.upFEip.",
         false},
        {"$1$saltsalt$qjXMvbEw8oaL.CzflDtaK/", false},
        {"5f4dcc3b5aa765d61d8327deb882cf99", false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (password_hash_valid(rows[i].hash) != rows[i].taken)
            fail_msg("%s", rows[i].hash);
    char longer[PASSWORD_HASH_BYTES_MAX + 2];
    memset(longer, 'a', sizeof longer);
    memcpy(longer, YESCRYPT, strlen(YESCRYPT));
    longer[sizeof longer - 1] = '\0';
    assert_false(password_hash_valid(longer));
}

static void a_password_fits_its_hash(void **state) {
    (void)state;
    static const char *const hashes[] = {BCRYPT, YESCRYPT, SCRYPT};
    char longest[PASSWORD_BYTES_MAX + 2];
    memset(longest, 'x', sizeof longest);
    longest[sizeof longest - 1] = '\0';
    for (size_t i = 0; i < sizeof hashes / sizeof hashes[0]; i++) {
        assert_true(password_matches("garden gnome", hashes[i]));
        assert_false(password_matches("garden gnom", hashes[i]));
        assert_false(password_matches("Garden gnome", hashes[i]));
        assert_false(password_matches("", hashes[i]));
        assert_false(password_matches(hashes[i], hashes[i]));
        assert_false(password_matches(longest, hashes[i]));
    }
}

// bcrypt sees 72 bytes: of two passwords that begin alike each would pass for the other.
static void a_password_longer_than_bcrypt_sees_is_refused(void **state) {
    (void)state;
    char password[74] = "", hash[PASSWORD_HASH_BYTES_MAX + 1];
    memset(password, 'x', 72);
    const char *made = crypt(password, "$2b$04$abcdefghijklmnopqrstuu");
    assert_non_null(made);
    snprintf(hash, sizeof hash, "%s", made);
    assert_true(password_matches(password, hash));
    password[72] = 'y';
    assert_string_equal(crypt(password, hash), hash); // the library takes it
    assert_false(password_matches(password, hash));
}

static void a_hash_is_made(void **state) {
    (void)state;
    char one[PASSWORD_HASH_BYTES_MAX + 1] = "", other[PASSWORD_HASH_BYTES_MAX + 1] = "";
    assert_false(password_hash("", one));
    if (!password_hash("correct horse", one) || !password_hash("correct horse", other))
        return; // no memory
    assert_true(password_hash_valid(one));
    assert_memory_equal(one, "$y$", 3);
    assert_string_not_equal(one, other); // each has a salt of its own
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(which_hashes_are_taken),
        cmocka_unit_test(a_password_fits_its_hash),
        cmocka_unit_test(a_password_longer_than_bcrypt_sees_is_refused),
        cmocka_unit_test(a_hash_is_made),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
