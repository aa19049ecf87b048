/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "activate/call_batch.h"

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

typedef struct Reading {
        Arena arena;
        UnitState state;
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
        const struct Property *property = &properties[nth];
        /* An older systemd lacks some: no such relations then. */
        if (sd_bus_message_is_method_error(reply, NULL))
                return 0;
        void *field = (char *) &reading->state + property->offset;
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

static int ask_properties(Systemd *systemd, const char *object, Reading *reading, Error *reterr) {
        cleanup(call_batch_freep) CallBatch *batch = NULL;
        int r = call_batch_new(systemd, on_property, reading, &batch);
        for (size_t i = 0; r >= 0 && i < N_ELEMENTS(properties); i++) {
                sd_bus_message *call = NULL;
                r = connection_new_get(systemd, object, UNIT_INTERFACE, properties[i].name, &call);
                if (r >= 0)
                        r = call_batch_add(batch, i, call, 0);
        }
        if (r >= 0)
                r = call_batch_run(batch);
        return r < 0 ? call_fold_result(systemd, r, reterr) : 0;
}

static int keep_object(void *userdata, size_t nth, sd_bus_message *reply) {
        (void) nth; /* there is one */
        char **ret_object = userdata;
        const char *object;
        if (sd_bus_message_is_method_error(reply, NULL))
                return 0;
        int r = sd_bus_message_read(reply, "o", &object);
        if (r < 0)
                return r;
        *ret_object = strdup(object);
        return *ret_object ? 0 : -ENOMEM;
}

/* The object of a unit that is loaded, else NULL: to ask for the object of one that is not would
 * load it. */
static int find_object(Systemd *systemd, const char *unit, char **ret_object, Error *reterr) {
        sd_bus_message *call = NULL;
        cleanup(call_batch_freep) CallBatch *batch = NULL;
        int r = call_batch_new(systemd, keep_object, ret_object, &batch);
        if (r >= 0)
                r = connection_new_call(systemd, "GetUnit", &call);
        if (r >= 0) {
                r = sd_bus_message_append(call, "s", unit);
                if (r < 0)
                        sd_bus_message_unref(call);
                else
                        r = call_batch_add(batch, 0, call, 0);
        }
        if (r >= 0)
                r = call_batch_run(batch);
        return r < 0 ? call_fold_result(systemd, r, reterr) : 0;
}

int systemd_read_relations(Systemd *systemd, const char *unit, UnitStates *states, Error *reterr) {
        cleanup(reading_done) Reading reading = { .state = { .name = unit,
                                                                  .load_state = "",
                                                                  .active_state = "inactive",
                                                                  .sub_state = "dead",
                                                                  .unit_file_state = "",
                                                                  .can_reload = -1,
                                                                  .has_relations = true } };
        cleanup_free char *object = NULL;
        int r = find_object(systemd, unit, &object, reterr);
        if (r >= 0 && object)
                r = ask_properties(systemd, object, &reading, reterr);
        if (r < 0)
                return r;
        r = unit_states_set(states, &reading.state);
        if (r >= 0 && strcmp(reading.state.name, unit) != 0) {
                reading.state.name = unit; /* an alias: known by both names */
                r = unit_states_set(states, &reading.state);
        }
        return r < 0 ? error_oom(reterr) : 0;
}
