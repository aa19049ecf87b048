/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "diff/render.h"

#include "diff/unit_file.h"

#include <errno.h>
#include <string.h>

static int check_directories(const Source *source, Error *reterr) {
        if (source_has_below(source, "hooks") || source_has_below(source, "containers"))
                return error_set(reterr, -EBADMSG,
                                "%s: hooks/ and containers/ in a container are not supported by "
                                "this version yet; take them out",
                                source->name);
        return 0;
}

/* A container shares the host's kernel, and what is of a host alone is said so where it is read. */
static int check_conf(const Source *source, Contents *contents, Error *reterr) {
        const SourceEntry *conf = source_find(source, "profile.conf");
        const UnitFile *file = NULL;
        cleanup_free char *name = NULL;
        if (!conf || conf->kind != SOURCE_FILE)
                return 0;
        if (asprintf(&name, "%s/profile.conf", source->name) < 0)
                return error_oom(reterr);
        int r = unit_file_of(contents, conf->content, name, &file, reterr);
        for (size_t i = 0; r >= 0 && i < file->n_sections; i++)
                if (strcmp(file->sections[i].name, "Kernel") == 0)
                        return error_set(reterr, -EBADMSG,
                                        "%s:%u: [Kernel] in a container, which runs on the host's; "
                                        "move it to the host's profile.conf",
                                        name, file->sections[i].line);
        return r;
}

int render_inside(const Source *source,
                Contents *contents,
                const Distribution *distribution,
                Tree **ret_tree,
                Error *reterr) {
        int r = check_directories(source, reterr);
        if (r < 0)
                r = source_note_fault(source, r, reterr);
        if (r >= 0)
                r = check_conf(source, contents, reterr);
        if (r < 0)
                r = source_note_fault(source, r, reterr);
        if (r < 0)
                return r;
        /* what the host's /etc has besides is not the container's */
        Distribution inside = distribution ? *distribution : (Distribution){ 0 };
        inside.has_own_unit = NULL;
        return render(source, contents, distribution ? &inside : NULL, ret_tree, reterr);
}
