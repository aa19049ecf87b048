/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Whether the image of an initrd is the one that a switch made, and if not, whether its maker was
 * told by the files that are active when somebody else ran it. */

#include "activate/initrd.h"
#include "base/map.h"
#include "base/text.h"
#include "diff/tree.h"

/* The images as they are now: lines "image SIZE SECONDS PATH" of a note. */
void initrd_image_note(int root_fd, const Initrd *initrd, Text *text);

/* Does a note name other images than there are? Not where it names none. */
bool initrd_image_is_another(int root_fd, const Initrd *initrd, const char *note);

/* What a maker is told by a tree that is active. */
typedef struct InitrdTold {
        const Tree *tree;
        const InitrdContained *contained;
        const Map *own; /* module -> Entry *, of those that the tree brings */
} InitrdTold;

typedef enum InitrdAge {
        INITRD_AGE_UNKNOWN, /* no image, or no file of ours that tells its maker */
        INITRD_OLDER,       /* than what its maker is told */
        INITRD_YOUNGER,
} InitrdAge;

InitrdAge initrd_image_age(int root_fd, const Initrd *initrd, const InitrdTold *told);
