/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "activate/fit.h"

#include "activate/manifest.h"
#include "activate/slots.h"

#include <assert.h>
#include <errno.h>

static int note_attributes(const FitOperation *operation,
                const FitOptions *options,
                ManifestOperation *noted,
                Error *reterr) {
        const Found *found = operation->found, *give_back = operation->give_back;
        noted->old_mode = found->mode;
        noted->old_uid = found->uid;
        noted->old_gid = found->gid;
        noted->staged.mode = give_back ? give_back->mode : operation->entry->mode;
        noted->staged.uid = found->uid;
        noted->staged.gid = found->gid;
        if (!options->owners)
                return 0;
        if (!give_back)
                return staged_owner(operation->entry, options, &noted->staged.uid,
                                &noted->staged.gid, reterr);
        noted->staged.uid = give_back->uid;
        noted->staged.gid = give_back->gid;
        return 0;
}

/* Each of the two roots has slots of its own, as nothing is renamed from one file system to
 * another; the manifest is beside those of the first. */
typedef struct Stage {
        const Root *root;
        const FitOptions *options;
        int slots_fd;
        int lib_slots_fd; /* -1: nothing of the plan lies there */
} Stage;

static int stage_operation(const Stage *stage,
                const FitOperation *operation,
                ManifestOperation *noted,
                Error *reterr) {
        int r = 0;
        char slot[SLOT_NAME_SIZE];
        const Place place = {
                .dir_fd = operation->root == ROOT_LIB ? stage->lib_slots_fd : stage->slots_fd,
                .name = slot_name(noted->slot, slot),
        };
        if (operation->verb == FIT_ATTRIBUTES)
                r = note_attributes(operation, stage->options, noted, reterr);
        else if (operation->verb != FIT_REMOVE)
                r = staged_make(operation, stage->options, &place, &noted->staged, reterr);
        if (r < 0)
                (void) error_prefix(reterr, "Cannot stage %s/%s",
                                root_of(stage->root, operation->root)->path,
                                operation->path); /* r is its code */
        return r;
}

static int stage_all(const Stage *stage, const FitPlan *plan, Manifest *manifest, Error *reterr) {
        manifest->switch_id = stage->options->switch_id;
        manifest->from = stage->options->from;
        manifest->to = stage->options->to;
        manifest->units = (UnitBefore *) (uintptr_t) stage->options->units; /* only read */
        manifest->n_units = stage->options->n_units;
        manifest->operations = arena_new(&manifest->arena, ManifestOperation, plan->n_operations);
        if (!manifest->operations)
                return error_oom(reterr);
        for (size_t i = 0; i < plan->n_operations; i++) {
                const FitOperation *operation = &plan->operations[i];
                if (operation->verb == FIT_RECORD)
                        continue;
                ManifestOperation *noted = &manifest->operations[manifest->n_operations++];
                *noted = (ManifestOperation){
                        .verb = operation->verb,
                        .root = operation->root,
                        .slot = i,
                        .path = operation->path,
                };
                int r = stage_operation(stage, operation, noted, reterr);
                if (r < 0)
                        return r;
        }
        return 0;
}

/* What is staged is on the disk before the manifest says so. */
static int stage_and_sync(const Stage *stage, const FitPlan *plan, Error *reterr) {
        cleanup(manifest_freep) Manifest *manifest = calloc(1, sizeof(Manifest));
        if (!manifest)
                return error_oom(reterr);
        int r = slots_clear(stage->root, stage->slots_fd, reterr);
        if (r >= 0)
                r = stage_all(stage, plan, manifest, reterr);
        if (r < 0)
                return r;
        if (syncfs(stage->slots_fd) < 0)
                return error_set_errno(reterr, -errno, "Cannot sync %s", stage->root->path);
        if (stage->lib_slots_fd >= 0 && syncfs(stage->lib_slots_fd) < 0)
                return error_set_errno(reterr, -errno, "Cannot sync %s", stage->root->lib->path);
        return manifest_write(stage->slots_fd, manifest, reterr);
}

static bool reaches_lib(const FitPlan *plan) {
        for (size_t i = 0; i < plan->n_operations; i++)
                if (plan->operations[i].root == ROOT_LIB && plan->operations[i].verb != FIT_RECORD)
                        return true;
        return false;
}

/* Empty ones, where the plan needs them. */
static int make_lib_slots(const Root *root, const FitPlan *plan, int *ret_fd, Error *reterr) {
        const Root *lib = root_of(root, ROOT_LIB);
        if (!reaches_lib(plan))
                return 0;
        int r = slots_open(lib, true, ret_fd, reterr);
        if (r == -ENOENT)
                return error_set(reterr, r, "There is no /lib to put modules and firmware in");
        return r < 0 ? r : slots_clear(lib, *ret_fd, reterr);
}

/* Returns 0 when there is no .sysswitch at all. */
static int open_slots(const Root *root, int *ret_slots_fd, Error *reterr) {
        int r = slots_open(root, false, ret_slots_fd, reterr);
        return r == -ENOENT ? 0 : r < 0 ? r : 1;
}

int fit_stage(const Root *root, const FitPlan *plan, const FitOptions *options, Error *reterr) {
        assert(plan->n_conflicts == 0);
        int r = manifest_is_there(root, reterr);
        if (r < 0)
                return r;
        if (r > 0)
                return error_set(reterr, -EEXIST,
                                "An earlier switch of %s was neither committed nor undone",
                                root->path);
        cleanup_fd int slots_fd = -1;
        r = slots_open(root, true, &slots_fd, reterr);
        if (r >= 0)
                r = slots_is_undone(root, slots_fd, reterr);
        if (r > 0)
                return error_set(reterr, -EEXIST,
                                "That an earlier switch of %s was undone is not noted yet",
                                root->path);
        if (r < 0)
                return r;
        cleanup_fd int lib_slots_fd = -1;
        r = make_lib_slots(root, plan, &lib_slots_fd, reterr);
        const Stage stage = {
                .root = root, .options = options, .slots_fd = slots_fd, .lib_slots_fd = lib_slots_fd
        };
        if (r >= 0)
                r = stage_and_sync(&stage, plan, reterr);
        if (r < 0) {
                slots_remove_lib(root); /* first: whoever goes on looks for the others */
                slots_remove(root, slots_fd);
        }
        return r;
}

int fit_commit(const Root *root, Error *reterr) {
        cleanup_fd int slots_fd = -1;
        int r = open_slots(root, &slots_fd, reterr);
        if (r <= 0)
                return r;
        cleanup(manifest_freep) Manifest *manifest = NULL;
        int was_open = manifest_read(root, &manifest, reterr);
        r = was_open > 0 ? slots_close_switch(root, slots_fd, reterr) : was_open;
        if (r < 0)
                return r;
        slots_remove_lib(root); /* first: whoever goes on looks for the others */
        slots_remove(root, slots_fd);
        return was_open;
}

int fit_set_undone(const Root *root, Error *reterr) {
        cleanup_fd int slots_fd = -1;
        int r = open_slots(root, &slots_fd, reterr);
        if (r <= 0)
                return r;
        r = manifest_is_there(root, reterr);
        return r > 0 ? slots_set_undone(root, slots_fd, reterr) : r;
}

int fit_is_undone(const Root *root, Error *reterr) {
        cleanup_fd int slots_fd = -1;
        int r = open_slots(root, &slots_fd, reterr);
        return r <= 0 ? r : slots_is_undone(root, slots_fd, reterr);
}

int fit_forget(const Root *root, Error *reterr) {
        cleanup_fd int slots_fd = -1;
        slots_remove_lib(root);
        int r = open_slots(root, &slots_fd, reterr);
        if (r <= 0)
                return r;
        slots_remove(root, slots_fd);
        return 0;
}
