/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Paths and globs as [Trigger], [File] and X-*-Triggers= take them: '*' and '?' stay within a
 * directory, '**' does not,
 * '[...]' as in fnmatch(3). A pattern without any of these is a plain path. */

#include <stdbool.h>

bool glob_is_pattern(const char *pattern);
bool glob_match(const char *pattern, const char *path);
/* "dir/" and below: how many leading bytes of the pattern are literal, up to and with the last '/'
 * before the first special character: lets a sorted list be searched. */
unsigned glob_literal_prefix(const char *pattern);
