/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "switch/future_files.h"

#include "activate/owner.h"

#include <errno.h>

/* An owner that sysusers.d makes later is nobody yet: root stands for it. */
static int set_owner(Host *host, const Entry *entry, FutureFile *file, Error *reterr) {
        int r = owners_resolve(host->owners, entry->owner, entry->group, &file->uid, &file->gid);
        if (r == -ESRCH) {
                file->owner = entry->owner;
                file->group = entry->group;
        }
        if (r >= 0 || r == -ESRCH)
                return 0;
        return error_set_errno(reterr, r, "owner %s:%s", entry->owner, entry->group);
}

static int make_file(Host *host, const FitOperation *operation, FutureFile *file, Error *reterr) {
        const Found *found = operation->give_back;
        const Entry *entry = operation->entry;
        Content *content = found ? found->content : entry ? entry->content : NULL;
        *file = (FutureFile){ .path = operation->path };
        int r = content ? content_load(host->contents, content, reterr) : 0;
        if (r < 0)
                return r;
        file->content = content;
        if (found) {
                file->kind = found->kind;
                file->mode = found->mode;
                file->uid = found->uid;
                file->gid = found->gid;
                file->target = found->target;
        } else if (entry) {
                file->kind = entry->kind == ENTRY_FILE   ? FOUND_FILE
                             : entry->kind == ENTRY_LINK ? FOUND_LINK
                                                         : FOUND_DIRECTORY;
                file->mode = entry->mode;
                file->target = entry->target;
                r = set_owner(host, entry, file, reterr);
        }
        return r;
}

int future_files_new(Host *host,
                const Prepared *prepared,
                FutureFile **ret_files,
                size_t *ret_n_files,
                Error *reterr) {
        const FitPlan *fit = prepared->fit;
        cleanup_free FutureFile *files = calloc(fit->n_operations + 1, sizeof(FutureFile));
        size_t n_files = 0;
        if (!files)
                return error_oom(reterr);
        for (size_t i = 0; i < fit->n_operations; i++) {
                const FitOperation *operation = &fit->operations[i];
                if (operation->verb == FIT_RECORD || operation->root != ROOT_ETC)
                        continue;
                int r = make_file(host, operation, &files[n_files++], reterr);
                if (r < 0)
                        return r;
        }
        *ret_files = TAKE(files);
        *ret_n_files = n_files;
        return 0;
}
