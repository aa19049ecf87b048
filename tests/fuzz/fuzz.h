/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What a fuzz target is: one function, called by libFuzzer or, for the corpus, by replay.c. */

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size_bytes);

/* What must hold, in every kind of build: assert() may be compiled away. */
#define require(condition) ((condition) ? (void) 0 : require_failed(__FILE__, __LINE__, #condition))
_Noreturn void require_failed(const char *file, int line, const char *condition);
