/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A tree of /etc written as words, one path after another, ";" between:
 *   f PATH TEXT [MODE]   a file (0644)       l PATH TARGET   a link
 *   d PATH               an implied directory (0755)
 *   D PATH MODE          a directory with a mode of its own
 *   - PATH               absent */

#include "diff/tree.h"

typedef struct TreeWords {
        char kind;
        char path[64], first[64], second[64];
} TreeWords;

/* Reads the next group; returns where the one after it begins, or NULL when there is none. */
const char *tree_words_next(const char *text, TreeWords *ret_words);

uint16_t tree_words_mode(const char *text, uint16_t otherwise);

/* Ends the test when it cannot. text may be NULL: an empty tree. */
Tree *tree_from_words(Contents *contents, const char *text);
