#include "base/list.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

struct item {
    int value;
    struct list link;
};

static int sum_in_order(struct list *head) {
    int number = 0;
    LIST_EACH(node, head)
    number = number * 10 + LIST_ENTRY(node, struct item, link)->value;
    return number;
}

static void items_stay_in_order(void **state) {
    (void)state;
    struct list head;
    list_init(&head);
    struct item items[] = {{.value = 1}, {.value = 2}, {.value = 3}};
    assert_true(list_empty(&head));
    assert_int_equal(sum_in_order(&head), 0);
    for (int i = 0; i < 3; i++) {
        list_init(&items[i].link);
        assert_false(list_linked(&items[i].link));
        list_push_back(&head, &items[i].link);
        assert_true(list_linked(&items[i].link));
    }
    assert_int_equal(sum_in_order(&head), 123);
    list_remove(&items[1].link);
    assert_int_equal(sum_in_order(&head), 13);
    assert_false(list_linked(&items[1].link));
    list_remove(&items[1].link); // a second time changes nothing
    assert_int_equal(sum_in_order(&head), 13);
    list_push_back(&head, &items[1].link);
    assert_int_equal(sum_in_order(&head), 132);
}

static void the_visited_item_may_leave(void **state) {
    (void)state;
    struct list head;
    list_init(&head);
    struct item items[] = {{.value = 1}, {.value = 2}, {.value = 3}, {.value = 4}};
    for (int i = 0; i < 4; i++)
        list_push_back(&head, &items[i].link);
    LIST_EACH(node, &head)
    if (LIST_ENTRY(node, struct item, link)->value % 2 == 0)
        list_remove(node);
    assert_int_equal(sum_in_order(&head), 13);
    LIST_EACH(node, &head)
    list_remove(node);
    assert_true(list_empty(&head));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(items_stay_in_order),
        cmocka_unit_test(the_visited_item_may_leave),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
