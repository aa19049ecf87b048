/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "activate/booted.h"
#include "base/clock.h"
#include "base/text.h"
#include "diff/quote.h"
#include "state/prune.h"
#include "state/record.h"
#include "switch/boot_entries.h"
#include "switch/commands.h"
#include "switch/facts.h"
#include "switch/host.h"
#include "switch/invoker.h"
#include "switch/output.h"
#include "switch/recovery.h"
#include "switch/window.h"

#include <errno.h>

typedef struct Prune {
        const Options *options;
        Host *host;
        Generations list;
        int64_t booted[2]; /* named by the kernel's command line; the default when this boot began:
                              -1, 0: none */
        int64_t oldest_kept; /* of --keep= */
        const char **why;    /* for each of the list: why it is kept though it is old; NULL */
        int64_t *numbers;    /* that go */
        size_t n_numbers;
        PruneResult result;
} Prune;

static void prune_done(Prune *prune) {
        generations_done(&prune->list);
        free(prune->why);
        free(prune->numbers);
}

/* An image is not booted here. */
static int find_booted(Prune *prune, Error *reterr) {
        Booted booted;
        prune->booted[0] = -1;
        prune->booted[1] = 0;
        if (prune->host->is_image)
                return 0;
        int r = booted_read(&booted, reterr);
        if (r < 0)
                return r;
        prune->booted[0] = booted.generation;
        return record_default_at(prune->host->database, prune->host->profile_name,
                        booted.began_usec, &prune->booted[1], reterr);
}

/* --keep= counts those that a switch to was completed: attempts that failed push out none. */
static void find_oldest_kept(Prune *prune) {
        size_t n_seen = 0;
        for (size_t i = prune->list.n_items; i > 0 && n_seen < prune->options->keep; i--) {
                if (!prune->list.items[i - 1].was_committed)
                        continue;
                n_seen++;
                prune->oldest_kept = prune->list.items[i - 1].number;
        }
        if (n_seen < prune->options->keep)
                prune->oldest_kept = 0;
}

static bool is_old(const Prune *prune, const Generation *generation) {
        const Options *options = prune->options;
        if (option_is_given(options, OPTION_KEEP) && generation->number >= prune->oldest_kept)
                return false;
        uint64_t now = now_realtime_usec();
        return !option_is_given(options, OPTION_OLDER_THAN) ||
               (now > options->older_than_usec &&
                               generation->created_usec < now - options->older_than_usec);
}

/* NULL: nothing keeps it. */
static const char *why_kept(const Prune *prune, const Generation *generation) {
        const Profile *profile = &prune->host->profile;
        if (generation->number == profile->active)
                return "active";
        if (generation->number == profile->default_number)
                return "default";
        if (generation->is_pinned)
                return "pinned";
        if (generation->number == prune->booted[0] || generation->number == prune->booted[1])
                return "booted";
        return NULL;
}

static int choose(Prune *prune, Error *reterr) {
        int r = generation_list(
                        prune->host->database, prune->host->profile_name, &prune->list, reterr);
        if (r >= 0)
                r = find_booted(prune, reterr);
        if (r < 0)
                return r;
        prune->why = calloc(prune->list.n_items + 1, sizeof(*prune->why));
        prune->numbers = calloc(prune->list.n_items + 1, sizeof(*prune->numbers));
        if (!prune->why || !prune->numbers)
                return error_oom(reterr);
        find_oldest_kept(prune);
        for (size_t i = 0; i < prune->list.n_items; i++) {
                const Generation *generation = &prune->list.items[i];
                if (!is_old(prune, generation))
                        continue;
                prune->why[i] = why_kept(prune, generation);
                if (!prune->why[i])
                        prune->numbers[prune->n_numbers++] = generation->number;
        }
        return 0;
}

static int delete_chosen(Prune *prune, Error *reterr) {
        Database *database = prune->host->database;
        int r = database_begin(database, reterr);
        if (r < 0)
                return r;
        r = generations_prune(database, prune->host->profile_name, prune->numbers, prune->n_numbers,
                        &prune->result, reterr);
        if (r >= 0)
                r = database_commit(database, reterr);
        if (r < 0)
                database_rollback(database);
        return r;
}

/* Numbers as people write them: "1 to 3, 5". */
static void add_numbers(const Prune *prune, Text *text) {
        for (size_t i = 0; i < prune->n_numbers;) {
                size_t last = i;
                while (last + 1 < prune->n_numbers &&
                                prune->numbers[last + 1] == prune->numbers[last] + 1)
                        last++;
                text_addf(text, "%s%lld", i > 0 ? ", " : "", (long long) prune->numbers[i]);
                if (last > i)
                        text_addf(text, "%s%lld", last > i + 1 ? " to " : ", ",
                                        (long long) prune->numbers[last]);
                i = last + 1;
        }
}

static int print_text(const Prune *prune, Error *reterr) {
        Output output;
        output_init(&output, prune->options);
        bool is_dry = option_is_given(prune->options, OPTION_DRY_RUN);
        cleanup(text_donep) Text text = { 0 };
        if (prune->n_numbers == 0)
                text_add(&text, "Nothing to prune.\n");
        else {
                text_add(&text, is_dry ? "Would prune generations " : "Pruned generations ");
                add_numbers(prune, &text);
                text_addf(&text, " of %s", prune->host->profile_name);
                if (!is_dry)
                        text_addf(&text, ": %zu versions of paths, %zu contents of %llu bytes",
                                        prune->result.n_entries, prune->result.n_contents,
                                        (unsigned long long) prune->result.size_bytes);
                text_add(&text, ".\n");
        }
        for (size_t i = 0; i < prune->list.n_items; i++)
                if (prune->why[i])
                        text_addf(&text, "Kept: %lld, %s\n",
                                        (long long) prune->list.items[i].number, prune->why[i]);
        return output_show(&output, &text, reterr);
}

static int print_json(const Prune *prune, Error *reterr) {
        bool is_dry = option_is_given(prune->options, OPTION_DRY_RUN);
        json_t *object = json_object(), *pruned = json_array(), *kept = json_array();
        int failed = 0;
        for (size_t i = 0; i < prune->n_numbers; i++)
                failed |= json_array_append_new(pruned, json_integer(prune->numbers[i]));
        for (size_t i = 0; i < prune->list.n_items; i++) {
                if (!prune->why[i])
                        continue;
                json_t *entry = json_object();
                failed |= json_object_set_new(
                                entry, "generation", json_integer(prune->list.items[i].number));
                failed |= json_object_set_new(entry, "because", json_text(prune->why[i]));
                failed |= json_array_append_new(kept, entry);
        }
        failed |= json_object_set_new(object, "profile", json_text(prune->host->profile_name));
        failed |= json_object_set_new(object, "dry_run", json_boolean(is_dry));
        failed |= json_object_set_new(object, "pruned", pruned);
        failed |= json_object_set_new(object, "kept", kept);
        failed |= json_object_set_new(object, "entries",
                        is_dry ? json_null() : json_integer((json_int_t) prune->result.n_entries));
        failed |= json_object_set_new(object, "contents",
                        is_dry ? json_null() : json_integer((json_int_t) prune->result.n_contents));
        failed |= json_object_set_new(object, "bytes",
                        is_dry ? json_null() : json_integer((json_int_t) prune->result.size_bytes));
        if (!failed)
                return json_print(object, reterr);
        json_decref(object);
        return error_oom(reterr);
}

/* While a switch is open, recovery may need any generation. */
static int take_lock(Host *host, Error *reterr) {
        cleanup_free char *user = NULL;
        char what[128];
        int r = invoker_name(&user, reterr);
        if (r < 0)
                return r;
        (void) snprintf(what, sizeof(what), "prune by %s", user); /* cut: a note for people */
        r = host_lock(host, what, reterr);
        if (r >= 0)
                r = recovery_is_needed(host, reterr);
        bool is_open = r > 0;
        if (is_open)
                r = window_refuse(host, reterr);
        if (is_open && r == 0)
                return error_set(reterr, -EBUSY,
                                "A switch is open: sysswitch recover, or the next switch, ends it");
        return r < 0 ? r : host_make_writable(host, reterr);
}

static int run(Prune *prune, Error *reterr) {
        bool is_dry = option_is_given(prune->options, OPTION_DRY_RUN);
        int r = 0;
        if (prune->host->database) {
                r = is_dry ? 0 : take_lock(prune->host, reterr);
                if (r >= 0)
                        r = choose(prune, reterr);
                if (r >= 0 && !is_dry && prune->n_numbers > 0)
                        r = delete_chosen(prune, reterr);
                if (r >= 0 && !is_dry)
                        boot_entries_renew_last(prune->host);
        }
        if (r < 0)
                return r;
        if (option_is_given(prune->options, OPTION_JSON))
                r = print_json(prune, reterr);
        else if (!option_is_given(prune->options, OPTION_QUIET))
                r = print_text(prune, reterr);
        Error error;
        if (!is_dry && prune->result.n_entries > 0 &&
                        database_compact(prune->host->database, &error) < 0)
                (void) fprintf(stderr, "The file stays as large as it is: %s\n", error.message);
        return r;
}

int cmd_prune(const Options *options, char **arguments, size_t n_arguments, Error *reterr) {
        (void) arguments; /* takes none */
        (void) n_arguments;
        if (!option_is_given(options, OPTION_KEEP) && !option_is_given(options, OPTION_OLDER_THAN))
                return error_set(reterr, USAGE_ERROR,
                                "Which generations? Write --keep=N, --older-than=TIME, or both");
        cleanup(host_donep) Host host;
        int r = host_open_switched(options_root(options), options->profile, &host, reterr);
        if (r < 0)
                return r;
        Prune prune = { .options = options, .host = &host };
        r = run(&prune, reterr);
        prune_done(&prune);
        return r;
}
