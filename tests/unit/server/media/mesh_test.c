// The queues between workers, one thread playing all of them.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "server/media/mesh.h"

struct wakes {
    unsigned of[8];
};

static void wake(void *ctx, unsigned worker) {
    ((struct wakes *)ctx)->of[worker]++;
}

static void send_number(struct mesh *mesh, unsigned from, unsigned to, uint16_t number) {
    struct mesh_message *m = mesh_reserve(mesh, from, to);
    assert_non_null(m);
    m->type = MESH_DATAGRAM;
    m->len = number;
    mesh_push(mesh, from, to);
}

static void each_pair_has_a_queue_of_its_own(void **state) {
    (void)state;
    struct wakes wakes = {{0}};
    struct mesh *mesh = mesh_create(3, wake, &wakes);
    assert_non_null(mesh);
    for (unsigned from = 0; from < 3; from++)
        for (unsigned to = 0; to < 3; to++)
            if (from != to)
                for (uint16_t i = 0; i < 5; i++)
                    send_number(mesh, from, to, (uint16_t)(from * 100 + to * 10 + i));
    for (unsigned from = 0; from < 3; from++)
        for (unsigned to = 0; to < 3; to++) {
            if (from == to)
                continue;
            for (uint16_t i = 0; i < 5; i++) { // in order
                const struct mesh_message *m = mesh_peek(mesh, to, from);
                assert_non_null(m);
                assert_int_equal(m->len, from * 100 + to * 10 + i);
                mesh_pop(mesh, to, from);
            }
            assert_null(mesh_peek(mesh, to, from));
        }
    mesh_destroy(mesh);
}

static void a_flush_wakes_once_whom_it_concerns(void **state) {
    (void)state;
    struct wakes wakes = {{0}};
    struct mesh *mesh = mesh_create(4, wake, &wakes);
    assert_non_null(mesh);
    mesh_flush(mesh, 0);
    for (uint16_t i = 0; i < 10; i++) {
        send_number(mesh, 0, 1, i);
        send_number(mesh, 0, 3, i);
        send_number(mesh, 2, 1, i);
    }
    assert_int_equal(wakes.of[1] + wakes.of[3], 0); // not before the flush
    mesh_flush(mesh, 0);
    assert_int_equal(wakes.of[0], 0);
    assert_int_equal(wakes.of[1], 1);
    assert_int_equal(wakes.of[2], 0);
    assert_int_equal(wakes.of[3], 1);
    mesh_flush(mesh, 0); // nothing new
    mesh_flush(mesh, 1);
    assert_int_equal(wakes.of[1], 1);
    mesh_flush(mesh, 2);
    assert_int_equal(wakes.of[1], 2);
    mesh_destroy(mesh);
}

// What nobody has vouched for leaves a quarter of the queue to the rest.
static void a_full_queue_refuses(void **state) {
    (void)state;
    static const struct {
        unsigned workers, capacity;
    } rows[] = {{2, 1024}, {4, 1024}, {5, 256}, {16, 256}, {17, 128}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct wakes wakes = {{0}};
        struct mesh *mesh = mesh_create(rows[i].workers, wake, &wakes);
        assert_non_null(mesh);
        unsigned n = 0;
        for (; mesh_reserve_unproven(mesh, 0, 1); n++)
            mesh_push(mesh, 0, 1);
        assert_int_equal(n, rows[i].capacity - rows[i].capacity / MESH_KEPT);
        for (; mesh_reserve(mesh, 0, 1); n++)
            mesh_push(mesh, 0, 1);
        assert_int_equal(n, rows[i].capacity);
        assert_non_null(mesh_reserve(mesh, 1, 0)); // the others are theirs alone
        assert_non_null(mesh_peek(mesh, 1, 0));
        mesh_pop(mesh, 1, 0);
        assert_null(mesh_reserve_unproven(mesh, 0, 1));
        assert_non_null(mesh_reserve(mesh, 0, 1));
        while (mesh_peek(mesh, 1, 0))
            mesh_pop(mesh, 1, 0);
        assert_non_null(mesh_reserve_unproven(mesh, 0, 1));
        mesh_destroy(mesh);
    }
}

static void a_link_leads_to_another_worker_or_nowhere(void **state) {
    (void)state;
    static const struct {
        unsigned from;
        uint16_t link;
        int worker;
    } rows[] = {{0, 1, 1},  {0, 2, 2},  {0, 0, -1},  {2, 0, 0},
                {2, 2, -1}, {0, 3, -1}, {0, 64, -1}, {1, UINT16_MAX, -1}};
    struct mesh *mesh = mesh_create(3, wake, NULL);
    assert_non_null(mesh);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_int_equal(mesh_worker_of_link(mesh, rows[i].from, (struct link_id){rows[i].link}),
                         rows[i].worker);
    for (unsigned w = 0; w < 3; w++)
        assert_int_equal(mesh_worker_of_link(mesh, (w + 1) % 3, link_of_worker(w)), w);
    mesh_destroy(mesh);
}

static void one_worker_needs_none(void **state) {
    (void)state;
    struct mesh *mesh = mesh_create(1, wake, NULL);
    assert_non_null(mesh);
    mesh_flush(mesh, 0);
    mesh_destroy(mesh);
    mesh_destroy(NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_pair_has_a_queue_of_its_own),
        cmocka_unit_test(a_flush_wakes_once_whom_it_concerns),
        cmocka_unit_test(a_full_queue_refuses),
        cmocka_unit_test(a_link_leads_to_another_worker_or_nowhere),
        cmocka_unit_test(one_worker_needs_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
