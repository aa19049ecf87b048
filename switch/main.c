/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "diff/container.h"
#include "switch/commands.h"
#include "switch/detach.h"
#include "switch/engine.h"
#include "switch/output.h"

#include <errno.h>
#include <locale.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>

/* Of what acts now, and of what is left to the next boot. */
#define BOOT_OPTIONS                                                                               \
        (OPTION_BIT(OPTION_DRY_RUN) | OPTION_BIT(OPTION_PLAN) | OPTION_BIT(OPTION_CHECK) |         \
                        OPTION_BIT(OPTION_NO_CHECK) | OPTION_BIT(OPTION_REHEARSE) |                \
                        OPTION_BIT(OPTION_FORCE) | OPTION_BIT(OPTION_TIMEOUT) |                    \
                        OPTION_BIT(OPTION_FOREGROUND))
#define SWITCH_OPTIONS (BOOT_OPTIONS | OPTION_BIT(OPTION_CONFIRM) | OPTION_BIT(OPTION_ON_FAILURE))

static const char switch_details[] = "REF is a directory, a tree in git as HEAD:hosts/edge1, or "
                                     "a generation as @42, @active, @default,\n"
                                     "@previous or PROFILE@42. Without it, the source last "
                                     "given is taken; at first, /etc/sysswitch.\n"
                                     "\n"
                                     "Exit status: 0 done, 1 refused or failed and nothing "
                                     "changed, 2 usage, 3 undone, 4 active but some units\n"
                                     "failed, 5 an undo failed.\n";

static const Command commands[] = {
        {
                        .name = "switch",
                        .arguments = "[REF]",
                        .summary = "Make this host what REF says",
                        .details = switch_details,
                        .options = SWITCH_OPTIONS,
                        .max_arguments = 1,
                        .acts = true,
                        .detaches = true,
                        .run = cmd_switch,
        },
        {
                        .name = "dry-activate",
                        .arguments = "[REF]",
                        .summary = "Show what switch would do: switch --dry-run",
                        .details = switch_details,
                        .options = SWITCH_OPTIONS,
                        .implied = OPTION_BIT(OPTION_DRY_RUN),
                        .max_arguments = 1,
                        .acts = true,
                        .run = cmd_switch,
        },
        {
                        .name = "rehearse",
                        .arguments = "[REF]",
                        .summary = "Boot what REF says in a throw-away copy of this host",
                        .details = "The checks run, the units of the plan are started in the copy, "
                                   "and what fails is shown with its\n"
                                   "last log lines. Nothing of it reaches this host, and nothing "
                                   "is "
                                   "left of it.\n"
                                   "\n"
                                   "Exit status: 0 it went well, 1 something failed or was "
                                   "refused, "
                                   "2 usage.\n",
                        .options = OPTION_BIT(OPTION_NO_CHECK) | OPTION_BIT(OPTION_FORCE) |
                                   OPTION_BIT(OPTION_TIMEOUT),
                        .implied = OPTION_BIT(OPTION_DRY_RUN) | OPTION_BIT(OPTION_REHEARSE),
                        .max_arguments = 1,
                        .run = cmd_rehearse,
        },
        {
                        .name = "rollback",
                        .arguments = "[N]",
                        .summary = "Go back to the generation before, or to N",
                        .details = "The generation before is the highest one below the active one "
                                   "that a switch to was completed.\n"
                                   "0 is the host as found. Files edited by hand are saved "
                                   "(sysswitch show --saved) and replaced.\n",
                        .options = OPTION_BIT(OPTION_DRY_RUN) | OPTION_BIT(OPTION_TIMEOUT) |
                                   OPTION_BIT(OPTION_FOREGROUND) | OPTION_BIT(OPTION_CONFIRM) |
                                   OPTION_BIT(OPTION_ON_FAILURE),
                        .max_arguments = 1,
                        .acts = true,
                        .detaches = true,
                        .run = cmd_rollback,
        },
        {
                        .name = "test",
                        .arguments = "[REF]",
                        .summary = "Switch this host to REF until the next boot",
                        .details = "The next boot takes the default again. Else as switch.\n",
                        .options = SWITCH_OPTIONS,
                        .max_arguments = 1,
                        .acts = true,
                        .detaches = true,
                        .run = cmd_test,
        },
        {
                        .name = "boot",
                        .arguments = "[REF]",
                        .summary = "Let the next boot take REF, and change nothing now",
                        .details = "Files edited by hand are saved and replaced then.\n",
                        .options = BOOT_OPTIONS,
                        .max_arguments = 1,
                        .acts = true,
                        .run = cmd_boot,
        },
        {
                        .name = "confirm",
                        .arguments = "",
                        .summary = "Keep what a switch with --confirm= made",
                        .details = "Without it, the switch is taken back when its time is over.\n",
                        .prints_no_json = true,
                        .acts = true,
                        .run = cmd_confirm,
        },
        {
                        .name = "recover",
                        .arguments = "",
                        .summary = "Take back a switch that was interrupted",
                        .details = "Files and units become what they were before it, as often as "
                                   "it takes. It is done by itself when\n"
                                   "a switch is killed, at the next boot, and before the next "
                                   "switch.\n",
                        .options = OPTION_BIT(OPTION_TIMEOUT) | OPTION_BIT(OPTION_UNCONFIRMED) |
                                   OPTION_BIT(OPTION_EARLY) | OPTION_BIT(OPTION_BOOT) |
                                   OPTION_BIT(OPTION_ENTRIES),
                        .prints_no_json = true,
                        .acts = true,
                        .run = cmd_recover,
        },
        {
                        .name = "container",
                        .arguments = "WHAT [NAME]",
                        .summary = "List the containers, or act on one of them",
                        .details = "  list               Name, state, generation, since when "
                                   "it is up, addresses\n"
                                   "  reboot NAME        Stop and start it, and wait for "
                                   "that\n"
                                   "  activate NAME      Make it what it shall be while it "
                                   "runs, as a switch does\n"
                                   "  shell NAME [CMD]   Run a shell or CMD in it, as its "
                                   "root; -- before CMD's options\n"
                                   "  log NAME           The end of its journal; of one that "
                                   "is off, what the host has\n"
                                   "  remove NAME        Delete the root of one "
                                   "that is not declared any more\n"
                                   "\n"
                                   "Exit status: 0 done, 1 refused or failed, 2 usage; that "
                                   "of CMD.\n",
                        .options = OPTION_BIT(OPTION_TIMEOUT) | OPTION_BIT(OPTION_LIMIT) |
                                   OPTION_BIT(OPTION_PURGE),
                        .max_arguments = 256,
                        .run = cmd_container,
        },
        {
                        .name = "diff",
                        .arguments = "[[A] B [PATH...]]",
                        .summary = "Show what differs, which units would act and why",
                        .details = "A and B are references: a directory, a tree in git as "
                                   "HEAD:hosts/edge1, or a generation as @42,\n"
                                   "@active, @default, @previous or PROFILE@42. Without A, it is "
                                   "@active; without B, the source "
                                   "last given.\n"
                                   "Against @active the plan is what a switch would do now. Else, "
                                   "without --states=, every unit\n"
                                   "that A wants counts as active. With PATH (a file or directory "
                                   "below /etc, or a glob), only\n"
                                   "those files are shown; units are always those of the whole.\n"
                                   "With --all='hosts/*', A and B are revisions, and all such "
                                   "directories are compared.\n",
                        .options = OPTION_BIT(OPTION_ALL) | OPTION_BIT(OPTION_STATES) |
                                   OPTION_BIT(OPTION_EXIT_CODE) | OPTION_BIT(OPTION_FORMAT) |
                                   OPTION_BIT(OPTION_STAT) | OPTION_BIT(OPTION_NAME_ONLY),
                        .max_arguments = 256,
                        .run = cmd_diff,
        },
        {
                        .name = "init",
                        .arguments = "[DIR]",
                        .summary = "Make a first source of what this host is",
                        .details = "DIR (/etc/sysswitch) must not be there, or be empty. Changed "
                                   "configuration files of packages, what\n"
                                   "else in /etc no package has, the units that are on, those that "
                                   "are off against the preset. It tells\n"
                                   "what it leaves out (-v: all of it). A switch to it changes "
                                   "nothing.\n",
                        .max_arguments = 1,
                        .run = cmd_init,
        },
        {
                        .name = "lint",
                        .arguments = "REF...",
                        .summary = "Find all that is wrong with sources, without a host",
                        .details = "One line each, FILE:LINE: what, and what to do. What only a "
                                   "host can tell (units, users, programs)\n"
                                   "is not looked for.\n"
                                   "\n"
                                   "Exit status: 0 nothing is wrong, 1 something is, 2 usage.\n",
                        .max_arguments = 4096,
                        .run = cmd_lint,
        },
        {
                        .name = "generations",
                        .arguments = "",
                        .summary = "List the generations",
                        .details = "",
                        .run = cmd_generations,
        },
        {
                        .name = "show",
                        .arguments = "[REF[:PATH]]",
                        .summary = "Show a generation, its files, or one of them",
                        .details = "Without REF, the active one. @3:etc/motd prints that file of "
                                   "generation 3, HEAD:hosts/a:etc/motd\n"
                                   "and ./hosts/a:etc/motd that of a source; a secret is refused. "
                                   "--origin tells the layer of each path.\n"
                                   "saved:7 prints a file that was edited by hand and saved; "
                                   "--saved lists them.\n",
                        .options = OPTION_BIT(OPTION_SAVED) | OPTION_BIT(OPTION_ORIGIN),
                        .max_arguments = 1,
                        .run = cmd_show,
        },
        {
                        .name = "status",
                        .arguments = "",
                        .summary = "Show whether this host is as declared",
                        .details = "Exit status: 0 as declared, 1 something differs or is owed, 3 "
                                   "a switch is open.\n",
                        .run = cmd_status,
        },
        {
                        .name = "states",
                        .arguments = "",
                        .summary = "Write what diff --states= reads elsewhere",
                        .details = "The states of all units, what is owed, and the units of the "
                                   "distribution, as JSON: with it, diff\n"
                                   "makes on another machine the plan that a switch here would "
                                   "carry out. Of /etc it has the names of units;\n"
                                   "of what was put away, the links and texts of units and of "
                                   "fstab, and digests of what\n"
                                   "else everybody may read.\n",
                        .run = cmd_states,
        },
        {
                        .name = "log",
                        .arguments = "[SWITCH|PATH|UNIT]",
                        .summary = "List the switches, newest first, or show one",
                        .details = "With a path below /etc or a unit, those that changed it or "
                                   "acted "
                                   "on it, and what came of it;\n"
                                   "-p shows the patches, too. --follow shows the switch that is "
                                   "under way, from its "
                                   "beginning, and ends with its exit status.\n",
                        .options = OPTION_BIT(OPTION_LIMIT) | OPTION_BIT(OPTION_FOLLOW) |
                                   OPTION_BIT(OPTION_PATCH),
                        .max_arguments = 1,
                        .run = cmd_log,
        },
        {
                        .name = "export",
                        .arguments = "REF DIR",
                        .summary = "Write a generation as a source",
                        .details = "DIR must not be there, or be empty. A switch to it changes "
                                   "nothing where REF is active.\n"
                                   "Secrets are written with mode 0600.\n"
                                   "\n"
                                   "Exit status: 0 done, 1 refused or failed and nothing written, "
                                   "2 usage, 4 written, but on this host\n"
                                   "it is another configuration by now.\n",
                        .max_arguments = 2,
                        .run = cmd_export,
        },
        {
                        .name = "pin",
                        .arguments = "REF",
                        .summary = "Keep a generation from ever being pruned",
                        .details = "",
                        .options = OPTION_BIT(OPTION_REMOVE),
                        .max_arguments = 1,
                        .prints_no_json = true,
                        .run = cmd_pin,
        },
        {
                        .name = "prune",
                        .arguments = "",
                        .summary = "Delete old generations",
                        .details = "Without --keep= or --older-than=, nothing is: with both, what "
                                   "both say. --keep= counts those\n"
                                   "that a switch to was completed. Never the active, the default, "
                                   "a pinned or the booted one.\n",
                        .options = OPTION_BIT(OPTION_KEEP) | OPTION_BIT(OPTION_OLDER_THAN) |
                                   OPTION_BIT(OPTION_DRY_RUN),
                        .acts = true,
                        .run = cmd_prune,
        },
        {
                        .name = "verify",
                        .arguments = "",
                        .summary = "Check the database, and /etc against it",
                        .details = "Exit status: 0 all is well, 1 files of /etc are not as the "
                                   "active generation has them, 2 the database\n"
                                   "is damaged or cannot be read, 3 a switch is open.\n",
                        .run = cmd_verify,
        },
        { 0 },
};

static void do_nothing(int signal) {
        (void) signal; /* that it has a handler is enough */
}

static int exit_status_of(const Options *options, int code) {
        if (code == USAGE_ERROR)
                return EXIT_USAGE;
        if (code == -EUCLEAN)
                return EXIT_NEEDS_RECOVER;
        return option_is_given(options, OPTION_EXIT_CODE) ? 2 : EXIT_REFUSED;
}

/* What is refused, and a switch that has nothing to do, needs no service: a caller who comes every
 * minute costs little. */
static int run_verb(const DetachRequest *request, char **arguments, Error *reterr) {
        const Command *command = request->command;
        size_t n_arguments = 0;
        while (arguments[n_arguments])
                n_arguments++;
        if (detach_is_wanted(request)) {
                Options looking = *request->options;
                looking.only_looks = true;
                output_hold_warnings();
                int r = command->run(&looking, arguments, n_arguments, reterr);
                output_release_warnings(r != EXIT_HAND_OVER);
                if (r != EXIT_HAND_OVER)
                        return r;
        }
        int r = detach_run(request, reterr);
        return r == DETACH_NOT_HERE ? command->run(request->options, arguments, n_arguments, reterr)
                                    : r;
}

/* A mistyped name is not taken for a profile that is as declared. */
static int check_profile(const char *name, Error *reterr) {
        const char *fault = strcmp(name, "system") == 0 ? NULL : container_profile_fault(name);
        if (!fault)
                return 0;
        return error_set(reterr, -EOPNOTSUPP, "%s %s; without -p it is the host's, system", name,
                        fault);
}

/* directory: before the options took effect. */
static int
run(const Options *options, const Command *command, char **argv, int first, const char *directory) {
        Error error = { 0 };
        char **arguments = argv + first;
        if (option_is_given(options, OPTION_HELP)) {
                options_print_help(commands, command);
                return EXIT_DONE;
        }
        if (option_is_given(options, OPTION_VERSION)) {
                printf("sysswitch %s\n", SYSSWITCH_VERSION);
                return EXIT_DONE;
        }
        if (!command) {
                (void) error_set(&error, -EINVAL, "No verb given (see sysswitch --help)");
                output_error(&error);
                return EXIT_USAGE;
        }
        if (command->acts && !option_is_given(options, OPTION_DRY_RUN)) {
                /* Whoever reads the progress may go away: that ends the telling, not the switch
                 * half-way. A handler, unlike SIG_IGN, is not handed on to the hooks. */
                const struct sigaction ignore = { .sa_handler = do_nothing,
                        .sa_flags = SA_RESTART };
                (void) sigaction(SIGPIPE, &ignore, NULL); /* cannot fail for this signal */
        }
        const DetachRequest request = {
                .options = options, .command = command, .directory = directory, .arguments = argv
        };
        int r = check_profile(options->profile, &error);
        if (r == 0)
                r = run_verb(&request, arguments, &error);
        if (r >= 0)
                return r;
        output_error(&error);
        return exit_status_of(options, r);
}

static int run_command_line(int argc, char **argv, const DetachedEngine *engine) {
        Error error = { 0 };
        cleanup(options_donep) Options options = { 0 };
        const Command *command = NULL;
        (void) setlocale(LC_ALL, ""); /* an unknown locale is "C" */
        (void) umask(022);
        cleanup_free char *directory = getcwd(NULL, 0); /* NULL: it is gone */
        int first = options_parse(commands, argc, argv, &options, &command, &error);
        if (first < 0) {
                output_error(&error);
                return first == -EINVAL ? EXIT_USAGE : EXIT_REFUSED;
        }
        options.stream = engine->stream;
        options.invoker = engine->invoker;
        int status = run(&options, command, argv, first, directory);
        bool acted = command && command->acts && !option_is_given(&options, OPTION_DRY_RUN);
        if (output_close(&error) < 0) {
                if (error.code != -EPIPE)
                        output_error(&error);
                if (status == EXIT_DONE &&
                                !acted) /* what a switch came to stays true, read or not */
                        status = option_is_given(&options, OPTION_EXIT_CODE) ? 2 : EXIT_REFUSED;
        }
        return status;
}

int main(int argc, char **argv) {
        Error error = { 0 };
        DetachedEngine engine = { 0 };
        if (argc == 3 && strcmp(argv[1], DETACH_ENGINE_OPTION) == 0) {
                if (engine_begin(argv[2], &engine, &error) < 0) {
                        output_error(&error);
                        return EXIT_REFUSED;
                }
                argc = (int) engine.arguments.n_items;
                argv = engine.arguments.items;
        }
        /* libkmod prints before it can be told not to; for want of memory it may */
        (void) setenv("KMOD_LOG", "0", 1);
        int status = run_command_line(argc, argv, &engine);
        engine_finish(&engine, status);
        return status;
}
