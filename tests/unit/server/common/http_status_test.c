// What statuses are called, as RFC 9110, section 15, and RFC 6585 have it.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "server/common/http_status.h"

static void statuses_have_their_names(void **state) {
    (void)state;
    assert_string_equal(http_status_text(200), "OK");
    assert_string_equal(http_status_text(413), "Content Too Large");
    assert_string_equal(http_status_text(428), "Precondition Required");
    assert_string_equal(http_status_text(505), "HTTP Version Not Supported");
    assert_string_equal(http_status_text(299), "Status");
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(statuses_have_their_names)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
