/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Paths as text: nothing is looked up but by path_sync_parent(), links are not known. Results are
 * from malloc(), NULL when out of memory. */

#include "base/cleanup.h"

#include <stdbool.h>

/* Without ".", doubled slashes and a slash at the end; ".." stays at the beginning of a relative
 * path only. "" is where one stands. */
char *path_normalize(const char *path) must_check;

/* The normalized way from one directory to a path; both are normalized and relative to one place,
 * or both absolute. "" where they are the same; from must not begin with "..". */
char *path_from(const char *from, const char *path) must_check;

/* path is directory or lies below it; both normalized; "" has all but what begins with "..". */
bool path_is_below(const char *path, const char *directory);

/* A name that was made, replaced or removed outlasts a power cut. Returns 0 or a negative errno. */
int path_sync_parent(const char *path) must_check;
