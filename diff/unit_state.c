/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "diff/unit_state.h"

#include "diff/quote.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

typedef const char *const *Names;

/* The lists of a UnitState by systemd's names, so that each thing is done to them by one loop. */
static const struct {
        const char *key;
        size_t offset;
} lists[] = {
        { "Names", offsetof(UnitState, names) },
        { "RequiredBy", offsetof(UnitState, required_by) },
        { "RequisiteOf", offsetof(UnitState, requisite_of) },
        { "BoundBy", offsetof(UnitState, bound_by) },
        { "ConsistsOf", offsetof(UnitState, consists_of) },
        { "PropagatesStopTo", offsetof(UnitState, stop_propagated_to) },
        { "Wants", offsetof(UnitState, wants) },
        { "Requires", offsetof(UnitState, requires) },
        { "Requisite", offsetof(UnitState, requisite) },
        { "BindsTo", offsetof(UnitState, binds_to) },
        { "Upholds", offsetof(UnitState, upholds) },
        { "Conflicts", offsetof(UnitState, conflicts) },
        { "PartOf", offsetof(UnitState, part_of) },
        { "TriggeredBy", offsetof(UnitState, triggered_by) },
        { "Triggers", offsetof(UnitState, triggers) },
        { "WantedBy", offsetof(UnitState, wanted_by) },
        { "After", offsetof(UnitState, after) },
        { "Before", offsetof(UnitState, before) },
};

static Names *list_of(const UnitState *state, size_t nth) {
        return (Names *) (void *) ((char *) (uintptr_t) state + lists[nth].offset);
}

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
                Names *from = list_of(copy, i);
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

/* Returns 1 when the key is a list and was read, 0 when it is none, -EBADMSG. */
static int read_list(Arena *arena, UnitState *state, const char *key, const json_t *value) {
        size_t nth = 0;
        while (nth < N_ELEMENTS(lists) && !is(lists[nth].key, key))
                nth++;
        if (nth == N_ELEMENTS(lists))
                return 0;
        size_t n = json_array_size(value);
        const char **names = arena_new(arena, const char *, n + 1);
        if (!names)
                return -ENOMEM;
        for (size_t i = 0; i < n; i++)
                if (!(names[i] = json_string_value(json_array_get(value, i))))
                        return -EBADMSG;
        names[n] = NULL;
        *list_of(state, nth) = names;
        state->has_relations = true;
        return json_is_array(value) ? 1 : -EBADMSG;
}

/* One key of a unit's object. Returns 0 or -EBADMSG. */
static int read_key(Arena *arena, UnitState *state, const char *key, const json_t *value) {
        int r = read_list(arena, state, key, value);
        if (r != 0)
                return r < 0 ? r : 0;
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

int unit_states_add_json(UnitStates *states,
                const char *name,
                const char *unit,
                const json_t *json,
                Error *reterr) {
        json_t *object = (json_t *) (uintptr_t) json; /* jansson's iterators want it so */
        if (!json_is_object(object))
                return error_set(reterr, -EBADMSG,
                                "%s: \"%s\" is no object; write {\"ActiveState\": \"active\", …}",
                                name, unit);
        UnitState state = { .name = unit, .active_state = "inactive", .can_reload = -1 };
        const char *key;
        json_t *value;
        json_object_foreach(object, key, value) {
                int r = read_key(&states->arena, &state, key, value);
                if (r == -ENOMEM)
                        return error_oom(reterr);
                if (r < 0)
                        return error_set(reterr, -EBADMSG,
                                        "%s: \"%s\" of \"%s\" is unknown, or has no such value; "
                                        "take ActiveState, SubState, UnitFileState, LoadState, "
                                        "CanReload, or lists as Names and Wants",
                                        name, key, unit);
        }
        return unit_states_set(states, &state) < 0 ? error_oom(reterr) : 0;
}

static int add_list(json_t *object, const char *key, Names names) {
        json_t *array = json_array();
        int failed = 0;
        for (; *names; names++)
                failed |= json_array_append_new(array, json_text(*names));
        return json_object_set_new(object, key, array) | failed;
}

json_t *unit_state_to_json(const UnitState *state) {
        const struct {
                const char *key, *text;
        } texts[] = { { "LoadState", state->load_state }, { "ActiveState", state->active_state },
                { "SubState", state->sub_state },
                { "CanReload", state->can_reload < 0 ? ""
                                : state->can_reload  ? "yes"
                                                     : "no" } };
        json_t *object = json_object();
        int failed = 0;
        for (size_t i = 0; i < N_ELEMENTS(texts); i++)
                if (*texts[i].text)
                        failed |= json_object_set_new(
                                        object, texts[i].key, json_text(texts[i].text));
        for (size_t i = 0; i < N_ELEMENTS(lists); i++)
                if (*list_of(state, i))
                        failed |= add_list(object, lists[i].key, *list_of(state, i));
        if (!failed)
                return object;
        json_decref(object);
        return NULL;
}
