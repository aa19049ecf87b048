/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The seam to a manager: one connection over its private socket, as systemctl has it, so that a
 * switch can restart the bus. The only place where sd-bus errors are folded into ours. Every call
 * has a deadline. */

#include "base/error.h"
#include "base/strv.h"
#include "diff/unit_state.h"

#include <stdint.h>

typedef struct Systemd Systemd;

/* Of this root directory: not that of the host around a chroot. */
bool systemd_is_here(void);
/* -ENOENT: no systemd runs here. */
int systemd_connect_system(Systemd **ret_systemd, Error *reterr) must_check;
int systemd_connect_user(uint32_t uid, Systemd **ret_systemd, Error *reterr) must_check;
/* For tests: an already connected stream to a (fake) manager. Takes the descriptor. */
int systemd_connect_fd(int fd, Systemd **ret_systemd, Error *reterr) must_check;
/* It is not trusted: no call is waited for longer than this, and its journal is not read from here.
 */
void systemd_set_untrusted(Systemd *systemd, uint64_t call_timeout_usec);
Systemd *systemd_close(Systemd *systemd);
DEFINE_CLEANUP(Systemd, systemd_close);

/* The uids whose managers run now (the sockets below /run/user). From malloc(). */
int systemd_running_users(uint32_t **ret_uids, size_t *ret_n_uids, Error *reterr) must_check;

/* States of the names and of what matches the patterns, put into states. Units that are not loaded
 * are left out. A few calls whatever the number of units of the host. Patterns or names beyond a
 * few hundred: one list of all. */
int systemd_read_states(Systemd *systemd,
                const Strv *names,
                const Strv *patterns,
                UnitStates *states,
                Error *reterr) must_check;
/* All properties of a unit that UnitState has but UnitFileState, which is dear: has_relations is
 * set. Unit not loaded: inactive, without relations. */
int systemd_read_relations(
                Systemd *systemd, const char *unit, UnitStates *states, Error *reterr) must_check;
/* Of several, which costs two waits for the manager instead of two each. */
int systemd_read_relations_of(
                Systemd *systemd, const Strv *units, UnitStates *states, Error *reterr) must_check;

/* daemon-reload and daemon-reexec, awaited; a connection that is lost meanwhile is made again. */
int systemd_reload(Systemd *systemd, uint64_t timeout_usec, Error *reterr) must_check;
int systemd_reexecute(Systemd *systemd, uint64_t timeout_usec, Error *reterr) must_check;
