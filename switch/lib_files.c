/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "switch/lib_files.h"

void lib_files_done(LibFiles *files) {
        files->fit = fit_plan_free(files->fit);
        files->scan = scan_free(files->scan);
}

bool lib_files_in(const Tree *tree) {
        size_t at = tree_lower_bound(tree, ROOT_LIB, "");
        return at < tree->n_entries && tree->entries[at].root == ROOT_LIB;
}

int lib_files_look(Host *host,
                const FitInput *of_etc,
                bool check_all,
                LibFiles *files,
                FitPlan *fit,
                Error *reterr) {
        if (!lib_files_in(of_etc->old) && !lib_files_in(of_etc->new))
                return 0;
        FitInput *input = &files->input;
        *input = *of_etc;
        input->root = ROOT_LIB;
        input->displaced = files->displaced;
        input->n_displaced = files->n_displaced;
        input->keeps_others = true;
        cleanup_free Sought *sought = NULL;
        size_t n_sought = 0;
        if (fit_plan_seek(input, check_all, &sought, &n_sought) < 0)
                return error_oom(reterr);
        int r = scan_new(&host->lib, sought, n_sought, host->contents, &files->scan, reterr);
        if (r < 0)
                return r;
        input->found = files->scan->found;
        input->n_found = files->scan->n_found;
        r = fit_plan_new(input, &files->fit, reterr);
        if (r < 0)
                return r;
        return fit_plan_join(fit, files->fit) < 0 ? error_oom(reterr) : 0;
}
