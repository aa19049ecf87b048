/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "activate/unit_look.h"

#include "activate/call_batch.h"
#include "activate/live_states.h"
#include "diff/unit_name.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

typedef enum PropertyKind {
        PROPERTY_TEXT,
        PROPERTY_ID,   /* 16 bytes, in hex */
        PROPERTY_INT,  /* i */
        PROPERTY_UINT, /* u */
        PROPERTY_TIME, /* t */
        PROPERTY_JOB,  /* (uo): the number of a job */
        PROPERTY_FALSE /* b; the field is its opposite */
} PropertyKind;

typedef enum PropertyOwner {
        OWNER_UNIT,    /* every unit has it */
        OWNER_TYPE,    /* those types have it that have a result */
        OWNER_SERVICE, /* services have it */
} PropertyOwner;

#define FIELD(field) offsetof(UnitLook, field), sizeof(((UnitLook *) NULL)->field)

static const struct Property {
        const char *name;
        LookDepth depth;
        PropertyOwner owner;
        PropertyKind kind;
        size_t offset, size;
} properties[] = {
        { "ActiveState", LOOK_STATE, OWNER_UNIT, PROPERTY_TEXT, FIELD(active_state) },
        { "SubState", LOOK_STATE, OWNER_UNIT, PROPERTY_TEXT, FIELD(sub_state) },
        { "InvocationID", LOOK_STATE, OWNER_UNIT, PROPERTY_ID, FIELD(invocation_id) },
        { "Job", LOOK_STATE, OWNER_UNIT, PROPERTY_JOB, FIELD(job_id) },
        { "StateChangeTimestampMonotonic", LOOK_STATE, OWNER_UNIT, PROPERTY_TIME,
                        FIELD(changed_usec) },
        { "InactiveExitTimestampMonotonic", LOOK_STATE, OWNER_UNIT, PROPERTY_TIME,
                        FIELD(start_usec) },
        { "ActiveEnterTimestampMonotonic", LOOK_STATE, OWNER_UNIT, PROPERTY_TIME,
                        FIELD(active_usec) },
        { "ConditionResult", LOOK_RESULT, OWNER_UNIT, PROPERTY_FALSE, FIELD(condition_failed) },
        { "LoadState", LOOK_ALL, OWNER_UNIT, PROPERTY_TEXT, FIELD(load_state) },
        { "ConditionTimestampMonotonic", LOOK_ALL, OWNER_UNIT, PROPERTY_TIME,
                        FIELD(condition_usec) },
        { "Result", LOOK_RESULT, OWNER_TYPE, PROPERTY_TEXT, FIELD(result) },
        { "Type", LOOK_RESULT, OWNER_SERVICE, PROPERTY_TEXT, FIELD(service_type) },
        { "ExecMainCode", LOOK_RESULT, OWNER_SERVICE, PROPERTY_INT, FIELD(exec_main_code) },
        { "ExecMainStatus", LOOK_RESULT, OWNER_SERVICE, PROPERTY_INT, FIELD(exec_main_status) },
        { "MainPID", LOOK_PROCESS, OWNER_SERVICE, PROPERTY_UINT, FIELD(main_pid) },
        { "NRestarts", LOOK_RESULT, OWNER_SERVICE, PROPERTY_UINT, FIELD(n_restarts) },
};

enum { N_PROPERTIES = N_ELEMENTS(properties) };

/* Of the types that have a result. */
static const char *const type_interfaces[N_UNIT_TYPES] = {
        [UNIT_SERVICE] = "org.freedesktop.systemd1.Service",
        [UNIT_SOCKET] = "org.freedesktop.systemd1.Socket",
        [UNIT_MOUNT] = "org.freedesktop.systemd1.Mount",
        [UNIT_AUTOMOUNT] = "org.freedesktop.systemd1.Automount",
        [UNIT_SWAP] = "org.freedesktop.systemd1.Swap",
        [UNIT_TIMER] = "org.freedesktop.systemd1.Timer",
        [UNIT_PATH] = "org.freedesktop.systemd1.Path",
        [UNIT_SCOPE] = "org.freedesktop.systemd1.Scope",
};

/* NULL: this unit does not have the property. */
static const char *interface_of(const char *unit, PropertyOwner owner) {
        if (owner == OWNER_UNIT)
                return UNIT_INTERFACE;
        int type = unit_name_type(unit);
        if (type < 0 || (owner == OWNER_SERVICE && type != UNIT_SERVICE))
                return NULL;
        return type_interfaces[type];
}

static int read_id(sd_bus_message *reply, char *ret_hex) {
        const void *bytes;
        size_t n_bytes;
        int r = sd_bus_message_enter_container(reply, 'v', "ay");
        if (r >= 0)
                r = sd_bus_message_read_array(reply, 'y', &bytes, &n_bytes);
        if (r < 0)
                return r;
        for (size_t i = 0; i < n_bytes && 2 * i + 2 < INVOCATION_ID_SIZE; i++)
                (void) snprintf(ret_hex + 2 * i, 3, "%02x",
                                ((const uint8_t *) bytes)[i]); /* fits */
        return 0;
}

static int read_text(sd_bus_message *reply, char *ret_text, size_t size) {
        const char *text;
        int r = sd_bus_message_read(reply, "v", "s", &text);
        if (r >= 0)
                (void) snprintf(ret_text, size, "%s", text); /* a longer one no systemd has */
        return r;
}

static int on_property(void *userdata, size_t nth, sd_bus_message *reply) {
        UnitLook *look = (UnitLook *) userdata + nth / N_PROPERTIES;
        const struct Property *property = &properties[nth % N_PROPERTIES];
        if (sd_bus_message_is_method_error(reply, NULL))
                return 0; /* unloaded in between, or an older systemd */
        void *field = (char *) look + property->offset;
        int value = 0, r = 0;
        switch (property->kind) {
        case PROPERTY_TEXT:
                return read_text(reply, field, property->size);
        case PROPERTY_ID:
                return read_id(reply, field);
        case PROPERTY_INT:
                return sd_bus_message_read(reply, "v", "i", (int32_t *) field);
        case PROPERTY_UINT:
                return sd_bus_message_read(reply, "v", "u", (uint32_t *) field);
        case PROPERTY_TIME:
                return sd_bus_message_read(reply, "v", "t", (uint64_t *) field);
        case PROPERTY_JOB:
                return sd_bus_message_read(reply, "v", "(uo)", (uint32_t *) field, NULL);
        case PROPERTY_FALSE:
                r = sd_bus_message_read(reply, "v", "b", &value);
                *(bool *) field = r >= 0 && !value;
                return r;
        }
        return 0;
}

static int
ask_unit(CallBatch *batch, Systemd *systemd, const UnitLook *looks, size_t nth, LookDepth depth) {
        const char *unit = looks[nth].unit;
        cleanup_free char *object = NULL;
        int r = sd_bus_path_encode(MANAGER_PATH "/unit", unit, &object);
        for (size_t i = 0; r >= 0 && i < N_PROPERTIES; i++) {
                const char *interface = interface_of(unit, properties[i].owner);
                if (properties[i].depth > depth || !interface)
                        continue;
                sd_bus_message *call = NULL;
                r = connection_new_get(systemd, object, interface, properties[i].name, &call);
                if (r >= 0)
                        r = call_batch_add(batch, nth * N_PROPERTIES + i, call, 0);
        }
        return r;
}

/* Asked first, as the properties of a unit that is not loaded would load it. */
static int look_which_are_loaded(Systemd *systemd, UnitLook *looks, size_t n_looks, Error *reterr) {
        cleanup_strv Strv names = { 0 };
        cleanup_free bool *is_loaded = calloc(n_looks + 1, sizeof(bool));
        if (!is_loaded)
                return error_oom(reterr);
        for (size_t i = 0; i < n_looks; i++)
                if (strv_add(&names, looks[i].unit) < 0)
                        return error_oom(reterr);
        int r = live_loaded(systemd, &names, is_loaded, reterr);
        if (r < 0)
                return r;
        for (size_t i = 0; i < n_looks; i++)
                looks[i] = (UnitLook){ .unit = looks[i].unit,
                        .is_loaded = is_loaded[i],
                        .active_state = "inactive",
                        .sub_state = "dead" };
        return 0;
}

int unit_look(Systemd *systemd, UnitLook *looks, size_t n_looks, LookDepth depth, Error *reterr) {
        int r = look_which_are_loaded(systemd, looks, n_looks, reterr);
        if (r < 0)
                return r;
        cleanup(call_batch_freep) CallBatch *batch = NULL;
        r = call_batch_new(systemd, on_property, looks, &batch);
        for (size_t i = 0; r >= 0 && i < n_looks; i++)
                if (looks[i].is_loaded)
                        r = ask_unit(batch, systemd, looks, i, depth);
        if (r >= 0)
                r = call_batch_run(batch);
        return r < 0 ? call_fold_result(systemd, r, reterr) : 0;
}

bool unit_look_is_on(const UnitLook *look) {
        return strcmp(look->active_state, "active") == 0 ||
               strcmp(look->active_state, "activating") == 0 ||
               strcmp(look->active_state, "reloading") == 0;
}

bool unit_look_is_failing(const UnitLook *look) {
        return strcmp(look->active_state, "failed") == 0 ||
               strncmp(look->sub_state, "auto-restart", strlen("auto-restart")) == 0;
}
