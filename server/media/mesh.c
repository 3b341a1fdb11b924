#include "server/media/mesh.h"

#include "base/ring.h"

#include <assert.h>
#include <stdlib.h>

struct mesh {
    unsigned workers;
    void (*wake)(void *ctx, unsigned worker);
    void *wake_ctx;
    struct ring **rings; // [from * workers + to]; NULL on the diagonal
    uint64_t
        written[WORKERS_MAX]; // bit `to`: messages since the last flush; each written by its own worker only
};
_Static_assert(WORKERS_MAX <= 64, "a bit a worker");

// Memory is touched as the ring turns: about 2 KiB a slot and pair of workers.
static uint32_t mesh_capacity(unsigned workers) {
    return workers <= 4 ? 1024 : workers <= 16 ? 256 : 128;
}

struct mesh *mesh_create(unsigned workers, void (*wake)(void *ctx, unsigned worker), void *ctx) {
    assert(workers > 0 && workers <= WORKERS_MAX);
    struct mesh *mesh = calloc(1, sizeof *mesh);
    if (!mesh)
        return NULL;
    *mesh = (struct mesh){.workers = workers, .wake = wake, .wake_ctx = ctx};
    mesh->rings = calloc((size_t)workers * workers, sizeof(struct ring *));
    bool ok = mesh->rings != NULL;
    for (unsigned i = 0; ok && i < workers * workers; i++) {
        if (i / workers == i % workers)
            continue;
        mesh->rings[i] = ring_create(sizeof(struct mesh_message), mesh_capacity(workers));
        ok = mesh->rings[i] != NULL;
    }
    if (!ok) {
        mesh_destroy(mesh);
        return NULL;
    }
    return mesh;
}

void mesh_destroy(struct mesh *mesh) {
    if (!mesh)
        return;
    for (unsigned i = 0; mesh->rings && i < mesh->workers * mesh->workers; i++)
        ring_destroy(mesh->rings[i]);
    free(mesh->rings);
    free(mesh);
}

static struct ring *mesh_ring(struct mesh *mesh, unsigned from, unsigned to) {
    assert(from < mesh->workers && to < mesh->workers && from != to);
    return mesh->rings[from * mesh->workers + to];
}

struct mesh_message *mesh_reserve(struct mesh *mesh, unsigned from, unsigned to) {
    return ring_reserve(mesh_ring(mesh, from, to));
}

struct mesh_message *mesh_reserve_unproven(struct mesh *mesh, unsigned from, unsigned to) {
    if (ring_room(mesh_ring(mesh, from, to)) <= mesh_capacity(mesh->workers) / MESH_KEPT)
        return NULL;
    return mesh_reserve(mesh, from, to);
}

int mesh_worker_of_link(const struct mesh *mesh, unsigned from, struct link_id link) {
    return link.v < mesh->workers && link.v != from ? link.v : -1;
}

void mesh_push(struct mesh *mesh, unsigned from, unsigned to) {
    ring_push(mesh_ring(mesh, from, to));
    mesh->written[from] |= UINT64_C(1) << to;
}

void mesh_flush(struct mesh *mesh, unsigned from) {
    uint64_t written = mesh->written[from];
    mesh->written[from] = 0;
    for (; written; written &= written - 1)
        mesh->wake(mesh->wake_ctx, (unsigned)__builtin_ctzll(written));
}

struct mesh_message *mesh_peek(struct mesh *mesh, unsigned to, unsigned from) {
    return ring_peek(mesh_ring(mesh, from, to));
}

void mesh_pop(struct mesh *mesh, unsigned to, unsigned from) {
    ring_pop(mesh_ring(mesh, from, to));
}

bool mesh_waiting(struct mesh *mesh, unsigned to) {
    for (unsigned from = 0; from < mesh->workers; from++)
        if (from != to && mesh_peek(mesh, to, from))
            return true;
    return false;
}
