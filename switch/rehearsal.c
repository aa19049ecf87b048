/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "switch/rehearsal.h"

#include "activate/host_copy.h"
#include "base/clock.h"
#include "diff/quote.h"
#include "switch/copy_look.h"
#include "switch/future_files.h"
#include "switch/stop_request.h"

#include <errno.h>
#include <string.h>

typedef struct Run {
        Host *host;
        Prepared *prepared;
        const RehearsalOptions *options;
        Rehearsal *rehearsal; /* the prepared one's */
        FutureFile *files;    /* those of the change first */
        size_t n_files, n_change_files;
        Strv units; /* that shall come up */
} Run;

static void run_done(Run *run) {
        free(run->files);
        strv_done(&run->units);
}

Rehearsal *rehearsal_free(Rehearsal *rehearsal) {
        if (!rehearsal)
                return NULL;
        arena_done(&rehearsal->arena);
        free(rehearsal);
        return NULL;
}

static void say(const Run *run, const char *text) {
        if (run->options->step)
                run->options->step(run->options->userdata, text);
}

static int add_file(Run *run, const RehearsalFile *file) {
        Arena *arena = &run->rehearsal->arena;
        FutureFile *future = &run->files[run->n_files++];
        *future = (FutureFile){ .path = file->path, .kind = FOUND_DIRECTORY, .mode = 0755 };
        if (!file->text)
                return 0;
        Content *content = arena_new(arena, Content, 1);
        if (!content)
                return -ENOMEM;
        *content = (Content){ .data = file->text, .size_bytes = strlen(file->text) };
        future->kind = FOUND_FILE;
        future->mode = 0644;
        future->content = content;
        return 0;
}

static int make_files(Run *run, Error *reterr) {
        const RehearsalFile *more;
        size_t n_more;
        int r = rehearsal_files(&run->rehearsal->arena, &more, &n_more, reterr);
        if (r >= 0)
                r = future_files_new(run->host, run->prepared, &run->files, &run->n_files, reterr);
        if (r < 0)
                return r;
        run->n_change_files = run->n_files;
        FutureFile *grown = realloc(run->files, (run->n_files + n_more) * sizeof(FutureFile));
        if (!grown)
                return error_oom(reterr);
        run->files = grown;
        for (size_t i = 0; i < n_more; i++)
                if (add_file(run, &more[i]) < 0)
                        return error_oom(reterr);
        return 0;
}

/* Whatever the plan does to a unit that is up afterwards: in the copy it is started. */
static int choose_units(Run *run, Error *reterr) {
        const UnitPlan *plan = &run->prepared->plan->units;
        Rehearsal *rehearsal = run->rehearsal;
        const char **left_out = arena_new(&rehearsal->arena, const char *, plan->n_actions + 1);
        if (!left_out)
                return error_oom(reterr);
        for (size_t i = 0; i < plan->n_actions; i++) {
                const UnitAction *action = &plan->actions[i];
                if (action->verb == VERB_STOP || action->verb == VERB_SKIP)
                        continue;
                if (!rehearsal_runs(action->unit))
                        left_out[rehearsal->n_left_out++] = action->unit;
                else if (strv_add_unique(&run->units, action->unit) < 0)
                        return error_oom(reterr);
        }
        rehearsal->left_out = left_out;
        return 0;
}

static uint64_t deadline(const Run *run) {
        return run->options->timeout_usec > 0 ? now_usec() + run->options->timeout_usec
                                              : UINT64_MAX;
}

/* with_change: with the files of the change, else as the host is. */
static int boot_and_look(
                Run *run, bool with_change, const Strv *units, CopyLook *look, Error *reterr) {
        size_t first = with_change ? 0 : run->n_change_files;
        const HostCopyOptions options = {
                .files = run->files + first,
                .n_files = run->n_files - first,
                .hidden = run->host->state_directory,
                .end_usec = deadline(run),
                .should_stop = stop_request_is_made,
        };
        cleanup(host_copy_freep) HostCopy *copy = NULL;
        int r = host_copy_boot(run->host->systemd, &options, &copy, reterr);
        if (r < 0)
                return r;
        const CopyLookOptions look_options = {
                .arena = &run->rehearsal->arena,
                .units = units,
                .is_booted = r > 0,
                .end_usec = options.end_usec,
        };
        return copy_look(copy, &look_options, look, reterr);
}

/* A unit that the host does not have cannot fail in a copy of it. */
static int known_troubles(const Run *run, Strv *ret_units, Error *reterr) {
        const Rehearsal *rehearsal = run->rehearsal;
        static const Strv none;
        cleanup_strv Strv units = { 0 };
        cleanup(unit_states_freep) UnitStates *states = unit_states_new();
        if (!states)
                return error_oom(reterr);
        for (size_t i = 0; i < rehearsal->n_troubles; i++)
                if (strv_add(&units, rehearsal->troubles[i].unit) < 0)
                        return error_oom(reterr);
        int r = systemd_read_states(run->host->systemd, &units, &none, states, reterr);
        for (size_t i = 0; r >= 0 && i < units.n_items; i++)
                if (unit_states_find(states, units.items[i]) ||
                                strcmp(units.items[i], COPY_LOOK_TARGET) == 0)
                        r = strv_add(ret_units, units.items[i]) < 0 ? error_oom(reterr) : 0;
        return r;
}

static int compare_with_present(Run *run, Error *reterr) {
        cleanup_strv Strv units = { 0 };
        int r = known_troubles(run, &units, reterr);
        if (r < 0 || units.n_items == 0)
                return r;
        say(run, "Booting a copy of this host as it is, to compare");
        CopyLook look = { 0 };
        r = boot_and_look(run, false, &units, &look, reterr);
        if (r >= 0)
                rehearsal_compare(run->rehearsal->troubles, run->rehearsal->n_troubles,
                                look.troubles, look.n_troubles);
        return r;
}

static int refuse(const Rehearsal *rehearsal, Error *reterr) {
        const RehearsalTrouble *first = NULL;
        size_t n_new = rehearsal_n_new(rehearsal->troubles, rehearsal->n_troubles, &first);
        if (n_new == 0 && rehearsal->was_over)
                return 0;
        if (n_new == 0)
                return error_set(reterr, -ECANCELED,
                                "The rehearsal failed: the boot was not over at the deadline, nor "
                                "is it in a copy of this host as it is");
        char more[32] = "";
        if (n_new > 1)
                (void) snprintf(more, sizeof(more), ", and %zu more", n_new - 1); /* fits */
        return error_set(reterr, -ECANCELED, "The rehearsal failed: %s: %s%s", first->unit,
                        first->state, more);
}

static int rehearse(Run *run, Error *reterr) {
        Rehearsal *rehearsal = run->rehearsal;
        int r = make_files(run, reterr);
        if (r >= 0)
                r = choose_units(run, reterr);
        if (r < 0)
                return r;
        say(run, "Rehearsing in a copy of this host");
        CopyLook look = { 0 };
        r = boot_and_look(run, true, &run->units, &look, reterr);
        if (r < 0)
                return r;
        rehearsal->was_over = look.is_complete;
        rehearsal->n_up = look.n_up;
        rehearsal->troubles = look.troubles;
        rehearsal->n_troubles = look.n_troubles;
        if (look.n_troubles > 0)
                r = compare_with_present(run, reterr);
        return r < 0 ? r : refuse(rehearsal, reterr);
}

int rehearsal_run(Host *host, Prepared *prepared, const RehearsalOptions *options, Error *reterr) {
        uint64_t begin_usec = now_usec();
        int r = host_copy_check(reterr);
        if (r < 0)
                return r;
        prepared->rehearsal = calloc(1, sizeof(Rehearsal));
        if (!prepared->rehearsal)
                return error_oom(reterr);
        cleanup(run_done) Run run = {
                .host = host,
                .prepared = prepared,
                .options = options,
                .rehearsal = prepared->rehearsal,
        };
        r = rehearse(&run, reterr);
        prepared->rehearsal->duration_usec = now_usec() - begin_usec;
        if (r == -EINTR)
                return stop_request_check(reterr);
        if (r == -ENOTSUP || r == -ECHILD)
                return error_prefix(reterr, "There can be no rehearsal here");
        return r;
}

static void add_some(
                const Output *output, const Rehearsal *rehearsal, bool fails_anyway, Text *text) {
        for (size_t i = 0; i < rehearsal->n_troubles; i++) {
                const RehearsalTrouble *trouble = &rehearsal->troubles[i];
                if (trouble->fails_anyway != fails_anyway)
                        continue;
                text_addf(text, "%s%s %s%s: ", style_begin(output, STYLE_RED),
                                output->ascii ? "x" : "×", trouble->unit,
                                style_end(output, STYLE_RED));
                text_add_line(text, trouble->state);
                text_add(text, "\n");
                for (size_t j = 0; j < trouble->n_log && !fails_anyway; j++) {
                        text_add(text, "    ");
                        text_add_line(text, trouble->log[j]);
                        text_add(text, "\n");
                }
        }
}

void add_troubles(const Output *output, const Rehearsal *rehearsal, Text *text) {
        if (!rehearsal)
                return;
        size_t n_new = rehearsal_n_new(rehearsal->troubles, rehearsal->n_troubles, NULL);
        if (n_new > 0)
                text_addf(text, "%sFailed in the rehearsal:%s\n", style_begin(output, STYLE_BOLD),
                                style_end(output, STYLE_BOLD));
        add_some(output, rehearsal, false, text);
        if (n_new < rehearsal->n_troubles)
                text_addf(text, "%sFails in a copy of this host as it is, too:%s\n",
                                style_begin(output, STYLE_BOLD), style_end(output, STYLE_BOLD));
        add_some(output, rehearsal, true, text);
}

void add_rehearsal(const Output *output, const Rehearsal *rehearsal, Text *text) {
        add_troubles(output, rehearsal, text);
        for (size_t i = 0; i < rehearsal->n_left_out; i++)
                text_addf(text, "%s%s", i == 0 ? "Not rehearsed: " : ", ", rehearsal->left_out[i]);
        if (rehearsal->n_left_out > 0)
                text_add(text, "\n");
        text_addf(text, "%sThe rehearsal went well%s: %zu unit%s of the plan came up, in ",
                        style_begin(output, STYLE_GREEN), style_end(output, STYLE_GREEN),
                        rehearsal->n_up, rehearsal->n_up == 1 ? "" : "s");
        text_add_span(text, rehearsal->duration_usec);
        text_add(text, ".\n");
}
