/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "switch/preflight.h"

#include "activate/executable.h"
#include "activate/free_space.h"
#include "base/map.h"
#include "base/text.h"
#include "diff/carrier.h"
#include "diff/fit_space.h"
#include "diff/program.h"
#include "diff/quote.h"
#include "state/record.h"
#include "switch/boot_entries.h"
#include "switch/container_needs.h"
#include "switch/followers.h"
#include "switch/kernels.h"
#include "switch/module_needs.h"
#include "switch/output.h"
#include "switch/owner_needs.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#define STATE_DIRECTORY "var/lib/sysswitch"

typedef struct Preflight {
        Host *host;
        Prepared *prepared;
        const EngineOptions *options;
} Preflight;

/* text: the message; it is emptied. */
static int add_problem(const Preflight *flight, ProblemKind kind, const char *subject, Text *text) {
        Arena *arena = &flight->prepared->arena;
        Problems *problems = &flight->prepared->problems;
        cleanup_free char *message = NULL;
        if (text_take(text, &message) < 0)
                return -ENOMEM;
        if (problems->n_items == problems->n_allocated) {
                size_t n = problems->n_allocated * 2 + 8;
                Problem *grown = arena_grow(arena, problems->items, problems->n_items, n,
                                sizeof(*problems->items));
                if (!grown)
                        return -ENOMEM;
                problems->items = grown;
                problems->n_allocated = n;
        }
        const Problem problem = {
                .kind = kind,
                .subject = arena_strdup(arena, subject),
                .message = arena_strdup(arena, message),
        };
        if (!problem.subject || !problem.message)
                return -ENOMEM;
        problems->items[problems->n_items++] = problem;
        return 0;
}

static int find_conflicts(const Preflight *flight) {
        const FitPlan *fit = flight->prepared->fit;
        for (size_t i = 0; i < fit->n_conflicts; i++) {
                const FitConflict *conflict = &fit->conflicts[i];
                bool is_edit = conflict->kind == CONFLICT_EDITED;
                const char *prefix = entry_root_prefix(conflict->root);
                const char *path = arena_printf(
                                &flight->prepared->arena, "%s%s", prefix, conflict->path);
                cleanup(text_donep) Text text = { 0 };
                text_add_name(&text, prefix, conflict->path);
                text_addf(&text, " %s: %s", conflict->what,
                                is_edit ? "take the edit into the source, or use --force to save "
                                          "it aside and go on"
                                        : "move it away");
                if (!path || add_problem(flight, is_edit ? PROBLEM_EDITED : PROBLEM_IN_THE_WAY,
                                             path, &text) < 0)
                        return -ENOMEM;
        }
        return 0;
}

/* What others found; their messages stay where they are. */
static int add_problems(const Preflight *flight, const Problem *problems, size_t n_problems) {
        for (size_t i = 0; i < n_problems; i++) {
                cleanup(text_donep) Text text = { 0 };
                text_add(&text, problems[i].message);
                if (add_problem(flight, problems[i].kind, problems[i].subject, &text) < 0)
                        return -ENOMEM;
        }
        return 0;
}

static int find_owners(const Preflight *flight, Error *reterr) {
        Problem *problems = NULL;
        size_t n_problems = 0;
        int r = owner_needs_find(flight->host, flight->prepared, &problems, &n_problems, reterr);
        if (r < 0)
                return r;
        return add_problems(flight, problems, n_problems) < 0 ? error_oom(reterr) : 0;
}

static void add_size(Text *text, uint64_t n_bytes) {
        if (n_bytes >= 10 << 20)
                text_addf(text, "%llu MiB", (unsigned long long) (n_bytes >> 20));
        else
                text_addf(text, "%llu KiB", (unsigned long long) (n_bytes >> 10));
}

/* A place that is written to, and what is needed of it. */
typedef struct Place {
        const char *path, *shown;
        const char *use; /* for people */
        FreeSpace space;
        SpaceNeed need;
} Place;

static int check_writable(const Preflight *flight, const Place *place) {
        if (!place->space.is_read_only)
                return 0;
        cleanup(text_donep) Text text = { 0 };
        text_add_name(&text, "", place->shown);
        text_add(&text, " is read-only: mount it writable");
        return add_problem(flight, PROBLEM_READ_ONLY, place->shown, &text);
}

static int check_room(const Preflight *flight, const Place *place) {
        const FreeSpace *space = &place->space;
        bool lacks_bytes = place->need.n_bytes > space->n_bytes;
        if (!lacks_bytes && place->need.n_inodes <= space->n_inodes)
                return 0;
        cleanup(text_donep) Text text = { 0 };
        text_add_name(&text, "", place->shown);
        if (lacks_bytes) {
                text_addf(&text, " has no room for %s: ", place->use);
                add_size(&text, place->need.n_bytes);
                text_add(&text, " are needed, and ");
                add_size(&text, space->n_bytes);
                text_add(&text, " are free");
        } else
                text_addf(&text,
                                " has no inodes for %s: %llu are needed, and %llu are "
                                "free",
                                place->use, (unsigned long long) place->need.n_inodes,
                                (unsigned long long) space->n_inodes);
        return add_problem(flight, PROBLEM_SPACE, place->shown, &text);
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

/* On a host with a /usr of its own it may be the one that cannot be written. */
static int find_space_of_lib(const Preflight *flight, Error *reterr) {
        const FitPlan *fit = flight->prepared->fit;
        Host *host = flight->host;
        Place lib = {
                .path = "lib", .shown = host->lib.path, .use = "the modules and the firmware"
        };
        size_t i = 0;
        while (i < fit->n_operations && (fit->operations[i].root != ROOT_LIB ||
                                                        fit->operations[i].verb == FIT_RECORD))
                i++;
        if (i == fit->n_operations)
                return 0;
        int r = free_space_at(host->root_fd, lib.path, &lib.space, reterr);
        if (r < 0)
                return r;
        const SpaceOptions options = { .root = ROOT_LIB,
                .block_bytes = lib.space.block_bytes,
                .copies_up = lib.space.copies_up };
        lib.need = fit_space(fit, &options);
        if (check_writable(flight, &lib) < 0 ||
                        (!flight->options->is_rollback && check_room(flight, &lib) < 0))
                return error_oom(reterr);
        return 0;
}

/* The way back is not barred by an estimate: what has no room then is undone while it is staged. */
static int find_space(const Preflight *flight, Error *reterr) {
        Host *host = flight->host;
        Place etc = { .path = "etc", .shown = host->etc.path, .use = "the new files" };
        Place state = {
                .path = STATE_DIRECTORY, .shown = host->state_directory, .use = "the database"
        };
        int r = free_space_at(host->root_fd, etc.path, &etc.space, reterr);
        if (r >= 0)
                r = free_space_at(host->root_fd, state.path, &state.space, reterr);
        if (r < 0)
                return r;
        const SpaceOptions options = { .root = ROOT_ETC,
                .block_bytes = etc.space.block_bytes,
                .copies_up = etc.space.copies_up };
        etc.need = fit_space(flight->prepared->fit, &options);
        r = find_space_of_lib(flight, reterr);
        if (r < 0)
                return r;
        if (need_of_database(flight->prepared, &state.need) < 0 ||
                        check_writable(flight, &etc) < 0 || check_writable(flight, &state) < 0)
                return error_oom(reterr);
        if (flight->options->is_rollback)
                return 0;
        if (etc.space.device == state.space.device) { /* one file system has it all */
                etc.need.n_bytes += state.need.n_bytes;
                etc.need.n_inodes += state.need.n_inodes;
                etc.use = "the new files and the database";
                return check_room(flight, &etc) < 0 ? error_oom(reterr) : 0;
        }
        return check_room(flight, &etc) < 0 || check_room(flight, &state) < 0 ? error_oom(reterr)
                                                                              : 0;
}

static int check_carrier(const Preflight *flight, const char *path) {
        Arena *arena = &flight->prepared->arena;
        const char *unit = NULL;
        Verb verb;
        char resolved[PATH_MAX];
        const char *real = realpath(path, resolved) ? resolved : path; /* none there yet */
        if (carrier_find(&flight->prepared->plan->units, real, arena, &unit, &verb) < 0)
                return -ENOMEM;
        if (!unit)
                return 0;
        cleanup(text_donep) Text text = { 0 };
        text_addf(&text,
                        "%s carries %s, and would be %s: no switch can do that while the host "
                        "runs, take it over by sysswitch boot",
                        unit, path,
                        verb == VERB_STOP    ? "stopped"
                        : verb == VERB_START ? "started"
                                             : "restarted");
        return add_problem(flight, PROBLEM_MOUNT, unit, &text);
}

static int find_mounts(const Preflight *flight) {
        if (!host_has_units(flight->host) || flight->options->only_default)
                return 0;
        int r = check_carrier(flight, flight->host->etc.path);
        return r < 0 ? r : check_carrier(flight, flight->host->state_directory);
}

static const char *problem_of_program(int answer) {
        return answer == EXECUTABLE_MISSING   ? "There is no such program"
               : answer == EXECUTABLE_IS_NONE ? "That is no executable file"
                                              : NULL;
}

static int look_for_program(const Preflight *flight, const UnitProgram *program, int *ret_answer) {
        const EffectiveTrees *trees = &flight->prepared->effective;
        const char *path = NULL;
        int r = program_place(trees->before, trees->after, &flight->prepared->arena, program->path,
                        &path);
        if (r < 0)
                return r;
        *ret_answer = r == PROGRAM_COMES      ? EXECUTABLE_THERE
                      : r == PROGRAM_LEAVES   ? EXECUTABLE_MISSING
                      : r == PROGRAM_IS_PLAIN ? EXECUTABLE_IS_NONE
                                              : executable_look(flight->host->root_fd, path);
        return 0;
}

static void add_place(const Preflight *flight, const UnitProgram *program, Text *text) {
        char name[SOURCE_MAX_PATH_BYTES * 2];
        if (program->place)
                reference_file_name(&flight->prepared->target, program->place, name, sizeof(name));
        text_add_name(text, "", program->place ? name : program->unit);
}

/* Many units run one program: each is looked for once. */
static int find_programs(const Preflight *flight) {
        static const char seen[] = "there"; /* what a program that is there has in the map */
        const UnitPlan *plan = &flight->prepared->plan->units;
        cleanup(map_donep) Map known = { 0 };
        if (flight->options->no_check || flight->options->is_rollback ||
                        !executable_root_has_any(flight->host->root_fd))
                return 0;
        for (size_t i = 0; i < plan->n_programs; i++) {
                const UnitProgram *program = &plan->programs[i];
                const char *what = map_get(&known, program->path);
                if (!what) {
                        int answer;
                        if (look_for_program(flight, program, &answer) < 0)
                                return -ENOMEM;
                        what = problem_of_program(answer);
                        what = what ? what : seen;
                        if (map_put(&known, program->path, (char *) (uintptr_t) what) < 0)
                                return -ENOMEM;
                }
                if (what == seen)
                        continue;
                cleanup(text_donep) Text text = { 0 };
                add_place(flight, program, &text);
                text_addf(&text, ": %s=", program->key);
                text_add_name(&text, "", program->path);
                text_addf(&text, ": %s: install it, or use --no-check", what);
                if (add_problem(flight, PROBLEM_PROGRAM, program->unit, &text) < 0)
                        return -ENOMEM;
        }
        return 0;
}

/* Where there is a boot loader, it will have an entry for one more generation. */
static int find_boot_space(const Preflight *flight, const ProfileConf *conf, Error *reterr) {
        Arena *arena = &flight->prepared->arena;
        BootNeed needs[2];
        size_t n_needs = 0;
        int r = boot_entries_measure(flight->host, flight->prepared, conf, needs, &n_needs, reterr);
        for (size_t i = 0; r >= 0 && i < n_needs; i++) {
                const Place boot = { .path = needs[i].path,
                        .shown = arena_printf(arena, "/%s", needs[i].path),
                        .use = "the boot loader's menu",
                        .space = needs[i].space,
                        .need = needs[i].need };
                if (!boot.shown || check_writable(flight, &boot) < 0 ||
                                check_room(flight, &boot) < 0)
                        return error_oom(reterr);
        }
        return r;
}

/* Once for a directory. A rollback whose initrds have no room leaves them as they are. */
static int find_initrd_space(const Preflight *flight, Error *reterr) {
        const Initrds *initrds = &flight->prepared->initrds;
        const char *last = NULL;
        if (flight->options->is_rollback)
                return 0;
        for (size_t i = 0; i < initrds->n_needs; i++) {
                const char *image = initrds->needs[i].initrd.images[0].path;
                const char *directory = arena_strndup(&flight->prepared->arena, image,
                                (size_t) (strrchr(image, '/') - image));
                Place place = { .path = directory,
                        .shown = directory,
                        .use = "the new initrds beside the old ones" };
                if (!directory)
                        return error_oom(reterr);
                if (last && strcmp(last, directory) == 0)
                        continue;
                last = directory;
                place.path++; /* below the root */
                int r = free_space_at(flight->host->root_fd, place.path, &place.space, reterr);
                if (r < 0)
                        return r;
                place.need = initrds_space(initrds, &initrds->needs[i], place.space.has_links);
                if (check_writable(flight, &place) < 0 || check_room(flight, &place) < 0)
                        return error_oom(reterr);
        }
        return 0;
}

/* fault: "FILE:LINE: …" of the source. */
static int add_fault(
                const Preflight *flight, ProblemKind kind, const char *subject, const char *fault) {
        cleanup(text_donep) Text text = { 0 };
        char message[2048];
        reference_file_name(&flight->prepared->target, fault, message, sizeof(message));
        text_add(&text, message);
        return add_problem(flight, kind, subject, &text);
}

static int add_unmet(const Preflight *flight, const KernelUnmet *unmet, size_t n_unmet) {
        int r = 0;
        for (size_t i = 0; r >= 0 && i < n_unmet; i++)
                r = add_fault(flight, PROBLEM_KERNEL, unmet[i].option, unmet[i].message);
        return r;
}

/* The way back is not barred. */
static int find_requirements(const Preflight *flight, Error *reterr) {
        const Initrds *initrds = &flight->prepared->initrds;
        Arena *arena = &flight->prepared->arena;
        const ProfileConf *conf = NULL;
        KernelUnmet *unmet = NULL;
        size_t n_unmet = 0;
        const SwitchRecord record = { .verb = flight->options->verb };
        int r = kernels_conf_of(flight->host, flight->prepared->new, arena, &conf, reterr);
        if (r >= 0 && flight->prepared->plan->n_of_boot_loader > 0 && record_moves_default(&record))
                boot_entries_warn(flight->host, conf);
        if (r < 0 || flight->options->is_rollback)
                return flight->options->is_rollback ? 0 : r;
        r = find_boot_space(flight, conf, reterr);
        if (r >= 0 && conf)
                r = kernels_find_unmet(flight->host, &flight->prepared->target, conf,
                                flight->options->only_default, arena, &unmet, &n_unmet, reterr);
        if (r >= 0 && (add_unmet(flight, unmet, n_unmet) < 0 ||
                                      add_unmet(flight, initrds->unmet, initrds->n_unmet) < 0))
                return error_oom(reterr);
        if (r >= 0)
                r = module_needs_warn(flight->host, flight->prepared, conf, reterr);
        return r < 0 ? r
                     : initrds_warn(flight->host, flight->prepared, conf,
                                       flight->options->only_default, reterr);
}

/* The way back is not barred; a container does not start on such a root anyway. */
static int find_other_roots(const Preflight *flight, Error *reterr) {
        const char *name, *fault;
        size_t position = 0;
        int r = flight->options->is_rollback || flight->host->is_image ? 0 : 1;
        while (r > 0) {
                r = container_needs_other_root(
                                flight->host, flight->prepared, &position, &name, &fault, reterr);
                if (r > 0 && add_fault(flight, PROBLEM_IN_THE_WAY, name, fault) < 0)
                        return error_oom(reterr);
        }
        return r;
}

static int find_needs_of_containers(const Preflight *flight, Error *reterr) {
        bool is_passed_over = flight->options->no_check || flight->options->is_rollback;
        const char *unit = is_passed_over || !host_has_units(flight->host)
                                           ? NULL
                                           : container_needs_program(flight->prepared);
        cleanup(text_donep) Text text = { 0 };
        if (unit) {
                text_addf(&text,
                                "%s: There is no systemd-nspawn, which runs containers: install "
                                "systemd-container, or use --no-check",
                                unit);
                if (add_problem(flight, PROBLEM_PROGRAM, unit, &text) < 0)
                        return error_oom(reterr);
        }
        int r = find_other_roots(flight, reterr);
        if (r >= 0)
                r = followers_note(flight->host, flight->prepared, reterr);
        return r < 0 ? r : container_needs_note(flight->prepared, reterr);
}

static int find_needs_of_modules(const Preflight *flight, Error *reterr) {
        Problem *problems = NULL;
        size_t n_problems = 0;
        int r = module_needs_find(flight->host, flight->prepared, flight->options->is_rollback,
                        &problems, &n_problems, reterr);
        if (r < 0)
                return r;
        return add_problems(flight, problems, n_problems) < 0 ? error_oom(reterr) : 0;
}

int preflight_run(Host *host, Prepared *prepared, const EngineOptions *options, Error *reterr) {
        const Preflight flight = { .host = host, .prepared = prepared, .options = options };
        if (find_conflicts(&flight) < 0)
                return error_oom(reterr);
        if (prepared_has_nothing_to_do(prepared))
                return 0;
        int r = find_owners(&flight, reterr);
        if (r >= 0)
                r = find_space(&flight, reterr);
        if (r < 0)
                return r;
        if (find_mounts(&flight) < 0 || find_programs(&flight) < 0)
                return error_oom(reterr);
        r = find_needs_of_containers(&flight, reterr);
        if (r >= 0)
                r = find_initrd_space(&flight, reterr);
        if (r >= 0)
                r = find_needs_of_modules(&flight, reterr);
        return r < 0 ? r : find_requirements(&flight, reterr);
}

int preflight_refuse(const Prepared *prepared, Error *reterr) {
        const Problems *problems = &prepared->problems;
        if (problems->n_items == 0)
                return 0;
        if (problems->n_items == 1)
                return error_set(reterr, -EEXIST, "%s; nothing was changed",
                                problems->items[0].message);
        return error_set(reterr, -EEXIST,
                        "The switch is refused for %zu reasons, and nothing was changed:",
                        problems->n_items);
}
