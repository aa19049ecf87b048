/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "switch/engine.h"

void engine_result_done(EngineResult *result) {
        result->report = report_free(result->report);
        for (size_t i = 0; i < result->n_user_reports; i++)
                report_free(result->user_reports[i]);
        free(result->user_reports);
        result->prepared = prepared_free(result->prepared);
        *result = (EngineResult){ 0 };
}

void engine_result_warn(EngineResult *result, const char *what) {
        Arena *arena = &result->prepared->arena;
        const char *text = arena_strdup(arena, what);
        if (result->warning && text)
                text = arena_printf(arena, "%s; %s", result->warning, text);
        result->warning = text ? text : "Out of memory";
        result->exit_status = EXIT_UNITS_FAILED;
}

const char *engine_result_failed_unit(const EngineResult *result) {
        const char *unit = report_first_failed(result->report);
        for (size_t i = 0; !unit && i < result->n_user_reports; i++)
                unit = report_first_failed(result->user_reports[i]);
        return unit;
}
