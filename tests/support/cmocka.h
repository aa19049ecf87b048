/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* cmocka.h with what it wants to find included before it. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
