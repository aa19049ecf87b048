/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "switch/module_index.h"

#include "activate/apply.h"
#include "activate/in_root.h"
#include "diff/kernel.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

static int add_version(Strv *versions, EntryRoot root, FitVerb verb, const char *path) {
        static const char trees[] = KERNEL_MODULE_TREES;
        const char *version = path + strlen(trees);
        if (root != ROOT_LIB || verb == FIT_RECORD || strncmp(path, trees, strlen(trees)) != 0)
                return 0;
        cleanup_free char *name = strndup(version, strcspn(version, "/"));
        return name ? strv_add_unique(versions, name) : -ENOMEM;
}

int module_index_versions(const FitPlan *fit, Strv *ret_versions) {
        int r = 0;
        for (size_t i = 0; r >= 0 && i < fit->n_operations; i++)
                r = add_version(ret_versions, fit->operations[i].root, fit->operations[i].verb,
                                fit->operations[i].path);
        return r < 0 ? r : 0;
}

bool module_index_is_there(const Host *host, const char *version) {
        static const char *const names[] = { "modules.order", "modules.builtin", "modules.dep" };
        char path[512];
        for (size_t i = 0; i < N_ELEMENTS(names); i++) {
                (void) snprintf(path, sizeof(path), "lib/modules/%s/%s", version,
                                names[i]); /* a name that is cut is not there */
                cleanup_fd int fd = in_root_open(host->root_fd, path, O_PATH);
                if (fd >= 0)
                        return true;
        }
        return false;
}

static int renew(const Host *host, const Strv *versions, uint64_t timeout_usec, Error *reterr) {
        int first = 0;
        bool is_renewed = false;
        for (size_t i = 0; i < versions->n_items; i++) {
                const char *version = versions->items[i];
                if (!module_index_is_there(host, version))
                        continue;
                is_renewed = true;
                int r = apply_depmod(host->is_image ? host->root : NULL, version, timeout_usec,
                                first < 0 ? NULL : reterr);
                if (r < 0 && first >= 0)
                        first = error_prefix(reterr, "The index of the modules of %s", version);
        }
        if (first >= 0 && is_renewed && syncfs(host->lib.fd) < 0)
                return error_set_errno(reterr, -errno, "Cannot sync %s", host->lib.path);
        return first;
}

int module_index_of_plan(
                const Host *host, const FitPlan *fit, uint64_t timeout_usec, Error *reterr) {
        cleanup_strv Strv versions = { 0 };
        if (module_index_versions(fit, &versions) < 0)
                return error_oom(reterr);
        return renew(host, &versions, timeout_usec, reterr);
}

int module_index_of_manifest(
                const Host *host, const Manifest *manifest, uint64_t timeout_usec, Error *reterr) {
        cleanup_strv Strv versions = { 0 };
        for (size_t i = 0; i < manifest->n_operations; i++)
                if (add_version(&versions, manifest->operations[i].root,
                                    manifest->operations[i].verb, manifest->operations[i].path) < 0)
                        return error_oom(reterr);
        return renew(host, &versions, timeout_usec, reterr);
}
