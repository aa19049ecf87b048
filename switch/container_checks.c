/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "switch/container_checks.h"

#include "activate/bundle_store.h"
#include "activate/bytes.h"
#include "activate/container_link.h"
#include "activate/errand.h"
#include "activate/guest_fit.h"
#include "activate/sync.h"
#include "diff/container.h"
#include "diff/nspawn.h"
#include "switch/stop_request.h"

#include <errno.h>
#include <string.h>

/* With what the guest says itself. */
enum { OUTPUT_MAX_BYTES = CHECK_OUTPUT_MAX_BYTES + 56 * 1024 };

/* What has no deadline of its own has this one: the container may hang. */
static const uint64_t longest_usec = 3600 * 1000000ull;

typedef struct Listing {
        Host *host;
        Prepared *prepared;
        Check *checks;
        size_t n_checks, n_allocated;
} Listing;

static int add(Listing *listing, const char *container, const Check *check, Error *reterr) {
        Arena *arena = &listing->prepared->arena;
        if (listing->n_checks == listing->n_allocated) {
                size_t n = listing->n_allocated * 2 + 8;
                Check *grown = arena_new(arena, Check, n);
                if (!grown)
                        return error_oom(reterr);
                for (size_t i = 0; i < listing->n_checks; i++)
                        grown[i] = listing->checks[i];
                listing->checks = grown;
                listing->n_allocated = n;
        }
        Check *added = &listing->checks[listing->n_checks++];
        *added = *check;
        added->container = container;
        added->where = arena_printf(arena,
                        listing->host->is_of_containers ? "%2$s, inside %1$s"
                                                        : "containers/%1$s/%2$s",
                        container, check->where);
        return added->where ? 0 : error_oom(reterr);
}

static int list_of(Listing *listing, const char *container, Error *reterr) {
        Prepared *prepared = listing->prepared;
        Contents *contents = listing->host->contents;
        cleanup(tree_freep) Tree *before = NULL;
        cleanup(tree_freep) Tree *after = NULL;
        cleanup_free TreeChange *changes = NULL;
        Plan files = { 0 }; /* for these alone */
        const ProfileConf *conf = NULL;
        Check *checks = NULL;
        size_t n_checks = 0;
        int r = container_inside(prepared->effective.before, container, &before, reterr);
        if (r >= 0)
                r = container_inside(prepared->effective.after, container, &after, reterr);
        if (r >= 0)
                r = profile_conf_of(&prepared->arena, after, contents, &conf, reterr);
        if (r < 0 || conf->n_checks == 0)
                return r;
        if (tree_compare(before, after, &changes, &files.n_files) < 0)
                return error_oom(reterr);
        files.files = changes;
        const CheckInput input = {
                .plan = &files, .before = before, .after = after, .conf = conf, .only_rules = true
        };
        r = check_list(&input, &prepared->arena, &checks, &n_checks, reterr);
        for (size_t i = 0; r >= 0 && i < n_checks; i++)
                r = add(listing, container, &checks[i], reterr);
        return r;
}

int container_checks_list(Host *host,
                Prepared *prepared,
                Check **ret_checks,
                size_t *ret_n_checks,
                Error *reterr) {
        Listing listing = { .host = host, .prepared = prepared };
        const UnitPlan *units = &prepared->plan->units;
        int r = 0;
        for (size_t i = 0; r >= 0 && i < units->n_actions; i++) {
                const UnitAction *action = &units->actions[i];
                if (action->container &&
                                (action->verb == VERB_RELOAD || action->verb == VERB_RESTART))
                        r = list_of(&listing, action->container, reterr);
        }
        *ret_checks = listing.checks;
        *ret_n_checks = listing.n_checks;
        return r;
}

/* Beside each other; what each is tried on, and who says what it came to. */
typedef struct Question {
        const Check *check;
        char tree[BUNDLE_TREE_SIZE];
} Question;

/* What the process that asks a container says first; the output of the check follows. */
typedef struct Verdict {
        int result; /* of container_run() */
        bool has_output;
        Error error;
} Verdict;

static int run_inside(const Question *question, char **ret_output, Error *reterr) {
        const Check *check = question->check;
        const char *arguments[CONTAINER_MAX_ARGUMENTS + 1] = { NSPAWN_GUEST, "check",
                question->tree };
        cleanup(systemd_closep) Systemd *systemd = NULL;
        pid_t leader = 0;
        for (size_t i = 0, n = 3; check->arguments[i]; i++) {
                if (n == CONTAINER_MAX_ARGUMENTS)
                        return error_set(reterr, -E2BIG, "Command= has too many words");
                arguments[n++] = check->arguments[i];
        }
        /* there is one switch at a time: what an earlier one left running is ended by its name */
        const ContainerProgram program = { .unit = "sysswitch-check.service",
                .arguments = arguments,
                .timeout_usec = check->timeout_usec ? check->timeout_usec : longest_usec,
                .leaves_no_log = true,
                .output_max_bytes = OUTPUT_MAX_BYTES,
                .should_stop = stop_request_is_made };
        int r = container_leader(check->container, &leader, reterr);
        if (r >= 0)
                r = container_connect(check->container, leader, &systemd, reterr);
        return r < 0 ? r : container_run(systemd, &program, ret_output, reterr);
}

/* A request to stop comes to this process as to any. */
static int ask(const void *userdata, int fd) {
        Verdict verdict = { 0 };
        cleanup_free char *output = NULL;
        verdict.result = run_inside(userdata, &output, &verdict.error);
        verdict.has_output = output;
        int r = write_bytes(fd, (const char *) &verdict, sizeof(verdict));
        if (r >= 0 && output)
                r = write_bytes(fd, output, strlen(output));
        return r < 0;
}

/* Its last line tells how it ended; what is before is the program's. Without that line the guest
 * could not run it, and said why. */
static int take_output(char *output, const ContainerCheckRun *run, Error *reterr) {
        char *rest = output, *ended = NULL;
        for (char *found = output; (found = strstr(found, CHECK_ENDED));) {
                ended = found;
                found += strlen(CHECK_ENDED);
        }
        if (!ended) {
                output[strcspn(output, "\n")] = 0;
                return *output ? error_set(reterr, -ECHILD, "%s", output) : -ECHILD;
        }
        int status = (int) strtol(ended + strlen(CHECK_ENDED), NULL, 10) & 0xff;
        *ended = 0;
        for (char *line; (line = strsep(&rest, "\n"));)
                if (*line)
                        run->output(run->userdata, line);
        return status;
}

static int take(const Errand *errand, const ContainerCheckRun *run, Error *reterr) {
        Verdict verdict;
        if (!errand->is_answered || errand->answer.length < sizeof(verdict))
                return error_set(reterr, -EIO, "The process that asks %s was killed",
                                run->check->container);
        memcpy(&verdict, errand->answer.data, sizeof(verdict));
        *reterr = verdict.error;
        if (verdict.result == -ETIMEDOUT || verdict.result == -EINTR || !verdict.has_output)
                return verdict.result;
        int status = take_output(errand->answer.data + sizeof(verdict), run, reterr);
        return status < 0 && verdict.result < 0 ? verdict.result : status;
}

static int lay(Host *host,
                const Prepared *prepared,
                const char *name,
                Strv *files,
                char *ret_tree,
                Error *reterr) {
        cleanup(tree_freep) Tree *inside = NULL;
        int r = container_inside(prepared->effective.after, name, &inside, reterr);
        return r < 0 ? r : bundle_store_lay(name, inside, host->contents, files, ret_tree, reterr);
}

/* A check that refuses the switch is the last that is done: nobody else syncs what has its name
 * then, and the next one would take it for whole. */
static int lay_all(Host *host,
                const Prepared *prepared,
                Question *questions,
                size_t n_questions,
                Error *reterr) {
        cleanup_strv Strv files = { 0 };
        int r = 0;
        for (size_t i = 0; r >= 0 && i < n_questions; i++) {
                const char *name = questions[i].check->container;
                if (i > 0 && strcmp(name, questions[i - 1].check->container) == 0)
                        (void) strcpy(questions[i].tree, questions[i - 1].tree); /* equal sizes */
                else
                        r = lay(host, prepared, name, &files, questions[i].tree, reterr);
        }
        if (r >= 0 && files.n_items > 0)
                r = sync_elsewhere(NSPAWN_BUNDLES, -1, reterr);
        return r < 0 ? r : bundle_store_name(&files, reterr);
}

int container_checks_run(Host *host,
                const Prepared *prepared,
                ContainerCheckRun *runs,
                size_t n_runs,
                void (*begin)(void *userdata, size_t nth),
                void *userdata,
                Error *reterr) {
        const ErrandOptions options = { .answer_max_bytes = sizeof(Verdict) + OUTPUT_MAX_BYTES,
                .should_stop = stop_request_is_made,
                .begin = begin,
                .userdata = userdata };
        cleanup_free Question *questions = calloc(n_runs + 1, sizeof(Question));
        cleanup_free Errand *errands = calloc(n_runs + 1, sizeof(Errand));
        if (!questions || !errands)
                return error_oom(reterr);
        for (size_t i = 0; i < n_runs; i++) {
                questions[i].check = runs[i].check;
                errands[i] = (Errand){
                        .run = ask, .userdata = &questions[i], .whom = runs[i].check->container
                };
        }
        int r = lay_all(host, prepared, questions, n_runs, reterr);
        if (r >= 0)
                r = errands_run(errands, n_runs, &options, reterr);
        for (size_t i = 0; i < n_runs; i++) {
                if (r >= 0)
                        runs[i].status = take(&errands[i], &runs[i], &runs[i].error);
                text_done(&errands[i].answer);
        }
        return r;
}
