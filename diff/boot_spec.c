/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "diff/boot_spec.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

static const char blanks[] = " \t";

typedef struct Line {
        const char *key, *value;
        size_t key_length, value_length;
} Line;

/* The next one that has a key. */
static bool line_next(const char **text, Line *ret_line) {
        for (const char *line = *text; *line; line = *text) {
                size_t length = strcspn(line, "\n");
                *text = line + length + (line[length] == '\n');
                const char *end = line + length;
                for (; end > line && isspace((unsigned char) end[-1]); end--)
                        ;
                line += strspn(line, blanks);
                if (line >= end || *line == '#')
                        continue;
                size_t key = strcspn(line, " \t\n");
                const char *value = line + key + strspn(line + key, blanks);
                *ret_line = (Line){ .key = line,
                        .key_length = line + key < end ? key : (size_t) (end - line),
                        .value = value,
                        .value_length = value < end ? (size_t) (end - value) : 0 };
                return true;
        }
        return false;
}

static bool line_is(const Line *line, const char *key) {
        return strlen(key) == line->key_length && strncmp(line->key, key, line->key_length) == 0;
}

/* An entry that is none of ours. */
typedef struct Own {
        const BootFile *file;
        const char *sort_key, *version, *machine_id; /* NULL: it has none */
        bool has_linux;
        bool is_bad; /* it was tried as often as it may be, and never came up */
} Own;

/* "name+0-3.conf": tries left, and done. */
static bool has_no_tries_left(const char *name) {
        static const char digits[] = "0123456789";
        const char *plus = strrchr(name, '+');
        if (!plus || plus[1] != '0')
                return false;
        const char *end = plus + 2;
        end += *end == '-' ? 1 + strspn(end + 1, digits) : 0;
        return strcmp(end, BOOT_SPEC_SUFFIX) == 0;
}

static int read_own(const BootFile *file, Arena *arena, Own *ret_own) {
        Own own = { .file = file, .is_bad = has_no_tries_left(file->name) };
        const char *text = file->text;
        for (Line line; line_next(&text, &line);) {
                const char **kept = line_is(&line, "sort-key")     ? &own.sort_key
                                    : line_is(&line, "version")    ? &own.version
                                    : line_is(&line, "machine-id") ? &own.machine_id
                                                                   : NULL;
                own.has_linux |= line_is(&line, "linux");
                if (kept && !(*kept = arena_strndup(arena, line.value, line.value_length)))
                        return -ENOMEM;
        }
        *ret_own = own;
        return 0;
}

/* The name of kernel-install's begins with the machine's id, "0123….-6.1.0.conf". */
static bool is_of_machine(const Own *own, const char *machine_id) {
        enum { ID_LENGTH = 32 };
        const char *name = own->file->name;
        if (!machine_id)
                return true;
        if (own->machine_id)
                return strcmp(own->machine_id, machine_id) == 0;
        size_t length = strspn(name, "0123456789abcdef");
        return length != ID_LENGTH || name[length] != '-' ||
               strncmp(name, machine_id, ID_LENGTH) == 0;
}

/* Would the loader have it before the other one? */
static bool is_before(const Own *own, const Own *other, bool is_grub) {
        if (own->is_bad != other->is_bad)
                return other->is_bad;
        if (!is_grub && !own->sort_key != !other->sort_key)
                return own->sort_key;
        int compared = 0;
        if (!is_grub && own->sort_key) {
                compared = strcmp(own->sort_key, other->sort_key);
                if (compared == 0 && own->version && other->version)
                        compared = -strverscmp(own->version, other->version);
        }
        return compared < 0 ||
               (compared == 0 && strverscmp(own->file->name, other->file->name) > 0);
}

typedef struct Planning {
        const BootSpec *spec;
        Arena *arena;
        Own *own;
        size_t n_own;
        BootFile *wanted, *changes; /* as many as choices, and as files besides */
        size_t n_wanted;
        BootSpecPlan plan;
} Planning;

static int read_owns(Planning *planning) {
        const BootSpec *spec = planning->spec;
        for (size_t i = 0; i < spec->n_files; i++) {
                Own *own = &planning->own[planning->n_own];
                if (strncmp(spec->files[i].text, BOOT_MENU_MARK, strlen(BOOT_MENU_MARK)) == 0)
                        continue;
                if (read_own(&spec->files[i], planning->arena, own) < 0)
                        return -ENOMEM;
                planning->n_own += own->has_linux && is_of_machine(own, spec->machine_id);
        }
        return 0;
}

/* version: NULL: the first one of all. */
static const BootFile *find_own(const Planning *planning, const char *version) {
        const Own *best = NULL;
        for (size_t i = 0; i < planning->n_own; i++) {
                const Own *own = &planning->own[i];
                bool is_it = !version || (own->version && strcmp(own->version, version) == 0);
                if (is_it && (!best || is_before(own, best, planning->spec->is_grub)))
                        best = own;
        }
        return best ? best->file : NULL;
}

bool boot_spec_is_ours(const BootFile *file, const char *machine_id) {
        static const char id[] = "\nmachine-id ";
        if (strncmp(file->text, BOOT_MENU_MARK, strlen(BOOT_MENU_MARK)) != 0)
                return false;
        const char *has = strstr(file->text, id);
        size_t length = machine_id ? strlen(machine_id) : 0;
        return !has || length == 0 ||
               (strncmp(has + strlen(id), machine_id, length) == 0 &&
                               has[strlen(id) + length] == '\n');
}

/* GRUB makes a command of its own language of it; it puts the double quotes back where there is a
 * blank. */
static void add_word(Text *text, const BootSpec *spec, const char *word) {
        bool is_plain = !spec->is_grub || !word[strcspn(word, " \t'\"\\;&|<>{}*?[]~#")];
        text_add(text, " ");
        if (is_plain)
                text_add(text, word);
        else
                boot_menu_add_quoted(text, word, false);
}

/* Lines that a generation's entry has by itself. */
static bool is_replaced(const Line *line) {
        static const char *const keys[] = { "title", "version", "sort-key", "machine-id", "id" };
        for (size_t i = 0; i < N_ELEMENTS(keys); i++)
                if (line_is(line, keys[i]))
                        return true;
        return false;
}

/* The loader's order, where it has been told of no default: the default first, then the newest. */
static void add_head(Text *text, const BootSpec *spec, const BootChoice *choice, bool is_default) {
        text_add(text, BOOT_MENU_MARK);
        text_addf(text, "title %s\n", choice->title);
        text_addf(text, "version %lld\n", (long long) choice->generation);
        if (spec->machine_id)
                text_addf(text, "machine-id %s\n", spec->machine_id);
        text_addf(text, "sort-key %s\n", is_default ? "0-sysswitch" : "sysswitch");
}

static char *entry_text(const BootSpec *spec,
                const BootChoice *choice,
                const BootFile *own,
                bool is_default,
                Arena *arena) {
        cleanup(text_donep) Text text = { 0 }, options = { 0 };
        const char *rest = own->text;
        add_head(&text, spec, choice, is_default);
        for (Line line; line_next(&rest, &line);)
                if (line_is(&line, "options")) { /* GRUB reads one of them only */
                        text_add(&options, " ");
                        text_add_n(&options, line.value, line.value_length);
                } else if (!is_replaced(&line)) {
                        text_add_n(&text, line.key, line.key_length);
                        text_add(&text, " ");
                        text_add_n(&text, line.value, line.value_length);
                        text_add(&text, "\n");
                }
        for (size_t i = 0; i < choice->n_words; i++)
                add_word(&options, spec, choice->words[i]);
        text_addf(&options, " sysswitch.generation=%lld\n", (long long) choice->generation);
        text_add(&text, "options");
        text_add(&text, options.data ? options.data : "");
        return text.error < 0 || options.error < 0 ? NULL : arena_strdup(arena, text.data);
}

static const BootFile *find_file(const BootFile *files, size_t n_files, const char *name) {
        for (size_t i = 0; i < n_files; i++)
                if (strcmp(files[i].name, name) == 0)
                        return &files[i];
        return NULL;
}

/* GRUB's blscfg puts a variable's value there, whatever stands around it. */
static bool can_be_spelled(const BootSpec *spec, const BootChoice *choice) {
        for (size_t i = 0; spec->is_grub && i < choice->n_words; i++)
                if (strchr(choice->words[i], '$'))
                        return false;
        return true;
}

static int want(Planning *planning, const BootChoice *choice, bool is_default) {
        const BootSpec *spec = planning->spec;
        const BootFile *own = find_own(planning, choice->version);
        if (!own)
                return 0;
        if (!can_be_spelled(spec, choice)) {
                planning->plan.not_spelled = choice->generation;
                return 0;
        }
        BootFile *file = &planning->wanted[planning->n_wanted++];
        file->name = is_default ? BOOT_SPEC_DEFAULT BOOT_SPEC_SUFFIX
                                : arena_printf(planning->arena,
                                                  BOOT_SPEC_DEFAULT "-%lld" BOOT_SPEC_SUFFIX,
                                                  (long long) choice->generation);
        file->text = entry_text(spec, choice, own, is_default, planning->arena);
        return file->name && file->text ? 0 : -ENOMEM;
}

static void write_wanted(Planning *planning, const BootFile *file) {
        const BootSpec *spec = planning->spec;
        const BootFile *there = find_file(spec->files, spec->n_files, file->name);
        bool is_default = strcmp(file->name, BOOT_SPEC_DEFAULT BOOT_SPEC_SUFFIX) == 0;
        if (there && !boot_spec_is_ours(there, spec->machine_id)) {
                planning->plan.in_the_way = file->name;
                return;
        }
        planning->plan.has_any = true;
        planning->plan.has_default |= is_default;
        if (!there || strcmp(there->text, file->text) != 0)
                planning->changes[planning->plan.n_changes++] = *file;
}

static bool is_name_of_ours(const char *name) {
        size_t length = strlen(BOOT_SPEC_DEFAULT);
        if (strncmp(name, BOOT_SPEC_DEFAULT, length) != 0)
                return false;
        size_t digits = name[length] == '-' ? strspn(name + length + 1, "0123456789") : 0;
        length += digits > 0 ? digits + 1 : 0;
        return strcmp(name + length, BOOT_SPEC_SUFFIX) == 0;
}

static void remove_others(Planning *planning) {
        const BootSpec *spec = planning->spec;
        for (size_t i = 0; i < spec->n_files; i++) {
                const BootFile *file = &spec->files[i];
                if (is_name_of_ours(file->name) && boot_spec_is_ours(file, spec->machine_id) &&
                                !find_file(planning->wanted, planning->n_wanted, file->name))
                        planning->changes[planning->plan.n_changes++] =
                                        (BootFile){ .name = file->name };
        }
}

int boot_spec_has_own(const BootFile *files, size_t n_files, const char *machine_id) {
        cleanup(arena_donep) Arena arena = { 0 };
        const BootSpec spec = { .files = files, .n_files = n_files, .machine_id = machine_id };
        Planning planning = {
                .spec = &spec, .arena = &arena, .own = arena_new(&arena, Own, n_files + 1)
        };
        if (!planning.own || read_owns(&planning) < 0)
                return -ENOMEM;
        return planning.n_own > 0;
}

int boot_spec_plan(const BootSpec *spec, Arena *arena, BootSpecPlan *ret_plan) {
        Planning planning = { .spec = spec,
                .arena = arena,
                .own = arena_new(arena, Own, spec->n_files + 1),
                .wanted = arena_new(arena, BootFile, spec->n_choices + 1),
                .changes = arena_new(arena, BootFile, spec->n_choices + spec->n_files + 1),
                .plan = { .not_spelled = -1 } };
        if (!planning.own || !planning.wanted || !planning.changes || read_owns(&planning) < 0)
                return -ENOMEM;
        for (size_t i = spec->n_choices; i > 0; i--) /* the default last */
                if (want(&planning, &spec->choices[i - 1], i == 1 && spec->has_default) < 0)
                        return -ENOMEM;
        for (size_t i = 0; i < planning.n_wanted; i++)
                write_wanted(&planning, &planning.wanted[i]);
        planning.plan.n_written = planning.plan.n_changes;
        remove_others(&planning);
        planning.plan.changes = planning.changes;
        const BootFile *own = find_own(&planning, NULL);
        planning.plan.own = own ? own->name : NULL;
        *ret_plan = planning.plan;
        return 0;
}
