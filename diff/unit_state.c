/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "diff/unit_state.h"

#include <errno.h>
#include <jansson.h>
#include <string.h>

typedef const char *const *Names;

/* The lists of a UnitState, so that they are copied by one loop. */
static const size_t lists[] = {
        offsetof(UnitState, names),
        offsetof(UnitState, required_by),
        offsetof(UnitState, requisite_of),
        offsetof(UnitState, bound_by),
        offsetof(UnitState, consists_of),
        offsetof(UnitState, stop_propagated_to),
        offsetof(UnitState, wants),
        offsetof(UnitState, requires),
        offsetof(UnitState, requisite),
        offsetof(UnitState, binds_to),
        offsetof(UnitState, upholds),
        offsetof(UnitState, conflicts),
        offsetof(UnitState, part_of),
        offsetof(UnitState, triggered_by),
        offsetof(UnitState, triggers),
        offsetof(UnitState, wanted_by),
        offsetof(UnitState, after),
        offsetof(UnitState, before),
};

UnitStates *unit_states_new(void) {
        return calloc(1, sizeof(UnitStates));
}

UnitStates *unit_states_free(UnitStates *states) {
        if (states) {
                map_done(&states->by_name);
                arena_done(&states->arena);
                free(states);
        }
        return NULL;
}

static int copy_list(Arena *arena, Names list, Names *ret_copy) {
        size_t n = 0;
        while (list && list[n])
                n++;
        *ret_copy = NULL;
        if (n == 0)
                return 0;
        const char **copy = arena_new(arena, const char *, n + 1);
        if (!copy)
                return -ENOMEM;
        for (size_t i = 0; i < n; i++)
                if (!(copy[i] = arena_strdup(arena, list[i])))
                        return -ENOMEM;
        *ret_copy = copy;
        return 0;
}

static int copy_text(Arena *arena, const char *text, const char **ret_copy) {
        *ret_copy = text && *text ? arena_strdup(arena, text) : "";
        return *ret_copy ? 0 : -ENOMEM;
}

int unit_states_set(UnitStates *states, const UnitState *state) {
        Arena *arena = &states->arena;
        UnitState *copy = arena_memdup(arena, state, sizeof(UnitState));
        if (!copy || copy_text(arena, state->name, &copy->name) < 0 ||
                        copy_text(arena, state->load_state, &copy->load_state) < 0 ||
                        copy_text(arena, state->active_state, &copy->active_state) < 0 ||
                        copy_text(arena, state->sub_state, &copy->sub_state) < 0 ||
                        copy_text(arena, state->unit_file_state, &copy->unit_file_state) < 0)
                return -ENOMEM;
        for (size_t i = 0; i < N_ELEMENTS(lists); i++) {
                Names *from = (Names *) (void *) ((char *) copy + lists[i]);
                if (copy_list(arena, *from, from) < 0)
                        return -ENOMEM;
        }
        if (map_put(&states->by_name, copy->name, copy) < 0)
                return -ENOMEM;
        for (Names name = copy->names; name && *name; name++) {
                const UnitState *other = map_get(&states->by_name, *name);
                bool is_taken = other && strcmp(other->name, *name) == 0;
                if (!is_taken && map_put(&states->by_name, *name, copy) < 0)
                        return -ENOMEM;
        }
        return 0;
}

const UnitState *unit_states_find(const UnitStates *states, const char *name) {
        return map_get(&states->by_name, name);
}

static bool is(const char *state, const char *name) {
        return strcmp(state, name) == 0;
}

bool unit_state_is_on(const UnitState *state) {
        return state &&
               (is(state->active_state, "active") || is(state->active_state, "activating") ||
                               is(state->active_state, "reloading"));
}

bool unit_state_is_failed(const UnitState *state) {
        return state && is(state->active_state, "failed");
}

/* One key of a unit's object. Returns 0 or -EBADMSG. */
static int read_key(UnitState *state, const char *key, const json_t *value) {
        const char *text = json_string_value(value);
        if (!text)
                return -EBADMSG;
        if (is(key, "ActiveState")) {
                static const char *const known[] = { "active", "inactive", "failed", "activating",
                        "deactivating", "reloading", "maintenance" };
                for (size_t i = 0; i < N_ELEMENTS(known); i++)
                        if (is(text, known[i])) {
                                state->active_state = text;
                                return 0;
                        }
                return -EBADMSG;
        }
        if (is(key, "SubState"))
                state->sub_state = text;
        else if (is(key, "UnitFileState"))
                state->unit_file_state = text;
        else if (is(key, "LoadState"))
                state->load_state = text;
        else if (is(key, "CanReload") && (is(text, "yes") || is(text, "no")))
                state->can_reload = is(text, "yes");
        else
                return -EBADMSG;
        return 0;
}

static int
read_unit(UnitStates *states, const char *name, const char *unit, json_t *object, Error *reterr) {
        if (!json_is_object(object))
                return error_set(reterr, -EBADMSG,
                                "%s: \"%s\" is no object; write {\"ActiveState\": \"active\", …}",
                                name, unit);
        UnitState state = { .name = unit, .active_state = "inactive", .can_reload = -1 };
        const char *key;
        json_t *value;
        json_object_foreach(object, key, value) {
                if (read_key(&state, key, value) < 0)
                        return error_set(reterr, -EBADMSG,
                                        "%s: \"%s\" of \"%s\" is unknown, or has no such value; "
                                        "take "
                                        "ActiveState, SubState, UnitFileState, LoadState, "
                                        "CanReload",
                                        name, key, unit);
        }
        return unit_states_set(states, &state) < 0 ? error_oom(reterr) : 0;
}

int unit_states_from_json(const char *name,
                const char *text,
                size_t length,
                UnitStates **ret_states,
                Error *reterr) {
        json_error_t error;
        cleanup(json_decrefp) json_t *root =
                        json_loadb(text, length, JSON_REJECT_DUPLICATES, &error);
        if (!root)
                return error_set(reterr, -EBADMSG, "%s:%d: No JSON: %s", name, error.line,
                                error.text);
        if (!json_is_object(root))
                return error_set(reterr, -EBADMSG,
                                "%s: No object; write {\"NAME.service\": {\"ActiveState\": …}}",
                                name);
        cleanup(unit_states_freep) UnitStates *states = unit_states_new();
        if (!states)
                return error_oom(reterr);
        const char *unit;
        json_t *object;
        json_object_foreach(root, unit, object) {
                int r = read_unit(states, name, unit, object, reterr);
                if (r < 0)
                        return r;
        }
        *ret_states = TAKE(states);
        return 0;
}
