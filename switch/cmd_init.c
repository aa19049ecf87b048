/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "diff/quote.h"
#include "diff/unrender.h"
#include "state/directory_write.h"
#include "switch/commands.h"
#include "switch/first_source.h"
#include "switch/output.h"
#include "switch/prepare.h"

#include <errno.h>
#include <string.h>

/* Units that a switch would act on are left unsaid, and what follows from that is looked at again.
 */
enum { MAX_ROUNDS = 5 };

typedef struct Init {
        const Options *options;
        Host *host;
        const char *path;
        FirstSource *source;
        Unrendered unrendered;
        Prepared *prepared; /* a switch to what was made */
} Init;

static void init_donep(Init *init) {
        unrendered_done(&init->unrendered);
        (void) prepared_free(init->prepared);
        (void) first_source_free(init->source);
}

static int make(Init *init, Error *reterr) {
        cleanup(tree_freep) Tree *tree = NULL;
        Distribution distribution = distribution_of(init->host->distribution);
        unrendered_done(&init->unrendered);
        int r = first_source_tree(init->source, &tree, reterr);
        if (r >= 0)
                r = unrender(tree, init->path, init->host->contents, &distribution,
                                &init->unrendered, reterr);
        if (r >= 0 && !init->unrendered.rendered)
                return error_set(reterr, -EBADMSG, "No source can be made of this host: %s",
                                init->unrendered.error.message);
        return r;
}

/* What the source renders to, as it will be read. */
static int plan(Init *init, Error *reterr) {
        Distribution distribution = distribution_of(init->host->distribution);
        ReferenceTree target = { .number = -1, .name = strdup(init->path) };
        if (!target.name)
                return error_oom(reterr);
        int r = render(init->unrendered.source, init->host->contents, &distribution, &target.tree,
                        reterr);
        if (r < 0) {
                reference_tree_done(&target);
                return r;
        }
        const PrepareOptions options = { 0 };
        init->prepared = prepared_free(init->prepared);
        return prepare(init->host, &target, &options, &init->prepared, reterr);
}

static size_t drop_units(Init *init) {
        const UnitPlan *units = &init->prepared->plan->units;
        size_t n_dropped = 0;
        for (size_t i = 0; i < units->n_actions; i++)
                n_dropped += first_source_drop_unit(init->source, units->actions[i].unit);
        /* said or not, an alias alone is what it has: a daemon-reload for nothing */
        for (size_t i = 0; i < units->n_daemon_reasons; i++) {
                static const char prefix[] = "enablement of ";
                const char *reason = units->daemon_reasons[i];
                const char *unit = reason + strlen(prefix);
                if (strncmp(reason, prefix, strlen(prefix)) != 0)
                        continue;
                cleanup_free char *name = strndup(unit, strcspn(unit, " "));
                n_dropped += name && first_source_drop_unit(init->source, name);
        }
        return n_dropped;
}

static int print(const Init *init, Error *reterr) {
        cleanup(text_donep) Text text = { 0 };
        Output output;
        output_init(&output, init->options);
        text_add_name(&text, "", init->path);
        text_addf(&text, " has %zu files and directories.\n", init->unrendered.source->n_entries);
        const Plan *plan = init->prepared->plan;
        if (!plan_is_empty(plan))
                text_addf(&text,
                                "A switch to it would change %zu files, and %zu units would act: "
                                "see "
                                "sysswitch switch --dry-run\n",
                                plan->n_files, plan->units.n_actions);
        return option_is_given(init->options, OPTION_QUIET) ? 0
                                                            : output_show(&output, &text, reterr);
}

static int run_init(Init *init, Error *reterr) {
        int r = host_connect(init->host, reterr);
        if (r >= 0)
                r = first_source_new(init->host, &init->source, reterr);
        for (size_t round = 0; r >= 0 && round < MAX_ROUNDS; round++) {
                r = make(init, reterr);
                if (r >= 0)
                        r = plan(init, reterr);
                if (r >= 0 && drop_units(init) == 0)
                        break;
        }
        if (r >= 0)
                r = directory_write(init->path, &init->unrendered, init->host->contents, reterr);
        return r < 0 ? r : print(init, reterr);
}

int cmd_init(const Options *options, char **arguments, size_t n_arguments, Error *reterr) {
        cleanup(host_donep) Host host;
        int r = host_open(options_root(options), options->profile, DATABASE_READ, &host, reterr);
        if (r < 0)
                return r;
        cleanup_free char *path = n_arguments > 0 ? strdup(arguments[0]) : reference_default(&host);
        if (!path)
                return error_oom(reterr);
        cleanup(init_donep) Init init = { .options = options, .host = &host, .path = path };
        if (host.profile.active > 0)
                return error_set(reterr, -EEXIST,
                                "Generation %lld is active: sysswitch export @active DIR writes it "
                                "as a source",
                                (long long) host.profile.active);
        return run_init(&init, reterr);
}
