/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Names of users and groups to ids: of the running host as it resolves names itself (NSS), or of an
 * image, by its own etc/passwd and etc/group. What was found is remembered; what was not is looked
 * up again (sysusers may have run). */

#include "base/error.h"

#include <stdint.h>

typedef struct Owners Owners;

/* image_fd: the root directory of an image, which stays the caller's; -1: the running host. */
int owners_new(int image_fd, Owners **ret_owners) must_check;
Owners *owners_free(Owners *owners);
DEFINE_CLEANUP(Owners, owners_free);

/* A decimal id is itself, and "root" is 0. owners is an Owners *: as FitInput.resolve takes it.
 * Returns 0, -ESRCH when there is no such user or group, or another negative errno. */
int owners_resolve(void *owners,
                const char *owner,
                const char *group,
                uint32_t *ret_uid,
                uint32_t *ret_gid) must_check;
