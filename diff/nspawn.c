/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "diff/nspawn.h"

#include "base/text.h"
#include "diff/conf_reader.h"
#include "diff/nspawn_keys.h"
#include "diff/nspawn_mounts.h"

#include <errno.h>
#include <string.h>

static bool is(const char *left, const char *right) {
        return strcmp(left, right) == 0;
}

static bool is_key(const UnitLine *line, const char *section, const char *key) {
        return is(line->section, section) && is(line->key, key);
}

/* nspawn passes over what is in it. */
static bool is_foreign(const char *section) {
        return !nspawn_has_section(section);
}

static int refuse(const char *name, const UnitLine *line, const char *what, Error *reterr) {
        return error_set(reterr, -EBADMSG, "%s:%u: %s=%s: %s", name, line->line, line->key,
                        line->value, what);
}

/* "/new" or "/new:/old". */
static int check_pivot(const char *name, const UnitLine *line, Error *reterr) {
        const char *rest = line->value;
        for (int i = 0; i < 2 && rest; i++) {
                char path[512];
                size_t length = strcspn(rest, ":");
                (void) snprintf(path, sizeof(path), "%.*s", (int) length, rest); /* else refused */
                if (length >= sizeof(path) || path[0] != '/' || !path[1] ||
                                conf_path_fault(path + 1) || path[strcspn(path, " \t%$\"'\\")])
                        return refuse(name, line,
                                        "write /DIRECTORY, or /DIRECTORY:/OLD-ROOT, without '..' "
                                        "and quotes",
                                        reterr);
                rest = rest[length] ? rest + length + 1 : NULL;
        }
        return rest ? refuse(name, line, "it has more than two paths", reterr) : 0;
}

int nspawn_check_line(const UnitLine *line, const char *name, Error *reterr) {
        bool is_exec = is(line->section, "Exec");
        if (is_exec && is(line->key, "Boot") && unit_value_boolean(line->value) == 0)
                return refuse(name, line, "a container boots systemd; take it out", reterr);
        if (is_exec && is(line->key, "ProcessTwo") && unit_value_boolean(line->value) > 0)
                return refuse(name, line, "a container boots systemd; take it out", reterr);
        if (is_exec && is(line->key, "User") && *line->value)
                return refuse(name, line, "systemd inside is started as root; take it out", reterr);
        if (is_exec && is(line->key, "PivotRoot") && *line->value)
                return check_pivot(name, line, reterr);
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

static NspawnUsers users_of(const char *value, bool root_is_hosts) {
        int boolean = unit_value_boolean(value);
        if (boolean == 0)
                return NSPAWN_USERS_SHARED;
        bool begins_with_root = *value == '0' && value[strspn(value, "0")] == ':';
        return is(value, "identity") || begins_with_root || (boolean > 0 && root_is_hosts)
                               ? NSPAWN_USERS_SAME
                               : NSPAWN_USERS_OWN;
}

NspawnUsers nspawn_users(const UnitFile *file, bool root_is_hosts, const UnitLine **ret_line) {
        NspawnUsers users = NSPAWN_USERS_OWN;
        *ret_line = NULL;
        for (size_t i = 0; i < file->n_lines; i++)
                if (is_key(&file->lines[i], "Exec", "PrivateUsers")) {
                        users = users_of(file->lines[i].value, root_is_hosts);
                        *ret_line = &file->lines[i];
                }
        return users;
}

NspawnPivot nspawn_pivot(const UnitFile *file) {
        const char *value = value_of(file, "Exec", "PivotRoot");
        const char *old = value ? strchr(value, ':') : NULL;
        return (NspawnPivot){ .directory = value ? value : "",
                .n_directory = value ? strcspn(value, ":") : 0,
                .old = old ? old + 1 : NULL };
}

/* Where the root has owners that nspawn cannot map: it is a file system that is made with them, or
 * has others mounted in it. */
typedef enum Volatile {
        VOLATILE_AS_WRITTEN,
        VOLATILE_ALL,   /* yes */
        VOLATILE_STATE, /* state */
} Volatile;

static Volatile volatile_of(const UnitFile *file, NspawnUsers users) {
        const char *value = value_of(file, "Files", "Volatile");
        if (!value || users == NSPAWN_USERS_SHARED)
                return VOLATILE_AS_WRITTEN;
        return is(value, "state")              ? VOLATILE_STATE
               : unit_value_boolean(value) > 0 ? VOLATILE_ALL
                                               : VOLATILE_AS_WRITTEN;
}

typedef struct Merge {
        Arena *arena;
        Text text;
        const UnitFile *file;
        const char *section; /* of the last line; NULL: none yet */
        NspawnUsers users;
        Volatile kind;
        bool has_parameters;
} Merge;

static void add(Merge *merge, const char *section, const char *key, const char *value) {
        if (!merge->section || !is(merge->section, section))
                text_addf(&merge->text, "%s[%s]\n", merge->section ? "\n" : "", section);
        merge->section = section;
        text_addf(&merge->text, "%s=%s\n", key, value);
}

/* The score is its unit's: nspawn sets it when it has lost the right to. So is the root, in which
 * nspawn 252 fails to keep the old one. */
static bool is_ours(const Merge *merge, const UnitLine *line) {
        static const char *const keys[] = { "Boot", "ProcessTwo", "User", "OOMScoreAdjust",
                "PivotRoot" };
        for (size_t i = 0; i < N_ELEMENTS(keys); i++)
                if (is_key(line, "Exec", keys[i]))
                        return true;
        if (merge->kind == VOLATILE_STATE && is_key(line, "Files", "Volatile"))
                return true;
        return merge->kind == VOLATILE_ALL &&
               (is_key(line, "Files", "PrivateUsersOwnership") ||
                               is_key(line, "Files", "PrivateUsersChown"));
}

/* What starts the container is ours, and hands the user's parameters on to systemd. */
static void add_line(Merge *merge, const UnitLine *line) {
        if (is_foreign(line->section) || is_ours(merge, line))
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

/* Mounts below the source would keep nspawn from mapping its owners. Where they are the same on
 * both sides there is nothing to map, and nspawn fails to. */
static const char *options_of(const Merge *merge, bool maps) {
        return maps && merge->users == NSPAWN_USERS_OWN ? "idmap,norbind" : "norbind";
}

static void
add_bind(Merge *merge, const char *key, const char *from, const char *to, const char *options) {
        char bind[4096 + 64];
        (void) snprintf(bind, sizeof(bind), "%s:%s:%s", from, to, options); /* fits */
        add(merge, "Files", key, bind);
}

/* Something of the user's is mounted at this path. */
static bool has_mount_at(Merge *merge, const char *path) {
        size_t position = 0;
        int r;
        for (NspawnMount mount;
                        (r = nspawn_mount_next(merge->arena, merge->file, &position, &mount)) > 0;)
                if (is(mount.place, path))
                        return true;
        if (r < 0)
                merge->text.error = r;
        return false;
}

static void add_usr(Merge *merge, const NspawnHost *host) {
        char own[4096];
        (void) snprintf(own, sizeof(own), "%s/usr", host->root); /* fits: it is a path */
        if (has_mount_at(merge, "/usr"))
                return;
        if (!host->root_has_usr)
                add_bind(merge, "BindReadOnly", "/usr", "/usr", options_of(merge, host->maps_usr));
        else if (merge->kind == VOLATILE_ALL && host->maps_root)
                add_bind(merge, "BindReadOnly", own, "/usr", options_of(merge, true));
}

/* The mount point of the bundle is below /var, and nspawn would make what leads there with an owner
 * that is nobody's. */
static void add_state(Merge *merge) {
        if (!has_mount_at(merge, "/var"))
                add(merge, "Files", "TemporaryFileSystem", "/var:mode=0755");
        if (!has_mount_at(merge, "/var/lib"))
                add(merge, "Files", "TemporaryFileSystem", "/var/lib:mode=0755");
        add(merge, "Files", "TemporaryFileSystem", NSPAWN_STATE_DIRECTORY ":mode=0700");
}

static void add_ours(Merge *merge, const char *container, NspawnHost host) {
        NspawnPivot pivot = nspawn_pivot(merge->file);
        char bundle[256];
        add(merge, "Exec", "Boot", "no"); /* or nspawn passes over Parameters= */
        if (!merge->has_parameters)
                add(merge, "Exec", "Parameters", NSPAWN_GUEST " init");
        add_missing(merge, "Exec", "NotifyReady", "yes");
        add_missing(merge, "Exec", "KillSignal", "SIGRTMIN+3");
        add_missing(merge, "Exec", "PrivateUsers", "pick");
        add_missing(merge, "Exec", "LinkJournal", "try-guest");
        if (merge->kind == VOLATILE_ALL) /* it is made with the owners that it shall have */
                add(merge, "Files", "PrivateUsersOwnership", "off");
        else if (merge->users != NSPAWN_USERS_SHARED)
                add_missing(merge, "Files", "PrivateUsersOwnership", "auto");
        if (merge->kind == VOLATILE_STATE) /* a root that stays mapped as a whole */
                add(merge, "Files", "ReadOnly", "yes");
        if (merge->kind != VOLATILE_AS_WRITTEN)
                add_state(merge);
        if (pivot.old)
                add_bind(merge, "Bind", host.whole_root, pivot.old,
                                options_of(merge, host.maps_root));
        add_usr(merge, &host);
        (void) snprintf(bundle, sizeof(bundle), NSPAWN_BUNDLES "/%s", container); /* fits */
        add_bind(merge, "BindReadOnly", bundle, NSPAWN_BUNDLE,
                        options_of(merge, host.maps_bundles));
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

const char *nspawn_merge(
                Arena *arena, const UnitFile *file, const char *container, NspawnHost host) {
        const UnitLine *line;
        NspawnUsers users = nspawn_users(file, host.root_is_hosts, &line);
        Merge merge = {
                .arena = arena, .file = file, .users = users, .kind = volatile_of(file, users)
        };
        for (size_t i = 0; i < file->n_lines; i++)
                add_line(&merge, &file->lines[i]);
        add_ours(&merge, container, host);
        const char *text = merge.text.error < 0 ? NULL : arena_strdup(arena, merge.text.data);
        text_done(&merge.text);
        return text;
}

const char *nspawn_options(Arena *arena, const Tree *inside) {
        bool has_resolvers = tree_find(inside, ROOT_ETC, "resolv.conf"),
             has_time = tree_find(inside, ROOT_ETC, "localtime");
        return arena_printf(arena, "%s%s%s", has_resolvers ? "--resolv-conf=off" : "",
                        has_resolvers && has_time ? " " : "", has_time ? "--timezone=off" : "");
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
