/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "diff/quote.h"
#include "state/directory_write.h"
#include "switch/commands.h"
#include "switch/engine.h"
#include "switch/facts.h"
#include "switch/output.h"
#include "switch/reference.h"

#include <errno.h>
#include <string.h>

static int load(Host *host, const char *reference, ReferenceTree *ret_tree, Error *reterr) {
        if (!reference_is_generation(reference))
                return error_set(reterr, USAGE_ERROR,
                                "%s: Not a generation (@NUMBER, @active, @default or @previous)",
                                reference);
        int r = reference_read(host, reference, true, ret_tree, reterr);
        if (r >= 0 && ret_tree->number == 0)
                return error_set(reterr, -EINVAL,
                                "Generation 0 is the host as found: nothing of it is kept");
        return r;
}

/* What does not come out as it was: this host has other units than the one, or than at the time,
 * for which it was rendered. */
static void warn(const Unrendered *unrendered) {
        cleanup(text_donep) Text text = { 0 };
        if (!unrendered->rendered)
                text_addf(&text, "It is refused on this host: %s", unrendered->error.message);
        else {
                const TreeChange *change = &unrendered->changes[0];
                const Entry *entry = change->before ? change->before : change->after;
                text_add(&text, "On this host it is not the same: ");
                text_add_name(&text, entry_root_prefix(entry->root), entry->path);
                if (unrendered->n_changes > 1)
                        text_addf(&text, " and %zu others", unrendered->n_changes - 1);
        }
        (void) fprintf(stderr, "%s\n", text.error < 0 ? "It is not the same" : text.data);
}

static int print(const Options *options,
                const ReferenceTree *tree,
                const char *path,
                const Unrendered *unrendered,
                Error *reterr) {
        bool is_same = unrendered->rendered && unrendered->n_changes == 0;
        if (option_is_given(options, OPTION_JSON)) {
                json_t *object = json_object();
                int failed = json_object_set_new(object, "profile", json_text(tree->profile));
                failed |= json_object_set_new(object, "generation", json_integer(tree->number));
                failed |= json_object_set_new(object, "path", json_text(path));
                failed |= json_object_set_new(object, "same", json_boolean(is_same));
                if (!failed)
                        return json_print(object, reterr);
                json_decref(object);
                return error_oom(reterr);
        }
        cleanup(text_donep) Text text = { 0 };
        text_addf(&text, "Generation %lld of %s is in ", (long long) tree->number, tree->profile);
        text_add_name(&text, "", path);
        text_add(&text, ".\n");
        Output output;
        output_init(&output, options);
        return option_is_given(options, OPTION_QUIET) ? 0 : output_show(&output, &text, reterr);
}

static int export(Host *host, const Options *options, char **arguments, Error *reterr) {
        cleanup(reference_tree_donep) ReferenceTree tree = { .number = -1 };
        cleanup(unrendered_donep) Unrendered unrendered = { 0 };
        int r = load(host, arguments[0], &tree, reterr);
        if (r < 0)
                return r;
        Distribution distribution = { 0 };
        if (host->distribution)
                distribution = distribution_of(host->distribution);
        r = unrender(tree.tree, arguments[1], host->contents,
                        host->distribution ? &distribution : NULL, &unrendered, reterr);
        if (r >= 0)
                r = directory_write(arguments[1], &unrendered, host->contents, reterr);
        if (r >= 0)
                r = print(options, &tree, arguments[1], &unrendered, reterr);
        if (r < 0)
                return r;
        if (unrendered.rendered && unrendered.n_changes == 0)
                return EXIT_DONE;
        warn(&unrendered);
        return EXIT_UNITS_FAILED;
}

int cmd_export(const Options *options, char **arguments, size_t n_arguments, Error *reterr) {
        if (n_arguments < 2)
                return error_set(reterr, USAGE_ERROR,
                                "Which generation, and where to? sysswitch export REF DIR");
        cleanup(host_donep) Host host;
        int r = host_open_switched(options_root(options), options->profile, &host, reterr);
        return r < 0 ? r : export(&host, options, arguments, reterr);
}
