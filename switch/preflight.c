/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "switch/preflight.h"

#include "activate/executable.h"
#include "base/map.h"
#include "base/text.h"
#include "diff/carrier.h"
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
#include "switch/room_needs.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

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

static int find_room(const Preflight *flight, Error *reterr) {
        Problem *problems = NULL;
        size_t n_problems = 0;
        int r = room_needs_find(flight->host, flight->prepared, flight->options->is_rollback,
                        &problems, &n_problems, reterr);
        if (r < 0)
                return r;
        return add_problems(flight, problems, n_problems) < 0 ? error_oom(reterr) : 0;
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

static int warn_of_version(const Preflight *flight, const ProfileConf *conf, Error *reterr) {
        const char *message;
        int r = kernels_find_missing(
                        flight->host, conf, &flight->prepared->arena, &message, reterr);
        if (r >= 0 && message)
                reference_warn(&flight->prepared->target, message);
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
        if (flight->options->is_rollback)
                return conf ? warn_of_version(flight, conf, reterr) : 0;
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
                r = find_room(&flight, reterr);
        if (r < 0)
                return r;
        if (find_mounts(&flight) < 0 || find_programs(&flight) < 0)
                return error_oom(reterr);
        r = find_needs_of_containers(&flight, reterr);
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
