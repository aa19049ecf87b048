/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "switch/inside_states.h"

#include "activate/bytes.h"
#include "activate/container_link.h"
#include "activate/errand.h"
#include "activate/process.h"

#include <errno.h>
#include <string.h>

enum { ANSWER_USEC = 10 * 1000 * 1000, MAX_ANSWER_BYTES = 16 * 1024 * 1024, N_AT_ONCE = 16 };

typedef struct Question {
        InsideQuery *query;
        pid_t leader;
} Question;

/* Stopped processes are known at once. */
static bool is_stopped(pid_t leader) {
        char path[48], line[512];
        (void) snprintf(path, sizeof(path), "/proc/%d/stat", (int) leader); /* fits */
        cleanup_file FILE *file = fopen(path, "re");
        const char *end = file && fgets(line, sizeof(line), file) ? strrchr(line, ')') : NULL;
        return end && end[1] && (end[2] == 'T' || end[2] == 't');
}

static json_t *to_json(const UnitStates *states) {
        json_t *object = json_object();
        size_t position = 0;
        int failed = 0;
        const char *name;
        for (const UnitState *state; (state = map_next(&states->by_name, &position, &name));)
                failed |= json_object_set_new(object, name, unit_state_to_json(state));
        if (!failed)
                return object;
        json_decref(object);
        return NULL;
}

static int ask(const void *userdata, int fd) {
        const Question *question = userdata;
        const InsideQuery *query = question->query;
        Systemd *systemd = NULL; /* all of it ends with the process */
        UnitStates *states = unit_states_new();
        Error ignored;
        process_reset_signals();
        int r = states ? container_connect(query->container, question->leader, &systemd, &ignored)
                       : -ENOMEM;
        if (r >= 0 && query->names.n_items + query->patterns.n_items > 0)
                r = systemd_read_states(systemd, &query->names, &query->patterns, states, &ignored);
        if (r >= 0 && query->relations.n_items > 0)
                r = systemd_read_relations_of(systemd, &query->relations, states, &ignored);
        json_t *json = r < 0 ? NULL : to_json(states);
        char *text = json ? json_dumps(json, JSON_COMPACT)
                          : NULL; /* json_dumpfd() writes each word */
        return text && write_bytes(fd, text, strlen(text)) >= 0 ? 0 : 1;
}

/* What a container says is shown to people. */
static bool is_plain(const json_t *value) {
        const char *text = json_string_value(value);
        const char *key;
        size_t i;
        json_t *child;
        if (text)
                while (*text > ' ' && *text < 0x7f)
                        text++;
        if (text && *text)
                return false;
        json_array_foreach(value, i, child)
                if (!is_plain(child))
                        return false;
        json_object_foreach((json_t *) (uintptr_t) value, key, child) {
                for (text = key; *text > ' ' && *text < 0x7f;)
                        text++;
                if (*text || !is_plain(child))
                        return false;
        }
        return true;
}

static void take(const Errand *errand) {
        InsideQuery *query = ((const Question *) errand->userdata)->query;
        const char *unit;
        json_t *state;
        json_t *json = errand->is_answered
                                       ? json_loadb(errand->answer.data ? errand->answer.data : "",
                                                         errand->answer.length, 0, NULL)
                                       : NULL;
        bool is_good = json_is_object(json) && is_plain(json);
        Error ignored;
        if (is_good)
                json_object_foreach(json, unit, state)
                        is_good = is_good && unit_states_add_json(query->states, query->container,
                                                             unit, state, &ignored) >= 0;
        query->has_answered = is_good;
        json_decref(json);
}

/* Of those that run. */
static size_t make_errands(
                InsideQuery *queries, size_t n_queries, Question *questions, Errand *errands) {
        size_t n = 0;
        for (size_t i = 0; i < n_queries; i++) {
                Question *question = &questions[n];
                Error ignored;
                if (container_leader(queries[i].container, &question->leader, &ignored) < 0 ||
                                is_stopped(question->leader))
                        continue;
                question->query = &queries[i];
                errands[n++] = (Errand){
                        .run = ask, .userdata = question, .whom = queries[i].container
                };
        }
        return n;
}

int inside_states_ask(InsideQuery *queries, size_t n_queries, Error *reterr) {
        static const ErrandOptions options = { .n_at_once = N_AT_ONCE,
                .answer_max_bytes = MAX_ANSWER_BYTES,
                .timeout_usec = ANSWER_USEC };
        cleanup_free Question *questions = calloc(n_queries + 1, sizeof(Question));
        cleanup_free Errand *errands = calloc(n_queries + 1, sizeof(Errand));
        if (!questions || !errands)
                return error_oom(reterr);
        size_t n_errands = make_errands(queries, n_queries, questions, errands);
        int r = errands_run(errands, n_errands, &options, reterr);
        for (size_t i = 0; i < n_errands; i++) {
                if (r >= 0)
                        take(&errands[i]);
                text_done(&errands[i].answer);
        }
        return r;
}
