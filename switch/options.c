/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "switch/options.h"

#include "base/nearest.h"
#include "diff/time_span.h"
#include "switch/reference.h"

#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <string.h>

/* Of a profile's name: what can stand before the @ of a reference. */
static const char profile_bytes[] =
                "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-/";

enum { DEFAULT_TIMEOUT_SEC = 300 };

typedef struct OptionRow {
        const char *name;
        char letter;          /* 0: none */
        const char *argument; /* NULL: takes none */
        const char *help;
} OptionRow;

static const OptionRow rows[N_OPTIONS] = {
        [OPTION_PROFILE] = { "profile", 'p', "NAME", "Work on this profile (default: system)" },
        [OPTION_DIRECTORY] = { "directory", 'C', "DIR", "Run as if started in DIR" },
        [OPTION_ROOT] = { "root", 0, "DIR", "Work on an image in DIR instead of this host" },
        [OPTION_JSON] = { "json", 0, NULL, "Print JSON" },
        [OPTION_NO_PAGER] = { "no-pager", 0, NULL, "Do not pipe long output into a pager" },
        [OPTION_QUIET] = { "quiet", 'q', NULL, "Print errors and warnings only" },
        [OPTION_VERBOSE] = { "verbose", 'v', NULL, "List everything that is otherwise summed up" },
        [OPTION_HELP] = { "help", 'h', NULL, "Show this help" },
        [OPTION_VERSION] = { "version", 0, NULL, "Show the version" },
        [OPTION_DRY_RUN] = { "dry-run", 0, NULL, "Show the plan and change nothing" },
        [OPTION_PLAN] = { "plan", 0, "FILE",
                        "Do what FILE has and nothing else; with --dry-run, write it" },
        [OPTION_CHECK] = { "check", 0, NULL, "With --dry-run: run the checks too" },
        [OPTION_NO_CHECK] = { "no-check", 0, NULL, "Run no checks before anything is changed" },
        [OPTION_REHEARSE] = { "rehearse", 0, NULL, "Go on only when a rehearsal went well" },
        [OPTION_FORCE] = { "force", 0, NULL, "Save and replace files that were edited by hand" },
        [OPTION_TIMEOUT] = { "timeout", 0, "TIME", "Wait no longer for all jobs (default: 5min)" },
        [OPTION_STATES] = { "states", 0, "FILE",
                        "Take live states from a JSON file; with --all, from a directory of them" },
        [OPTION_ALL] = { "all", 0, "PATTERN", "Compare all such directories of two revisions" },
        [OPTION_EXIT_CODE] = { "exit-code", 0, NULL, "Exit with 1 when there is a difference" },
        [OPTION_FORMAT] = { "format", 0, "FORMAT", "As text, json, markdown or dot" },
        [OPTION_STAT] = { "stat", 0, NULL, "Count the changed lines of each file, show no patch" },
        [OPTION_NAME_ONLY] = { "name-only", 0, NULL, "Show the paths of changed files only" },
        [OPTION_SAVED] = { "saved", 0, NULL, "List the edited files that were saved" },
        [OPTION_ORIGIN] = { "origin", 0, NULL, "Show where in the source each path comes from" },
        [OPTION_CONFIRM] = { "confirm", 0, "TIME",
                        "Take it back unless sysswitch confirm comes in time (60s)" },
        [OPTION_ON_FAILURE] = { "on-failure", 0, "WHAT",
                        "keep (default) or rollback, when a unit or a hook fails" },
        [OPTION_UNCONFIRMED] = { "unconfirmed", 0, NULL,
                        "Of sysswitch-unconfirmed@.service: the time is over" },
        [OPTION_EARLY] = { "early", 0, NULL,
                        "Of sysswitch-undo.service: only files, /var is not there" },
        [OPTION_BOOT] = { "boot", 0, NULL, "Of sysswitch-boot.service: then boot the default" },
        [OPTION_ENTRIES] = { "entries", 0, NULL,
                        "Of kernel-install: a kernel came or went, only boot entries are renewed" },
        [OPTION_LIMIT] = { "lines", 'n', "N", "Show at most N entries" },
        [OPTION_FOLLOW] = { "follow", 'f', NULL, "Show the switch that is under way, to its end" },
        [OPTION_PATCH] = { "patch", 0, NULL, "With what was changed; behind log, -p is the same" },
        [OPTION_FOREGROUND] = { "foreground", 0, NULL, "Run in this process, not as a service" },
        [OPTION_KEEP] = { "keep", 0, "N", "Keep the newest N" },
        [OPTION_OLDER_THAN] = { "older-than", 0, "TIME", "Only those made so long ago (30d)" },
        [OPTION_PURGE] = { "purge", 0, NULL, "Delete the root of a container, and all in it" },
        [OPTION_REMOVE] = { "remove", 0, NULL, "Take the pin away" },
};

static int parse_count(const char *text, const char *what, size_t *ret_limit, Error *reterr) {
        errno = 0;
        char *end;
        unsigned long value = strtoul(text, &end, 10);
        if (!isdigit((unsigned char) *text) || *end || errno || value == 0)
                return error_set(reterr, -EINVAL, "Not a number of %s: %s", what, text);
        *ret_limit = value;
        return 0;
}

static int parse_timeout(const char *text, uint64_t *ret_usec, Error *reterr) {
        uint64_t usec = 0;
        /* "0" may mean at once or never: "infinity" says what it means */
        if (time_span_parse(text, &usec) < 0 || usec == 0)
                return error_set(
                                reterr, -EINVAL, "Not a time span: %s (90s, 5min, infinity)", text);
        *ret_usec = usec == UINT64_MAX ? 0 : usec;
        return 0;
}

/* A number without a unit, or with one that is minutes to some and months to others. */
static bool is_ambiguous(const char *text) {
        static const char digits[] = "0123456789";
        for (text += strcspn(text, digits); *text; text += strcspn(text, digits)) {
                text += strspn(text, "0123456789.");
                text += strspn(text, " \t\n\r");
                size_t length = strcspn(text, " \t\n\r0123456789.");
                if (length == 0 || (length == 1 && (*text == 'm' || *text == 'M')))
                        return true;
                text += length;
        }
        return false;
}

/* What is older gets deleted: nothing is guessed, and nothing is infinitely old. */
static int parse_age(const char *text, uint64_t *ret_usec, Error *reterr) {
        uint64_t usec = 0;
        if (time_span_parse(text, &usec) < 0 || usec == 0 || usec == UINT64_MAX ||
                        is_ambiguous(text))
                return error_set(reterr, -EINVAL,
                                "Not a time span with its unit: %s (30d, 2w, 6month)", text);
        *ret_usec = usec;
        return 0;
}

static int parse_confirm(const char *text, uint64_t *ret_usec, Error *reterr) {
        uint64_t usec = 0;
        if (time_span_parse(text, &usec) < 0 || usec == 0 || usec == UINT64_MAX)
                return error_set(reterr, -EINVAL, "Not a time to confirm in: %s (60s, 5min)", text);
        *ret_usec = usec;
        return 0;
}

static int take_root(Options *options, const char *path, Error *reterr) {
        free(TAKE(options->root));
        int r = path_absolute(path, &options->root, reterr);
        if (r < 0 || strcmp(options->root, "/") != 0)
                return r;
        free(TAKE(options->root));
        options->root = strdup(ROOT_ITSELF);
        return options->root ? 0 : error_oom(reterr);
}

static int parse_format(const char *text, Format *ret_format, Error *reterr) {
        static const char *const names[N_FORMATS] = {
                [FORMAT_TEXT] = "text",
                [FORMAT_JSON] = "json",
                [FORMAT_MARKDOWN] = "markdown",
                [FORMAT_DOT] = "dot",
        };
        for (Format format = 0; format < N_FORMATS; format++)
                if (strcmp(text, names[format]) == 0) {
                        *ret_format = format;
                        return 0;
                }
        return error_set(reterr, -EINVAL, "Not a format: %s (text, json, markdown, dot)", text);
}

/* value: of an option that takes one, else NULL. */
static int take(Options *options, OptionId id, const char *value, Error *reterr) {
        if (rows[id].argument && !*value)
                return error_set(reterr, -EINVAL, "--%s= needs a value", rows[id].name);
        options->given |= OPTION_BIT(id);
        switch (id) {
        case OPTION_PROFILE:
                if (value[strspn(value, profile_bytes)])
                        return error_set(reterr, -EINVAL, "Not the name of a profile: %s", value);
                options->profile = value;
                return 0;
        case OPTION_DIRECTORY:
                /* -EINVAL: what status 1 means to some verbs, nobody looked at */
                return chdir(value) < 0 ? error_set(reterr, -EINVAL, "Cannot go to %s: %s", value,
                                                          strerror(errno))
                                        : 0;
        case OPTION_ROOT:
                return take_root(options, value, reterr);
        case OPTION_TIMEOUT:
                return parse_timeout(value, &options->timeout_usec, reterr);
        case OPTION_CONFIRM:
                return parse_confirm(value, &options->confirm_usec, reterr);
        case OPTION_ON_FAILURE:
                options->keeps_failed = strcmp(value, "keep") == 0;
                options->takes_back_failed = strcmp(value, "rollback") == 0;
                return options->keeps_failed || options->takes_back_failed
                                       ? 0
                                       : error_set(reterr, -EINVAL, "Neither keep nor rollback: %s",
                                                         value);
        case OPTION_PLAN:
                options->plan = value;
                return 0;
        case OPTION_ALL:
                options->all = value;
                return 0;
        case OPTION_STATES:
                options->states = value;
                return 0;
        case OPTION_FORMAT:
                return parse_format(value, &options->format, reterr);
        case OPTION_JSON:
                options->format = FORMAT_JSON;
                return 0;
        case OPTION_LIMIT:
                return parse_count(value, "entries", &options->limit, reterr);
        case OPTION_KEEP:
                return parse_count(value, "generations", &options->keep, reterr);
        case OPTION_OLDER_THAN:
                return parse_age(value, &options->older_than_usec, reterr);
        default:
                return 0; /* its bit says all */
        }
}

static int find_command(const Command *commands,
                const char *name,
                const Command **ret_command,
                Error *reterr) {
        const Command *nearest = NULL;
        unsigned least = NEAREST_TOO_FAR;
        for (const Command *command = commands; command->name; command++) {
                if (strcmp(command->name, name) == 0) {
                        *ret_command = command;
                        return 0;
                }
                unsigned letters = nearest_distance(name, command->name);
                if (letters < least) {
                        least = letters;
                        nearest = command;
                }
        }
        if (nearest)
                return error_set(reterr, -EINVAL, "Unknown verb: %s (did you mean %s?)", name,
                                nearest->name);
        return error_set(reterr, -EINVAL, "Unknown verb: %s (see sysswitch --help)", name);
}

int options_check_taken(const Options *options, uint64_t taken, const char *name, Error *reterr) {
        for (unsigned id = N_GLOBAL_OPTIONS; id < N_OPTIONS; id++)
                if (options->given & ~taken & OPTION_BIT(id))
                        return error_set(reterr, -EINVAL, "%s takes no option --%s", name,
                                        rows[id].name);
        return 0;
}

static int check_command(
                const Command *command, const Options *options, int n_arguments, Error *reterr) {
        if (command->prints_no_json && option_is_given(options, OPTION_JSON))
                return error_set(reterr, -EINVAL, "%s prints no JSON", command->name);
        int r = options_check_taken(options, command->options, command->name, reterr);
        if (r < 0)
                return r;
        if ((size_t) n_arguments > command->max_arguments)
                return error_set(reterr, -EINVAL, "Too many arguments: sysswitch %s%s%s",
                                command->name, *command->arguments ? " " : "", command->arguments);
        return 0;
}

/* What getopt_long() takes, made from the rows. */
typedef struct GetoptTable {
        char letters[2 * N_OPTIONS + 3]; /* + at first: up to the verb; from the second on: all */
        struct option names[N_OPTIONS + 1];
} GetoptTable;

enum {
        LONG_BASE = 256
}; /* getopt_long() returns it and the id, for options without a letter too */

static void getopt_table(GetoptTable *table) {
        *table = (GetoptTable){ 0 };
        char *letter = table->letters;
        *letter++ = '+';
        *letter++ = ':'; /* a missing argument is told from an unknown option */
        for (int id = 0; id < N_OPTIONS; id++) {
                int has_argument = rows[id].argument ? required_argument : no_argument;
                table->names[id] = (struct option){ rows[id].name, has_argument, NULL,
                        LONG_BASE + id };
                if (!rows[id].letter)
                        continue;
                *letter++ = rows[id].letter;
                if (rows[id].argument)
                        *letter++ = ':';
        }
}

static int option_of(int found, char **argv, OptionId *ret_id, Error *reterr) {
        if (found == '?' && optopt > 0 && optopt < LONG_BASE)
                return error_set(reterr, -EINVAL, "Unknown option: -%c (see sysswitch --help)",
                                optopt);
        if (found == '?' && optopt >= LONG_BASE)
                return error_set(reterr, -EINVAL, "--%s takes no value",
                                rows[optopt - LONG_BASE].name);
        if (found == '?')
                return error_set(reterr, -EINVAL, "Unknown option: %s (see sysswitch --help)",
                                argv[optind - 1]);
        if (found == ':')
                return error_set(reterr, -EINVAL, "%s needs a value", argv[optind - 1]);
        for (int id = 0; id < N_OPTIONS; id++)
                if (found == LONG_BASE + id || (rows[id].letter && found == rows[id].letter))
                        *ret_id = (OptionId) id;
        return 0;
}

/* Behind log, -p means what it does in git: it takes no value, and --profile= is written out. The
 * verb is the first word that is no option and no option's value. */
static void take_patch_letter(const GetoptTable *table, int argc, char **argv) {
        static char patch[] = "--patch";
        optind = 0; /* anew, for a second call */
        while (getopt_long(argc, argv, table->letters, table->names, NULL) >= 0)
                ; /* what is wrong with an option is told when all are taken */
        if (optind >= argc || strcmp(argv[optind], "log") != 0)
                return;
        for (int i = optind + 1; i < argc && strcmp(argv[i], "--") != 0; i++)
                if (strcmp(argv[i], "-p") == 0)
                        argv[i] = patch;
}

/* What stands behind "container shell NAME" is the command's, options and all. Returns how many
 * words are ours. */
static int own_words(const GetoptTable *table, int argc, char **argv) {
        static const char *const way[] = { "container", "shell", NULL }; /* then its name */
        optind = 0; /* anew, for a second call */
        for (size_t i = 0; i < N_ELEMENTS(way); i++) {
                while (getopt_long(argc, argv, table->letters, table->names, NULL) >= 0)
                        ; /* as above */
                if (optind >= argc || (way[i] && strcmp(argv[optind], way[i]) != 0))
                        return argc;
                optind++;
        }
        return optind;
}

int options_parse(const Command *commands,
                int argc,
                char **argv,
                Options *ret_options,
                const Command **ret_command,
                Error *reterr) {
        cleanup(options_donep) Options options = {
                .profile = "system",
                .timeout_usec = DEFAULT_TIMEOUT_SEC * 1000000ull,
        };
        GetoptTable table;
        getopt_table(&table);
        opterr = 0;
        take_patch_letter(&table, argc, argv);
        int n_own = own_words(&table, argc, argv), found;
        optind = 0; /* anew, for a second call */
        while ((found = getopt_long(n_own, argv, table.letters + 1, table.names, NULL)) >= 0) {
                OptionId id = OPTION_HELP;
                int r = option_of(found, argv, &id, reterr);
                if (r < 0)
                        return r;
                r = take(&options, id, optarg, reterr);
                if (r < 0)
                        return r;
        }
        const Command *command = NULL;
        if (optind < argc) {
                int r = find_command(commands, argv[optind++], &command, reterr);
                if (r < 0)
                        return r;
                r = check_command(command, &options, argc - optind, reterr);
                if (r < 0)
                        return r;
                options.given |= command->implied;
        }
        *ret_command = command;
        *ret_options = options;
        options.root = NULL;
        return optind;
}

void options_done(Options *options) {
        free(TAKE(options->root));
}

static void print_option(const OptionRow *row) {
        char names[64];
        const char *equals = row->argument ? "=" : "";
        const char *argument = row->argument ? row->argument : "";
        if (row->letter)
                (void) snprintf(names, sizeof(names), "-%c, --%s%s%s", row->letter, row->name,
                                equals, argument);
        else
                (void) snprintf(names, sizeof(names), "    --%s%s%s", row->name, equals, argument);
        printf("  %-24s %s\n", names, row->help);
}

static void print_program_help(const Command *commands) {
        printf("sysswitch [OPTION...] VERB [ARGUMENT...]\n\n"
               "Switch this host to a configuration: a directory of native files.\n\nVerbs:\n");
        for (const Command *command = commands; command->name; command++) {
                char usage[64];
                (void) snprintf(usage, sizeof(usage), "%s %s", command->name, command->arguments);
                printf("  %-24s %s\n", usage, command->summary);
        }
        printf("\nOptions:\n");
        for (int id = 0; id < N_GLOBAL_OPTIONS; id++)
                print_option(&rows[id]);
        printf("\nsysswitch VERB --help tells more about a verb, sysswitch(8) everything.\n");
}

void options_print_help(const Command *commands, const Command *command) {
        if (!command) {
                print_program_help(commands);
                return;
        }
        printf("sysswitch %s [OPTION...]%s%s\n\n%s.\n\n%s%sOptions:\n", command->name,
                        *command->arguments ? " " : "", command->arguments, command->summary,
                        command->details, *command->details ? "\n" : "");
        for (int id = N_GLOBAL_OPTIONS; id < N_OPTIONS; id++)
                if (command->options & OPTION_BIT(id))
                        print_option(&rows[id]);
        for (int id = 0; id < N_GLOBAL_OPTIONS; id++)
                print_option(&rows[id]);
}
