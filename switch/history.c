/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "switch/history.h"

#include "diff/file_patch.h"
#include "diff/quote.h"
#include "diff/unit_name.h"
#include "state/generation.h"
#include "state/record.h"
#include "switch/facts.h"

#include <errno.h>
#include <jansson.h>
#include <string.h>

typedef struct History {
        const Options *options;
        Host *host;
        const Output *output;
        const char *subject; /* NULL: all */
        bool is_unit;
        Arena arena;
        size_t n_shown;
        json_t *shown; /* with --json; else NULL */
        Text text;
} History;

/* One switch, as far as it concerns the subject. */
typedef struct Episode {
        SwitchRecord record;
        json_t *plan;    /* NULL: none was kept */
        json_t *files;   /* [[mark, path]] */
        json_t *actions; /* [{unit, verb, reason, outcome}] */
} Episode;

static void episode_donep(Episode *episode) {
        json_decref(episode->plan);
        json_decref(episode->files);
        json_decref(episode->actions);
}

bool history_is_subject(const char *argument) {
        return strchr(argument, '/') || unit_name_is_valid(argument);
}

/* "/etc/x" of subject "/etc/x" or "/etc"; of a unit its file and drop-ins. */
static bool is_of_subject(const History *history, const char *path) {
        const char *subject = history->subject;
        if (!subject)
                return true;
        size_t length = strlen(subject);
        if (!history->is_unit) {
                while (length > 1 && subject[length - 1] == '/')
                        length--;
                return strncmp(path, subject, length) == 0 &&
                       (!path[length] || path[length] == '/');
        }
        for (const char *at = path; (at = strstr(at, subject)); at += length) {
                bool begins = at > path && at[-1] == '/';
                const char *end = at + length;
                if (begins && (!*end || strncmp(end, ".d/", 3) == 0))
                        return true;
        }
        return false;
}

/* Does a reason name the file? "/etc/x changed", and not "/etc/xy changed". */
static bool names_file(const char *reason, const char *path) {
        size_t length = strlen(path);
        for (const char *at = reason; (at = strstr(at, path)); at += length)
                if (!at[length] || strchr(" ,;:", at[length]))
                        return true;
        return false;
}

static int add_file(Episode *episode, const char *mark, const char *path) {
        for (size_t i = 0; i < json_array_size(episode->files); i++) {
                const json_t *known = json_array_get(json_array_get(episode->files, i), 1);
                if (strcmp(json_string_value(known), path) == 0)
                        return 0;
        }
        return json_array_append_new(episode->files, json_pack("[s, s]", mark, path));
}

/* The files of the plan that are the subject's; of a unit also those that its actions name. */
static int find_files(const History *history, Episode *episode) {
        static const struct {
                const char *key, *mark;
        } kinds[] = { { "added", "A" }, { "changed", "M" }, { "removed", "D" } };
        const json_t *files = json_object_get(episode->plan, "files");
        int failed = 0;
        for (size_t i = 0; i < N_ELEMENTS(kinds); i++) {
                const json_t *list = json_object_get(files, kinds[i].key);
                for (size_t j = 0; j < json_array_size(list); j++) {
                        const json_t *item = json_array_get(list, j);
                        const char *path = json_string_value(
                                        json_is_object(item) ? json_object_get(item, "path")
                                                             : item);
                        bool is_wanted = path && is_of_subject(history, path);
                        for (size_t k = 0; path && !is_wanted && history->is_unit &&
                                           k < json_array_size(episode->actions);
                                        k++) {
                                const char *reason = json_string_value(json_object_get(
                                                json_array_get(episode->actions, k), "reason"));
                                is_wanted = reason && names_file(reason, path);
                        }
                        if (is_wanted)
                                failed |= add_file(episode, kinds[i].mark, path);
                }
        }
        return failed;
}

static int add_action(Episode *episode, const SwitchActionRecord *action) {
        json_t *object = json_object();
        int failed = json_object_set_new(object, "unit", json_text(action->unit));
        if (action->uid != UINT32_MAX)
                failed |= json_object_set_new(object, "user", json_integer(action->uid));
        failed |= json_object_set_new(object, "verb", json_text(verb_to_string(action->verb)));
        failed |= json_object_set_new(object, "reason", json_text_or_null(action->reason));
        failed |= json_object_set_new(object, "outcome", json_text_or_null(action->outcome));
        return json_array_append_new(episode->actions, object) | failed;
}

static bool is_caused_by(const Episode *episode, const SwitchActionRecord *action) {
        for (size_t i = 0; action->reason && i < json_array_size(episode->files); i++) {
                const json_t *path = json_array_get(json_array_get(episode->files, i), 1);
                if (names_file(action->reason, json_string_value(path)))
                        return true;
        }
        return false;
}

static int find_actions(History *history, Episode *episode, bool by_unit, Error *reterr) {
        SwitchActionRecord *actions = NULL;
        size_t n_actions = 0;
        int r = record_actions(history->host->database, episode->record.id, &history->arena,
                        &actions, &n_actions, reterr);
        for (size_t i = 0; r >= 0 && i < n_actions; i++) {
                bool is_wanted = !history->subject ? true
                                 : by_unit         ? strcmp(actions[i].unit, history->subject) == 0
                                                   : is_caused_by(episode, &actions[i]);
                if (is_wanted && add_action(episode, &actions[i]) != 0)
                        r = error_oom(reterr);
        }
        return r;
}

/* Of a path the files come first, and the actions are those that name them; of a unit the reverse.
 */
static int look_at(History *history, int64_t id, Episode *episode, Error *reterr) {
        int r = record_get(history->host->database, id, &history->arena, &episode->record, reterr);
        if (r < 0)
                return r;
        const char *plan = episode->record.plan_json;
        episode->plan = plan ? json_loads(plan, 0, NULL) : NULL;
        episode->files = json_array();
        episode->actions = json_array();
        if (history->is_unit)
                r = find_actions(history, episode, true, reterr);
        if (r >= 0 && find_files(history, episode) != 0)
                r = error_oom(reterr);
        if (r >= 0 && !history->is_unit)
                r = find_actions(history, episode, false, reterr);
        return r;
}

static void add_commit(Text *text, const SwitchRecord *record, const Generation *generation) {
        if (!record->origin)
                return;
        text_add(text, "  ");
        text_add_commit(text, record->commit, record->is_dirty);
        text_add(text, record->commit ? " " : "");
        text_add_name(text, "", record->origin);
        if (record->commit && generation->origin.commit &&
                        strcmp(record->commit, generation->origin.commit) == 0) {
                text_add(text, "\n  ");
                text_add_line(text, generation->origin.subject ? generation->origin.subject : "");
                text_addf(text, " (%s)",
                                generation->origin.author ? generation->origin.author : "unknown");
        }
        text_add(text, "\n");
}

static int add_patches(History *history, const Episode *episode, Error *reterr) {
        const SwitchRecord *record = &episode->record;
        cleanup(tree_freep) Tree *before = NULL, *after = NULL;
        cleanup_free TreeChange *changes = NULL;
        size_t n_changes = 0;
        if (record->is_from_pruned || record->is_to_pruned) {
                text_add(&history->text, "  its generations were pruned: there is no patch\n");
                return 0;
        }
        int r = generation_compare(history->host->database, history->host->profile_name,
                        record->from_number, record->to_number, history->host->contents, &before,
                        &after, reterr);
        if (r >= 0 && tree_compare(before, after, &changes, &n_changes) < 0)
                r = error_oom(reterr);
        for (size_t i = 0; r >= 0 && i < n_changes; i++) {
                const Entry *entry = changes[i].after ? changes[i].after : changes[i].before;
                cleanup_free char *path = NULL;
                if (asprintf(&path, "%s%s", entry_root_prefix(entry->root), entry->path) < 0)
                        return error_oom(reterr);
                bool is_wanted = is_of_subject(history, path);
                for (size_t j = 0; !is_wanted && j < json_array_size(episode->files); j++) {
                        const json_t *file = json_array_get(json_array_get(episode->files, j), 1);
                        is_wanted = strcmp(json_string_value(file), path) == 0;
                }
                if (is_wanted)
                        r = file_patch(history->host->contents, &changes[i], history->output->color,
                                        &history->text, reterr);
        }
        return r;
}

static void add_actions(Text *text, const Output *output, const Episode *episode) {
        for (size_t i = 0; i < json_array_size(episode->actions); i++) {
                const json_t *action = json_array_get(episode->actions, i);
                const char *reason = json_string_value(json_object_get(action, "reason"));
                const char *outcome = json_string_value(json_object_get(action, "outcome"));
                text_addf(text, "  %s ", json_string_value(json_object_get(action, "verb")));
                text_add_name(text, "", json_string_value(json_object_get(action, "unit")));
                if (outcome && strcmp(outcome, "done") != 0)
                        text_addf(text, " (%s)", outcome);
                if (reason && *reason) {
                        text_add(text, output->ascii ? " <- " : " ← ");
                        text_add_line(text, reason);
                }
                text_add(text, "\n");
        }
}

static int add_text(History *history, const Episode *episode, Error *reterr) {
        const SwitchRecord *record = &episode->record;
        const Output *output = history->output;
        Text *text = &history->text;
        cleanup(generation_donep) Generation generation = { 0 };
        if (record->to_number > 0 && !record->is_to_pruned) {
                int r = generation_get(history->host->database, record->profile, record->to_number,
                                &generation, reterr);
                if (r < 0)
                        return r;
        }
        text_addf(text, "%s%sSwitch %lld%s, ", history->n_shown > 0 ? "\n" : "",
                        style_begin(output, STYLE_BOLD), (long long) record->id,
                        style_end(output, STYLE_BOLD));
        text_add_time(text, record->started_usec);
        text_addf(text, ": %s by %s, generation %lld %s %lld%s\n", record->verb,
                        record->user ? record->user : "unknown", (long long) record->from_number,
                        output->ascii ? "->" : "→", (long long) record->to_number,
                        record->state == SWITCH_UNDONE      ? ", undone"
                        : record->state != SWITCH_COMMITTED ? ", open"
                                                            : "");
        add_commit(text, record, &generation);
        for (size_t i = 0; i < json_array_size(episode->files); i++) {
                const json_t *file = json_array_get(episode->files, i);
                text_addf(text, "  %s ", json_string_value(json_array_get(file, 0)));
                text_add_name(text, "", json_string_value(json_array_get(file, 1)));
                text_add(text, "\n");
        }
        add_actions(text, output, episode);
        return option_is_given(history->options, OPTION_PATCH)
                               ? add_patches(history, episode, reterr)
                               : 0;
}

static int add_json(History *history, Episode *episode, Error *reterr) {
        const SwitchRecord *record = &episode->record;
        json_t *object = json_object(), *paths = json_array();
        int failed = 0;
        for (size_t i = 0; i < json_array_size(episode->files); i++)
                failed |= json_array_append(
                                paths, json_array_get(json_array_get(episode->files, i), 1));
        failed |= json_object_set_new(object, "switch", json_integer(record->id));
        failed |= json_object_set_new(object, "verb", json_text(record->verb));
        failed |= json_object_set_new(
                        object, "state", json_text(switch_state_to_string(record->state)));
        failed |= json_object_set_new(object, "from", json_integer(record->from_number));
        failed |= json_object_set_new(object, "to", json_integer(record->to_number));
        failed |= json_object_set_new(object, "path", json_text_or_null(record->origin));
        failed |= json_object_set_new(object, "commit", json_text_or_null(record->commit));
        failed |= json_object_set_new(object, "started", json_time(record->started_usec));
        failed |= json_object_set_new(object, "files", paths);
        failed |= json_object_set(object, "actions", episode->actions);
        failed |= json_array_append_new(history->shown, object);
        return failed ? error_oom(reterr) : 0;
}

static int show_all(History *history, Error *reterr) {
        SwitchRecord *records = NULL;
        size_t n_records = 0, limit = history->options->limit;
        int r = record_list(history->host->database, history->host->profile_name, 0,
                        &history->arena, &records, &n_records, reterr);
        for (size_t i = 0; r >= 0 && i < n_records && (limit == 0 || history->n_shown < limit);
                        i++) {
                cleanup(episode_donep) Episode episode = { 0 };
                r = look_at(history, records[i].id, &episode, reterr);
                if (r < 0 || (json_array_size(episode.files) == 0 &&
                                             json_array_size(episode.actions) == 0))
                        continue;
                r = history->shown ? add_json(history, &episode, reterr)
                                   : add_text(history, &episode, reterr);
                history->n_shown++;
        }
        return r;
}

int history_show(const Options *options,
                Host *host,
                const Output *output,
                const char *subject,
                Error *reterr) {
        bool as_json = option_is_given(options, OPTION_JSON);
        History history = {
                .options = options,
                .host = host,
                .output = output,
                .subject = subject,
                .is_unit = subject && !strchr(subject, '/'),
                .shown = as_json ? json_array() : NULL,
        };
        int r = as_json && !history.shown ? error_oom(reterr) : 0;
        if (r >= 0 && host->database)
                r = show_all(&history, reterr);
        if (r >= 0 && subject && history.n_shown == 0 && !as_json) /* a program reads [] */
                r = error_set(reterr, -ENOENT,
                                "%s: Nothing is known of it: no switch of %s changed or touched it",
                                subject, host->profile_name);
        if (r >= 0 && as_json)
                r = json_print_list("switches", TAKE(history.shown), reterr);
        else if (r >= 0 && !option_is_given(options, OPTION_QUIET))
                r = output_show(output, &history.text, reterr);
        json_decref(history.shown);
        text_done(&history.text);
        arena_done(&history.arena);
        return r;
}
