/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Where the text of a unit is: in the source or with the distribution, under this name, as its
 * template, or by an alias. Of the rendering only. */

#include "diff/rendering.h"

typedef enum PlaceAnswer {
        PLACE_NONE,
        PLACE_FOUND,
        PLACE_SYSV_ONLY,
} PlaceAnswer;

typedef struct UnitPlace {
        UnitScope scope;
        const char *name;        /* the real one, where an alias was asked for */
        const char *link_target; /* what enablement links point to */
        Content *content;        /* NULL: masked, or linked from where it cannot be read */
        const char *origin;      /* the file, for messages */
        bool is_in_source, is_masked;
} UnitPlace;

/* A file that the source brings. Returns 0 or -ENOMEM. */
int unit_place_of_file(
                Rendering *rendering, const RenderedUnit *unit, UnitPlace *ret_place) must_check;

/* Returns a PlaceAnswer (ret_place is set only when found) or a negative errno. */
int unit_place_find(Rendering *rendering,
                UnitScope scope,
                const char *unit,
                UnitPlace *ret_place,
                Error *reterr) must_check;
