/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "diff/machine_file.h"
#include "diff/quote.h"
#include "diff/unrender.h"
#include "state/directory_write.h"
#include "switch/commands.h"
#include "switch/facts.h"
#include "switch/first_source.h"
#include "switch/output.h"
#include "switch/prepare.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

/* Units that a switch would act on are left unsaid, and what follows from that is looked at again.
 */
enum { MAX_ROUNDS = 5 };

typedef struct Init {
        const Options *options;
        Host *host;
        const char *path;
        FirstSource *source;
        Unrendered unrendered;
        Prepared *prepared; /* a switch to what was made */
} Init;

static void init_donep(Init *init) {
        unrendered_done(&init->unrendered);
        (void) prepared_free(init->prepared);
        (void) first_source_free(init->source);
}

/* What a message "PATH/units/x.service:1: text" is of, as a path below /etc from malloc();
 * *ret_why: what follows. NULL: it is of no file of the host. */
static char *path_of_fault(const Init *init, const char *message, const char **ret_why) {
        const Source *source = init->unrendered.source;
        for (size_t i = 0; i < source->n_entries; i++) {
                const char *path = source->entries[i].path;
                char name[sizeof(init->unrendered.error.message)], *found = NULL;
                source_file_name(source, path, name, sizeof(name));
                size_t length = strlen(name);
                if (strncmp(message, name, length) != 0 || message[length] != ':')
                        continue;
                bool is_unit = strncmp(path, "units/", strlen("units/")) == 0;
                if (!is_unit && strncmp(path, "etc/", strlen("etc/")) != 0)
                        continue;
                *ret_why = message + length + strspn(message + length, ": ");
                return asprintf(&found, "%s%s", is_unit ? "systemd/system/" : "",
                                       strchr(path, '/') + 1) < 0
                                       ? NULL
                                       : found;
        }
        return NULL;
}

/* systemd passes over a line that it does not understand, and a source may have none. Returns 1
 * when the file is left out. */
static int leave_out_faulty(Init *init, Error *reterr) {
        const char *message = init->unrendered.error.message, *what = NULL;
        cleanup_free char *path = path_of_fault(init, message, &what), *why = NULL;
        if (!path)
                return 0;
        bool has_line = isdigit((unsigned char) *what);
        if (asprintf(&why, "faulty, %s%s", has_line ? "line " : "", what) < 0)
                return error_oom(reterr);
        int r = first_source_leave_out(init->source, path, why);
        return r < 0 ? error_oom(reterr) : r;
}

static int make(Init *init, Error *reterr) {
        Distribution distribution = distribution_of(init->host->distribution);
        for (;;) {
                cleanup(tree_freep) Tree *tree = NULL;
                unrendered_done(&init->unrendered);
                int r = first_source_tree(init->source, &tree, reterr);
                if (r >= 0)
                        r = unrender(tree, init->path, init->host->contents, &distribution,
                                        &init->unrendered, reterr);
                if (r < 0 || init->unrendered.rendered)
                        return r;
                r = leave_out_faulty(init, reterr);
                if (r <= 0)
                        return r < 0 ? r
                                     : error_set(reterr, -EBADMSG,
                                                       "No source can be made of this host: %s",
                                                       init->unrendered.error.message);
        }
}

/* What the source renders to, as it will be read. */
static int plan(Init *init, Error *reterr) {
        Distribution distribution = distribution_of(init->host->distribution);
        ReferenceTree target = { .number = -1, .name = strdup(init->path) };
        if (!target.name)
                return error_oom(reterr);
        int r = render(init->unrendered.source, init->host->contents, &distribution, &target.tree,
                        reterr);
        if (r < 0) {
                reference_tree_done(&target);
                return r;
        }
        const PrepareOptions options = { 0 };
        init->prepared = prepared_free(init->prepared);
        return prepare(init->host, &target, &options, &init->prepared, reterr);
}

static int make_and_plan(Init *init, Error *reterr) {
        int r = make(init, reterr);
        return r < 0 ? r : plan(init, reterr);
}

static size_t drop_units(Init *init) {
        const UnitPlan *units = &init->prepared->plan->units;
        size_t n_dropped = 0;
        for (size_t i = 0; i < units->n_actions; i++)
                n_dropped += first_source_drop_unit(init->source, units->actions[i].unit);
        /* said or not, an alias alone is what it has: a daemon-reload for nothing */
        for (size_t i = 0; i < units->n_daemon_reasons; i++) {
                static const char prefix[] = "enablement of ";
                const char *reason = units->daemon_reasons[i];
                const char *unit = reason + strlen(prefix);
                if (strncmp(reason, prefix, strlen(prefix)) != 0)
                        continue;
                cleanup_free char *name = strndup(unit, strcspn(unit, " "));
                n_dropped += name && first_source_drop_unit(init->source, name);
        }
        return n_dropped;
}

static size_t n_changes(const Plan *plan) {
        return plan->n_files + plan->units.n_actions + plan->units.n_daemon_reasons;
}

/* What names no unit of ours, for one what Also= puts on: whichever is to blame is found by leaving
 * them unsaid one by one. */
static int drop_to_blame(Init *init, Error *reterr) {
        cleanup_strv Strv enabled = { 0 };
        const Strv *list = first_source_enabled(init->source);
        for (size_t i = 0; i < list->n_items; i++)
                if (strv_add(&enabled, list->items[i]) < 0)
                        return error_oom(reterr);
        for (size_t i = 0; i < enabled.n_items; i++) {
                size_t n_before = n_changes(init->prepared->plan);
                if (n_before == 0 || !first_source_drop_unit(init->source, enabled.items[i]))
                        continue;
                int r = make_and_plan(init, reterr);
                if (r < 0)
                        return r;
                if (n_changes(init->prepared->plan) < n_before)
                        continue;
                if (!first_source_take_back(init->source, enabled.items[i]))
                        return error_oom(reterr);
                r = make_and_plan(init, reterr);
                if (r < 0)
                        return r;
        }
        return 0;
}

/* Nobody has to think about these. */
static bool is_of_machine(const LeftOutFile *file) {
        return machine_file_what(file->path);
}

/* In one line what is there for each reason; each by itself what a person has to judge. */
static void add_left_out(const Init *init, Text *text) {
        enum { N_SHOWN = 3 };
        const LeftOut *left_out = first_source_left_out(init->source);
        bool is_verbose = option_is_given(init->options, OPTION_VERBOSE);
        if (left_out->note)
                text_addf(text, "%s.\n", left_out->note);
        if (left_out->n_items > 0)
                text_add(text, "Left out:\n");
        for (size_t i = 0; i < left_out->n_items; i++) {
                const LeftOutFile *first = &left_out->items[i];
                size_t n = 0;
                bool is_new = true;
                for (size_t j = 0; j < i && is_new; j++)
                        is_new = strcmp(left_out->items[j].why, first->why) != 0;
                for (size_t j = i; is_new && j < left_out->n_items; j++) {
                        if (strcmp(left_out->items[j].why, first->why) != 0)
                                continue;
                        bool is_shown = is_verbose || n < N_SHOWN || !is_of_machine(first);
                        if (n == 0)
                                text_addf(text, "  %s:", first->why);
                        if (is_shown) {
                                text_add(text, " ");
                                text_add_name(text, "/etc/", left_out->items[j].path);
                        }
                        n++;
                }
                if (is_new && n > N_SHOWN && !is_verbose && is_of_machine(first))
                        text_addf(text, " and %zu more (-v)", n - N_SHOWN);
                if (is_new)
                        text_add(text, "\n");
        }
}

static void add_next_steps(const Init *init, Text *text) {
        text_add(text, "Next:\n  sysswitch switch --dry-run ");
        text_add_name(text, "", init->path);
        text_add(text, "\n  git init ");
        text_add_name(text, "", init->path);
        text_add(text, " && git -C ");
        text_add_name(text, "", init->path);
        text_add(text, " add .");
        if (init->unrendered.n_secrets > 0)
                text_addf(text, "   (%zu of the files are secrets: see profile.conf first)",
                                init->unrendered.n_secrets);
        text_add(text, "\n");
}

static json_t *left_out_json(const Init *init) {
        const LeftOut *left_out = first_source_left_out(init->source);
        json_t *array = json_array();
        int failed = 0;
        for (size_t i = 0; i < left_out->n_items; i++) {
                json_t *entry = json_object();
                failed |= json_object_set_new(
                                entry, "path", json_entry_path(ROOT_ETC, left_out->items[i].path));
                failed |= json_object_set_new(entry, "why", json_text(left_out->items[i].why));
                failed |= json_array_append_new(array, entry);
        }
        if (!failed)
                return array;
        json_decref(array);
        return NULL;
}

static int print_json(const Init *init, Error *reterr) {
        const Plan *plan = init->prepared->plan;
        json_t *object = json_object();
        int failed = json_object_set_new(object, "path", json_text(init->path));
        failed |= json_object_set_new(object, "entries",
                        json_integer((json_int_t) init->unrendered.source->n_entries));
        failed |= json_object_set_new(
                        object, "secrets", json_integer((json_int_t) init->unrendered.n_secrets));
        failed |= json_object_set_new(object, "left_out", left_out_json(init));
        failed |= json_object_set_new(object, "note",
                        json_text_or_null(first_source_left_out(init->source)->note));
        failed |= json_object_set_new(object, "changes_nothing", json_boolean(plan_is_empty(plan)));
        if (!failed)
                return json_print(object, reterr);
        json_decref(object);
        return error_oom(reterr);
}

static int print(const Init *init, Error *reterr) {
        cleanup(text_donep) Text text = { 0 };
        Output output;
        output_init(&output, init->options);
        if (option_is_given(init->options, OPTION_JSON))
                return print_json(init, reterr);
        text_add_name(&text, "", init->path);
        text_addf(&text, " has %zu files and directories.\n", init->unrendered.source->n_entries);
        add_left_out(init, &text);
        const Plan *plan = init->prepared->plan;
        if (!plan_is_empty(plan))
                text_addf(&text,
                                "A switch to it would change %zu files, and %zu units would act.\n",
                                plan->n_files, plan->units.n_actions);
        add_next_steps(init, &text);
        return option_is_given(init->options, OPTION_QUIET) ? 0
                                                            : output_show(&output, &text, reterr);
}

static int run_init(Init *init, Error *reterr) {
        int r = host_connect(init->host, reterr);
        if (r >= 0)
                r = first_source_new(init->host, &init->source, reterr);
        for (size_t round = 0; r >= 0 && round < MAX_ROUNDS; round++) {
                r = make_and_plan(init, reterr);
                if (r >= 0 && drop_units(init) == 0)
                        break;
        }
        if (r >= 0)
                r = drop_to_blame(init, reterr);
        if (r >= 0)
                r = directory_write(init->path, &init->unrendered, init->host->contents, reterr);
        return r < 0 ? r : print(init, reterr);
}

int cmd_init(const Options *options, char **arguments, size_t n_arguments, Error *reterr) {
        cleanup(host_donep) Host host;
        int r = host_open(options_root(options), options->profile, DATABASE_READ, &host, reterr);
        if (r < 0)
                return r;
        cleanup_free char *path = n_arguments > 0 ? strdup(arguments[0]) : reference_default(&host);
        if (!path)
                return error_oom(reterr);
        cleanup(init_donep) Init init = { .options = options, .host = &host, .path = path };
        if (host.profile.active > 0)
                return error_set(reterr, -EEXIST,
                                "Generation %lld is active: sysswitch export @active DIR writes it "
                                "as a source",
                                (long long) host.profile.active);
        return run_init(&init, reterr);
}
