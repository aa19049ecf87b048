/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Which kinds of keys a unit file has at all. Of thousands of units most have none of them, and are
 * passed over. */

#include "diff/unit_file.h"

enum {
        MENTION_RELATION = 1 << 0, /* a key of [Unit] that names units and is no order; Sockets= */
        MENTION_ALIAS = 1 << 1,    /* of [Install] */
        MENTION_ALSO = 1 << 2,     /* Also= or DefaultInstance= of [Install] */
        MENTION_READS = 1 << 3,    /* a path below /etc in a key that makes it a trigger (T1, T3) */
        MENTION_UNNEEDED = 1 << 4, /* StopWhenUnneeded= */
};

unsigned unit_file_mentions(const UnitFile *file);

/* relation.c: a key of [Unit] that names other units, and is no order. */
bool relation_is_key(const char *key);
/* trigger_text.c: a key whose value may name a file that the unit reads. */
bool trigger_is_key(const char *key);
