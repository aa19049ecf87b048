/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "switch/first_source.h"

#include "activate/in_root.h"
#include "activate/local_files.h"
#include "activate/scan.h"
#include "activate/unit_look.h"
#include "base/text.h"
#include "diff/glob.h"
#include "diff/quote.h"
#include "diff/source.h"
#include "diff/unit_name.h"

#include <errno.h>
#include <string.h>

#define SYSTEM "systemd/system/"
#define USER "systemd/user/"

enum { MAX_PRESET_BYTES = 1024 * 1024 };

struct FirstSource {
        Host *host;
        Packages *packages;
        Scan *scan;
        Strv paths;                 /* that are looked at; sorted */
        Strv enable, disable, mask; /* units */
        Strv local;                 /* units whose file lies in /etc and is no package's */
        Strv own_presets;           /* globs of systemd's own units */
        Strv dropped;               /* on or off, and not said */
        Strv running;               /* masked, and not said: on all the same */
        LeftOut left_out;
};

FirstSource *first_source_free(FirstSource *source) {
        if (!source)
                return NULL;
        (void) packages_free(source->packages);
        (void) scan_free(source->scan);
        strv_done(&source->paths);
        strv_done(&source->enable);
        strv_done(&source->disable);
        strv_done(&source->mask);
        strv_done(&source->local);
        strv_done(&source->own_presets);
        strv_done(&source->dropped);
        strv_done(&source->running);
        left_out_done(&source->left_out);
        free(source);
        return NULL;
}

static const char *base_name(const char *path) {
        const char *slash = strrchr(path, '/');
        return slash ? slash + 1 : path;
}

/* "systemd/system/NAME", and no drop-in or link of another unit. */
static const char *unit_of_path(const char *path) {
        if (strncmp(path, SYSTEM, strlen(SYSTEM)) != 0 || strchr(path + strlen(SYSTEM), '/'))
                return NULL;
        return unit_name_is_valid(path + strlen(SYSTEM)) ? path + strlen(SYSTEM) : NULL;
}

static bool is_mask(const Found *found) {
        return found->kind == FOUND_LINK && found->target &&
               strcmp(found->target, "/dev/null") == 0;
}

/* What the package brought, or deb-systemd-helper made for it. */
static bool is_as_packaged(const FirstSource *source, const Found *found) {
        return packages_judge(source->packages, found) == PACKAGED_AS_SHIPPED;
}

static bool is_unit_place(const char *path) {
        return strncmp(path, SYSTEM, strlen(SYSTEM)) == 0 || strncmp(path, USER, strlen(USER)) == 0;
}

/* An editor's copies and the like it does not, and a source cannot have them. */
static bool is_read_by_systemd(const char *path) {
        const char *name = base_name(path);
        size_t length = strlen(name);
        return unit_name_is_valid(name) ||
               (strstr(path, ".d/") && length > 5 && strcmp(name + length - 5, ".conf") == 0);
}

static int look(FirstSource *source, Error *reterr) {
        Host *host = source->host;
        int r = local_unit_paths(&host->etc, &source->paths, reterr);
        if (r >= 0)
                r = local_conffiles(host->root_fd, &host->etc, source->packages, host->is_image,
                                &source->paths, reterr);
        if (r >= 0)
                r = own_files_list(
                                host, source->packages, &source->paths, &source->left_out, reterr);
        if (r < 0)
                return r;
        strv_sort(&source->paths);
        cleanup_free Sought *sought = calloc(source->paths.n_items + 1, sizeof(Sought));
        size_t n_sought = 0;
        if (!sought)
                return error_oom(reterr);
        for (size_t i = 0; i < source->paths.n_items; i++)
                if (i == 0 || strcmp(source->paths.items[i - 1], source->paths.items[i]) != 0)
                        sought[n_sought++] = (Sought){ source->paths.items[i], true };
        return scan_new(&host->etc, sought, n_sought, host->contents, &source->scan, reterr);
}

/* Of what is no package's, and of the places of units, what is no configuration or too much. */
static int leave_out(FirstSource *source, Error *reterr) {
        for (size_t i = 0; i < source->scan->n_found; i++) {
                const Found *found = &source->scan->found[i];
                const char *why = own_file_fault(&source->left_out, found);
                if (!source_name_is_clean(found->path) ||
                                (found->target && !source_name_is_clean(found->target)))
                        why = "a name with control characters, or that is not UTF-8";
                if (!why && found->kind == FOUND_FILE && is_unit_place(found->path) &&
                                !is_as_packaged(source, found) && !is_read_by_systemd(found->path))
                        why = "nothing that systemd reads there";
                if (why && left_out_add(&source->left_out, found->path, why) < 0)
                        return error_oom(reterr);
        }
        return 0;
}

static int find_local_units(FirstSource *source, Error *reterr) {
        for (size_t i = 0; i < source->scan->n_found; i++) {
                const Found *found = &source->scan->found[i];
                const char *unit = unit_of_path(found->path);
                if (!unit || is_as_packaged(source, found))
                        continue;
                Strv *list = found->kind == FOUND_FILE ? &source->local
                             : is_mask(found)          ? &source->mask
                                                       : NULL;
                if (list && strv_add(list, unit) < 0)
                        return error_oom(reterr);
        }
        return 0;
}

static bool drop(Strv *list, const char *unit) {
        for (size_t i = 0; i < list->n_items; i++) {
                if (strcmp(list->items[i], unit) != 0)
                        continue;
                free(list->items[i]);
                memmove(&list->items[i], &list->items[i + 1],
                                (list->n_items - i) * sizeof(char *)); /* its NULL, too */
                list->n_items--;
                return true;
        }
        return false;
}

/* A mount that another one made, for one (a container's manager, the initrd): to declare it masked
 * is to declare it off, which it is not. */
static int leave_out_running_masks(FirstSource *source, Error *reterr) {
        const Strv *masks = &source->mask;
        cleanup_free UnitLook *looks = calloc(masks->n_items + 1, sizeof(UnitLook));
        size_t n_looks = 0;
        if (!looks)
                return error_oom(reterr);
        for (size_t i = 0; source->host->systemd && i < masks->n_items; i++)
                if (!unit_name_is_template(masks->items[i]))
                        looks[n_looks++].unit = masks->items[i];
        int r = n_looks > 0 ? unit_look(source->host->systemd, looks, n_looks, LOOK_STATE, reterr)
                            : 0;
        for (size_t i = 0; r >= 0 && i < n_looks; i++)
                if (unit_look_is_on(&looks[i]) && strv_add(&source->running, looks[i].unit) < 0)
                        return error_oom(reterr);
        for (size_t i = 0; i < source->running.n_items; i++)
                (void) drop(&source->mask, source->running.items[i]); /* it is there */
        return r;
}

/* systemd's own units, which every host has as systemd would have them. */
static bool preset_is_of_systemd(const FirstSource *source, const char *unit) {
        for (size_t i = 0; i < source->own_presets.n_items; i++)
                if (glob_match(source->own_presets.items[i], unit))
                        return true;
        return false;
}

static int read_own_presets(FirstSource *source, Error *reterr) {
        static const char *const paths[] = { "usr/lib/systemd/system-preset/90-systemd.preset",
                "lib/systemd/system-preset/90-systemd.preset" };
        cleanup_free char *text = NULL;
        size_t size;
        for (size_t i = 0; !text && i < N_ELEMENTS(paths); i++)
                if (in_root_read(source->host->root_fd, paths[i], MAX_PRESET_BYTES, &text, &size) <
                                0)
                        text = NULL; /* the other one, or none */
        char *rest = text;
        for (char *line; rest && (line = strsep(&rest, "\n"));) {
                char word[16], unit[256];
                bool is_rule = sscanf(line, "%15s %255s", word, unit) == 2 &&
                               (strcmp(word, "enable") == 0 || strcmp(word, "disable") == 0);
                if (is_rule && strcmp(unit, "*") != 0 && strv_add(&source->own_presets, unit) < 0)
                        return error_oom(reterr);
        }
        return 0;
}

/* Instances of the distribution's templates, which no list of unit files has. */
static int find_instances(FirstSource *source, Error *reterr) {
        cleanup(arena_donep) Arena arena = { 0 };
        for (size_t i = 0; i < source->scan->n_found; i++) {
                const Found *found = &source->scan->found[i];
                const char *unit = base_name(found->path);
                const char *of = unit_name_is_valid(unit) ? unit_name_template_of(&arena, unit)
                                                          : NULL;
                if (!of || found->kind != FOUND_LINK || is_mask(found) ||
                                strncmp(found->path, SYSTEM, strlen(SYSTEM)) != 0 ||
                                unit_of_path(found->path) || is_as_packaged(source, found) ||
                                strv_has(&source->local, of) || preset_is_of_systemd(source, of))
                        continue;
                if (strv_add_unique(&source->enable, unit) < 0)
                        return error_oom(reterr);
        }
        return 0;
}

/* Of a template only its instances are on or off. */
static int take_unit_file(void *userdata, const char *unit, const char *state, const char *preset) {
        FirstSource *source = userdata;
        bool is_on = strcmp(state, "enabled") == 0, is_off = strcmp(state, "disabled") == 0;
        if (!unit_name_is_valid(unit) || unit_name_is_template(unit) || (!is_on && !is_off) ||
                        strv_has(&source->mask, unit))
                return 0;
        if (strv_has(&source->local, unit)) /* its [Install] would put it on */
                return is_off ? strv_add(&source->disable, unit) : 0;
        if (is_on && (strcmp(preset, "disabled") == 0 || !preset_is_of_systemd(source, unit)))
                return strv_add(&source->enable, unit);
        if (is_off && strcmp(preset, "enabled") == 0)
                return strv_add(&source->disable, unit);
        return 0;
}

int first_source_new(Host *host, FirstSource **ret_source, Error *reterr) {
        cleanup(first_source_freep) FirstSource *source = calloc(1, sizeof(FirstSource));
        if (!source)
                return error_oom(reterr);
        source->host = host;
        int r = packages_new(host->root_fd, &source->packages, reterr);
        if (r >= 0)
                r = look(source, reterr);
        if (r >= 0)
                r = leave_out(source, reterr);
        if (r >= 0)
                r = find_local_units(source, reterr);
        if (r >= 0)
                r = leave_out_running_masks(source, reterr);
        if (r >= 0)
                r = read_own_presets(source, reterr);
        if (r >= 0)
                r = find_instances(source, reterr);
        if (r >= 0)
                r = local_unit_files(
                                host->is_image ? host->root : NULL, take_unit_file, source, reterr);
        if (r < 0)
                return r;
        *ret_source = TAKE(source);
        return 0;
}

int first_source_leave_out(FirstSource *source, const char *path, const char *why) {
        const char *unit = unit_of_path(path);
        if (left_out_has(&source->left_out, path))
                return 0;
        if (unit) { /* what enables it is not for us either */
                (void) drop(&source->local, unit);
                (void) drop(&source->enable, unit);
                (void) drop(&source->disable, unit);
        }
        const char *copy = arena_strdup(&source->left_out.arena, why);
        return copy && left_out_add(&source->left_out, path, copy) >= 0 ? 1 : -ENOMEM;
}

bool first_source_drop_unit(FirstSource *source, const char *unit) {
        bool was_said = drop(&source->enable, unit) || drop(&source->disable, unit);
        return was_said && strv_add(&source->dropped, unit) >= 0;
}

bool first_source_take_back(FirstSource *source, const char *unit) {
        return drop(&source->dropped, unit) && strv_add(&source->enable, unit) >= 0;
}

const Strv *first_source_enabled(const FirstSource *source) {
        return &source->enable;
}

const LeftOut *first_source_left_out(const FirstSource *source) {
        return &source->left_out;
}

/* A link that enables or names another unit: of one that is said to be on, or that is ours. */
static bool is_wanted_link(const FirstSource *source, const Found *found) {
        const char *unit = unit_of_path(found->path);
        const char *of = unit ? base_name(found->target ? found->target : "")
                              : base_name(found->path);
        if (is_mask(found))
                return !unit || strv_has(&source->mask, unit);
        if (strv_has(&source->enable, of) || strv_has(&source->local, of))
                return true;
        cleanup(arena_donep) Arena arena = { 0 };
        const char *template_name = unit_name_template_of(&arena, of);
        return template_name && strv_has(&source->local, template_name);
}

static bool is_wanted(const FirstSource *source, const Found *found) {
        bool is_of_unit = is_unit_place(found->path);
        if ((found->kind != FOUND_FILE && found->kind != FOUND_LINK) ||
                        is_as_packaged(source, found) ||
                        left_out_has(&source->left_out, found->path))
                return false;
        if (is_of_unit && found->kind == FOUND_LINK)
                return is_wanted_link(source, found);
        return !is_of_unit || is_read_by_systemd(found->path);
}

static bool is_default_mode(const Found *found) {
        return found->uid == 0 && found->gid == 0 && (found->mode == 0644 || found->mode == 0755) &&
               is_for_everybody(found);
}

static int add_file_rule(Text *text, const Found *found) {
        text_addf(text, "\n[File]\nPath=%s\nMode=%04o\n", found->path, found->mode);
        if (found->uid != 0 || found->gid != 0)
                text_addf(text, "Owner=%u:%u\n", found->uid, found->gid);
        if (!is_for_everybody(found))
                text_add(text, "Secret=yes\n");
        return text->error;
}

static void add_units(Text *text, const char *key, const Strv *units) {
        for (size_t i = 0; i < units->n_items; i++)
                text_addf(text, "%s=%s\n", key, units->items[i]);
}

static int conf_text(const FirstSource *source, Text *text) {
        text_add(text, "# What this host was when sysswitch init looked at it.\n");
        for (size_t i = 0; i < source->dropped.n_items; i++)
                text_addf(text, "# %s is not named: a switch would have acted on it.\n",
                                source->dropped.items[i]);
        for (size_t i = 0; i < source->running.n_items; i++)
                text_addf(text, "# %s is not named: it is masked, and on all the same.\n",
                                source->running.items[i]);
        if (source->enable.n_items + source->disable.n_items + source->mask.n_items > 0)
                text_add(text, "\n[Units]\n");
        add_units(text, "Enable", &source->enable);
        add_units(text, "Disable", &source->disable);
        add_units(text, "Mask", &source->mask);
        for (size_t i = 0; i < source->scan->n_found; i++) {
                const Found *found = &source->scan->found[i];
                if (found->kind == FOUND_FILE && is_wanted(source, found) &&
                                !is_default_mode(found) && add_file_rule(text, found) < 0)
                        return -ENOMEM;
        }
        return text->error;
}

static int add_conf(const FirstSource *source, Tree *tree, Error *reterr) {
        cleanup(text_donep) Text text = { 0 };
        Content *content = NULL;
        if (conf_text(source, &text) < 0)
                return error_oom(reterr);
        int r = contents_add(source->host->contents, text.data, text.length, &content, reterr);
        if (r < 0)
                return r;
        const Entry entry = { .root = ROOT_PROFILE,
                .kind = ENTRY_FILE,
                .path = "profile.conf",
                .mode = 0644,
                .content = content };
        return tree_add(tree, &entry) < 0 ? error_oom(reterr) : 0;
}

static int add_found(const FirstSource *source, Tree *tree, const Found *found) {
        char owner[16] = "root", group[16] = "root";
        if (!is_wanted(source, found) || (found->kind == FOUND_FILE && !found->content))
                return 0;
        if (found->uid != 0 || found->gid != 0) {
                (void) snprintf(owner, sizeof(owner), "%u", found->uid); /* both fit */
                (void) snprintf(group, sizeof(group), "%u", found->gid);
        }
        bool is_file = found->kind == FOUND_FILE;
        const Entry entry = {
                .root = ROOT_ETC,
                .kind = is_file ? ENTRY_FILE : ENTRY_LINK,
                .path = found->path,
                .mode = is_file ? found->mode : 0,
                .owner = is_file ? owner : "root",
                .group = is_file ? group : "root",
                .secret = is_file && !is_for_everybody(found),
                .content = is_file ? found->content : NULL,
                .target = is_file ? NULL : found->target,
        };
        return tree_add(tree, &entry);
}

int first_source_tree(FirstSource *source, Tree **ret_tree, Error *reterr) {
        cleanup(tree_freep) Tree *tree = tree_new();
        if (!tree)
                return error_oom(reterr);
        for (size_t i = 0; i < source->scan->n_found; i++)
                if (add_found(source, tree, &source->scan->found[i]) < 0)
                        return error_oom(reterr);
        int r = add_conf(source, tree, reterr);
        if (r >= 0)
                r = tree_seal(tree, reterr);
        if (r >= 0)
                *ret_tree = TAKE(tree);
        return r;
}
