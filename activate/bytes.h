/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Whole reads and writes. */

#include "base/cleanup.h"

#include <stddef.h>
#include <sys/types.h>

/* Reads until the end of the file or until data has size_bytes. Returns how many it has, or a
 * negative errno. */
ssize_t read_bytes(int fd, char *data, size_t size_bytes) must_check;

int write_bytes(int fd, const char *data, size_t size_bytes) must_check;
