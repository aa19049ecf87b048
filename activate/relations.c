/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "activate/call_batch.h"
#include "activate/live_states.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

typedef enum PropertyKind {
        PROPERTY_TEXT,
        PROPERTY_BOOLEAN,
        PROPERTY_LIST,
} PropertyKind;

static const struct Property {
        const char *name;
        PropertyKind kind;
        size_t offset; /* into UnitState */
} properties[] = {
        { "Id", PROPERTY_TEXT, offsetof(UnitState, name) },
        { "LoadState", PROPERTY_TEXT, offsetof(UnitState, load_state) },
        { "ActiveState", PROPERTY_TEXT, offsetof(UnitState, active_state) },
        { "SubState", PROPERTY_TEXT, offsetof(UnitState, sub_state) },
        { "CanReload", PROPERTY_BOOLEAN, offsetof(UnitState, can_reload) },
        { "Names", PROPERTY_LIST, offsetof(UnitState, names) },
        { "RequiredBy", PROPERTY_LIST, offsetof(UnitState, required_by) },
        { "RequisiteOf", PROPERTY_LIST, offsetof(UnitState, requisite_of) },
        { "BoundBy", PROPERTY_LIST, offsetof(UnitState, bound_by) },
        { "ConsistsOf", PROPERTY_LIST, offsetof(UnitState, consists_of) },
        { "PropagatesStopTo", PROPERTY_LIST, offsetof(UnitState, stop_propagated_to) },
        { "Wants", PROPERTY_LIST, offsetof(UnitState, wants) },
        { "Requires", PROPERTY_LIST, offsetof(UnitState, requires) },
        { "Requisite", PROPERTY_LIST, offsetof(UnitState, requisite) },
        { "BindsTo", PROPERTY_LIST, offsetof(UnitState, binds_to) },
        { "Upholds", PROPERTY_LIST, offsetof(UnitState, upholds) },
        { "Conflicts", PROPERTY_LIST, offsetof(UnitState, conflicts) },
        { "PartOf", PROPERTY_LIST, offsetof(UnitState, part_of) },
        { "TriggeredBy", PROPERTY_LIST, offsetof(UnitState, triggered_by) },
        { "Triggers", PROPERTY_LIST, offsetof(UnitState, triggers) },
        { "WantedBy", PROPERTY_LIST, offsetof(UnitState, wanted_by) },
        { "After", PROPERTY_LIST, offsetof(UnitState, after) },
        { "Before", PROPERTY_LIST, offsetof(UnitState, before) },
};

enum { N_PROPERTIES = N_ELEMENTS(properties) };

typedef struct Reading {
        Arena arena;
        UnitState *states; /* in the order asked for */
} Reading;

static void reading_done(Reading *reading) {
        arena_done(&reading->arena);
}

static int read_text(Reading *reading, sd_bus_message *reply, const char **ret_text) {
        const char *text;
        int r = sd_bus_message_read(reply, "v", "s", &text);
        if (r < 0)
                return r;
        *ret_text = arena_strdup(&reading->arena, text);
        return *ret_text ? 0 : -ENOMEM;
}

/* NULL where the list is empty. */
static int read_list(Reading *reading, sd_bus_message *reply, const char *const **ret_list) {
        int r = sd_bus_message_enter_container(reply, 'v', "as");
        if (r >= 0)
                r = sd_bus_message_enter_container(reply, 'a', "s");
        const char **list = NULL, *item;
        size_t n = 0, n_allocated = 0;
        while (r >= 0 && (r = sd_bus_message_read(reply, "s", &item)) > 0) {
                if (n + 1 >= n_allocated) { /* one more for the NULL at the end */
                        n_allocated = n_allocated * 2 + 8;
                        list = arena_grow(&reading->arena, list, n, n_allocated, sizeof(char *));
                        if (!list)
                                return -ENOMEM;
                }
                list[n] = arena_strdup(&reading->arena, item);
                if (!list[n++])
                        return -ENOMEM;
        }
        if (r >= 0)
                *ret_list = list;
        return r;
}

static int on_property(void *userdata, size_t nth, sd_bus_message *reply) {
        Reading *reading = userdata;
        UnitState *state = &reading->states[nth / N_PROPERTIES];
        const struct Property *property = &properties[nth % N_PROPERTIES];
        /* An older systemd lacks some: no such relations then. */
        if (sd_bus_message_is_method_error(reply, NULL))
                return 0;
        void *field = (char *) state + property->offset;
        switch (property->kind) {
        case PROPERTY_TEXT:
                return read_text(reading, reply, field);
        case PROPERTY_LIST:
                return read_list(reading, reply, field);
        case PROPERTY_BOOLEAN:
                return sd_bus_message_read(reply, "v", "b", (int *) field);
        }
        return 0;
}

static int ask_unit(CallBatch *batch, Systemd *systemd, const char *unit, size_t nth) {
        cleanup_free char *object = NULL;
        int r = sd_bus_path_encode(MANAGER_PATH "/unit", unit, &object);
        for (size_t i = 0; r >= 0 && i < N_PROPERTIES; i++) {
                sd_bus_message *call = NULL;
                r = connection_new_get(systemd, object, UNIT_INTERFACE, properties[i].name, &call);
                if (r >= 0)
                        r = call_batch_add(batch, nth * N_PROPERTIES + i, call, 0);
        }
        return r;
}

/* Only of those that are loaded: to ask for the properties of one that is not would load it. */
static int ask_units(Systemd *systemd, const Strv *units, Reading *reading, Error *reterr) {
        cleanup_free bool *is_loaded = calloc(units->n_items + 1, sizeof(bool));
        if (!is_loaded)
                return error_oom(reterr);
        int r = live_loaded(systemd, units, is_loaded, reterr);
        if (r < 0)
                return r;
        cleanup(call_batch_freep) CallBatch *batch = NULL;
        r = call_batch_new(systemd, on_property, reading, &batch);
        for (size_t i = 0; r >= 0 && i < units->n_items; i++)
                if (is_loaded[i])
                        r = ask_unit(batch, systemd, units->items[i], i);
        if (r >= 0)
                r = call_batch_run(batch);
        return r < 0 ? call_fold_result(systemd, r, reterr) : 0;
}

int systemd_read_relations_of(
                Systemd *systemd, const Strv *units, UnitStates *states, Error *reterr) {
        cleanup(reading_done) Reading reading = { 0 };
        reading.states = arena_new(&reading.arena, UnitState, units->n_items + 1);
        if (!reading.states)
                return error_oom(reterr);
        for (size_t i = 0; i < units->n_items; i++)
                reading.states[i] = (UnitState){ .name = units->items[i],
                        .load_state = "",
                        .active_state = "inactive",
                        .sub_state = "dead",
                        .unit_file_state = "",
                        .can_reload = -1,
                        .has_relations = true };
        int r = ask_units(systemd, units, &reading, reterr);
        if (r < 0)
                return r;
        for (size_t i = 0; i < units->n_items; i++) {
                UnitState *state = &reading.states[i];
                r = unit_states_set(states, state);
                if (r >= 0 && strcmp(state->name, units->items[i]) != 0) {
                        state->name = units->items[i]; /* an alias: known by both names */
                        r = unit_states_set(states, state);
                }
                if (r < 0)
                        return error_oom(reterr);
        }
        return 0;
}

int systemd_read_relations(Systemd *systemd, const char *unit, UnitStates *states, Error *reterr) {
        cleanup_strv Strv units = { 0 };
        if (strv_add(&units, unit) < 0)
                return error_oom(reterr);
        return systemd_read_relations_of(systemd, &units, states, reterr);
}
