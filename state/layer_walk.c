/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "state/layer_walk.h"

#include "base/path.h"
#include "diff/layer.h"
#include "diff/profile_conf.h"

#include <errno.h>
#include <string.h>

typedef struct Gathered {
        const LayerReader *reader;
        Arena arena;
        char *directory, *top; /* of the source that all is laid under */
        Layer layers[LAYERS_MAX];
        const char *directories[LAYERS_MAX];
        size_t n_layers;
        Source *sources[LAYERS_MAX]; /* those that were read here */
        size_t n_sources;
} Gathered;

/* A source whose layers are looked for, and the one that named it. */
typedef struct Visit {
        Source *source;
        const char *directory, *prefix;
        const struct Visit *from;
} Visit;

/* One line that names a layer. */
typedef struct Naming {
        const Visit *visit;
        const SourceEntry *conf;
        const BaseRule *rule;
} Naming;

static int refuse(const Naming *naming, int code, const char *what, Error *reterr) {
        char file[SOURCE_MAX_PATH_BYTES * 2];
        source_file_name(naming->visit->source, naming->conf->path, file, sizeof(file));
        return error_set(reterr, code, "%s:%u: Base=%s: %s", file, naming->rule->line,
                        naming->rule->path, what);
}

/* Its faults are told where it is read as a whole: by itself, see note_conf_faults(), else when the
 * source is rendered. */
static int read_conf(Gathered *gathered,
                const Visit *visit,
                const SourceEntry *entry,
                const ProfileConf **ret_conf,
                Error *reterr) {
        char file[SOURCE_MAX_PATH_BYTES * 2];
        cleanup_strv Strv told = { 0 };
        source_file_name(visit->source, entry->path, file, sizeof(file));
        return profile_conf_parse_all(&gathered->arena, file, gathered->reader->contents,
                        entry->content, visit->source->faults ? &told : NULL, ret_conf, reterr);
}

static int note_conf_faults(Gathered *gathered, const Visit *visit, Error *reterr) {
        char file[SOURCE_MAX_PATH_BYTES * 2];
        for (size_t i = 0; visit->source->faults && i < visit->source->n_entries; i++) {
                const SourceEntry *entry = &visit->source->entries[i];
                const ProfileConf *ignored;
                if (entry->kind != SOURCE_FILE || layer_conf_prefix(entry->path) < 0)
                        continue;
                source_file_name(visit->source, entry->path, file, sizeof(file));
                int r = profile_conf_parse_all(&gathered->arena, file, gathered->reader->contents,
                                entry->content, visit->source->faults, &ignored, reterr);
                if (r < 0)
                        return r;
        }
        return 0;
}

static bool is_conf(const SourceEntry *entry) {
        return entry->kind == SOURCE_FILE && layer_conf_prefix(entry->path) >= 0;
}

static bool has_bases(Gathered *gathered, const Visit *visit, int *ret_error, Error *reterr) {
        for (size_t i = 0; i < visit->source->n_entries; i++) {
                const SourceEntry *entry = &visit->source->entries[i];
                const ProfileConf *conf = NULL;
                if (!is_conf(entry))
                        continue;
                *ret_error = read_conf(gathered, visit, entry, &conf, reterr);
                if (*ret_error < 0 || conf->n_bases > 0)
                        return *ret_error >= 0;
        }
        return false;
}

static bool is_gathered(const Gathered *gathered, const char *directory, const char *prefix) {
        for (size_t i = 0; i < gathered->n_layers; i++)
                if (strcmp(gathered->directories[i], directory) == 0 &&
                                strcmp(gathered->layers[i].prefix, prefix) == 0)
                        return true;
        return false;
}

static int add_without(Gathered *gathered,
                const Visit *visit,
                const SourceEntry *entry,
                const ProfileConf *conf,
                Layer *layer) {
        char file[SOURCE_MAX_PATH_BYTES * 2];
        Arena *arena = &gathered->arena;
        size_t n = layer->n_without;
        LayerWithout *rules = arena_new(arena, LayerWithout, n + conf->n_without);
        if (!rules)
                return -ENOMEM;
        if (n > 0)
                memcpy(rules, layer->without, n * sizeof(LayerWithout));
        source_file_name(visit->source, entry->path, file, sizeof(file));
        for (size_t i = 0; i < conf->n_without; i++) {
                rules[n + i] = (LayerWithout){
                        .path = arena_printf(arena, "%s%.*s%s", visit->prefix,
                                        layer_conf_prefix(entry->path), entry->path,
                                        conf->without[i].path),
                        .file = arena_strdup(arena, file),
                        .value = conf->without[i].path,
                        .line = conf->without[i].line,
                };
                if (!rules[n + i].path || !rules[n + i].file)
                        return -ENOMEM;
        }
        layer->without = rules;
        layer->n_without = n + conf->n_without;
        return 0;
}

/* Of its own profile.conf and those of its containers. */
static int read_without(Gathered *gathered, const Visit *visit, Layer *layer, Error *reterr) {
        for (size_t i = 0; i < visit->source->n_entries; i++) {
                const SourceEntry *entry = &visit->source->entries[i];
                const ProfileConf *conf = NULL;
                int r = is_conf(entry) ? read_conf(gathered, visit, entry, &conf, reterr) : 0;
                if (r < 0)
                        return r;
                if (conf && conf->n_without > 0 && conf->n_layers == 0 &&
                                add_without(gathered, visit, entry, conf, layer) < 0)
                        return error_oom(reterr);
        }
        return 0;
}

static int add_layer(Gathered *gathered, const Visit *visit, Error *reterr) {
        cleanup_free char *path = path_from(gathered->directory, visit->directory);
        Layer *layer = &gathered->layers[gathered->n_layers];
        *layer = (Layer){ .source = visit->source,
                .path = path ? arena_strdup(&gathered->arena, path) : NULL,
                .prefix = visit->prefix };
        if (!layer->path)
                return error_oom(reterr);
        gathered->directories[gathered->n_layers++] = visit->directory;
        return read_without(gathered, visit, layer, reterr);
}

static int gather(Gathered *gathered, const Visit *visit, Error *reterr);

static int read_layer(Gathered *gathered, const Naming *naming, Visit *next, Error *reterr) {
        char name[SOURCE_MAX_PATH_BYTES * 2];
        const Source *top = naming->visit->source;
        cleanup_free char *way = path_from(naming->visit->directory, next->directory);
        if (!way)
                return error_oom(reterr);
        source_file_name(top, way, name, sizeof(name));
        int r = gathered->reader->read(
                        gathered->reader->userdata, next->directory, name, &next->source, reterr);
        if (r == -ENOENT || r == -ENOTDIR || r == -ELOOP) {
                const char *what = strrchr(reterr->message, ':');
                Error why = *reterr;
                return refuse(naming, r, what ? why.message + (what - reterr->message) + 2 : "",
                                reterr);
        }
        if (r < 0)
                return r;
        next->source->n_name_root = top->n_name_root;
        gathered->sources[gathered->n_sources++] = next->source;
        return 0;
}

static int follow(Gathered *gathered, const Naming *naming, Error *reterr) {
        const Visit *visit = naming->visit;
        int n_container = layer_conf_prefix(naming->conf->path);
        cleanup_free char *whole = NULL, *directory = NULL;
        if (asprintf(&whole, "%s/%.*s%s", visit->directory, n_container, naming->conf->path,
                            naming->rule->path) < 0)
                return error_oom(reterr);
        directory = path_normalize(*visit->directory ? whole : whole + 1);
        Visit next = { .from = visit,
                .directory = directory ? arena_strdup(&gathered->arena, directory) : NULL,
                .prefix = arena_printf(&gathered->arena, "%s%.*s", visit->prefix, n_container,
                                naming->conf->path) };
        if (!next.directory || !next.prefix)
                return error_oom(reterr);
        if (!path_is_below(next.directory, gathered->top))
                return refuse(naming, -EBADMSG,
                                "Leads out of the repository; keep what hosts share in it", reterr);
        for (const Visit *above = visit; above; above = above->from)
                if (strcmp(above->directory, next.directory) == 0)
                        return refuse(naming, -EBADMSG,
                                        "Leads back to where it is named from; take one of them "
                                        "out",
                                        reterr);
        if (is_gathered(gathered, next.directory, next.prefix))
                return 0;
        if (gathered->n_sources + 2 > LAYERS_MAX)
                return refuse(naming, -EBADMSG, "Is one layer too many; join some of them", reterr);
        int r = read_layer(gathered, naming, &next, reterr);
        return r < 0 ? r : gather(gathered, &next, reterr);
}

/* A base that is not there is a fault of who names it. */
static int note_fault(const Source *source, int r, Error *reterr) {
        bool is_missing = r == -ENOENT || r == -ENOTDIR || r == -ELOOP;
        return r < 0 ? source_note_fault(source, is_missing ? -EBADMSG : r, reterr) : 0;
}

/* What one profile.conf names; in_container: those of containers, whose layers lie over what the
 * source's own ones have for them. */
static int gather_named(Gathered *gathered, const Visit *visit, bool in_container, Error *reterr) {
        for (size_t i = 0; i < visit->source->n_entries; i++) {
                const SourceEntry *entry = &visit->source->entries[i];
                const ProfileConf *conf = NULL;
                if (!is_conf(entry) || (layer_conf_prefix(entry->path) > 0) != in_container)
                        continue;
                int r = read_conf(gathered, visit, entry, &conf, reterr);
                for (size_t j = 0; r >= 0 && j < conf->n_bases; j++) {
                        const Naming naming = { visit, entry, &conf->bases[j] };
                        r = note_fault(visit->source, follow(gathered, &naming, reterr), reterr);
                }
                if (r < 0)
                        return r;
        }
        return 0;
}

static int gather(Gathered *gathered, const Visit *visit, Error *reterr) {
        int r = gather_named(gathered, visit, false, reterr);
        if (r >= 0 && !*visit->prefix)
                r = gather_named(gathered, visit, true, reterr);
        if (r >= 0)
                r = note_conf_faults(gathered, visit, reterr);
        return r < 0 ? r : add_layer(gathered, visit, reterr);
}

static int gather_and_merge(Gathered *gathered, Source **source, Error *reterr) {
        Visit visit = { .source = *source, .directory = "", .prefix = "" };
        int error = 0;
        if (!has_bases(gathered, &visit, &error, reterr))
                return error;
        int r = gathered->reader->place(
                        gathered->reader->userdata, &gathered->directory, &gathered->top, reterr);
        if (r < 0)
                return r;
        visit.directory = gathered->directory;
        r = gather(gathered, &visit, reterr);
        Source *merged = NULL;
        if (r >= 0)
                r = layers_merge(gathered->layers, gathered->n_layers, gathered->reader->contents,
                                &merged, reterr);
        if (r < 0)
                return r;
        (void) source_free(*source);
        *source = merged;
        return 0;
}

int layers_read(const LayerReader *reader, Source **source, Error *reterr) {
        Gathered *gathered = calloc(1, sizeof(Gathered));
        if (!gathered)
                return error_oom(reterr);
        gathered->reader = reader;
        int r = gather_and_merge(gathered, source, reterr);
        for (size_t i = 0; i < gathered->n_sources; i++)
                (void) source_free(gathered->sources[i]);
        free(gathered->directory);
        free(gathered->top);
        arena_done(&gathered->arena);
        free(gathered);
        return r;
}
