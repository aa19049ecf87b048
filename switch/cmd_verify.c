/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "diff/quote.h"
#include "state/verify.h"
#include "switch/commands.h"
#include "switch/drift.h"
#include "switch/facts.h"
#include "switch/output.h"
#include "switch/recovery.h"

#include <errno.h>

/* Exit status; also in sysswitch(8). The first, second and last are as those of status. */
enum { VERIFY_FINE = 0, VERIFY_DRIFT = 1, VERIFY_TROUBLE = 2, VERIFY_OPEN = 3 };

typedef struct Verify {
        const Options *options;
        Host *host;
        Verification verification;
        Drift drift;
        bool is_open;
} Verify;

static void verify_done(Verify *verify) {
        verification_done(&verify->verification);
        drift_done(&verify->drift);
}

static int exit_status_of(const Verify *verify) {
        if (verify->verification.problems.n_items > 0)
                return VERIFY_TROUBLE;
        if (verify->is_open)
                return VERIFY_OPEN;
        return verify->drift.n_files > 0 ? VERIFY_DRIFT : VERIFY_FINE;
}

static void add_files(const Verify *verify, Text *text) {
        const Drift *drift = &verify->drift;
        if (verify->verification.problems.n_items > 0)
                text_add(text, "Files:     not compared with a damaged database.\n");
        else if (verify->is_open)
                text_add(text, "Files:     not compared, as a switch is open.\n");
        else if (drift->n_files == 0)
                text_addf(text, "Files:     as generation %lld has them.\n",
                                (long long) verify->host->profile.active);
        else
                text_addf(text, "Files:     %zu not as generation %lld has them:\n", drift->n_files,
                                (long long) verify->host->profile.active);
        for (size_t i = 0; i < drift->n_files; i++) {
                text_add(text, "  ");
                text_add_name(text, entry_root_prefix(drift->files[i].root), drift->files[i].path);
                text_addf(text, " %s\n", drift->files[i].what);
        }
}

static int print_text(const Verify *verify, Error *reterr) {
        const Verification *found = &verify->verification;
        Output output;
        output_init(&output, verify->options);
        cleanup(text_donep) Text text = { 0 };
        if (found->problems.n_items == 0)
                text_addf(&text,
                                "Database:  whole: %lld generations, %lld versions of paths, %lld "
                                "contents.\n",
                                (long long) found->n_generations, (long long) found->n_entries,
                                (long long) found->n_contents);
        else
                text_addf(&text, "Database:  %s/state.db is damaged:\n",
                                verify->host->state_directory);
        for (size_t i = 0; i < found->problems.n_items; i++) {
                text_add(&text, "  ");
                text_add_line(&text, found->problems.items[i]);
                text_add(&text, "\n");
        }
        if (found->problems.n_items > 0)
                text_add(&text, "  Put a backup in its place, or move it away to start anew.\n");
        add_files(verify, &text);
        return output_show(&output, &text, reterr);
}

static json_t *problems_json(const Verify *verify) {
        json_t *array = json_array();
        int failed = 0;
        for (size_t i = 0; i < verify->verification.problems.n_items; i++)
                failed |= json_array_append_new(
                                array, json_text(verify->verification.problems.items[i]));
        if (!failed)
                return array;
        json_decref(array);
        return NULL;
}

static json_t *files_json(const Verify *verify) {
        json_t *array = json_array();
        int failed = 0;
        for (size_t i = 0; i < verify->drift.n_files; i++) {
                const DriftFile *file = &verify->drift.files[i];
                json_t *entry = json_object();
                failed |= json_object_set_new(
                                entry, "path", json_entry_path(file->root, file->path));
                failed |= json_object_set_new(entry, "what", json_text(file->what));
                failed |= json_array_append_new(array, entry);
        }
        if (!failed)
                return array;
        json_decref(array);
        return NULL;
}

static int print_json(const Verify *verify, Error *reterr) {
        const Verification *found = &verify->verification;
        json_t *object = json_object();
        int failed = json_object_set_new(object, "profile", json_text(verify->host->profile_name));
        failed |= json_object_set_new(object, "active", json_integer(verify->host->profile.active));
        failed |= json_object_set_new(object, "problems", problems_json(verify));
        failed |= json_object_set_new(
                        object, "generations", json_integer((json_int_t) found->n_generations));
        failed |= json_object_set_new(
                        object, "entries", json_integer((json_int_t) found->n_entries));
        failed |= json_object_set_new(
                        object, "contents", json_integer((json_int_t) found->n_contents));
        failed |= json_object_set_new(object, "open", json_boolean(verify->is_open));
        failed |= json_object_set_new(object, "files", files_json(verify));
        if (!failed)
                return json_print(object, reterr);
        json_decref(object);
        return error_oom(reterr);
}

/* The files last, and only by a database that is whole. */
static int look(Verify *verify, Error *reterr) {
        Host *host = verify->host;
        int r = 0;
        if (host->database)
                r = database_verify(host->database, &verify->verification, reterr);
        if (r < 0 || verify->verification.problems.n_items > 0)
                return r;
        r = recovery_is_needed(host, reterr);
        if (r < 0)
                return r;
        verify->is_open = r > 0;
        if (verify->is_open)
                return 0;
        r = host_connect(host, reterr);
        return r < 0 ? r : drift_find_files(host, &verify->drift, reterr);
}

static int run(Verify *verify, Error *reterr) {
        int r = look(verify, reterr);
        if (r >= 0 && option_is_given(verify->options, OPTION_JSON))
                r = print_json(verify, reterr);
        else if (r >= 0 && !option_is_given(verify->options, OPTION_QUIET))
                r = print_text(verify, reterr);
        return r < 0 ? r : exit_status_of(verify);
}

int cmd_verify(const Options *options, char **arguments, size_t n_arguments, Error *reterr) {
        (void) arguments; /* takes none */
        (void) n_arguments;
        cleanup(host_donep) Host host = { 0 };
        Verify verify = { .options = options, .host = &host };
        int r = host_open_switched(options_root(options), options->profile, &host, reterr);
        if (r >= 0)
                r = run(&verify, reterr);
        verify_done(&verify);
        if (r >= 0)
                return r;
        output_error(reterr); /* as diff(1): what could not be compared is no difference */
        return VERIFY_TROUBLE;
}
