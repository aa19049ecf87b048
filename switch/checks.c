/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "switch/checks.h"

#include "activate/check.h"
#include "diff/quote.h"
#include "switch/container_checks.h"
#include "switch/future_files.h"
#include "switch/stop_request.h"

#include <errno.h>
#include <string.h>

/* Of the output of one check: a program that does not stop talking costs no memory. */
enum { MAX_LINES = 200 };

typedef struct Running {
        Host *host;
        Prepared *prepared;
        const ChecksOptions *options;
        FutureFile *files;
        size_t n_files;
        const Entry **secrets; /* files whose contents are never shown, with their data */
        size_t n_secrets;
} Running;

CheckResults *check_results_free(CheckResults *results) {
        if (!results)
                return NULL;
        for (size_t i = 0; i < results->n_items; i++)
                strv_done(&results->items[i].lines);
        free(results->items);
        free(results);
        return NULL;
}

const char *check_outcome_to_string(CheckOutcome outcome) {
        static const char *const names[] = {
                [CHECK_PASSED] = "passed",
                [CHECK_WARNED] = "warned",
                [CHECK_FAILED] = "failed",
                [CHECK_TIMED_OUT] = "timeout",
        };
        return names[outcome];
}

typedef struct Heard {
        const Running *running;
        const Check *check;
        Strv *lines;
        int error; /* 0 or -ENOMEM */
} Heard;

static const Entry *secret_in(const Heard *heard, const char *line) {
        const Running *running = heard->running;
        for (size_t i = 0; i < running->n_secrets; i++) {
                const Entry *secret = running->secrets[i];
                char path[4096];
                (void) snprintf(path, sizeof(path), "%s%s", entry_root_prefix(secret->root),
                                secret->path); /* at most 1024 */
                if (check_line_quotes(line, secret->content) && check_may_read(heard->check, path))
                        return secret;
        }
        return NULL;
}

static void hear(void *userdata, const char *line) {
        Heard *heard = userdata;
        if (heard->error < 0 || heard->lines->n_items >= MAX_LINES)
                return;
        const Entry *secret = secret_in(heard, line);
        cleanup(text_donep) Text text = { 0 };
        if (secret)
                text_addf(&text, "(a line is withheld, as it quotes the secret %s%s)",
                                entry_root_prefix(secret->root), secret->path);
        heard->error = text.error < 0 ? text.error
                                      : strv_add(heard->lines, secret ? text.data : line);
}

static int find_secrets_of(Running *running, const Tree *tree, Error *reterr) {
        for (size_t i = 0; i < tree->n_entries; i++) {
                const Entry *entry = &tree->entries[i];
                bool is_file = entry->root == ROOT_ETC || entry->root == ROOT_CONTAINERS;
                if (!entry->secret || entry->kind != ENTRY_FILE || !is_file)
                        continue;
                int r = content_load(running->host->contents, entry->content, reterr);
                if (r < 0)
                        return r;
                running->secrets[running->n_secrets++] = entry;
        }
        return 0;
}

/* Of the old tree too: what fails is tried on the present configuration. */
static int find_secrets(Running *running, Error *reterr) {
        const EffectiveTrees *trees = &running->prepared->effective;
        running->secrets = calloc(trees->before->n_entries + trees->after->n_entries + 1,
                        sizeof(const Entry *));
        if (!running->secrets)
                return error_oom(reterr);
        int r = find_secrets_of(running, trees->before, reterr);
        return r < 0 ? r : find_secrets_of(running, trees->after, reterr);
}

/* Of a profile of containers there is none of the host's own /etc. */
static int find_host_checks(
                Running *running, Check **ret_checks, size_t *ret_n_checks, Error *reterr) {
        Prepared *prepared = running->prepared;
        const ProfileConf *conf = NULL;
        if (running->host->is_of_containers)
                return 0;
        int r = profile_conf_of(
                        &prepared->arena, prepared->new, running->host->contents, &conf, reterr);
        if (r < 0)
                return r;
        const CheckInput input = {
                .plan = prepared->plan,
                .before = prepared->effective.before,
                .after = prepared->effective.after,
                .conf = conf,
                .distribution = running->host->distribution ? &prepared->distribution : NULL,
        };
        return check_list(&input, &prepared->arena, ret_checks, ret_n_checks, reterr);
}

static int find_checks(Running *running, Check **ret_checks, size_t *ret_n_checks, Error *reterr) {
        Check *host = NULL, *inside = NULL;
        size_t n_host = 0, n_inside = 0;
        int r = find_host_checks(running, &host, &n_host, reterr);
        if (r >= 0)
                r = container_checks_list(
                                running->host, running->prepared, &inside, &n_inside, reterr);
        if (r < 0)
                return r;
        Check *all = arena_new(&running->prepared->arena, Check, n_host + n_inside + 1);
        if (!all)
                return error_oom(reterr);
        for (size_t i = 0; i < n_host + n_inside; i++)
                all[i] = i < n_host ? host[i] : inside[i - n_host];
        *ret_checks = all;
        *ret_n_checks = n_host + n_inside;
        return 0;
}

static void say(const Running *running, const char *what, const Check *check) {
        char text[512];
        if (!running->options->step)
                return;
        (void) snprintf(text, sizeof(text), "%s%s%s: %s", what, check->container ? " in " : "",
                        check->container ? check->container : "",
                        check->command); /* cut: it is only told */
        running->options->step(running->options->userdata, text);
}

/* Returns as check_run(). present: /etc as it is. */
static int
run_on(const Running *running, const Check *check, bool present, Strv *lines, Error *reterr) {
        Heard heard = { .running = running, .check = check, .lines = lines };
        const CheckRun run = {
                .arguments = present ? check->present_arguments : check->arguments,
                .files = running->files,
                .n_files = present ? 0 : running->n_files,
                .hidden = running->host->state_directory,
                .directory = check->directory,
                .timeout_usec = check->timeout_usec,
                .should_stop = stop_request_is_made,
                .output = hear,
                .userdata = &heard,
        };
        int r = check_run(&run, reterr);
        return heard.error < 0 ? error_oom(reterr) : r;
}

/* Is it the change's fault? A [Check] of the profile must succeed, whatever was before. */
static int compare_with_present(const Running *running, CheckResult *result, Error *reterr) {
        if (!result->check->present_arguments)
                return 0;
        cleanup_strv Strv lines = { 0 };
        int r = run_on(running, result->check, true, &lines, reterr);
        if (r == -ETIMEDOUT)
                return 0;
        if (r > 0 && check_shows_nothing_new(&result->lines, &lines))
                result->outcome = CHECK_WARNED;
        return r < 0 ? r : 0;
}

static void tell_warned(const Running *running, const CheckResult *result) {
        say(running, "Going on: it fails likewise on the present configuration", result->check);
        for (size_t i = 0; running->options->output && i < result->lines.n_items; i++)
                running->options->output(running->options->userdata, result->lines.items[i]);
}

static const char *name_place(
                const Prepared *prepared, const char *where, char *buffer, size_t buffer_bytes) {
        reference_file_name(&prepared->target, where, buffer, buffer_bytes);
        return buffer;
}

/* status: as run_on() returned it. */
static int judge(const Running *running, CheckResult *result, int status, Error *reterr) {
        const Check *check = result->check;
        char place[512];
        int r = status;
        if (r == -ETIMEDOUT) {
                result->outcome = CHECK_TIMED_OUT;
                return 0;
        }
        if (r == -EINTR && stop_request_is_made())
                return stop_request_check(reterr);
        if (r < 0 && check->container)
                return error_prefix(reterr,
                                "%s: Command=%s cannot be run inside %s (--no-check goes "
                                "without it)",
                                check->where, check->command, check->container);
        if (r < 0 && check->where && r != -ENOTSUP)
                return error_set(reterr, r, "%s: Command=%s cannot be run: %s",
                                name_place(running->prepared, check->where, place, sizeof(place)),
                                check->command, strerror(-r));
        if (r == -ENOTSUP)
                return error_prefix(
                                reterr, "Checks cannot be run here (--no-check goes without them)");
        if (r <= 0)
                return r;
        result->outcome = CHECK_FAILED;
        result->exit_status = r;
        r = compare_with_present(running, result, reterr);
        if (r >= 0 && result->outcome == CHECK_WARNED)
                tell_warned(running, result);
        return r;
}

static int run_on_host(const Running *running, CheckResult *result, Error *reterr) {
        say(running, "Checking", result->check);
        int status = run_on(running, result->check, false, &result->lines, reterr);
        int r = judge(running, result, status, reterr);
        return r < 0 ? r : stop_request_check(reterr);
}

/* Those of containers, which are behind those of the host. */
typedef struct Inside {
        const Running *running;
        ContainerCheckRun *runs;
        Heard *heard;
        size_t n_runs;
} Inside;

static void begin_inside(void *userdata, size_t nth) {
        const Inside *inside = userdata;
        say(inside->running, "Checking", inside->runs[nth].check);
}

static int judge_inside(const Inside *inside, CheckResult *results, Error *reterr) {
        for (size_t i = 0; i < inside->n_runs; i++) {
                if (inside->heard[i].error < 0)
                        return error_oom(reterr);
                *reterr = inside->runs[i].error;
                int r = judge(inside->running, &results[i], inside->runs[i].status, reterr);
                if (r < 0)
                        return r;
        }
        return stop_request_check(reterr);
}

static int run_inside(
                const Running *running, CheckResult *results, size_t n_results, Error *reterr) {
        cleanup_free ContainerCheckRun *runs = calloc(n_results + 1, sizeof(ContainerCheckRun));
        cleanup_free Heard *heard = calloc(n_results + 1, sizeof(Heard));
        if (!runs || !heard)
                return error_oom(reterr);
        Inside inside = { running, runs, heard, n_results };
        for (size_t i = 0; i < n_results; i++) {
                const Check *check = results[i].check;
                heard[i] = (Heard){
                        .running = running, .check = check, .lines = &results[i].lines
                };
                runs[i] = (ContainerCheckRun){
                        .check = check, .output = hear, .userdata = &heard[i]
                };
        }
        int r = container_checks_run(running->host, running->prepared, runs, n_results,
                        begin_inside, &inside, reterr);
        if (r == -EINTR)
                return stop_request_check(reterr);
        return r < 0 ? r : judge_inside(&inside, results, reterr);
}

static void add_cause(const Prepared *prepared, const Check *check, Text *text) {
        char place[512];
        if (check->where)
                text_addf(text, "[Check] %s%s",
                                name_place(prepared, check->where, place, sizeof(place)),
                                check->first_file ? ", " : "");
        if (check->first_file) {
                text_add_line(text, check->first_file);
                if (check->n_files > 1)
                        text_addf(text, " and %zu more", check->n_files - 1);
        }
}

static bool is_bad(const CheckResult *result) {
        return result->outcome == CHECK_FAILED || result->outcome == CHECK_TIMED_OUT;
}

static int refuse(const Running *running, Error *reterr) {
        const CheckResults *results = running->prepared->checks;
        const CheckResult *first = NULL;
        size_t n_bad = 0;
        for (size_t i = 0; i < results->n_items; i++) {
                if (!is_bad(&results->items[i]))
                        continue;
                first = first ? first : &results->items[i];
                n_bad++;
        }
        if (!first)
                return 0;
        cleanup(text_donep) Text text = { 0 };
        add_cause(running->prepared, first->check, &text);
        if (first->outcome == CHECK_TIMED_OUT)
                text_add(&text, "; it was killed at its deadline");
        else
                text_addf(&text, "; exit status %d", first->exit_status);
        if (n_bad > 1)
                text_addf(&text, "; %zu checks fail", n_bad);
        if (text.error < 0)
                return error_oom(reterr);
        return error_set(reterr, -ECANCELED,
                        "%s fails on the new configuration (%s); nothing was changed",
                        first->check->command, text.data);
}

static int run_all(Running *running, const Check *checks, size_t n_checks, Error *reterr) {
        CheckResults *results = running->prepared->checks;
        results->items = calloc(n_checks + 1, sizeof(CheckResult));
        if (!results->items)
                return error_oom(reterr);
        size_t n_host = 0;
        for (size_t i = 0; i < n_checks; i++) {
                if (!checks[i].where && !check_is_installed(checks[i].arguments[0]))
                        continue;
                if (checks[i].container && running->options->is_dry) {
                        say(running, "Not checked, as nothing is laid into a container yet",
                                        &checks[i]);
                        continue;
                }
                CheckResult *result = &results->items[results->n_items++];
                result->check = &checks[i];
                int r = checks[i].container ? 0 : run_on_host(running, result, reterr);
                if (r < 0)
                        return r;
                n_host += !checks[i].container;
        }
        if (results->n_items > n_host) {
                int r = run_inside(running, results->items + n_host, results->n_items - n_host,
                                reterr);
                if (r < 0)
                        return r;
        }
        return refuse(running, reterr);
}

int checks_run(Host *host, Prepared *prepared, const ChecksOptions *options, Error *reterr) {
        prepared->checks = calloc(1, sizeof(CheckResults));
        if (!prepared->checks)
                return error_oom(reterr);
        prepared->checks->left_out = options->leave_out;
        if (options->leave_out || host->is_image)
                return 0;
        Running running = { .host = host, .prepared = prepared, .options = options };
        Check *checks = NULL;
        size_t n_checks = 0;
        int r = find_checks(&running, &checks, &n_checks, reterr);
        if (r < 0 || n_checks == 0)
                return r;
        r = future_files_new(host, prepared, &running.files, &running.n_files, reterr);
        if (r >= 0)
                r = find_secrets(&running, reterr);
        if (r >= 0)
                r = run_all(&running, checks, n_checks, reterr);
        free(running.files);
        free(running.secrets);
        return r;
}

void add_failed_checks(const Prepared *prepared, Text *text) {
        const CheckResults *results = prepared->checks;
        for (size_t i = 0; results && i < results->n_items; i++) {
                const CheckResult *result = &results->items[i];
                if (!is_bad(result))
                        continue;
                text_add_line(text, result->check->command);
                text_add(text, " (");
                add_cause(prepared, result->check, text);
                text_add(text, "):\n");
                for (size_t j = 0; j < result->lines.n_items; j++) {
                        text_add(text, "  ");
                        text_add_line(text, result->lines.items[j]);
                        text_add(text, "\n");
                }
                if (result->lines.n_items == 0)
                        text_add(text, "  (it said nothing)\n");
        }
}
