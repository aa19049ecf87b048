/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What a switch came to, for people: counts, what failed and why with its last log lines, what is
 * still owed, what to do. */

#include "switch/engine.h"
#include "switch/output.h"

typedef struct SummaryInput {
        const Output *output;
        const EngineResult *result;
        const char *profile;
        const Debt *debts; /* after the switch */
        size_t n_debts;
        uint64_t duration_usec;
} SummaryInput;

/* "failed (exit-code, exit code 3)" */
void add_failure_state(const UnitFailure *failure, Text *text);
/* What failed, and what of it was this switch's doing. */
void add_reports(const Output *output, const EngineResult *result, Text *text);
void add_summary(const SummaryInput *input, Text *text);
/* One line each: "restart dbus.service  since 2024-05-01 12:00:05, skipped ← …". */
void add_debts(const Output *output, const Debt *debts, size_t n_debts, Text *text);
