/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "switch/room_needs.h"

#include "activate/free_space.h"
#include "activate/in_root.h"
#include "base/text.h"
#include "diff/fit_space.h"
#include "diff/fstab.h"
#include "diff/quote.h"
#include "switch/boot_entries.h"
#include "switch/kernels.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#define STATE_DIRECTORY "var/lib/sysswitch"

/* What is written to a place, and of what is there what goes with the commit. */
typedef struct Place {
        const char *path, *shown;
        const char *use; /* for people */
        FreeSpace space;
        SpaceNeed need;
        uint64_t n_bytes_going;
        bool is_after_commit;    /* it is written then */
        const char *not_mounted; /* what should be, for this to be the place; NULL: nothing */
} Place;

typedef struct Places {
        Host *host;
        Prepared *prepared;
        Place *items;
        size_t n_items;
        Problem *problems;
        size_t n_problems;
} Places;

static int look(const Places *places, Place *place, Error *reterr) {
        return free_space_at(places->host->root_fd, place->path, &place->space, reterr);
}

static void add_place(Places *places, const Place *place) {
        places->items[places->n_items++] = *place;
}

/* In the log first, and from there into the database. */
static int need_of_database(const Prepared *prepared, SpaceNeed *ret_need) {
        enum { MARGIN_BYTES = 1 << 20, ROW_BYTES = 1024 };
        uint64_t n_bytes = 0;
        const Tree *new =
                        prepared->target.number >= 0 ? NULL : prepared->new; /* else it is there */
        if (fit_stored_bytes(prepared->fit, prepared->old, new, &n_bytes) < 0)
                return -ENOMEM;
        n_bytes += ROW_BYTES * (uint64_t) (prepared->plan->n_files + prepared->fit->n_operations +
                                               prepared->plan->units.n_actions);
        *ret_need = (SpaceNeed){ .n_bytes = 2 * n_bytes + MARGIN_BYTES, .n_inodes = 4 };
        return 0;
}

static int add_root(Places *places, EntryRoot root, Place place, Error *reterr) {
        int r = look(places, &place, reterr);
        if (r < 0)
                return r;
        const SpaceOptions options = { .root = root,
                .block_bytes = place.space.block_bytes,
                .copies_up = place.space.copies_up };
        place.need = fit_space(places->prepared->fit, &options);
        add_place(places, &place);
        return 0;
}

static int add_etc_and_state(Places *places, Error *reterr) {
        const Place etc = {
                .path = "etc", .shown = places->host->etc.path, .use = "the new files"
        };
        Place state = { .path = STATE_DIRECTORY,
                .shown = places->host->state_directory,
                .use = "the database" };
        int r = add_root(places, ROOT_ETC, etc, reterr);
        if (r >= 0)
                r = look(places, &state, reterr);
        if (r < 0)
                return r;
        if (need_of_database(places->prepared, &state.need) < 0)
                return error_oom(reterr);
        add_place(places, &state);
        return 0;
}

/* On a host with a /usr of its own it may be the one that cannot be written. */
static int add_lib(Places *places, Error *reterr) {
        const FitPlan *fit = places->prepared->fit;
        const Place lib = { .path = "lib",
                .shown = places->host->lib.path,
                .use = "the modules and the firmware" };
        size_t i = 0;
        while (i < fit->n_operations && (fit->operations[i].root != ROOT_LIB ||
                                                        fit->operations[i].verb == FIT_RECORD))
                i++;
        return i < fit->n_operations ? add_root(places, ROOT_LIB, lib, reterr) : 0;
}

static bool is_mount(int root_fd, const char *path) {
        struct statx status;
        cleanup_fd int fd = in_root_open(root_fd, path, O_PATH);
        return fd >= 0 && statx(fd, "", AT_EMPTY_PATH, 0, &status) >= 0 &&
               (status.stx_attributes & STATX_ATTR_MOUNT_ROOT);
}

/* What is made in the directory beneath a mount that is to come, no boot finds. */
static int find_not_mounted(const Places *places, Place *place, Error *reterr) {
        enum { FSTAB_MAX_BYTES = 1 << 20 };
        static const struct {
                const char *unit, *path;
        } mounts[] = { { "boot.mount", "boot" }, { "efi.mount", "efi" },
                { "boot-efi.mount", "boot/efi" } };
        cleanup_free char *text = NULL;
        size_t size = 0, n_units = 0;
        FstabUnit *units = NULL;
        int root_fd = places->host->root_fd;
        int r = in_root_read(root_fd, "etc/fstab", FSTAB_MAX_BYTES, &text, &size);
        if (r < 0)
                return r == -ENOMEM ? error_oom(reterr) : 0; /* it says nothing of them */
        if (fstab_parse(&places->prepared->arena, text, size, &units, &n_units) < 0)
                return error_oom(reterr);
        for (size_t i = 0; i < n_units * N_ELEMENTS(mounts); i++) {
                const char *path = mounts[i % N_ELEMENTS(mounts)].path;
                size_t length = strlen(path);
                if (strcmp(units[i / N_ELEMENTS(mounts)].name,
                                    mounts[i % N_ELEMENTS(mounts)].unit) == 0 &&
                                strncmp(place->path, path, length) == 0 &&
                                (place->path[length] == '/' || !place->path[length]) &&
                                !is_mount(root_fd, path))
                        place->not_mounted = path;
        }
        return 0;
}

/* Once for a directory. A rollback whose initrds have no room leaves them as they are. */
static int add_initrds(Places *places, Error *reterr) {
        const Initrds *initrds = &places->prepared->initrds;
        const char *last = NULL;
        for (size_t i = 0; i < initrds->n_needs; i++) {
                const char *image = initrds->needs[i].initrd.images[0].path;
                const char *directory = arena_strndup(&places->prepared->arena, image,
                                (size_t) (strrchr(image, '/') - image));
                if (!directory)
                        return error_oom(reterr);
                if (last && strcmp(last, directory) == 0)
                        continue;
                last = directory;
                Place place = { .path = directory + 1,
                        .shown = directory,
                        .use = "the new initrds beside the old ones" };
                int r = look(places, &place, reterr);
                if (r >= 0)
                        r = find_not_mounted(places, &place, reterr);
                if (r < 0)
                        return r;
                initrds_space(initrds, &initrds->needs[i], place.space.has_links, &place.need,
                                &place.n_bytes_going);
                add_place(places, &place);
        }
        return 0;
}

/* Where there is a boot loader, it will have an entry for one more generation. */
static int add_boot_loaders(Places *places, Error *reterr) {
        Arena *arena = &places->prepared->arena;
        const ProfileConf *conf = NULL;
        BootNeed needs[2];
        size_t n_needs = 0;
        int r = kernels_conf_of(places->host, places->prepared->new, arena, &conf, reterr);
        if (r >= 0)
                r = boot_entries_measure(
                                places->host, places->prepared, conf, needs, &n_needs, reterr);
        for (size_t i = 0; r >= 0 && i < n_needs; i++) {
                const Place boot = { .path = needs[i].path,
                        .shown = arena_printf(arena, "/%s", needs[i].path),
                        .use = "the boot loader's menu",
                        .space = needs[i].space,
                        .need = needs[i].need,
                        .is_after_commit = true };
                if (!boot.shown)
                        return error_oom(reterr);
                add_place(places, &boot);
        }
        return r;
}

static int add_problem(Places *places, ProblemKind kind, const Place *place, Text *text) {
        cleanup_free char *message = NULL;
        if (text_take(text, &message) < 0)
                return -ENOMEM;
        Problem *problem = &places->problems[places->n_problems++];
        *problem = (Problem){ .kind = kind,
                .subject = place->shown,
                .message = arena_strdup(&places->prepared->arena, message) };
        return problem->message ? 0 : -ENOMEM;
}

static int check_writable(Places *places, const Place *place) {
        if (!place->space.is_read_only)
                return 0;
        cleanup(text_donep) Text text = { 0 };
        text_add_name(&text, "", place->shown);
        text_add(&text, " is read-only: mount it writable");
        return add_problem(places, PROBLEM_READ_ONLY, place, &text);
}

static int check_mounted(Places *places, const Place *place) {
        if (!place->not_mounted)
                return 0;
        cleanup(text_donep) Text text = { 0 };
        text_addf(&text,
                        "/%s is not mounted, as /etc/fstab has it, and initrds are there: mount it",
                        place->not_mounted);
        return add_problem(places, PROBLEM_MOUNT, place, &text);
}

static void add_size(Text *text, uint64_t n_bytes) {
        if (n_bytes >= 10 << 20)
                text_addf(text, "%llu MiB", (unsigned long long) (n_bytes >> 20));
        else
                text_addf(text, "%llu KiB", (unsigned long long) (n_bytes >> 10));
}

/* "A, B and C", of all that is written to the file system of the first. */
static void add_uses(const Places *places, size_t first, Text *text) {
        size_t n_left = 0;
        for (size_t i = first; i < places->n_items; i++)
                n_left += places->items[i].space.device == places->items[first].space.device;
        for (size_t i = first, n = 0; i < places->n_items; i++) {
                if (places->items[i].space.device != places->items[first].space.device)
                        continue;
                text_addf(text, "%s%s",
                                n == 0            ? ""
                                : n + 1 == n_left ? " and "
                                                  : ", ",
                                places->items[i].use);
                n++;
        }
}

/* Of the file system of the first place there: the most at any moment. What is written after the
 * commit takes room that then has been left. */
static SpaceNeed need_at_once(const Places *places, size_t first) {
        SpaceNeed before = { 0 }, after = { 0 };
        uint64_t n_bytes_going = 0;
        for (size_t i = first; i < places->n_items; i++) {
                const Place *place = &places->items[i];
                if (place->space.device != places->items[first].space.device)
                        continue;
                SpaceNeed *need = place->is_after_commit ? &after : &before;
                need->n_bytes += place->need.n_bytes;
                need->n_inodes += place->need.n_inodes;
                n_bytes_going += place->n_bytes_going;
        }
        uint64_t n_bytes = before.n_bytes;
        if (after.n_bytes > n_bytes_going)
                n_bytes += after.n_bytes - n_bytes_going;
        return (SpaceNeed){ .n_bytes = n_bytes, .n_inodes = before.n_inodes + after.n_inodes };
}

static int check_room(Places *places, size_t first) {
        const Place *place = &places->items[first];
        const FreeSpace *space = &place->space;
        const SpaceNeed need = need_at_once(places, first);
        bool lacks_bytes = need.n_bytes > space->n_bytes;
        if (!lacks_bytes && need.n_inodes <= space->n_inodes)
                return 0;
        cleanup(text_donep) Text text = { 0 };
        text_add_name(&text, "", place->shown);
        text_addf(&text, " has no %s for ", lacks_bytes ? "room" : "inodes");
        add_uses(places, first, &text);
        if (lacks_bytes) {
                text_add(&text, ": ");
                add_size(&text, need.n_bytes);
                text_add(&text, " are needed, and ");
                add_size(&text, space->n_bytes);
                text_add(&text, " are free");
        } else
                text_addf(&text, ": %llu are needed, and %llu are free",
                                (unsigned long long) need.n_inodes,
                                (unsigned long long) space->n_inodes);
        return add_problem(places, PROBLEM_SPACE, place, &text);
}

static bool is_first_there(const Places *places, size_t at) {
        for (size_t i = 0; i < at; i++)
                if (places->items[i].space.device == places->items[at].space.device)
                        return false;
        return true;
}

static int check(Places *places, bool is_rollback) {
        for (size_t i = 0; i < places->n_items; i++)
                if (check_mounted(places, &places->items[i]) < 0 ||
                                check_writable(places, &places->items[i]) < 0)
                        return -ENOMEM;
        for (size_t i = 0; !is_rollback && i < places->n_items; i++)
                if (is_first_there(places, i) && check_room(places, i) < 0)
                        return -ENOMEM;
        return 0;
}

int room_needs_find(Host *host,
                Prepared *prepared,
                bool is_rollback,
                Problem **ret_problems,
                size_t *ret_n_problems,
                Error *reterr) {
        enum { N_OTHERS = 5 }; /* /etc, the state, /lib, two boot loaders' */
        size_t n = prepared->initrds.n_needs + N_OTHERS;
        Places places = { .host = host,
                .prepared = prepared,
                .items = arena_new(&prepared->arena, Place, n),
                .problems = arena_new(&prepared->arena, Problem, 3 * n) };
        if (!places.items || !places.problems)
                return error_oom(reterr);
        int r = add_etc_and_state(&places, reterr);
        if (r >= 0)
                r = add_lib(&places, reterr);
        if (r >= 0 && !is_rollback)
                r = add_initrds(&places, reterr);
        if (r >= 0 && !is_rollback)
                r = add_boot_loaders(&places, reterr);
        if (r < 0)
                return r;
        if (check(&places, is_rollback) < 0)
                return error_oom(reterr);
        *ret_problems = places.problems;
        *ret_n_problems = places.n_problems;
        return 0;
}
