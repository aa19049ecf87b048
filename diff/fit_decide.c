/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "diff/fit_decide.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#define OWN_DIRECTORY ".sysswitch" /* where activate/fit stages */

static bool is_owned(const FitInput *input, const Entry *entry, const Found *found) {
        uint32_t uid = 0, gid = 0;
        if (!input->check_owners)
                return true;
        return input->resolve(input->userdata, entry->owner, entry->group, &uid, &gid) >= 0 &&
               uid == found->uid && gid == found->gid;
}

static bool directory_is_exact(const FitInput *input, const Entry *entry, const Found *found) {
        return found->kind == FOUND_DIRECTORY && found->mode == entry->mode &&
               is_owned(input, entry, found);
}

bool fit_is_as_declared(const FitInput *input, const Entry *entry, const Found *found) {
        switch (entry->kind) {
        case ENTRY_FILE:
                return found->kind == FOUND_FILE && found->content && found->mode == entry->mode &&
                       digest_equal(&found->content->digest, &entry->content->digest) &&
                       is_owned(input, entry, found);
        case ENTRY_LINK:
                return found->kind == FOUND_LINK && found->target &&
                       strcmp(found->target, entry->target) == 0 && is_owned(input, entry, found);
        case ENTRY_DIRECTORY:
                return entry->implied ? found->kind == FOUND_DIRECTORY
                                      : directory_is_exact(input, entry, found);
        default:
                return found->kind == FOUND_NOTHING;
        }
}

static bool same_bytes(const void *left, size_t left_size, const void *right, size_t right_size) {
        return left_size == right_size && (left_size == 0 || memcmp(left, right, left_size) == 0);
}

/* Is what was displaced there as it was? A directory's times and attributes are not ours, nor ever
 * changed in place. */
static bool is_given_back(const FitInput *input, const Found *displaced, const Found *found) {
        if (found->kind != displaced->kind || found->mode != displaced->mode)
                return false;
        if (input->check_owners && (found->uid != displaced->uid || found->gid != displaced->gid))
                return false;
        if (found->kind == FOUND_DIRECTORY)
                return true;
        if (found->mtime_nsec != displaced->mtime_nsec ||
                        !same_bytes(found->xattrs, found->xattrs_size_bytes, displaced->xattrs,
                                        displaced->xattrs_size_bytes))
                return false;
        if (found->kind == FOUND_FILE)
                return found->content &&
                       digest_equal(&found->content->digest, &displaced->content->digest);
        return found->target && strcmp(found->target, displaced->target) == 0;
}

static bool is_exact_directory(const Entry *entry) {
        return entry && entry->kind == ENTRY_DIRECTORY && !entry->implied;
}

/* The new tree does not say any more how a directory is, only that it is one: then it is again as
 * it was before. */
static bool gives_up_attributes(const FitInput *input, const FitItem *item) {
        if (!is_exact_directory(item->old) || !item->new || item->new->kind != ENTRY_DIRECTORY)
                return false;
        if (!item->new->implied)
                return false;
        return directory_is_exact(input, item->old, item->found);
}

/* An implied directory is as it was before it was managed, where it was. */
static bool comes_back_implied(const FitInput *input, const FitItem *item) {
        if (!item->displaced || item->displaced->kind != FOUND_DIRECTORY)
                return false;
        if (item->new->kind != ENTRY_DIRECTORY || !item->new->implied)
                return false;
        return item->found->kind != FOUND_DIRECTORY || gives_up_attributes(input, item);
}

/* What shall be there: entry, give_back, or nothing. */
static void choose_goal(const FitInput *input, FitItem *item) {
        const Found *displaced = item->displaced;
        assert(item->old || item->new);
        if (!item->new) {
                item->give_back = displaced;
                item->drop_displaced = displaced;
                item->is_optional = !displaced && item->old->kind == ENTRY_DIRECTORY;
        } else if (comes_back_implied(input, item))
                item->give_back = displaced;
        else if (item->new->kind != ENTRY_ABSENT)
                item->entry = item->new;
}

/* A path where the old tree wants nothing has nothing of ours. Who has put a link there since that
 * was there before (systemctl enable, of what was disabled) has given it back. */
static bool was_given_back_by_hand(const FitInput *input, const FitItem *item) {
        const Found *found = item->found, *displaced = item->displaced;
        if (!item->old || item->old->kind != ENTRY_ABSENT || item->new)
                return false;
        if (!displaced)
                return true;
        return found->kind == FOUND_LINK && displaced->kind == FOUND_LINK && found->target &&
               strcmp(found->target, displaced->target) == 0 &&
               (!input->check_owners ||
                               (found->uid == displaced->uid && found->gid == displaced->gid));
}

static bool goal_is_met(const FitInput *input, const FitItem *item) {
        const Found *found = item->found;
        if (was_given_back_by_hand(input, item))
                return true;
        if (item->give_back) {
                bool has_own_attributes = found->kind == FOUND_DIRECTORY &&
                                          item->old->kind == ENTRY_DIRECTORY &&
                                          item->old->implied &&
                                          item->give_back->kind == FOUND_DIRECTORY;
                return has_own_attributes || is_given_back(input, item->give_back, found);
        }
        if (!item->entry)
                return found->kind == FOUND_NOTHING;
        return gives_up_attributes(input, item) ? directory_is_exact(input, item->entry, found)
                                                : fit_is_as_declared(input, item->entry, found);
}

bool fit_item_makes_directory(const FitItem *item) {
        return item->give_back ? item->give_back->kind == FOUND_DIRECTORY
                               : item->entry && item->entry->kind == ENTRY_DIRECTORY;
}

static FitVerb choose_verb(const FitItem *item) {
        if (!item->entry && !item->give_back)
                return FIT_REMOVE;
        if (item->found->kind == FOUND_NOTHING)
                return FIT_PLACE;
        return item->found->kind == FOUND_DIRECTORY && fit_item_makes_directory(item)
                               ? FIT_ATTRIBUTES
                               : FIT_EXCHANGE;
}

static bool is_own(const char *path) {
        size_t length = strlen(OWN_DIRECTORY);
        return strncmp(path, OWN_DIRECTORY, length) == 0 &&
               (path[length] == 0 || path[length] == '/');
}

/* Sets in_the_way where what is there cannot go, whatever else happens. */
static int look_in_the_way(const FitInput *input,
                const FitItem *item,
                Arena *arena,
                const char **ret_in_the_way) {
        const Found *found = item->found;
        bool is_kept = item->keep_displaced || item->is_edited || item->renews_displaced;
        bool is_spared = input->some_unread && found->size_bytes <= FOUND_MAX_FILE_BYTES;
        if (is_own(item->path))
                *ret_in_the_way = "is where sysswitch keeps what it works on";
        else if (found->kind == FOUND_OTHER)
                *ret_in_the_way = "is a socket, pipe or device";
        else if (found->kind == FOUND_MOUNT_POINT)
                *ret_in_the_way = "is a mount point";
        else if (found->kind == FOUND_BLOCKED)
                *ret_in_the_way = arena_printf(arena,
                                "is below %s, which is a link, a file or a mount point",
                                found->blocked_by);
        else if (found->kind == FOUND_FILE && !found->content && is_kept && !is_spared)
                *ret_in_the_way = arena_printf(
                                arena, "is larger than %d MiB", FOUND_MAX_FILE_BYTES >> 20);
        else if (!item->old && item->new->implied && found->kind != FOUND_NOTHING)
                *ret_in_the_way = found->kind == FOUND_LINK
                                                  ? "is a link, and nothing is reached through one"
                                                  : "is no directory";
        else if (input->keeps_others && item->keep_displaced && found->kind != FOUND_DIRECTORY)
                *ret_in_the_way = "is there already, and is not this profile's";
        else
                return 0;
        return *ret_in_the_way ? 0 : -ENOMEM;
}

/* A path below one that is put right by this same fit: nothing is there when its turn comes. */
static int look_behind(const FitItem *blocker, Arena *arena, FitItem *item) {
        bool goes = blocker->acts && (blocker->verb == FIT_EXCHANGE || blocker->verb == FIT_REMOVE);
        bool wants_nothing = !item->entry && !item->give_back;
        if (!goes || (!fit_item_makes_directory(blocker) && !wants_nothing))
                return 0;
        Found *nothing = arena_new(arena, Found, 1);
        if (!nothing)
                return -ENOMEM;
        *nothing = (Found){ .kind = FOUND_NOTHING, .path = item->path };
        item->found = nothing;
        return 0;
}

int fit_decide(const FitInput *input, const FitItem *blocker, Arena *arena, FitItem *item) {
        choose_goal(input, item);
        if (item->found->kind == FOUND_BLOCKED && blocker) {
                if (blocker->in_the_way) /* told once, for the parent */
                        return 0;
                int r = look_behind(blocker, arena, item);
                if (r < 0)
                        return r;
        }

        bool is_there = item->found->kind != FOUND_NOTHING;
        item->keep_displaced = !item->old && is_there;
        if (goal_is_met(input, item)) {
                item->acts = item->keep_displaced || item->drop_displaced;
                item->verb = FIT_RECORD;
                return 0;
        }
        item->acts = true;
        item->verb = choose_verb(item);
        item->is_edited =
                        item->old && is_there && !fit_is_as_declared(input, item->old, item->found);
        item->renews_displaced = item->is_edited && item->found->packaged == PACKAGED_AS_SHIPPED;
        item->is_edited &= !item->renews_displaced;
        return look_in_the_way(input, item, arena, &item->in_the_way);
}

const char *fit_item_edit(const FitItem *item) {
        const Entry *old = item->old;
        const Found *found = item->found;
        bool is_same_kind = (old->kind == ENTRY_FILE && found->kind == FOUND_FILE) ||
                            (old->kind == ENTRY_LINK && found->kind == FOUND_LINK);
        if (old->kind == ENTRY_ABSENT)
                return "was created by hand";
        if (old->kind == ENTRY_DIRECTORY && found->kind == FOUND_DIRECTORY)
                return "was given another mode or owner by hand";
        if (!is_same_kind)
                return found->kind == FOUND_DIRECTORY ? "was replaced by a directory by hand"
                       : found->kind == FOUND_LINK    ? "was replaced by a link by hand"
                                                      : "was replaced by a file by hand";
        if (old->kind == ENTRY_FILE && found->content &&
                        digest_equal(&found->content->digest, &old->content->digest))
                return "was given another mode or owner by hand";
        return "was edited by hand";
}
