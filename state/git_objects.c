/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "state/git_objects.h"

#include <errno.h>
#include <string.h>

const Git *git;

bool git_begin(void) {
        git = git_load();
        if (!git || git->libgit2_init() < 0)
                return false;
        (void) git->libgit2_opts(GIT_OPT_SET_OWNER_VALIDATION, 0); /* known since 1.4.4 */
        /* They say nothing of how objects and references are read. An older one refuses such a
         * repository all the same, and says so. */
        const char *extensions[] = { "worktreeconfig", "partialclone", "preciousobjects" };
        (void) git->libgit2_opts(GIT_OPT_SET_EXTENSIONS, extensions, N_ELEMENTS(extensions));
        return true;
}

void git_end(void) {
        (void) git->libgit2_shutdown(); /* counts down what init counted up */
}

static char *format_author(const git_signature *author) {
        char *text = NULL;
        return asprintf(&text, "%s <%s>", author->name, author->email) < 0 ? NULL : text;
}

int origin_set_commit(git_commit *commit, Origin *origin) {
        char hex[GIT_OID_HEXSZ + 1];
        const char *subject = git->commit_summary(commit);
        const git_signature *author = git->commit_author(commit);
        origin->commit = strdup(git->oid_tostr(hex, sizeof(hex), git->commit_id(commit)));
        origin->subject = strdup(subject ? subject : "");
        origin->author = author ? format_author(author) : strdup("");
        origin->commit_time = git->commit_time(commit);
        return origin->commit && origin->subject && origin->author ? 0 : -ENOMEM;
}
