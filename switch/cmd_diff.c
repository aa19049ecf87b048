/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "diff/plan_dot.h"
#include "switch/commands.h"
#include "switch/diff_view.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

static int print_json(const Diff *diff, Error *reterr) {
        cleanup_free char *json = NULL;
        int r = diff_to_json(diff, &json, reterr);
        if (r >= 0)
                (void) fputs(json, stdout); /* output_close() tells */
        return r;
}

static int add_markdown(const Diff *diff, Text *text, Error *reterr) {
        cleanup_free char *title = NULL;
        if (asprintf(&title, "%s → %s", diff->left, diff->right) < 0)
                return error_oom(reterr);
        return diff_add_markdown(diff, title, text, reterr);
}

static int print(Diff *diff, Error *reterr) {
        Output output;
        output_init(&output, diff->options);
        cleanup(text_donep) Text text = { 0 };
        int r = diff_choose_files(diff, reterr);
        if (r < 0)
                return r;
        switch (diff->options->format) {
        case FORMAT_JSON:
                return print_json(diff, reterr);
        case FORMAT_MARKDOWN:
                r = add_markdown(diff, &text, reterr);
                break;
        case FORMAT_DOT:
                plan_to_dot(diff->plan, &text);
                break;
        default:
                r = diff_add_text(diff, &output, &text, reterr);
        }
        return r < 0 ? r : output_show(&output, &text, reterr);
}

static int run_diff(Diff *diff, bool with_host, Error *reterr) {
        int r = with_host ? diff_compare_with_host(diff, reterr) : diff_compare_trees(diff, reterr);
        for (size_t i = 0; r >= 0 && i < diff->n_paths; i++) {
                r = diff_has_path(diff, diff->paths[i], reterr);
                if (r == 0)
                        return diff_refuse_path(diff->paths[i], reterr);
        }
        if (r < 0)
                return r;
        if (diff->options->format == FORMAT_JSON || !option_is_given(diff->options, OPTION_QUIET))
                r = print(diff, reterr);
        if (r < 0)
                return r;
        return option_is_given(diff->options, OPTION_EXIT_CODE) && diff_is_different(diff);
}

static int open_host(const Options *options, bool stateless, Host *host, Error *reterr) {
        if (stateless)
                return host_open_stateless(options_root(options), options->profile, host, reterr);
        return host_open(options_root(options), options->profile, DATABASE_READ, host, reterr);
}

/* A file is one host's: it would be wrong for all others. */
static int check_states(const char *directory, Error *reterr) {
        struct stat st;
        if (!directory)
                return 0;
        if (stat(directory, &st) < 0)
                return error_set_errno(reterr, -errno, "%s", directory);
        return S_ISDIR(st.st_mode) ? 0
                                   : error_set(reterr, USAGE_ERROR,
                                                     "--states=%s is one host's: with --all give a "
                                                     "directory that has a file for each, as "
                                                     "edge1.json for hosts/edge1",
                                                     directory);
}

/* --all takes a pattern, and two revisions that it is looked for in. */
static int check_all(const Options *options, char **arguments, size_t n_arguments, Error *reterr) {
        if (options->format == FORMAT_DOT)
                return error_set(reterr, USAGE_ERROR,
                                "--format=dot is one graph, of one host: leave --all away, or take "
                                "another format");
        if (n_arguments < 2)
                return error_set(reterr, USAGE_ERROR,
                                "--all=%s has %s: write the pattern and two, sysswitch diff "
                                "--all='hosts/*' main HEAD",
                                options->all, n_arguments == 0 ? "no revision" : "one revision");
        for (size_t i = 0; i < 2; i++)
                if (reference_is_source(arguments[i]))
                        return error_set(reterr, USAGE_ERROR,
                                        "%s is no revision by itself: with --all write main or "
                                        "HEAD~1, the pattern has the path",
                                        arguments[i]);
        return check_states(options->states, reterr);
}

/* "diff A B C" compares no three. */
static int check_paths(char **paths, size_t n_paths, Error *reterr) {
        for (size_t i = 0; i < n_paths; i++)
                if (*paths[i] != '/' && (reference_is_generation(paths[i]) ||
                                                        reference_is_source(paths[i])))
                        return error_set(reterr, USAGE_ERROR,
                                        "%s: Two are compared; behind them there are paths, as "
                                        "/etc/motd",
                                        paths[i]);
        return 0;
}

int cmd_diff(const Options *options, char **arguments, size_t n_arguments, Error *reterr) {
        bool is_short = option_is_given(options, OPTION_STAT) ||
                        option_is_given(options, OPTION_NAME_ONLY);
        if (is_short && options->format != FORMAT_TEXT)
                return error_set(reterr, USAGE_ERROR,
                                "--stat and --name-only are forms of text, not of another format");
        if (option_is_given(options, OPTION_STAT) && option_is_given(options, OPTION_NAME_ONLY))
                return error_set(reterr, USAGE_ERROR, "--stat or --name-only: one of the two");
        int q = n_arguments > 2 ? check_paths(arguments + 2, n_arguments - 2, reterr) : 0;
        if (q < 0)
                return q;
        if (option_is_given(options, OPTION_ALL)) {
                q = check_all(options, arguments, n_arguments, reterr);
                if (q < 0)
                        return q;
                cleanup(host_donep) Host none;
                q = open_host(options, true, &none, reterr);
                return q < 0 ? q
                             : diff_all(options, &none, arguments, arguments + 2, n_arguments - 2,
                                               reterr);
        }
        const char *left = n_arguments >= 2 ? arguments[0] : "@active";
        const char *right = n_arguments >= 2 ? arguments[1] : n_arguments > 0 ? arguments[0] : NULL;
        bool stateless = right && !reference_is_generation(left) && !reference_is_generation(right);
        cleanup(host_donep) Host host;
        int r = open_host(options, stateless, &host, reterr);
        if (r < 0)
                return r;
        cleanup_free char *last = right ? NULL : reference_default(&host);
        if (!right && !last)
                return error_oom(reterr);
        Diff diff = {
                .options = options,
                .host = &host,
                .left = left,
                .right = right ? right : last,
                .states = options->states,
                .paths = arguments + 2,
                .n_paths = n_arguments > 2 ? n_arguments - 2 : 0,
        };
        r = run_diff(&diff, strcmp(left, "@active") == 0 && !options->states, reterr);
        diff_done(&diff);
        return r;
}
