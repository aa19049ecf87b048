/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "switch/facts.h"

#include "diff/plan_json.h"
#include "diff/quote.h"

#include <time.h>

void text_add_commit(Text *text, const char *commit, bool is_dirty) {
        if (commit)
                text_addf(text, "%.10s%s", commit, is_dirty ? "-dirty" : "");
}

json_t *json_text_or_null(const char *text) {
        return text ? json_text(text) : json_null();
}

json_t *json_time(uint64_t usec) {
        time_t seconds = (time_t) (usec / 1000000);
        struct tm broken_down;
        char time[64];
        if (usec == 0 || !gmtime_r(&seconds, &broken_down) ||
                        strftime(time, sizeof(time), "%Y-%m-%dT%H:%M:%SZ", &broken_down) == 0)
                return json_null();
        return json_string(time);
}

json_t *json_generation(const Generation *generation) {
        json_t *object = json_object();
        int failed = json_object_set_new(object, "generation", json_integer(generation->number));
        failed |= json_object_set_new(object, "created", json_time(generation->created_usec));
        failed |= json_object_set_new(object, "path", json_text_or_null(generation->origin.path));
        failed |= json_object_set_new(
                        object, "commit", json_text_or_null(generation->origin.commit));
        failed |= json_object_set_new(
                        object, "subject", json_text_or_null(generation->origin.subject));
        failed |= json_object_set_new(
                        object, "author", json_text_or_null(generation->origin.author));
        failed |= json_object_set_new(object, "commit_time",
                        json_time((uint64_t) generation->origin.commit_time * 1000000));
        failed |= json_object_set_new(object, "dirty", json_boolean(generation->origin.is_dirty));
        failed |= json_object_set_new(object, "user", json_text_or_null(generation->user));
        failed |= json_object_set_new(
                        object, "description", json_text_or_null(generation->description));
        failed |= json_object_set_new(object, "committed", json_boolean(generation->was_committed));
        failed |= json_object_set_new(object, "pinned", json_boolean(generation->is_pinned));
        if (!failed)
                return object;
        json_decref(object);
        return NULL;
}

json_t *json_debts(const Debt *debts, size_t n_debts) {
        json_t *array = json_array();
        int failed = 0;
        for (size_t i = 0; i < n_debts; i++) {
                json_t *entry = json_object();
                failed |= json_object_set_new(entry, "unit", json_text(debts[i].unit));
                if (debts[i].uid != UINT32_MAX)
                        failed |= json_object_set_new(entry, "user", json_integer(debts[i].uid));
                failed |= json_object_set_new(
                                entry, "verb", json_text(verb_to_string(debts[i].verb)));
                failed |= json_object_set_new(
                                entry, "cause", json_text(debt_cause_to_string(debts[i].cause)));
                failed |= json_object_set_new(entry, "reason", json_text(debts[i].reason));
                failed |= json_object_set_new(entry, "since", json_time(debts[i].since_usec));
                failed |= json_object_set_new(entry, "switch", json_integer(debts[i].switch_id));
                failed |= json_array_append_new(array, entry);
        }
        if (!failed)
                return array;
        json_decref(array);
        return NULL;
}

json_t *json_entry_path(EntryRoot root, const char *path) {
        cleanup(text_donep) Text text = { 0 };
        text_add(&text, entry_root_prefix(root));
        text_add(&text, path);
        return text.error < 0 ? NULL : json_text(text.data);
}

int json_print(json_t *object, Error *reterr) {
        json_t *document = json_object();
        int failed = json_object_set_new(document, "schema", json_integer(JSON_SCHEMA_VERSION));
        failed |= json_object_update(document, object);
        json_decref(object);
        if (failed)
                document = (json_decref(document), NULL);
        return json_print_whole(document, reterr);
}

int json_print_list(const char *key, json_t *array, Error *reterr) {
        json_t *object = json_object();
        int failed = json_object_set_new(object, key, array);
        if (failed)
                object = (json_decref(object), NULL);
        return json_print(object, reterr);
}

int json_print_whole(json_t *value, Error *reterr) {
        char *json = value ? json_dumps(value, JSON_INDENT(2)) : NULL;
        json_decref(value);
        if (!json)
                return error_oom(reterr);
        printf("%s\n", json); /* output_close() tells */
        free(json);
        return 0;
}
