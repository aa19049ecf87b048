/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a unit of the distribution starts with, where the manager does not know it yet. */
#include "diff/comparison.h"
#include "diff/mention.h"
#include "diff/render.h"

#include <errno.h>

static bool is_loaded(const Subject *subject) {
        return subject->state && *subject->state->load_state;
}

/* Returns a DistributionAnswer or a negative errno. An instance is sought as its template, too. */
static int read_text(const Comparison *comparison,
                const Subject *subject,
                Content **ret_content,
                Error *reterr) {
        const Distribution *distribution = comparison->input->distribution;
        const char *path = NULL;
        int r = distribution->read_unit(
                        distribution->userdata, subject->name, &path, ret_content, reterr);
        if (r != DISTRIBUTION_NO_UNIT || !unit_name_is_instance(subject->name))
                return r;
        const char *template_name = unit_name_template_of(comparison->arena, subject->name);
        if (!template_name)
                return error_oom(reterr);
        return distribution->read_unit(
                        distribution->userdata, template_name, &path, ret_content, reterr);
}

int relation_add_distribution(Comparison *comparison, Subject *subject, Error *reterr) {
        const Unit *after = subject->units[AFTER];
        Content *content = NULL;
        if (subject->has_distribution || !comparison->input->distribution || after->is_defined ||
                        after->is_masked || is_loaded(subject))
                return 0;
        subject->has_distribution = true;
        if (subject->type == UNIT_SLICE) /* systemd makes those that nobody defines */
                return 0;
        int r = read_text(comparison, subject, &content, reterr);
        subject->is_no_unit = r == DISTRIBUTION_NO_UNIT;
        if (r != DISTRIBUTION_UNIT || !content)
                return r < 0 ? r : 0;
        TextPart part = { .prefix = "", .path = subject->name };
        r = unit_file_of(comparison->input->contents, content, subject->name, &part.file, reterr);
        if (r < 0)
                return r == -EBADMSG ? 0
                                     : r; /* systemd reads what we do not: nothing is known of it */
        part.mentions = unit_file_mentions(part.file);
        const TextPart *parts = &part;
        const Unit unit = {
                .name = subject->name,
                .type = subject->type,
                .text = { .parts = &parts,
                                .n_parts = 1,
                                .is_whole = true,
                                .mentions = part.mentions },
        };
        if (relation_add_edges(comparison, subject, &unit, 1u << AFTER) < 0 ||
                        comparison_connect(comparison) < 0)
                return error_oom(reterr);
        return 0;
}
