/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "diff/nspawn.h"

#include "base/text.h"

#include <errno.h>
#include <string.h>

static bool is(const char *left, const char *right) {
        return strcmp(left, right) == 0;
}

static bool is_key(const UnitLine *line, const char *section, const char *key) {
        return is(line->section, section) && is(line->key, key);
}

static bool is_foreign(const char *section) {
        return strncmp(section, "X-", 2) == 0;
}

static int refuse(const char *name, const UnitLine *line, const char *what, Error *reterr) {
        return error_set(reterr, -EBADMSG, "%s:%u: %s=%s: %s", name, line->line, line->key,
                        line->value, what);
}

static int check_line(const UnitLine *line, const char *name, Error *reterr) {
        bool is_exec = is(line->section, "Exec");
        if (is_exec && is(line->key, "Boot") && unit_value_boolean(line->value) == 0)
                return refuse(name, line, "a container boots systemd; take it out", reterr);
        if (is_exec && is(line->key, "ProcessTwo") && unit_value_boolean(line->value) > 0)
                return refuse(name, line, "a container boots systemd; take it out", reterr);
        if (is_exec && is(line->key, "User") && *line->value)
                return refuse(name, line, "systemd inside is started as root; take it out", reterr);
        if (is_exec && is(line->key, "PivotRoot") && *line->value)
                return refuse(name, line,
                                "it is Root= in profile.conf that names the root; take it out",
                                reterr);
        return 0;
}

/* A root of other file systems: Volatile=overlay is one. */
static bool makes_root(const UnitLine *line) {
        return is_key(line, "Files", "Volatile") &&
               (is(line->value, "state") || unit_value_boolean(line->value) > 0);
}

int nspawn_check(const UnitFile *file, const char *name, Error *reterr) {
        for (size_t i = 0; i < file->n_sections; i++) {
                const char *section = file->sections[i].name;
                if (!is(section, "Exec") && !is(section, "Files") && !is(section, "Network") &&
                                !is_foreign(section))
                        return error_set(reterr, -EBADMSG,
                                        "%s:%u: Unknown section [%s]; there are [Exec], [Files] "
                                        "and [Network]",
                                        name, file->sections[i].line, section);
        }
        bool shares_users = nspawn_shares_users(file) > 0;
        for (size_t i = 0; i < file->n_lines; i++) {
                const UnitLine *line = &file->lines[i];
                int r = check_line(line, name, reterr);
                if (r >= 0 && !shares_users && makes_root(line))
                        r = refuse(name, line,
                                        "systemd-nspawn cannot map the owners of such a root; "
                                        "write overlay, or PrivateUsers=no in [Exec]",
                                        reterr);
                if (r < 0)
                        return r;
        }
        return 0;
}

/* The last value that counts; NULL: not given. */
static const char *value_of(const UnitFile *file, const char *section, const char *key) {
        const char *value = NULL;
        for (size_t i = 0; i < file->n_lines; i++)
                if (is_key(&file->lines[i], section, key))
                        value = file->lines[i].value;
        return value && *value ? value : NULL;
}

static bool is_no(const char *value) {
        return value && unit_value_boolean(value) == 0;
}

unsigned nspawn_shares_users(const UnitFile *file) {
        unsigned line = 0;
        for (size_t i = 0; i < file->n_lines; i++)
                if (is_key(&file->lines[i], "Exec", "PrivateUsers"))
                        line = is_no(file->lines[i].value) ? file->lines[i].line : 0;
        return line;
}

/* Something of the user's is mounted at this path. */
static bool has_mount_at(const UnitFile *file, const char *path) {
        static const char *const keys[] = { "Bind", "BindReadOnly", "TemporaryFileSystem",
                "Overlay", "OverlayReadOnly" };
        size_t length = strlen(path);
        for (size_t i = 0; i < file->n_lines; i++) {
                const UnitLine *line = &file->lines[i];
                bool is_mount = false;
                for (size_t j = 0; j < N_ELEMENTS(keys); j++)
                        is_mount |= is_key(line, "Files", keys[j]);
                for (const char *at = is_mount ? strstr(line->value, path) : NULL; at;
                                at = strstr(at + 1, path))
                        if ((at == line->value || at[-1] == ':') && strchr(":", at[length]))
                                return true;
        }
        return false;
}

typedef struct Merge {
        Text text;
        const UnitFile *file;
        const char *section; /* of the last line; NULL: none yet */
        bool has_parameters;
} Merge;

static void add(Merge *merge, const char *section, const char *key, const char *value) {
        if (!merge->section || !is(merge->section, section))
                text_addf(&merge->text, "%s[%s]\n", merge->section ? "\n" : "", section);
        merge->section = section;
        text_addf(&merge->text, "%s=%s\n", key, value);
}

/* What starts the container is ours, and hands the user's parameters on to systemd. The score is
 * its unit's: nspawn sets it when it has lost the right to. */
static void add_line(Merge *merge, const UnitLine *line) {
        if (is_foreign(line->section) || is_key(line, "Exec", "Boot") ||
                        is_key(line, "Exec", "ProcessTwo") || is_key(line, "Exec", "User") ||
                        is_key(line, "Exec", "OOMScoreAdjust"))
                return;
        if (!is_key(line, "Exec", "Parameters")) {
                add(merge, line->section, line->key, line->value);
                return;
        }
        if (!*line->value || merge->has_parameters) {
                merge->has_parameters &= *line->value != 0;
                add(merge, "Exec", "Parameters", line->value);
                return;
        }
        merge->has_parameters = true;
        add(merge, "Exec", "Parameters", NSPAWN_GUEST " init");
        add(merge, "Exec", "Parameters", line->value);
}

static void add_missing(Merge *merge, const char *section, const char *key, const char *value) {
        if (!value_of(merge->file, section, key))
                add(merge, section, key, value);
}

/* Mounts below the source would keep nspawn from mapping its owners. */
static const char *options_of(bool maps) {
        return maps ? "idmap,norbind" : "norbind";
}

static void add_ours(Merge *merge, const char *container, const Tree *inside, NspawnHost host) {
        bool shares_users = nspawn_shares_users(merge->file) > 0;
        add(merge, "Exec", "Boot", "no"); /* or nspawn passes over Parameters= */
        if (!merge->has_parameters)
                add(merge, "Exec", "Parameters", NSPAWN_GUEST " init");
        add_missing(merge, "Exec", "NotifyReady", "yes");
        add_missing(merge, "Exec", "KillSignal", "SIGRTMIN+3");
        add_missing(merge, "Exec", "PrivateUsers", "pick");
        add_missing(merge, "Exec", "LinkJournal", "try-guest");
        if (tree_find(inside, ROOT_ETC, "resolv.conf"))
                add_missing(merge, "Exec", "ResolvConf", "off");
        if (tree_find(inside, ROOT_ETC, "localtime"))
                add_missing(merge, "Exec", "Timezone", "off");
        if (!shares_users)
                add_missing(merge, "Files", "PrivateUsersOwnership", "auto");
        char bind[512];
        if (!host.root_has_usr && !has_mount_at(merge->file, "/usr")) {
                (void) snprintf(bind, sizeof(bind), "/usr:/usr:%s",
                                options_of(host.maps_usr && !shares_users)); /* fits, both */
                add(merge, "Files", "BindReadOnly", bind);
        }
        (void) snprintf(bind, sizeof(bind), NSPAWN_BUNDLES "/%s:" NSPAWN_BUNDLE ":%s", container,
                        options_of(host.maps_bundles && !shares_users));
        add(merge, "Files", "BindReadOnly", bind);
}

/* nspawn, which sets them inside, can raise none of these there. */
const char *nspawn_unit_lines(Arena *arena, const UnitFile *file) {
        static const char *const keys[] = { "OOMScoreAdjust", "LimitNOFILE", "LimitNPROC",
                "LimitMEMLOCK", "LimitSIGPENDING", "LimitMSGQUEUE", "LimitNICE", "LimitRTPRIO" };
        const char *lines = "";
        for (size_t i = 0; lines && i < N_ELEMENTS(keys); i++) {
                const char *value = value_of(file, "Exec", keys[i]);
                if (value)
                        lines = arena_printf(arena, "%s%s=%s\n", lines, keys[i], value);
        }
        return lines;
}

const char *nspawn_merge(Arena *arena,
                const UnitFile *file,
                const char *container,
                const Tree *inside,
                NspawnHost host) {
        Merge merge = { .file = file };
        for (size_t i = 0; i < file->n_lines; i++)
                add_line(&merge, &file->lines[i]);
        add_ours(&merge, container, inside, host);
        const char *text = merge.text.error < 0 ? NULL : arena_strdup(arena, merge.text.data);
        text_done(&merge.text);
        return text;
}

/* The next line of the key at or after *position. */
static const UnitLine *next_of(const UnitFile *file, const UnitLine *like, size_t *position) {
        while (file && *position < file->n_lines) {
                const UnitLine *line = &file->lines[(*position)++];
                if (is_key(line, like->section, like->key))
                        return line;
        }
        return NULL;
}

static bool is_same(const UnitFile *left, const UnitFile *right, const UnitLine *like) {
        size_t left_at = 0, right_at = 0;
        for (;;) {
                const UnitLine *a = next_of(left, like, &left_at),
                               *b = next_of(right, like, &right_at);
                if (!a || !b)
                        return !a && !b;
                if (!is(a->value, b->value))
                        return false;
        }
}

const char *nspawn_changed_key(const UnitFile *before, const UnitFile *after) {
        const UnitFile *files[] = { after, before };
        for (size_t side = 0; side < N_ELEMENTS(files); side++)
                for (size_t i = 0; files[side] && i < files[side]->n_lines; i++) {
                        const UnitLine *line = &files[side]->lines[i];
                        if (!is_foreign(line->section) && !is_same(before, after, line))
                                return line->key;
                }
        return NULL;
}
