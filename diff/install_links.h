/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The links of one unit's [Install], as `systemctl enable` makes them. Of the rendering only. */

#include "diff/install.h"
#include "diff/unit_place.h"

typedef struct InstallLinks {
        const UnitPlace *place;  /* the unit */
        const char *origin;      /* what the entries are from: a string of the tree's arena */
        bool absent;             /* the links are to be absent, not there */
        const char *linked_name; /* set by install_links_make(): a template's default instance, else
                                    the name */
} InstallLinks;

/* Reads [Install] of the unit's text and its drop-ins into install, whose memory is used again. */
int install_links_read(Rendering *rendering,
                const UnitPlace *place,
                Install *install,
                Error *reterr) must_check;

/* Places the entries. A template without DefaultInstance= has only links that are for templates. */
int install_links_make(Rendering *rendering,
                InstallLinks *links,
                const Install *install,
                Error *reterr) must_check;

/* The unit that an item of Also= names: specifiers expanded, a valid name. Returns 1, 0 when only
 * an instance could tell. */
int install_links_also(Rendering *rendering,
                const InstallLinks *links,
                const InstallItem *item,
                const char **ret_unit,
                Error *reterr) must_check;
