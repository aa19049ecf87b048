/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "diff/check.h"

#include "base/map.h"
#include "diff/glob.h"
#include "diff/list.h"
#include "diff/unit_name.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

#define SYSTEM_UNITS "systemd/system/"

/* The same rows, in the same order, are in docs/source.md. */
static const BuiltinCheck builtins[] = {
        {
                        .command = "systemd-analyze verify UNIT...",
                        /* what the units need is judged by their own change, not by this one */
                        .arguments = { "systemd-analyze", "verify", "--man=no",
                                        "--recursive-errors=no" },
                        .files = { "/etc/systemd/system/**" },
                        .takes_units = true,
        },
        {
                        .command = "sshd -t",
                        .arguments = { "sshd", "-t" },
                        .files = { "/etc/ssh/sshd_config", "/etc/ssh/sshd_config.d/**",
                                        "/etc/ssh/ssh_host_*" },
                        .main = "ssh/sshd_config",
                        .directory = "/run/sshd",
        },
        {
                        .command = "nginx -t",
                        .arguments = { "nginx", "-t" },
                        .files = { "/etc/nginx/**", "/etc/ssl/**" },
                        .main = "nginx/nginx.conf",
        },
        {
                        .command = "apache2ctl configtest",
                        .arguments = { "apache2ctl", "configtest" },
                        .files = { "/etc/apache2/**", "/etc/ssl/**" },
                        .main = "apache2/apache2.conf",
        },
        {
                        .command = "visudo -c",
                        .arguments = { "visudo", "-c" },
                        .files = { "/etc/sudoers", "/etc/sudoers.d/**" },
                        .main = "sudoers",
        },
        {
                        .command = "nft -c -f /etc/nftables.conf",
                        .arguments = { "nft", "-c", "-f", "/etc/nftables.conf" },
                        .files = { "/etc/nftables.conf", "/etc/nftables/**", "/etc/nftables.d/**" },
                        .main = "nftables.conf",
        },
        {
                        .command = "named-checkconf",
                        .arguments = { "named-checkconf" },
                        .files = { "/etc/bind/**" },
                        .main = "bind/named.conf",
        },
        {
                        .command = "haproxy -c -f /etc/haproxy/haproxy.cfg",
                        .arguments = { "haproxy", "-c", "-f", "/etc/haproxy/haproxy.cfg" },
                        .files = { "/etc/haproxy/**", "/etc/ssl/**" },
                        .main = "haproxy/haproxy.cfg",
        },
};

const BuiltinCheck *check_builtins(size_t *ret_n_builtins) {
        *ret_n_builtins = N_ELEMENTS(builtins);
        return builtins;
}

typedef struct Listing {
        const CheckInput *input;
        Arena *arena;
        List checks; /* Check */
} Listing;

static const Entry *side_of(const TreeChange *file) {
        return file->after ? file->after : file->before;
}

static bool is_there(const Entry *entry) {
        return entry && entry->kind != ENTRY_ABSENT;
}

/* A program may judge modes and owners too, so any change of a file counts. */
static bool is_file_change(const TreeChange *file) {
        if (side_of(file)->root != ROOT_ETC)
                return false;
        return (file->before && file->before->kind != ENTRY_DIRECTORY) ||
               (file->after && file->after->kind != ENTRY_DIRECTORY);
}

static bool matches(const char *const *patterns, size_t n_patterns, const char *path) {
        for (size_t i = 0; i < n_patterns; i++)
                if (glob_match(patterns[i], path))
                        return true;
        return false;
}

static size_t n_patterns_of(const BuiltinCheck *row) {
        size_t n = 0;
        while (n < N_ELEMENTS(row->files) && row->files[n])
                n++;
        return n;
}

bool check_may_read(const Check *check, const char *path) {
        return !check->builtin ||
               matches(check->builtin->files, n_patterns_of(check->builtin), path);
}

/* Which of the changed files match: sets first_file and n_files. */
static int
match_files(const Listing *listing, const char *const *patterns, size_t n_patterns, Check *check) {
        const Plan *plan = listing->input->plan;
        for (size_t i = 0; i < plan->n_files; i++) {
                if (!is_file_change(&plan->files[i]))
                        continue;
                const char *path = arena_printf(
                                listing->arena, "/etc/%s", side_of(&plan->files[i])->path);
                if (!path)
                        return -ENOMEM;
                if (!matches(patterns, n_patterns, path))
                        continue;
                if (!check->first_file)
                        check->first_file = path;
                check->n_files++;
        }
        return 0;
}

/* foo-bar.service is read with foo-.service.d/ and service.d/ too. */
static bool is_read_with(const char *unit, const char *stem) {
        int type = unit_name_type(unit);
        if (type < 0)
                return false;
        if (strcmp(stem, unit_type_to_string((UnitType) type)) == 0)
                return true;
        const char *dot = strrchr(stem, '.');
        return dot && dot > stem && dot[-1] == '-' && unit_name_type(stem) == type &&
               strncmp(unit, stem, (size_t) (dot - stem)) == 0;
}

/* A unit's own file, be it of the tree or the distribution. */
static int has_text(const Listing *listing, const Tree *tree, const char *unit, Error *reterr) {
        const char *names[] = { unit,
                unit_name_is_instance(unit) ? unit_name_template_of(listing->arena, unit) : NULL };
        for (size_t i = 0; i < N_ELEMENTS(names) && names[i]; i++) {
                const char *path = arena_printf(listing->arena, SYSTEM_UNITS "%s", names[i]);
                if (!path)
                        return error_oom(reterr);
                const Entry *entry = tree_find(tree, ROOT_ETC, path);
                if (is_there(entry)) /* a mask, as a link or an empty file, is no text */
                        return entry->kind == ENTRY_FILE && entry->content->size_bytes > 0;
                const Distribution *distribution = listing->input->distribution;
                Content *content;
                int r = distribution ? distribution->read_unit(distribution->userdata, names[i],
                                                       &path, &content, reterr)
                                     : DISTRIBUTION_NO_UNIT;
                if (r < 0 || r == DISTRIBUTION_UNIT)
                        return r < 0 ? r : 1;
        }
        return 0;
}

/* The names of units, each once. */
typedef struct Units {
        List names; /* const char * */
        Map seen;
} Units;

static void units_done(Units *units) {
        map_done(&units->seen);
}

static int add_unit(const Listing *listing, const char *unit, Units *units) {
        if (!unit_name_is_valid(unit) || map_get(&units->seen, unit))
                return 0;
        char *copy = arena_strdup(listing->arena, unit);
        if (list_add(&units->names, listing->arena, copy) < 0)
                return -ENOMEM;
        return map_put(&units->seen, copy, copy);
}

/* The units that a drop-in of more than one unit is read for. */
static int add_units_read_with(const Listing *listing, const char *stem, Units *units) {
        const Tree *tree = listing->input->after;
        for (size_t i = tree_lower_bound(tree, ROOT_ETC, SYSTEM_UNITS); i < tree->n_entries; i++) {
                const Entry *entry = &tree->entries[i];
                if (entry->root != ROOT_ETC ||
                                strncmp(entry->path, SYSTEM_UNITS, strlen(SYSTEM_UNITS)) != 0)
                        break;
                const char *unit = entry->path + strlen(SYSTEM_UNITS);
                if (!strchr(unit, '/') && is_read_with(unit, stem) &&
                                add_unit(listing, unit, units) < 0)
                        return -ENOMEM;
        }
        return 0;
}

/* The units that a changed path below systemd/system/ is read for. */
static int add_units(const Listing *listing, const char *name, Units *units) {
        const char *slash = strchr(name, '/');
        if (!slash)
                return add_unit(listing, name, units);
        size_t length = (size_t) (slash - name);
        const char *suffix = strrchr(slash, '.');
        bool is_drop_in = length > 2 && strncmp(slash - 2, ".d", 2) == 0 && suffix &&
                          strcmp(suffix, ".conf") == 0;
        if (!is_drop_in) /* a link of enablement, or a file that systemd does not read */
                return 0;
        const char *stem = arena_strndup(listing->arena, name, length - 2);
        if (!stem || add_unit(listing, stem, units) < 0)
                return -ENOMEM;
        const char *dot = strrchr(stem, '.');
        bool is_of_one = dot && dot > stem && dot[-1] != '-';
        return is_of_one ? 0 : add_units_read_with(listing, stem, units);
}

static int changed_units(const Listing *listing, Units *units, Error *reterr) {
        const Plan *plan = listing->input->plan;
        for (size_t i = 0; i < plan->n_files; i++) {
                const char *path = side_of(&plan->files[i])->path;
                if (is_file_change(&plan->files[i]) &&
                                strncmp(path, SYSTEM_UNITS, strlen(SYSTEM_UNITS)) == 0 &&
                                add_units(listing, path + strlen(SYSTEM_UNITS), units) < 0)
                        return error_oom(reterr);
        }
        return 0;
}

/* The row's own arguments, and the units that the tree has a text of. Sets ret_arguments to NULL
 * when the row takes units and there are none. */
static int make_arguments(const Listing *listing,
                const BuiltinCheck *row,
                const Units *units,
                const Tree *tree,
                const char *const **ret_arguments,
                Error *reterr) {
        List words = { 0 };
        for (size_t i = 0; i < N_ELEMENTS(row->arguments) && row->arguments[i]; i++)
                if (list_add(&words, listing->arena, (char *) (uintptr_t) row->arguments[i]) < 0)
                        return error_oom(reterr);
        size_t n_fixed = words.n_items;
        for (size_t i = 0; row->takes_units && i < units->names.n_items; i++) {
                int r = has_text(listing, tree, units->names.items[i], reterr);
                if (r < 0)
                        return r;
                if (r > 0 && list_add(&words, listing->arena, units->names.items[i]) < 0)
                        return error_oom(reterr);
        }
        *ret_arguments = NULL;
        if (row->takes_units && words.n_items == n_fixed)
                return 0;
        const char **arguments = arena_new(listing->arena, const char *, words.n_items + 1);
        if (!arguments)
                return error_oom(reterr);
        for (size_t i = 0; i < words.n_items; i++)
                arguments[i] = words.items[i];
        *ret_arguments = arguments;
        return 0;
}

static int add_check(Listing *listing, const Check *check, Error *reterr) {
        Check *copy = arena_memdup(listing->arena, check, sizeof(*check));
        return list_add(&listing->checks, listing->arena, copy) < 0 ? error_oom(reterr) : 0;
}

/* "systemd-analyze verify a.service b.service and 3 more" */
static const char *command_with_units(Arena *arena, const BuiltinCheck *row, const Check *check) {
        enum { N_SHOWN = 3 };
        size_t n_fixed = 0, n_units = 0;
        while (n_fixed < N_ELEMENTS(row->arguments) && row->arguments[n_fixed])
                n_fixed++;
        const char *const *units = check->arguments + n_fixed;
        const char *text = arena_printf(arena, "%s %s", row->arguments[0], row->arguments[1]);
        for (; units[n_units]; n_units++)
                if (text && n_units < N_SHOWN)
                        text = arena_printf(arena, "%s %s", text, units[n_units]);
        return text && n_units > N_SHOWN
                               ? arena_printf(arena, "%s and %zu more", text, n_units - N_SHOWN)
                               : text;
}

static bool begins_somewhere(const CheckInput *input, const BuiltinCheck *row) {
        if (!row->main)
                return true;
        const Entry *after = tree_find(input->after, ROOT_ETC, row->main);
        if (after)
                return is_there(after);
        /* what neither tree knows is the distribution's */
        return !tree_find(input->before, ROOT_ETC, row->main);
}

static int add_builtin(Listing *listing, const BuiltinCheck *row, Error *reterr) {
        Check check = {
                .command = row->command,
                .directory = row->directory,
                .builtin = row,
                .timeout_usec = CHECK_DEFAULT_TIMEOUT_SEC * 1000000ull,
        };
        if (match_files(listing, row->files, n_patterns_of(row), &check) < 0)
                return error_oom(reterr);
        if (!check.first_file)
                return 0;
        if (!begins_somewhere(listing->input, row))
                return 0;
        const CheckInput *input = listing->input;
        cleanup(units_done) Units units = { 0 };
        int r = row->takes_units ? changed_units(listing, &units, reterr) : 0;
        if (r >= 0)
                r = make_arguments(listing, row, &units, input->after, &check.arguments, reterr);
        if (r >= 0)
                r = make_arguments(listing, row, &units, input->before, &check.present_arguments,
                                reterr);
        if (r < 0 || !check.arguments)
                return r;
        if (row->takes_units)
                check.command = command_with_units(listing->arena, row, &check);
        return check.command ? add_check(listing, &check, reterr) : error_oom(reterr);
}

static int add_rule(Listing *listing, const CheckRule *rule, Error *reterr) {
        Check check = {
                .command = rule->command,
                .where = profile_conf_place(listing->arena, listing->input->conf, rule->line),
                .arguments = rule->arguments,
                .timeout_usec = rule->timeout_usec == UINT64_MAX ? 0
                                : rule->timeout_usec > 0         ? rule->timeout_usec
                                                         : CHECK_DEFAULT_TIMEOUT_SEC * 1000000ull,
        };
        if (!check.where || match_files(listing, rule->files, rule->n_files, &check) < 0)
                return error_oom(reterr);
        return rule->n_files > 0 && !check.first_file ? 0 : add_check(listing, &check, reterr);
}

int check_list(const CheckInput *input,
                Arena *arena,
                Check **ret_checks,
                size_t *ret_n_checks,
                Error *reterr) {
        Listing listing = { .input = input, .arena = arena };
        int r = 0;
        for (size_t i = 0; r >= 0 && !input->only_rules && i < N_ELEMENTS(builtins); i++)
                r = add_builtin(&listing, &builtins[i], reterr);
        for (size_t i = 0; r >= 0 && i < input->conf->n_checks; i++)
                r = add_rule(&listing, &input->conf->checks[i], reterr);
        if (r < 0)
                return r;
        Check *checks = arena_new(arena, Check, listing.checks.n_items + 1);
        if (!checks)
                return error_oom(reterr);
        for (size_t i = 0; i < listing.checks.n_items; i++)
                checks[i] = *(const Check *) listing.checks.items[i];
        *ret_checks = checks;
        *ret_n_checks = listing.checks.n_items;
        return 0;
}

static bool is_same_line(const char *left, const char *right) {
        for (;;) {
                bool digits = isdigit((unsigned char) *left) && isdigit((unsigned char) *right);
                if (digits) {
                        left += strspn(left, "0123456789");
                        right += strspn(right, "0123456789");
                        continue;
                }
                if (*left != *right)
                        return false;
                if (!*left)
                        return true;
                left++;
                right++;
        }
}

bool check_shows_nothing_new(const Strv *future, const Strv *present) {
        for (size_t i = 0; i < future->n_items; i++) {
                bool found = false;
                for (size_t j = 0; !found && j < present->n_items; j++)
                        found = is_same_line(future->items[i], present->items[j]);
                if (!found)
                        return false;
        }
        return future->n_items > 0;
}

static bool parts_words(char c) {
        return isspace((unsigned char) c) || strchr("\"'`,;=:(){}[]", c);
}

bool check_line_quotes(const char *line, const Content *content) {
        enum { SHORTEST = 6 }; /* what is shorter is in any text */
        size_t line_length = strlen(line);
        for (size_t at = 0; at < content->size_bytes;) {
                size_t length = 0;
                while (at + length < content->size_bytes &&
                                !parts_words(content->data[at + length]))
                        length++;
                if (length >= SHORTEST && memmem(line, line_length, content->data + at, length))
                        return true;
                at += length + 1;
        }
        return false;
}
