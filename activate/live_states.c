/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Reading the states of units. What is cheap was measured on a host with 5000 units:
 *
 *   GetUnit                0.03 ms a name when sent together; loads nothing
 *   ListUnitsByNames       0.3 ms, and 0.01 a name; but loads what is not: one look for a name that
 *                          is not there can cost a scan of all unit directories, up to 170 ms
 *   ListUnitsByPatterns    1 ms, and 0.04 a pattern
 *   ListUnits              8 ms, and 4 to read it
 *   Properties.Get         0.03 ms when sent together
 *   Properties.GetAll      3 to 8 ms a unit: UnitFileState, UnitFilePreset look at all unit files
 *
 * So names are first asked for by GetUnit, those there are listed by name, and no unit is ever
 * asked for all that it has, nor for UnitFileState. */

#include "activate/live_states.h"
#include "activate/call_batch.h"

#include <errno.h>
#include <string.h>

enum { MAX_BY_NAME = 300 }; /* from there on the list of all is cheaper */

typedef struct Asked {
        const Strv *names;
        bool *is_loaded;
} Asked;

static int on_get_unit(void *userdata, size_t nth, sd_bus_message *reply) {
        Asked *asked = userdata;
        asked->is_loaded[nth] = !sd_bus_message_is_method_error(reply, NULL);
        return 0;
}

int live_loaded(Systemd *systemd, const Strv *names, bool *ret_is_loaded, Error *reterr) {
        Asked asked = { .names = names, .is_loaded = ret_is_loaded };
        cleanup(call_batch_freep) CallBatch *batch = NULL;
        int r = call_batch_new(systemd, on_get_unit, &asked, &batch);
        for (size_t i = 0; r >= 0 && i < names->n_items; i++) {
                cleanup(sd_bus_message_unrefp) sd_bus_message *call = NULL;
                r = connection_new_call(systemd, "GetUnit", &call);
                if (r >= 0)
                        r = sd_bus_message_append(call, "s", names->items[i]);
                if (r >= 0)
                        r = call_batch_add(batch, i, TAKE(call), 0);
        }
        if (r >= 0)
                r = call_batch_run(batch);
        return r < 0 ? call_fold_result(systemd, r, reterr) : 0;
}

/* The next row of a list of units. Returns 1, 0 at the end. The strings are the message's. */
static int next_row(sd_bus_message *reply, UnitState *ret_state) {
        const char *id, *description, *load, *active, *sub, *following, *path, *type, *job_path;
        uint32_t job;
        int r = sd_bus_message_read(reply, "(ssssssouso)", &id, &description, &load, &active, &sub,
                        &following, &path, &job, &type, &job_path);
        if (r <= 0)
                return r;
        *ret_state = (UnitState){ .name = id,
                .load_state = load,
                .active_state = active,
                .sub_state = sub,
                .unit_file_state = "",
                .can_reload = -1 };
        return 1;
}

static int bad_reply(const Systemd *systemd, int r, Error *reterr) {
        return r == -ENOMEM ? error_oom(reterr)
                            : error_set_errno(reterr, r, "%s: its answer is not understood",
                                              systemd->label);
}

/* Sends the call for a list, which it takes, and enters the array of its reply. */
static int ask_list(
                Systemd *systemd, sd_bus_message *call, sd_bus_message **ret_reply, Error *reterr) {
        cleanup(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        int r = call_one(systemd, call, 0, &reply, reterr);
        if (r < 0)
                return r;
        r = sd_bus_message_enter_container(reply, 'a', "(ssssssouso)");
        if (r < 0)
                return bad_reply(systemd, r, reterr);
        *ret_reply = TAKE(reply);
        return 0;
}

/* A call with up to two lists of strings: skip_first puts an empty one (of states) before. */
static int new_list_call(Systemd *systemd,
                const char *method,
                bool with_states,
                char **items,
                sd_bus_message **ret_call) {
        cleanup(sd_bus_message_unrefp) sd_bus_message *call = NULL;
        int r = connection_new_call(systemd, method, &call);
        if (r >= 0 && with_states)
                r = sd_bus_message_append(call, "as", 0);
        if (r >= 0)
                r = sd_bus_message_append_strv(call, items);
        if (r >= 0)
                *ret_call = TAKE(call);
        return r;
}

/* Loads those that are not. names ends with a NULL. */
static int list_by_name(
                Systemd *systemd, char **names, size_t n_names, UnitStates *states, Error *reterr) {
        cleanup(sd_bus_message_unrefp) sd_bus_message *call = NULL, *reply = NULL;
        int r = new_list_call(systemd, "ListUnitsByNames", false, names, &call);
        if (r < 0)
                return call_fold_result(systemd, r, reterr);
        r = ask_list(systemd, TAKE(call), &reply, reterr);
        if (r < 0)
                return r;
        UnitState state;
        for (size_t i = 0; (r = next_row(reply, &state)) > 0; i++) {
                r = unit_states_set(states, &state);
                if (r >= 0 && i < n_names && strcmp(state.name, names[i]) != 0) {
                        state.name = names[i]; /* an alias: known by both names */
                        r = unit_states_set(states, &state);
                }
                if (r < 0)
                        break;
        }
        return r < 0 ? bad_reply(systemd, r, reterr) : 0;
}

static int read_by_name(Systemd *systemd, const Strv *names, UnitStates *states, Error *reterr) {
        cleanup_free bool *is_loaded = calloc(names->n_items + 1, sizeof(bool));
        cleanup_free char **there = calloc(names->n_items + 1, sizeof(char *));
        if (!is_loaded || !there)
                return error_oom(reterr);
        int r = live_loaded(systemd, names, is_loaded, reterr);
        if (r < 0)
                return r;
        size_t n_there = 0;
        for (size_t i = 0; i < names->n_items; i++)
                if (is_loaded[i])
                        there[n_there++] = names->items[i];
        return n_there > 0 ? list_by_name(systemd, there, n_there, states, reterr) : 0;
}

int live_load(Systemd *systemd, const Strv *names, UnitStates *states, Error *reterr) {
        return names->n_items > 0
                               ? list_by_name(systemd, names->items, names->n_items, states, reterr)
                               : 0;
}

/* One list of all, of which the names asked for are taken; what is not in it by this name may be so
 * by another. */
static int read_from_all(Systemd *systemd, const Strv *names, UnitStates *states, Error *reterr) {
        cleanup(map_donep) Map wanted = { 0 };
        for (size_t i = 0; i < names->n_items; i++)
                if (map_put(&wanted, names->items[i], names->items[i]) < 0)
                        return error_oom(reterr);
        cleanup(sd_bus_message_unrefp) sd_bus_message *call = NULL, *reply = NULL;
        int r = connection_new_call(systemd, "ListUnits", &call);
        if (r < 0)
                return call_fold_result(systemd, r, reterr);
        r = ask_list(systemd, TAKE(call), &reply, reterr);
        if (r < 0)
                return r;
        UnitState state;
        while ((r = next_row(reply, &state)) > 0)
                if (map_get(&wanted, state.name)) {
                        r = unit_states_set(states, &state);
                        if (r < 0)
                                break;
                }
        if (r < 0)
                return bad_reply(systemd, r, reterr);
        cleanup_strv Strv missing = { 0 };
        for (size_t i = 0; i < names->n_items; i++)
                if (!unit_states_find(states, names->items[i]) &&
                                strv_add(&missing, names->items[i]) < 0)
                        return error_oom(reterr);
        return missing.n_items > 0 ? read_by_name(systemd, &missing, states, reterr) : 0;
}

static int read_by_pattern(
                Systemd *systemd, const Strv *patterns, UnitStates *states, Error *reterr) {
        cleanup(sd_bus_message_unrefp) sd_bus_message *call = NULL, *reply = NULL;
        int r = new_list_call(systemd, "ListUnitsByPatterns", true, patterns->items, &call);
        if (r < 0)
                return call_fold_result(systemd, r, reterr);
        r = ask_list(systemd, TAKE(call), &reply, reterr);
        if (r < 0)
                return r;
        UnitState state;
        while ((r = next_row(reply, &state)) > 0) {
                r = unit_states_set(states, &state);
                if (r < 0)
                        break;
        }
        return r < 0 ? bad_reply(systemd, r, reterr) : 0;
}

int systemd_read_states(Systemd *systemd,
                const Strv *names,
                const Strv *patterns,
                UnitStates *states,
                Error *reterr) {
        int r = 0;
        if (names->n_items > MAX_BY_NAME)
                r = read_from_all(systemd, names, states, reterr);
        else if (names->n_items > 0)
                r = read_by_name(systemd, names, states, reterr);
        if (r >= 0 && patterns->n_items > 0)
                r = read_by_pattern(systemd, patterns, states, reterr);
        return r;
}

int live_in_state(Systemd *systemd,
                const char *active_state,
                Arena *arena,
                const char *const **ret_units,
                size_t *ret_n_units,
                Error *reterr) {
        char *states[] = { (char *) (uintptr_t) active_state, NULL }; /* nothing changes it */
        cleanup(sd_bus_message_unrefp) sd_bus_message *call = NULL, *reply = NULL;
        int r = new_list_call(systemd, "ListUnitsFiltered", false, states, &call);
        if (r < 0)
                return call_fold_result(systemd, r, reterr);
        r = ask_list(systemd, TAKE(call), &reply, reterr);
        if (r < 0)
                return r;
        const char **units = NULL;
        size_t n_units = 0, n_allocated = 0;
        UnitState state;
        while ((r = next_row(reply, &state)) > 0) {
                if (n_units == n_allocated) {
                        n_allocated = n_allocated * 2 + 8;
                        units = arena_grow(arena, units, n_units, n_allocated, sizeof(char *));
                        if (!units)
                                return error_oom(reterr);
                }
                units[n_units] = arena_strdup(arena, state.name);
                if (!units[n_units++])
                        return error_oom(reterr);
        }
        if (r < 0)
                return bad_reply(systemd, r, reterr);
        *ret_units = units;
        *ret_n_units = n_units;
        return 0;
}

int live_failed(Systemd *systemd,
                Arena *arena,
                const char *const **ret_units,
                size_t *ret_n_units,
                Error *reterr) {
        return live_in_state(systemd, "failed", arena, ret_units, ret_n_units, reterr);
}
