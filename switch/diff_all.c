/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/map.h"
#include "diff/quote.h"
#include "state/git_hosts.h"
#include "switch/commands.h"
#include "switch/diff_view.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

/* GitHub takes 65536 characters a comment, and the lines of the summary want some. */
enum { DETAILS_MAX_BYTES = 45000 };

typedef struct Fleet {
        const Options *options;
        Host *host;
        char **revisions;
        char **paths;
        size_t n_paths, n_found; /* of the paths, the first ones: some host has them */
        Output output;
        GitHosts hosts;
        size_t n_touched;
        size_t n_left_out;     /* hosts whose details a comment has no room for */
        Text summary, details; /* for JSON, the objects are in details alone */
        json_t *faults;        /* of hosts that cannot be compared */
        size_t n_faults;
        Error first_fault;
} Fleet;

static void fleet_donep(Fleet *fleet) {
        git_hosts_done(&fleet->hosts);
        text_done(&fleet->summary);
        text_done(&fleet->details);
        json_decref(fleet->faults);
}

static void add_units(Text *text, const UnitPlan *units, Verb verb, const char **separator) {
        enum { MAX_NAMES = 3 };
        size_t n = 0;
        for (size_t i = 0; i < units->n_actions; i++) {
                const UnitAction *action = &units->actions[i];
                if (action->verb != verb)
                        continue;
                if (n++ >= MAX_NAMES)
                        continue;
                const char *word = action->container ? container_verb_to_string(verb)
                                                     : verb_to_string(verb);
                if (n == 1)
                        text_addf(text, "%s%s ", *separator, word);
                text_add_name(text, n == 1 ? "" : ", ",
                                action->container ? action->container : action->unit);
        }
        if (n > MAX_NAMES)
                text_addf(text, " and %zu more", n - MAX_NAMES);
        if (n > 0)
                *separator = "; ";
}

static const char *const changes[] = {
        [GIT_HOST_SAME] = "unchanged",
        [GIT_HOST_CHANGED] = "changed",
        [GIT_HOST_ADDED] = "added",
        [GIT_HOST_REMOVED] = "removed",
};

/* "hosts/edge1  changed  2 files  restart nginx.service; reload ssh.service" */
static void add_summary(Fleet *fleet, const GitHost *host, const Plan *plan, bool has_states) {
        Text *text = &fleet->summary;
        const char *separator = "  ";
        bool markdown = fleet->options->format == FORMAT_MARKDOWN;
        text_add(text, markdown ? "- " : "");
        text_add_name(text, "", host->path);
        text_addf(text, "  %s  %zu file%s", changes[host->change], plan->n_files,
                        plan->n_files == 1 ? "" : "s");
        for (Verb verb = 0; verb < N_VERBS; verb++)
                add_units(text, &plan->units, verb, &separator);
        if (plan->n_reboot_needed > 0)
                text_addf(text, "%sreboot needed", separator);
        text_add(text, fleet->options->states && !has_states ? "  (no states of it)\n" : "\n");
}

static int add_json(Fleet *fleet, const GitHost *host, const Diff *diff, Error *reterr) {
        cleanup_free char *json = NULL, *name = NULL;
        int r = diff_to_json(diff, &json, reterr);
        json_t *path = json_text(host->path);
        name = path ? json_dumps(path, JSON_ENCODE_ANY) : NULL;
        json_decref(path);
        if (r >= 0 && !name)
                r = error_oom(reterr);
        if (r < 0)
                return r;
        text_addf(&fleet->details,
                        "%s{\"host\": %s, \"change\": \"%s\", \"states\": %s, \"plan\": %s}",
                        fleet->n_touched > 1 ? ", " : "", name, changes[host->change],
                        diff->states ? "true" : "false", json);
        return 0;
}

static int add_markdown(Fleet *fleet, const GitHost *host, const Diff *diff, Error *reterr) {
        Text *text = &fleet->details;
        size_t length = text->length;
        text_add(text, "\n");
        int r = diff_add_markdown(diff, host->path, text, reterr);
        if (r >= 0 && text->length > DETAILS_MAX_BYTES) {
                text->length = length;
                text->data[length] = 0;
                fleet->n_left_out++;
        }
        return r;
}

static int add_details(Fleet *fleet, const GitHost *host, Diff *diff, Error *reterr) {
        Text *text = &fleet->details;
        switch (fleet->options->format) {
        case FORMAT_JSON:
                return add_json(fleet, host, diff, reterr);
        case FORMAT_MARKDOWN:
                return add_markdown(fleet, host, diff, reterr);
        default:
                text_addf(text, "\n%s", style_begin(&fleet->output, STYLE_BOLD));
                text_add_name(text, "", host->path);
                text_addf(text, "%s\n", style_end(&fleet->output, STYLE_BOLD));
                return diff_add_text(diff, &fleet->output, text, reterr);
        }
}

static const char *name_of(const GitHost *host) {
        const char *slash = strrchr(host->path, '/');
        return slash ? slash + 1 : host->path;
}

/* What one host is must not be taken for another's. */
static int check_names(const Fleet *fleet, Error *reterr) {
        const GitHosts *hosts = &fleet->hosts;
        cleanup(map_donep) Map names = { 0 };
        for (size_t i = 0; fleet->options->states && i < hosts->n_items; i++) {
                const char *name = name_of(&hosts->items[i]);
                const char *other = map_get(&names, name);
                if (other)
                        return error_set(reterr, USAGE_ERROR,
                                        "--states=%s: %s.json would be of %s and of %s; compare "
                                        "these by two calls, each with a directory of its own",
                                        fleet->options->states, name, other, hosts->items[i].path);
                if (map_put(&names, name, hosts->items[i].path) < 0)
                        return error_oom(reterr);
        }
        return 0;
}

/* DIR/edge1.json for hosts/edge1; one that has none is taken as without --states=. */
static int find_states(const Fleet *fleet, const GitHost *host, char **ret_path, Error *reterr) {
        const char *directory = fleet->options->states;
        cleanup_free char *path = NULL;
        struct stat st;
        if (!directory)
                return 0;
        if (asprintf(&path, "%s/%s.json", directory, name_of(host)) < 0)
                return error_oom(reterr);
        if (stat(path, &st) >= 0)
                *ret_path = TAKE(path);
        else if (errno != ENOENT)
                return error_set_errno(reterr, -errno, "%s", path);
        return 0;
}

/* Moves the paths that this host has to the front, one behind the other. */
static int find_paths(Fleet *fleet, const Diff *diff, Error *reterr) {
        for (size_t i = fleet->n_found; i < fleet->n_paths; i++) {
                char *path = fleet->paths[i];
                int r = diff_has_path(diff, path, reterr);
                if (r < 0)
                        return r;
                if (r == 0)
                        continue;
                fleet->paths[i] = fleet->paths[fleet->n_found];
                fleet->paths[fleet->n_found++] = path;
        }
        return 0;
}

static int look_at(Fleet *fleet, const GitHost *host, Error *reterr) {
        cleanup_free char *left = NULL, *right = NULL, *states = NULL;
        if (asprintf(&left, "%s:%s", fleet->revisions[0], host->path) < 0 ||
                        asprintf(&right, "%s:%s", fleet->revisions[1], host->path) < 0)
                return error_oom(reterr);
        cleanup(diff_donep) Diff diff = {
                .options = fleet->options,
                .host = fleet->host,
                .left = host->change == GIT_HOST_ADDED ? NULL : left,
                .right = host->change == GIT_HOST_REMOVED ? NULL : right,
                .paths = fleet->paths,
                .n_paths = fleet->n_paths,
        };
        int r = find_states(fleet, host, &states, reterr);
        diff.states = states;
        if (r >= 0)
                r = diff_compare_trees(&diff, reterr);
        fleet->host->elsewhere = NULL; /* it was this one's */
        if (r >= 0)
                r = find_paths(fleet, &diff, reterr);
        if (r >= 0)
                r = diff_choose_files(&diff, reterr);
        if (r < 0 || host->change == GIT_HOST_SAME || !diff_is_different(&diff) ||
                        (fleet->n_paths > 0 && diff.shown.n_files == 0))
                return r;
        fleet->n_touched++;
        add_summary(fleet, host, &diff.shown, states != NULL);
        return add_details(fleet, host, &diff, reterr);
}

/* It is no reason to hide what the others are. */
static int add_fault(Fleet *fleet, const GitHost *host, const Error *fault, Error *reterr) {
        if (fleet->n_faults++ == 0)
                fleet->first_fault = *fault;
        Text *text = &fleet->summary;
        text_add(text, fleet->options->format == FORMAT_MARKDOWN ? "- " : "");
        text_add_name(text, "", host->path);
        text_add(text, "  cannot be compared: ");
        text_add_line(text, fault->message);
        text_add(text, "\n");
        json_t *object = json_object();
        int failed = json_object_set_new(object, "host", json_text(host->path));
        failed |= json_object_set_new(object, "message", json_text(fault->message));
        failed |= json_array_append_new(fleet->faults, object);
        return failed ? error_oom(reterr) : 0;
}

static int look_at_all(Fleet *fleet, Error *reterr) {
        fleet->faults = json_array();
        int r = fleet->faults ? 0 : error_oom(reterr);
        for (size_t i = 0; r >= 0 && i < fleet->hosts.n_items; i++) {
                const GitHost *host = &fleet->hosts.items[i];
                Error fault;
                if (host->change == GIT_HOST_SAME)
                        continue;
                r = look_at(fleet, host, &fault);
                if (r == -ENOMEM)
                        *reterr = fault;
                else if (r < 0)
                        r = add_fault(fleet, host, &fault, reterr);
        }
        return r;
}

/* A host that is the same in both may have what no other one has. Of one that cannot be read it is
 * not known, and nothing is refused. */
static int check_paths(Fleet *fleet, Error *reterr) {
        for (size_t i = 0; fleet->n_found < fleet->n_paths && i < fleet->hosts.n_items; i++) {
                Error fault;
                if (fleet->hosts.items[i].change != GIT_HOST_SAME)
                        continue;
                int r = look_at(fleet, &fleet->hosts.items[i], &fault);
                if (r == -ENOMEM)
                        *reterr = fault;
                if (r < 0)
                        return r == -ENOMEM ? r : 0;
        }
        return fleet->n_found == fleet->n_paths || fleet->n_faults > 0
                               ? 0
                               : diff_refuse_path(fleet->paths[fleet->n_found], reterr);
}

static int print_json(const Fleet *fleet, Error *reterr) {
        cleanup_free char *faults = json_dumps(fleet->faults, 0);
        if (!faults || fleet->details.error < 0)
                return error_oom(reterr);
        printf("{\"schema\": %d, \"n_hosts\": %zu, \"hosts\": [%s], \"faults\": %s}\n",
                        JSON_SCHEMA_VERSION, fleet->hosts.n_items,
                        fleet->details.data ? fleet->details.data : "", faults);
        return 0;
}

static int print(Fleet *fleet, Error *reterr) {
        if (fleet->options->format == FORMAT_JSON)
                return print_json(fleet, reterr);
        Text *text = &fleet->summary;
        text_addf(text, "%s%zu of %zu hosts %s touched.\n",
                        fleet->options->format == FORMAT_MARKDOWN ? "\n" : "", fleet->n_touched,
                        fleet->hosts.n_items, fleet->n_touched == 1 ? "is" : "are");
        if (fleet->details.data)
                text_add(text, fleet->details.data);
        if (fleet->n_left_out > 0)
                text_addf(text, "\nThere is no room for the details of %zu hosts.\n",
                                fleet->n_left_out);
        if (fleet->details.error < 0)
                return error_oom(reterr);
        return option_is_given(fleet->options, OPTION_QUIET)
                               ? 0
                               : output_show(&fleet->output, text, reterr);
}

/* What was printed is not all: the command did not do what it was asked for. */
static int tell_faults(const Fleet *fleet, Error *reterr) {
        const Error *first = &fleet->first_fault;
        if (fleet->n_faults == 0)
                return 0;
        if (fleet->n_faults == 1)
                return error_set(reterr, first->code, "%s", first->message);
        return error_set(reterr, first->code, "%zu of %zu hosts cannot be compared: %s",
                        fleet->n_faults, fleet->hosts.n_items, first->message);
}

int diff_all(const Options *options,
                Host *host,
                char **revisions,
                char **paths,
                size_t n_paths,
                Error *reterr) {
        cleanup(fleet_donep) Fleet fleet = {
                .options = options,
                .host = host,
                .revisions = revisions,
                .paths = paths,
                .n_paths = n_paths,
        };
        output_init(&fleet.output, options);
        cleanup(git_memory_freep) GitMemory *memory = git_memory_new();
        host->git_memory = memory;
        const GitReference old = { .name = revisions[0],
                .repository = ".",
                .revision = revisions[0],
                .path = options->all },
                           new = { .name = revisions[1],
                                   .repository = ".",
                                   .revision = revisions[1],
                                   .path = options->all };
        int r = git_hosts_compare(&old, &new, host->contents, &fleet.hosts, reterr);
        if (r >= 0 && fleet.hosts.n_items == 0)
                r = error_set(reterr, -ENOENT, "%s: No directory of these revisions matches",
                                options->all);
        if (r >= 0)
                r = check_names(&fleet, reterr);
        if (r >= 0)
                r = look_at_all(&fleet, reterr);
        if (r >= 0)
                r = check_paths(&fleet, reterr);
        if (r >= 0)
                r = print(&fleet, reterr);
        if (r >= 0)
                r = tell_faults(&fleet, reterr);
        host->git_memory = NULL;
        return r < 0 ? r : option_is_given(options, OPTION_EXIT_CODE) && fleet.n_touched > 0;
}
