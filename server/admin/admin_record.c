// Recordings: begun, listed, ended.
#include "server/admin/admin_internal.h"

json_t *admin_record(struct admin_call *call) {
    struct hub_refusal refusal;
    const struct admin_io *io = &call->admin->io;
    const char *room = admin_text(call, "room", true);
    const char *who = room ? admin_text(call, "participant", false) : NULL;
    const char *layout = who ? admin_text(call, "layout", false) : NULL;
    if (!layout)
        return NULL;
    json_t *recording = io->record(io->ctx, room, who, layout, &refusal);
    return recording ? recording : admin_refuse_verb(call, &refusal);
}

// The name as the server writes it; NULL and a refusal.
static const char *plain_name(struct admin_call *call, char out[ROOM_NAME_BYTES_MAX + 1]) {
    struct hub_refusal refusal;
    const char *room = admin_text(call, "room", true);
    if (room && hub_read_name("room", room, ROOM_NAME_CHARS_MAX, out, &refusal))
        return out;
    if (room)
        admin_refuse_verb(call, &refusal);
    return NULL;
}

json_t *admin_list_recordings(struct admin_call *call) {
    char name[ROOM_NAME_BYTES_MAX + 1];
    const struct admin_io *io = &call->admin->io;
    const char *room = plain_name(call, name);
    return room ? json_pack("{s:o}", "recordings", io->list_recordings(io->ctx, room)) : NULL;
}

json_t *admin_stop_recording(struct admin_call *call) {
    char name[ROOM_NAME_BYTES_MAX + 1];
    struct hub_refusal refusal;
    const struct admin_io *io = &call->admin->io;
    const char *room = plain_name(call, name);
    const char *id = room ? admin_text(call, "recording", true) : NULL;
    if (!id)
        return NULL;
    json_t *recording = io->stop_recording(io->ctx, room, id, &refusal);
    return recording ? recording : admin_refuse_verb(call, &refusal);
}
