/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "diff/plan_json.h"
#include "diff/quote.h"
#include "state/lock.h"
#include "switch/commands.h"
#include "switch/container_drift.h"
#include "switch/drift.h"
#include "switch/engine.h"
#include "switch/facts.h"
#include "switch/kernels.h"
#include "switch/output.h"
#include "switch/recovery.h"
#include "switch/summary.h"
#include "switch/window.h"

#include <errno.h>
#include <string.h>

/* Exit status; also in sysswitch(8). */
enum { STATUS_AS_DECLARED = 0, STATUS_DRIFT = 1, STATUS_OPEN = 3 };

typedef struct Status {
        const Options *options;
        Host *host;
        Drift drift;
        ContainerDrifts containers;
        KernelPending kernel;
        int64_t number;        /* the active one, or what is there until it is confirmed */
        Generation generation; /* the same; number 0: nothing is managed */
        bool is_open;          /* a switch is under way or was interrupted */
        bool is_locked;
        uint64_t confirm_by_usec; /* a switch waits for its confirmation; 0: none does */
        const char *profile;      /* whose it is */
        Arena arena;
        LockHolder holder;
} Status;

static void status_done(Status *status) {
        drift_done(&status->drift);
        container_drift_done(&status->containers);
        kernel_pending_done(&status->kernel);
        generation_done(&status->generation);
        arena_done(&status->arena);
}

static int find_open(Status *status, Error *reterr) {
        int r = lock_query(status->host->state_directory, &status->holder, reterr);
        if (r < 0)
                return r;
        status->is_locked = r > 0;
        r = recovery_is_needed(status->host, reterr);
        if (r < 0)
                return r;
        status->is_open = r > 0 || status->is_locked;
        SwitchRecord record;
        r = window_is_open(status->host, &status->arena, &record, reterr);
        if (r <= 0)
                return r;
        status->confirm_by_usec = record.confirm_by_usec;
        status->profile = record.profile;
        if (strcmp(record.profile, status->host->profile_name) == 0 && !status->is_locked)
                status->number = record.to_number;
        return 0;
}

static int replace_text(char **text, const char *other) {
        free(*text);
        *text = other ? strdup(other) : NULL;
        return other && !*text ? -ENOMEM : 0;
}

/* A switch to the same tree, for one of the next commit, makes no generation. */
static int read_generation(Status *status, Error *reterr) {
        Host *host = status->host;
        Origin *origin = &status->generation.origin;
        SwitchRecord record;
        if (status->number == 0)
                return 0;
        int r = generation_get(host->database, host->profile_name, status->number,
                        &status->generation, reterr);
        if (r >= 0)
                r = record_last_origin(host->database, host->profile_name, status->number,
                                &status->arena, &record, reterr);
        if (r <= 0)
                return r;
        bool is_same = origin->commit && record.commit &&
                       strcmp(origin->commit, record.commit) == 0;
        if (!is_same) { /* they are of the commit */
                origin->commit_time = 0;
                r = replace_text(&origin->subject, NULL) | replace_text(&origin->author, NULL);
        }
        origin->is_dirty = record.is_dirty;
        r = replace_text(&origin->path, record.origin) |
            replace_text(&origin->commit, record.commit);
        return r < 0 ? error_oom(reterr) : 0;
}

static bool is_as_declared(const Status *status) {
        return !status->is_open && status->drift.n_files == 0 && status->drift.n_units == 0 &&
               status->containers.n_items == 0 && status->kernel.words.n_items == 0 &&
               status->kernel.replaced.n_items == 0 && !status->kernel.version &&
               status->drift.prepared->initrds.n_needs == 0 &&
               status->drift.prepared->n_debts == 0 && !status->drift.prepared->owed_steps;
}

static int exit_status_of(const Status *status) {
        if (status->is_open)
                return STATUS_OPEN;
        return is_as_declared(status) ? STATUS_AS_DECLARED : STATUS_DRIFT;
}

static void add_origin(const Status *status, Text *text) {
        const Generation *generation = &status->generation;
        if (generation->number == 0) {
                text_add(text, "  The host as found: nothing is managed.\n");
                return;
        }
        if (generation->description) {
                text_add(text, "  Description:  ");
                text_add_line(text, generation->description);
                text_add(text, "\n");
        }
        if (generation->origin.path) {
                text_add(text, "  Source:       ");
                text_add_name(text, "", generation->origin.path);
                text_add(text, generation->origin.commit ? " " : "");
                text_add_commit(text, generation->origin.commit, generation->origin.is_dirty);
                text_add(text, "\n");
        }
        text_add(text, "  Created:      ");
        text_add_time(text, generation->created_usec);
        text_addf(text, " by %s\n", generation->user ? generation->user : "unknown");
}

static void add_open(const Status *status, const Output *output, Text *text) {
        if (!status->is_open)
                return;
        text_addf(text, "  %s", style_begin(output, STYLE_RED));
        if (status->is_locked)
                text_add(text, "A switch is under way");
        else if (status->confirm_by_usec)
                text_addf(text, "A switch of %s waits for its confirmation, and is taken back",
                                status->profile);
        else
                text_add(text, "A switch was interrupted: the next one undoes it first");
        text_add(text, style_end(output, STYLE_RED));
        if (status->is_locked && status->holder.what[0]) {
                text_add(text, ": ");
                text_add_line(text, status->holder.what);
                text_add(text, ", since ");
                text_add_time(text, status->holder.since_usec);
        }
        if (status->confirm_by_usec && !status->is_locked) {
                text_add(text, " at ");
                text_add_time(text, status->confirm_by_usec);
                text_add(text, ": sysswitch confirm keeps it");
        }
        text_add(text, "\n");
}

static int add_drift(const Status *status, const Output *output, Text *text, Error *reterr) {
        const Drift *drift = &status->drift;
        for (size_t i = 0; i < drift->n_files; i++) {
                if (i == 0)
                        text_addf(text, "%sFiles that are not as declared:%s\n",
                                        style_begin(output, STYLE_BOLD),
                                        style_end(output, STYLE_BOLD));
                text_add(text, "  ");
                text_add_name(text, entry_root_prefix(drift->files[i].root), drift->files[i].path);
                text_addf(text, " %s\n", drift->files[i].what);
        }
        cleanup(table_donep) Table table = { .n_columns = 2 };
        for (size_t i = 0; i < drift->n_units; i++) {
                table_addf(&table, STYLE_RED, "%s%s", drift->units[i].state,
                                drift->units[i].wanted ? "" : ", not wanted");
                table_add(&table, STYLE_NONE, drift->units[i].unit);
        }
        if (drift->n_units > 0)
                text_addf(text, "%sUnits that are not as declared:%s\n",
                                style_begin(output, STYLE_BOLD), style_end(output, STYLE_BOLD));
        table_to_text(&table, output, 2, text);
        return text->error < 0 ? error_oom(reterr) : 0;
}

static void add_containers(const Status *status, const Output *output, Text *text) {
        const ContainerDrifts *drifts = &status->containers;
        if (drifts->n_items > 0)
                text_addf(text, "%sContainers that are not as declared:%s\n",
                                style_begin(output, STYLE_BOLD), style_end(output, STYLE_BOLD));
        for (size_t i = 0; i < drifts->n_items; i++) {
                const ContainerDrift *drift = &drifts->items[i];
                if (drift->what)
                        text_addf(text, "  %s %s\n", drift->view->name, drift->what);
                for (size_t k = 0; k < drift->n_files; k++) {
                        text_addf(text, "  %s: ", drift->view->name);
                        text_add_name(text, entry_root_prefix(drift->files[k].root),
                                        drift->files[k].path);
                        text_addf(text, " %s\n", drift->files[k].what);
                }
        }
}

/* That is no drift: whoever looks for the reason of something finds it. */
static void add_restarts(const Status *status, const Output *output, Text *text) {
        const ContainerViews *views = &status->containers.views;
        cleanup(table_donep) Table table = { .n_columns = 3 };
        for (size_t i = 0; i < views->n_items; i++) {
                const ContainerView *view = &views->items[i];
                cleanup(text_donep) Text since = { 0 };
                if (!view->is_restarted)
                        continue;
                if (table.n_cells == 0)
                        text_addf(text, "%sContainers that were started by no switch:%s\n",
                                        style_begin(output, STYLE_BOLD),
                                        style_end(output, STYLE_BOLD));
                text_add_time(&since, view->look.since_usec);
                table_add(&table, STYLE_NONE, view->name);
                table_add(&table, STYLE_NONE, since.error < 0 ? "" : since.data);
                table_add(&table, STYLE_NONE,
                                view->rebooted_itself ? "rebooted from inside" : "by hand");
        }
        table_to_text(&table, output, 2, text);
}

static void add_initrds(const Status *status, const Output *output, Text *text) {
        const Initrds *initrds = &status->drift.prepared->initrds;
        if (initrds->n_needs > 0)
                text_addf(text, "%sInitrds that are not as declared:%s\n",
                                style_begin(output, STYLE_BOLD), style_end(output, STYLE_BOLD));
        for (size_t i = 0; i < initrds->n_needs; i++) {
                const PlanInitrd *planned = &initrds->planned[i];
                text_add(text, "  of ");
                text_add_line(text, planned->kernel);
                for (size_t j = 0; j < planned->n_reasons; j++) {
                        text_add(text, j == 0 ? ": " : ", ");
                        text_add_line(text, planned->reasons[j]);
                }
                text_add(text, "\n");
        }
}

/* What is loaded stays so, and does no harm: it is told, and is no drift. */
static void add_kernel(const Status *status, const Output *output, Text *text) {
        const KernelPending *kernel = &status->kernel;
        if (kernel->version)
                text_addf(text, "%sReboot needed:%s for the kernel %s%s\n",
                                style_begin(output, STYLE_BOLD), style_end(output, STYLE_BOLD),
                                kernel->version,
                                kernel->is_missing ? ", which is not installed" : "");
        for (size_t i = 0; i < kernel->words.n_items; i++) {
                if (i == 0)
                        text_addf(text, "%sReboot needed:%s not on the kernel's command line:",
                                        style_begin(output, STYLE_BOLD),
                                        style_end(output, STYLE_BOLD));
                text_add(text, " ");
                text_add_line(text, kernel->words.items[i]);
        }
        text_add(text, kernel->words.n_items > 0 ? "\n" : "");
        for (size_t i = 0; i < kernel->replaced.n_items; i++) {
                if (i == 0)
                        text_addf(text,
                                        "%sReboot needed:%s loaded from another file than there "
                                        "is:",
                                        style_begin(output, STYLE_BOLD),
                                        style_end(output, STYLE_BOLD));
                text_add(text, " ");
                text_add_line(text, kernel->replaced.items[i]);
        }
        text_add(text, kernel->replaced.n_items > 0 ? "\n" : "");
        for (size_t i = 0; i < kernel->modules.n_items; i++) {
                text_add(text, i == 0 ? "  Modules no longer named, loaded until the next boot: "
                                      : ", ");
                text_add_line(text, kernel->modules.items[i]);
        }
        text_add(text, kernel->modules.n_items > 0 ? "\n" : "");
}

static int print_text(const Status *status, Error *reterr) {
        Output output;
        output_init(&output, status->options);
        const Profile *profile = &status->host->profile;
        const Prepared *prepared = status->drift.prepared;
        Style style = is_as_declared(status) ? STYLE_GREEN : STYLE_YELLOW;
        cleanup(text_donep) Text text = { 0 };
        text_addf(&text, "%s%s%s %s: generation %lld", style_begin(&output, style),
                        output.ascii ? "*" : "●", style_end(&output, style), profile->name,
                        (long long) status->number);
        if (status->number != profile->active)
                text_addf(&text, ", not confirmed (else %lld again)", (long long) profile->active);
        else if (profile->default_number != profile->active)
                text_addf(&text, " (the next boot takes %lld)",
                                (long long) profile->default_number);
        text_add(&text, "\n");
        add_origin(status, &text);
        add_open(status, &output, &text);
        int r = add_drift(status, &output, &text, reterr);
        if (r < 0)
                return r;
        add_containers(status, &output, &text);
        add_restarts(status, &output, &text);
        if (prepared->n_debts > 0) {
                text_addf(&text, "%sOwed by earlier switches:%s\n",
                                style_begin(&output, STYLE_BOLD), style_end(&output, STYLE_BOLD));
                add_debts(&output, prepared->debts, prepared->n_debts, &text);
        }
        if (prepared->owed_steps) {
                text_add(&text, "  The last switch left a step undone: ");
                text_add_line(&text, prepared->owed_steps);
                text_add(&text, "\n");
        }
        if (!status->is_open)
                add_initrds(status, &output, &text);
        add_kernel(status, &output, &text);
        if (is_as_declared(status))
                text_add(&text, "  As declared.\n");
        return output_show(&output, &text, reterr);
}

static json_t *files_json(const DriftFile *files, size_t n_files, bool missing) {
        json_t *array = json_array();
        int failed = 0;
        for (size_t i = 0; i < n_files; i++)
                if (files[i].is_missing == missing)
                        failed |= json_array_append_new(
                                        array, json_entry_path(files[i].root, files[i].path));
        if (!failed)
                return array;
        json_decref(array);
        return NULL;
}

static json_t *units_json(const Drift *drift) {
        json_t *array = json_array();
        int failed = 0;
        for (size_t i = 0; i < drift->n_units; i++) {
                json_t *entry = json_object();
                failed |= json_object_set_new(entry, "unit", json_text(drift->units[i].unit));
                failed |= json_object_set_new(
                                entry, "wanted", json_boolean(drift->units[i].wanted));
                failed |= json_object_set_new(
                                entry, "ActiveState", json_text(drift->units[i].state));
                failed |= json_array_append_new(array, entry);
        }
        if (!failed)
                return array;
        json_decref(array);
        return NULL;
}

static json_t *containers_json(const ContainerDrifts *drifts) {
        json_t *array = json_array();
        int failed = 0;
        for (size_t i = 0; i < drifts->n_items; i++) {
                const ContainerDrift *drift = &drifts->items[i];
                json_t *entry = json_object();
                failed |= json_object_set_new(entry, "name", json_text(drift->view->name));
                failed |= json_object_set_new(entry, "what", json_text_or_null(drift->what));
                failed |= json_object_set_new(
                                entry, "edited", files_json(drift->files, drift->n_files, false));
                failed |= json_object_set_new(
                                entry, "missing", files_json(drift->files, drift->n_files, true));
                failed |= json_array_append_new(array, entry);
        }
        if (!failed)
                return array;
        json_decref(array);
        return NULL;
}

static json_t *restarts_json(const ContainerViews *views) {
        json_t *array = json_array();
        int failed = 0;
        for (size_t i = 0; i < views->n_items; i++) {
                const ContainerView *view = &views->items[i];
                if (!view->is_restarted)
                        continue;
                json_t *entry = json_object();
                failed |= json_object_set_new(entry, "name", json_text(view->name));
                failed |= json_object_set_new(entry, "since", json_time(view->look.since_usec));
                failed |= json_object_set_new(
                                entry, "from_inside", json_boolean(view->rebooted_itself));
                failed |= json_array_append_new(array, entry);
        }
        if (!failed)
                return array;
        json_decref(array);
        return NULL;
}

static json_t *texts_json(const Strv *texts) {
        json_t *array = json_array();
        int failed = 0;
        for (size_t i = 0; i < texts->n_items; i++)
                failed |= json_array_append_new(array, json_text(texts->items[i]));
        if (!failed)
                return array;
        json_decref(array);
        return NULL;
}

static int print_json(const Status *status, Error *reterr) {
        const Profile *profile = &status->host->profile;
        const Prepared *prepared = status->drift.prepared;
        const Drift *drift = &status->drift;
        const char *open = status->is_locked         ? "under way"
                           : status->confirm_by_usec ? "unconfirmed"
                                                     : "interrupted";
        json_t *object = json_object();
        int failed = json_object_set_new(object, "profile", json_text(profile->name));
        failed |= json_object_set_new(object, "active", json_integer(profile->active));
        failed |= json_object_set_new(object, "default", json_integer(profile->default_number));
        failed |= json_object_set_new(object, "source", json_text_or_null(profile->source));
        failed |= json_object_set_new(object, "generation",
                        status->generation.number > 0 ? json_generation(&status->generation)
                                                      : json_null());
        failed |= json_object_set_new(
                        object, "switch", status->is_open ? json_text(open) : json_null());
        failed |= json_object_set_new(
                        object, "edited", files_json(drift->files, drift->n_files, false));
        failed |= json_object_set_new(
                        object, "missing", files_json(drift->files, drift->n_files, true));
        failed |= json_object_set_new(object, "units", units_json(drift));
        failed |= json_object_set_new(object, "containers", containers_json(&status->containers));
        failed |= json_object_set_new(
                        object, "containers_restarted", restarts_json(&status->containers.views));
        failed |= json_object_set_new(
                        object, "debts", json_debts(prepared->debts, prepared->n_debts));
        failed |= json_object_set_new(
                        object, "owed_steps", json_text_or_null(prepared->owed_steps));
        failed |= json_object_set_new(
                        object, "missing_kernel", json_text_or_null(status->kernel.version));
        failed |= json_object_set_new(
                        object, "missing_kernel_parameters", texts_json(&status->kernel.words));
        failed |= json_object_set_new(object, "modules_left", texts_json(&status->kernel.modules));
        failed |= json_object_set_new(
                        object, "modules_replaced", texts_json(&status->kernel.replaced));
        failed |= json_object_set_new(object, "initrds", plan_initrds_to_json(prepared->plan));
        failed |= json_object_set_new(object, "as_declared", json_boolean(is_as_declared(status)));
        if (!failed)
                return json_print(object, reterr);
        json_decref(object);
        return error_oom(reterr);
}

static int run_status(Status *status, Error *reterr) {
        Host *host = status->host;
        int r = host_connect(host, reterr);
        if (r < 0)
                return r;
        status->number = host->profile.active;
        r = find_open(status, reterr);
        if (r < 0)
                return r;
        r = read_generation(status, reterr);
        if (r < 0)
                return r;
        r = drift_find(host, &status->drift, reterr);
        if (r < 0)
                return r;
        if (!host->is_image && !host->is_of_containers && !status->is_open)
                r = container_drift_find(host, &status->containers, reterr);
        if (r >= 0 && !status->is_open)
                r = kernels_find_pending(
                                host, status->drift.prepared->new, &status->kernel, reterr);
        if (r < 0)
                return r;
        if (status->is_open) /* what the switch has changed is nobody's edit */
                status->drift.n_files = status->drift.n_units = 0;
        if (option_is_given(status->options, OPTION_JSON))
                r = print_json(status, reterr);
        else if (!option_is_given(status->options, OPTION_QUIET))
                r = print_text(status, reterr);
        return r < 0 ? r : exit_status_of(status);
}

int cmd_status(const Options *options, char **arguments, size_t n_arguments, Error *reterr) {
        (void) arguments; /* takes none */
        (void) n_arguments;
        cleanup(host_donep) Host host;
        int r = host_open_switched(options_root(options), options->profile, &host, reterr);
        if (r < 0)
                return r;
        Status status = { .options = options, .host = &host };
        r = run_status(&status, reterr);
        status_done(&status);
        return r;
}
