/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "switch/target.h"

#include "state/record.h"
#include "switch/preflight.h"
#include "switch/saved_plan.h"

#include <errno.h>
#include <string.h>

static int resolve_target(
                Host *host, const char *reference, ReferenceTree *ret_target, Error *reterr) {
        cleanup_free char *last = reference ? NULL : reference_default(host);
        if (!reference && !last)
                return error_oom(reterr);
        cleanup(reference_tree_donep) ReferenceTree target = { .number = -1 };
        int r = reference_read(host, reference ? reference : last, true, &target, reterr);
        if (r == -ENOENT && !reference && !host->profile.source)
                return error_set(reterr, r,
                                "%s: No such directory: put a source there, or name one", last);
        if (r < 0)
                return r;
        if (target.profile && strcmp(target.profile, host->profile_name) != 0)
                return error_set(reterr, -EOPNOTSUPP,
                                "%s: Is of another profile, its numbers are not those of %s",
                                reference, host->profile_name);
        *ret_target = target;
        target = (ReferenceTree){ .number = -1 };
        return 0;
}

int target_plan(Host *host,
                const char *reference,
                const EngineOptions *options,
                Prepared **ret_prepared,
                Error *reterr) {
        cleanup(reference_tree_donep) ReferenceTree target = { .number = -1 };
        if (options->saved && !reference)
                reference = saved_plan_reference(options->saved);
        int r = resolve_target(host, reference, &target, reterr);
        if (r < 0)
                return r;
        const SwitchRecord record = { .verb = options->verb };
        const PrepareOptions prepare_options = {
                .force = options->force,
                .save_edited = options->is_rollback,
                .check_all = options->force,
                .is_until_boot = record_moves_active(&record) && !record_moves_default(&record),
                /* as the next boot takes them: with the generation that it takes */
                .makes_initrds = record_moves_active(&record) && record_moves_default(&record) &&
                                 !options->only_default,
                /* but a saved plan is compared with a whole one */
                .only_looks = options->only_looks && !options->saved,
        };
        r = prepare(host, &target, &prepare_options, ret_prepared, reterr);
        if (r != 0)
                return r;
        r = preflight_run(host, *ret_prepared, options, reterr);
        if (r >= 0 && options->saved)
                r = saved_plan_check(options->saved, host, *ret_prepared, reterr);
        return r < 0 ? r : 0;
}
