/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "switch/plan_output.h"

#include "diff/file_patch.h"

void add_plan(const Output *output,
                const Options *options,
                const Plan *plan,
                const FitPlan *fit,
                Text *text) {
        const PlanTextOptions text_options = {
                .color = output->color,
                .ascii = output->ascii,
                .verbose = option_is_given(options, OPTION_VERBOSE),
                .fit = fit,
        };
        plan_to_text(plan, &text_options, text);
}

int add_patches(const Output *output,
                const Plan *plan,
                Contents *contents,
                Text *text,
                Error *reterr) {
        for (size_t i = 0; i < plan->n_files; i++) {
                int r = file_patch(contents, &plan->files[i], output->color, text, reterr);
                if (r < 0)
                        return r;
        }
        return 0;
}

PlanSide plan_side_of(const ReferenceTree *tree) {
        return (PlanSide){
                .profile = tree->profile, .generation = tree->number, .source = tree->name
        };
}

int print_plan_json(const PlanJsonInput *input, Error *reterr) {
        cleanup_free char *json = NULL;
        int r = plan_to_json(input, &json, reterr);
        if (r < 0)
                return r;
        (void) fputs(json, stdout); /* output_close() tells */
        return 0;
}
