/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "switch/switch_view.h"

#include "base/clock.h"
#include "diff/container.h"
#include "diff/quote.h"
#include "state/debt.h"
#include "switch/checks.h"
#include "switch/commands.h"
#include "switch/invoker.h"
#include "switch/plan_output.h"
#include "switch/progress.h"
#include "switch/rehearsal.h"
#include "switch/result_json.h"
#include "switch/saved_plan.h"
#include "switch/stop_request.h"
#include "switch/summary.h"
#include "switch/trial.h"

#include <errno.h>
#include <string.h>

/* What the engine's callbacks are given. The progress view is first: it takes its own callbacks
 * straight. */
typedef struct SwitchView {
        ProgressView progress;
        const Options *options;
        const Host *host;
        const SavedPlan *saved; /* NULL: no --plan= */
} SwitchView;

static const char *arrow(const Output *output) {
        return output->ascii ? "->" : "→";
}

/* The number that the target will have: what the engine gives a new tree when it stores it. */
static int64_t number_of_target(const Host *host, const Prepared *prepared) {
        if (prepared->target.number >= 0)
                return prepared->target.number;
        return prepared->is_same_tree ? prepared->from_number : host->profile.newest + 1;
}

static void add_heading(const Output *output,
                const Host *host,
                const Prepared *prepared,
                const char *what,
                Text *text) {
        text_addf(text, "%s%s %s:%s generation %lld %s ", style_begin(output, STYLE_BOLD), what,
                        host->profile_name, style_end(output, STYLE_BOLD),
                        (long long) prepared->from_number, arrow(output));
        int64_t number = number_of_target(host, prepared);
        if (prepared->target.number < 0) {
                text_add_line(text, prepared->target.name);
                text_addf(text, " (%lld)\n", (long long) number);
        } else
                text_addf(text, "%lld\n", (long long) number);
}

static int print_text_to(FILE *file, const Text *text, Error *reterr) {
        if (text->error < 0)
                return error_oom(reterr);
        if (text->data)
                (void) fputs(text->data, file); /* output_close() tells */
        (void) fflush(file);                    /* as above */
        return 0;
}

static int print_text(const Text *text, Error *reterr) {
        return print_text_to(stdout, text, reterr);
}

/* With --quiet, only what went wrong is told, and as errors are. */
typedef struct Channel {
        FILE *file;
        Output output;
} Channel;

static Channel channel_of(const SwitchView *view) {
        bool is_quiet = option_is_given(view->options, OPTION_QUIET);
        return (Channel){ .file = is_quiet ? stderr : stdout,
                .output = is_quiet ? output_of_errors(view->progress.output)
                                   : *view->progress.output };
}

static void show_prepared(void *userdata, const Prepared *prepared) {
        SwitchView *view = userdata;
        if (view->progress.silent)
                return;
        progress_view_clear(&view->progress);
        cleanup(text_donep) Text text = { 0 };
        add_heading(view->progress.output, view->host, prepared, "Switching", &text);
        add_plan(view->progress.output, view->options, prepared->plan, prepared->fit, &text);
        Error ignored;
        (void) print_text(&text, &ignored); /* the switch matters more than the telling */
}

static int print_result_json(const Host *host, const EngineResult *result, Error *reterr) {
        cleanup_free char *json = NULL;
        int r = finished_switch_to_json(host->profile_name, result, &json, reterr);
        if (r < 0)
                return r;
        (void) fputs(json, stdout); /* output_close() tells */
        return 0;
}

static int print_summary(const SwitchView *view,
                const EngineResult *result,
                uint64_t duration_usec,
                Error *reterr) {
        cleanup(arena_donep) Arena arena = { 0 };
        const Channel channel = channel_of(view);
        SummaryInput input = {
                .output = &channel.output,
                .result = result,
                .profile = view->host->profile_name,
                .duration_usec = duration_usec,
        };
        const Prepared *prepared = result->prepared;
        Debt *debts = NULL;
        /* a switch that does nothing writes nothing, also not of what it found to be paid */
        if (prepared && prepared_has_nothing_to_do(prepared)) {
                debts = prepared->debts;
                input.n_debts = prepared->n_debts;
        }
        int r = !debts && view->host->database
                                ? debt_load(view->host->database, view->host->profile_name, &arena,
                                                  &debts, &input.n_debts, reterr)
                                : 0;
        if (r < 0)
                return r;
        input.debts = debts;
        cleanup(text_donep) Text text = { 0 };
        add_summary(&input, &text);
        return print_text_to(channel.file, &text, reterr);
}

/* More than one: the error says how many. */
static void print_problems(const Prepared *prepared) {
        const Problems *problems = &prepared->problems;
        for (size_t i = 0; problems->n_items > 1 && i < problems->n_items; i++)
                (void) fprintf(stderr, "  %s\n", problems->items[i].message); /* there is nowhere
                                                                               else to tell it */
}

static void print_failed_checks(const SwitchView *view, const Prepared *prepared) {
        const Output errors = output_of_errors(view->progress.output);
        cleanup(text_donep) Text text = { 0 };
        add_failed_checks(prepared, &text);
        add_troubles(&errors, prepared->rehearsal, &text);
        if (text.error >= 0 && text.data)
                (void) fputs(text.data, stderr); /* there is nowhere else to tell it */
}

static void show_failed(void *userdata, const EngineResult *result) {
        SwitchView *view = userdata;
        progress_view_clear(&view->progress);
        cleanup(text_donep) Text text = { 0 };
        const Channel channel = channel_of(view);
        add_reports(&channel.output, result, &text);
        Error ignored; /* it is undone whether this is seen or not */
        if (!option_is_given(view->options, OPTION_JSON))
                (void) print_text_to(channel.file, &text, &ignored);
}

static int carry_out(SwitchView *view, Host *host, const SwitchRequest *request, Error *reterr) {
        cleanup_free char *user = NULL;
        int r = 0;
        if (view->options->invoker)
                user = strdup(view->options->invoker);
        else
                r = invoker_name(&user, reterr);
        if (r < 0 || !user)
                return r < 0 ? r : error_oom(reterr);
        if (!view->options->only_looks)
                stop_request_listen();
        const EngineOptions engine_options = {
                .verb = request->verb,
                .user = user,
                .force = option_is_given(view->options, OPTION_FORCE) ||
                         (view->saved && saved_plan_forces(view->saved)),
                .no_check = option_is_given(view->options, OPTION_NO_CHECK),
                .rehearses = option_is_given(view->options, OPTION_REHEARSE),
                .is_rollback = request->is_rollback,
                .only_default = request->only_default,
                .only_looks = view->options->only_looks,
                .saved = view->saved,
                .timeout_usec = view->options->timeout_usec,
                .confirm_usec = view->options->confirm_usec,
                .takes_back_failed = view->options->takes_back_failed ||
                                     ((view->options->confirm_usec > 0 || host->is_of_containers) &&
                                                     !view->options->keeps_failed),
                .step = progress_view_step,
                .output = progress_view_output,
                .prepared = show_prepared,
                .failed = show_failed,
                .progress = progress_view_progress,
                .userdata = view,
        };
        uint64_t begin_usec = now_usec();
        cleanup(engine_result_donep) EngineResult result = { 0 };
        r = engine_switch(host, request->reference, &engine_options, &result, reterr);
        progress_view_clear(&view->progress);
        if (result.exit_status == EXIT_HAND_OVER)
                return EXIT_HAND_OVER;
        if (r < 0) {
                output_error(reterr);
                if (r == -EEXIST && result.prepared)
                        print_problems(result.prepared);
                if (r == -ECANCELED && result.prepared)
                        print_failed_checks(view, result.prepared);
                return result.exit_status;
        }
        Error error; /* the switch is done: that it cannot be told changes nothing */
        if (option_is_given(view->options, OPTION_JSON))
                r = print_result_json(host, &result, &error);
        else if (!option_is_given(view->options, OPTION_QUIET) || result.exit_status != EXIT_DONE)
                r = print_summary(view, &result, now_usec() - begin_usec, &error);
        if (r < 0) {
                (void) error_prefix(&error, "It is done, but that cannot be told"); /* r is told */
                output_error(&error);
        }
        return result.exit_status;
}

static int print_dry_run(const SwitchView *view, const Prepared *prepared, Error *reterr) {
        const Host *host = view->host;
        const Output *output = view->progress.output;
        if (option_is_given(view->options, OPTION_JSON)) {
                cleanup_free char *rehearsal = NULL;
                int r = rehearsal_to_json(prepared->rehearsal, &rehearsal, reterr);
                if (r < 0)
                        return r;
                const PlanJsonInput input = {
                        .plan = prepared->plan,
                        .from = { .profile = host->profile_name,
                                        .generation = prepared->from_number },
                        .to = plan_side_of(&prepared->target),
                        .fit = prepared->fit,
                        .problems = &prepared->problems,
                        .rehearsal_json = rehearsal,
                };
                return print_plan_json(&input, reterr);
        }
        if (view->progress.silent)
                return 0;
        cleanup(text_donep) Text text = { 0 };
        bool rehearses = option_is_given(view->options, OPTION_REHEARSE);
        add_heading(output, host, prepared, rehearses ? "Rehearsal of" : "Dry run of", &text);
        size_t heading = text.length;
        add_plan(output, view->options, prepared->plan, prepared->fit, &text);
        if (text.length == heading)
                text_add(&text, prepared->is_same_tree ? "Nothing to do.\n"
                                                       : "No file changes and no unit acts.\n");
        return print_text(&text, reterr);
}

static int refuse_dry_run(const SwitchView *view, const Prepared *prepared, Error *reterr) {
        size_t n_problems = prepared->problems.n_items;
        if (n_problems == 1)
                (void) error_set(reterr, -EEXIST, "The switch would be refused: %s",
                                prepared->problems.items[0].message);
        else
                (void) error_set(reterr, -EEXIST,
                                "The switch would be refused for %zu reasons:", n_problems);
        output_error(reterr);
        print_problems(prepared);
        if (view->options->plan) {
                (void) error_set(reterr, -EEXIST, "%s was not written", view->options->plan);
                output_error(reterr);
        }
        return EXIT_REFUSED;
}

/* What a switch would be asked before it changes anything. */
static int try_out(SwitchView *view, Host *host, Prepared *prepared, Error *reterr) {
        const TrialOptions options = {
                .is_dry = true,
                .leave_out_checks = option_is_given(view->options, OPTION_NO_CHECK),
                .rehearses = option_is_given(view->options, OPTION_REHEARSE),
                .timeout_usec = view->options->timeout_usec,
                .step = progress_view_step,
                .output = progress_view_output,
                .userdata = view,
        };
        if (!options.rehearses && !option_is_given(view->options, OPTION_CHECK))
                return 0;
        return trial_run(host, prepared, &options, reterr);
}

static int print_rehearsal(
                const SwitchView *view, const Prepared *prepared, bool is_good, Error *reterr) {
        if (option_is_given(view->options, OPTION_JSON))
                return print_dry_run(view, prepared, reterr);
        cleanup(text_donep) Text text = { 0 };
        if (is_good)
                add_rehearsal(view->progress.output, prepared->rehearsal, &text);
        return view->progress.silent || !is_good ? 0 : print_text(&text, reterr);
}

static int dry_run(SwitchView *view, Host *host, const SwitchRequest *request, Error *reterr) {
        const EngineOptions options = {
                .verb = request->verb,
                .force = option_is_given(view->options, OPTION_FORCE),
                .no_check = option_is_given(view->options, OPTION_NO_CHECK),
                .only_default = request->only_default,
                .is_rollback = request->is_rollback,
        };
        bool rehearses = option_is_given(view->options, OPTION_REHEARSE);
        cleanup(prepared_freep) Prepared *prepared = NULL;
        if (rehearses)
                stop_request_listen();
        int r = engine_dry_run(host, request->reference, &options, &prepared, reterr);
        bool shows_late = rehearses && option_is_given(view->options, OPTION_JSON);
        if (r >= 0 && (!shows_late || prepared->problems.n_items > 0))
                r = print_dry_run(view, prepared, reterr);
        if (r < 0)
                return r;
        if (prepared->problems.n_items > 0)
                return refuse_dry_run(view, prepared, reterr);
        if (view->options->plan)
                r = saved_plan_write(view->options->plan, host, prepared, reterr);
        if (r < 0)
                return r;
        r = request->is_rollback ? 0 : try_out(view, host, prepared, reterr);
        if (r < 0 && r != -ECANCELED)
                return r;
        if (r == -ECANCELED) {
                output_error(reterr);
                print_failed_checks(view, prepared);
        }
        int told = prepared->rehearsal ? print_rehearsal(view, prepared, r >= 0, reterr) : 0;
        return told < 0 ? told : r < 0 ? EXIT_REFUSED : EXIT_DONE;
}

/* What has no meaning for a profile of containers is said, not passed over. */
static int check_for_containers(const Host *host,
                const Options *options,
                const SwitchRequest *request,
                Error *reterr) {
        if (host->is_image)
                return error_set(reterr, USAGE_ERROR,
                                "%s: Containers run on a host, not in --root=: leave one of the "
                                "two away",
                                host->profile_name);
        if (option_is_given(options, OPTION_REHEARSE))
                return error_set(reterr, USAGE_ERROR,
                                "%s: A rehearsal is for a host, not for containers",
                                host->profile_name);
        if (strcmp(request->verb, "test") == 0 || request->only_default)
                return error_set(reterr, USAGE_ERROR,
                                "%s: %s is for a host, whose next boot has its own generation: "
                                "use switch",
                                host->profile_name, request->verb);
        return 0;
}

int switch_view_run(
                Host *host, const Options *options, const SwitchRequest *request, Error *reterr) {
        if (option_is_given(options, OPTION_CHECK) && option_is_given(options, OPTION_NO_CHECK))
                return error_set(reterr, USAGE_ERROR, "--check and --no-check contradict");
        if (option_is_given(options, OPTION_CHECK) && !option_is_given(options, OPTION_DRY_RUN))
                return error_set(reterr, USAGE_ERROR,
                                "--check goes with --dry-run: without that, the checks run in any "
                                "case");
        if (host->is_image && options->confirm_usec > 0)
                return error_set(reterr, USAGE_ERROR,
                                "--confirm= is for a host that runs, not for --root=");
        if (host->is_image && option_is_given(options, OPTION_REHEARSE))
                return error_set(reterr, USAGE_ERROR,
                                "A rehearsal is for a host that runs, not for --root=");
        bool is_host = strcmp(host->profile_name, "system") == 0;
        int r = is_host ? 0 : check_for_containers(host, options, request, reterr);
        if (r < 0)
                return r;
        Output output;
        output_init(&output, options);
        SwitchView view = { .progress.output = &output, .options = options, .host = host };
        view.progress.silent = option_is_given(options, OPTION_JSON) ||
                               option_is_given(options, OPTION_QUIET);
        if (option_is_given(options, OPTION_DRY_RUN))
                return dry_run(&view, host, request, reterr);
        cleanup(saved_plan_freep) SavedPlan *saved = NULL;
        r = options->plan ? saved_plan_read(options->plan, &saved, reterr) : 0;
        if (r < 0)
                return r;
        view.saved = saved;
        return carry_out(&view, host, request, reterr);
}
