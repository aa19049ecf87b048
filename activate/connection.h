/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The inside of a Systemd, for those files of this room that call a manager: one connection and the
 * one event loop that it hangs on. A manager that re-executes itself drops its connections: bus is
 * lost then, and connection_restore() makes a new one. */

#include "activate/systemd.h"
#include "base/clock.h"

#include <stdarg.h>
#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>

#define MANAGER_NAME "org.freedesktop.systemd1"
#define MANAGER_PATH "/org/freedesktop/systemd1"
#define MANAGER_INTERFACE "org.freedesktop.systemd1.Manager"
#define UNIT_INTERFACE "org.freedesktop.systemd1.Unit"
#define PROPERTIES_INTERFACE "org.freedesktop.DBus.Properties"

struct Systemd {
        sd_event *event;
        sd_bus *bus;    /* NULL: not connected */
        char *address;  /* NULL: made of a descriptor, which there is only one of */
        uint32_t uid;   /* of the manager; 0: the system's */
        bool is_user;   /* a user's manager */
        char root[64];  /* of what it manages, as seen from here: "" for this host */
        char label[48]; /* for messages: "systemd", "systemd of user 1000" */
        bool is_untrusted;
        uint64_t call_timeout_usec;
};

/* As systemd_connect_system(), to any address; the peer must run as uid. */
int connection_open(const char *address,
                uint32_t uid,
                bool is_user,
                Systemd **ret_systemd,
                Error *reterr) must_check;

/* A manager that executes itself anew is there again within a fraction of it. */
enum { CONNECTION_RESTORE_USEC = 30 * 1000 * 1000 };

bool connection_is_lost(const Systemd *systemd);
/* One try. Returns 0, or a negative errno: not (yet) there again. */
int connection_restore(Systemd *systemd) must_check;
/* The same until it works or timeout_usec has passed, which is -ETIMEDOUT. */
int connection_await(Systemd *systemd, uint64_t timeout_usec, Error *reterr) must_check;

/* A call of the manager's object, or of a unit's property; to be filled and sent. */
int connection_new_call(Systemd *systemd, const char *method, sd_bus_message **ret_call) must_check;
int connection_new_get(Systemd *systemd,
                const char *object,
                const char *interface,
                const char *property,
                sd_bus_message **ret_call) must_check;

/* One turn of the event loop: waits until something happens, or until the instant until_usec of
 * CLOCK_MONOTONIC. A lost connection is no error. Returns 0 or a negative errno. */
int connection_turn(Systemd *systemd, uint64_t until_usec) must_check;

/* Folds a failed call into an error: "WHAT: text of the manager (org.freedesktop.…NoSuchUnit)".
 * Returns its errno, negative. Of an error reply to a call, of the whole reply. */
int connection_fold(const sd_bus_error *error, const char *what, Error *reterr);
/* The text for people of an error reply. */
const char *connection_error_text(const sd_bus_error *error);
