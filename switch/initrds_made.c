/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Initrds of a switch: their room, made, noted, and settled. */
#include "switch/initrds.h"

#include "state/initrd_record.h"
#include "switch/engine.h"
#include "switch/initrd_image.h"
#include "switch/stop_request.h"

#include <string.h>

enum { IMAGE_USEC = 15 * 60 * 1000000 };

static size_t directory_length(const char *path) {
        return (size_t) (strrchr(path, '/') - path);
}

void initrds_space(const Initrds *initrds,
                const InitrdNeed *need,
                bool has_links,
                SpaceNeed *ret_need,
                uint64_t *ret_n_bytes_going) {
        enum { MARGIN_BYTES = 1 << 20, GROWS_BY_A = 8 };
        SpaceNeed space = { .n_bytes = MARGIN_BYTES };
        uint64_t n_bytes_going = 0, n_bytes_left = 0;
        const char *directory = need->initrd.images[0].path;
        size_t length = directory_length(directory);
        for (size_t i = 0; i < initrds->n_needs; i++)
                for (size_t j = 0; j < initrds->needs[i].initrd.n_images; j++) {
                        const InitrdImage *image = &initrds->needs[i].initrd.images[j];
                        if (directory_length(image->path) != length ||
                                        strncmp(image->path, directory, length) != 0)
                                continue;
                        space.n_bytes += image->size_bytes + image->size_bytes / GROWS_BY_A;
                        space.n_bytes += has_links ? 0 : image->size_bytes;
                        space.n_inodes++;
                        n_bytes_going += has_links ? image->size_bytes : 2 * image->size_bytes;
                        n_bytes_left += image->left_bytes;
                }
        space.n_bytes -= n_bytes_left < space.n_bytes ? n_bytes_left : space.n_bytes;
        *ret_need = space;
        *ret_n_bytes_going = n_bytes_going;
}

static void say_making(const EngineOptions *options, const Initrd *initrd) {
        char text[256];
        (void) snprintf(text, sizeof(text), "Making the initrd of %s",
                        initrd->version); /* cut:
                                             only told */
        if (options->step)
                options->step(options->userdata, text);
}

/* switch_id 0: of none, as it was found. */
static int note_one(Host *host, const InitrdNeed *need, int64_t switch_id, Error *reterr) {
        cleanup(text_donep) Text text = { 0 };
        const char *kernel = need->initrd.version;
        text_add(&text, need->modules);
        initrd_image_note(host->root_fd, &need->initrd, &text);
        if (text.error < 0)
                return error_oom(reterr);
        const char *note = text.data ? text.data : "";
        return switch_id > 0 ? initrd_record_put(host->database, kernel, switch_id, note, reterr)
                             : initrd_record_put_found(host->database, kernel, note, reterr);
}

int initrds_note_found(Host *host, const Initrds *initrds, Error *reterr) {
        int r = 0;
        for (size_t i = 0; r >= 0 && i < initrds->n_adopted; i++)
                r = note_one(host, &initrds->adopted[i], 0, reterr);
        return r;
}

static int note_made(Host *host, const Initrds *initrds, int64_t switch_id, Error *reterr) {
        int r = database_begin(host->database, reterr);
        if (r < 0)
                return r;
        for (size_t i = 0; r >= 0 && i < initrds->n_needs; i++)
                r = note_one(host, &initrds->needs[i], switch_id, reterr);
        if (r >= 0)
                return database_commit(host->database, reterr);
        database_rollback(host->database);
        return r;
}

static int make_all(
                Host *host, const Initrds *needed, const EngineOptions *options, Error *reterr) {
        const InitrdRun run = { .timeout_usec = IMAGE_USEC, .should_stop = stop_request_is_made };
        cleanup_free Initrd *initrds = calloc(needed->n_needs, sizeof(Initrd));
        if (!initrds)
                return error_oom(reterr);
        for (size_t i = 0; i < needed->n_needs; i++)
                initrds[i] = needed->needs[i].initrd;
        int r = initrd_begin(host->state_directory, initrds, needed->n_needs, reterr);
        for (size_t i = 0; r >= 0 && i < needed->n_needs; i++) {
                say_making(options, &initrds[i]);
                r = initrd_make(&initrds[i], &run, reterr);
        }
        if (r >= 0)
                r = initrd_place(host->state_directory, initrds, needed->n_needs, &run, reterr);
        return r;
}

/* By now what depmod and modprobe read is the new one, and may tell of more. */
int initrds_make(Host *host, const EngineOptions *options, EngineResult *result, Error *reterr) {
        cleanup(arena_donep) Arena arena = { 0 };
        const Prepared *prepared = result->prepared;
        Initrds needed = { 0 };
        const InitrdsAsk ask = { .tree = prepared->new,
                .active = prepared->old,
                .known = &prepared->initrds,
                .makes = true };
        if (!prepared->initrds.are_made)
                return 0;
        int r = initrds_find(host, &ask, &arena, &needed, reterr);
        if (r >= 0 && needed.n_needs > 0)
                r = make_all(host, &needed, options, reterr);
        if (r >= 0 && needed.n_needs > 0)
                r = note_made(host, &needed, result->switch_id, reterr);
        if (r >= 0 || !options->is_rollback || options->takes_back_failed || stop_request_is_made())
                return r;
        engine_result_warn(result, reterr->message); /* the way back is not barred by it */
        Error late;
        if (initrds_settle(host, false, &late) != 0)
                engine_result_warn(result, late.message);
        return 0;
}

uint64_t initrds_timeout_usec(const Prepared *prepared) {
        uint64_t n_images = 0;
        for (size_t i = 0; i < prepared->initrds.n_needs; i++)
                n_images += prepared->initrds.needs[i].initrd.n_images;
        return n_images * IMAGE_USEC;
}

int initrds_settle(const Host *host, bool is_commit, Error *reterr) {
        const InitrdSettle settle = { is_commit, host->is_starting };
        return host->is_image || !host->database
                               ? 0
                               : initrd_settle(host->state_directory, &settle, reterr);
}
