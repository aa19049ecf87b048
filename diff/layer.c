/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "diff/layer.h"

#include "base/map.h"
#include "base/path.h"
#include "base/text.h"
#include "diff/glob.h"

#include <errno.h>
#include <string.h>

#define CONF "profile.conf"
#define CONTAINERS "containers/"
#define UNITS "units/"
#define SYSTEM_UNITS "etc/systemd/system/"

typedef struct Candidate {
        const char *path; /* in the merged source */
        const char *key;  /* the same for all names of one place */
        const SourceEntry *entry;
        size_t nth_layer;
        bool is_away; /* a later layer has it in Without= */
} Candidate;

typedef struct Merge {
        const Layer *layers;
        size_t n_layers;
        Contents *contents;
        Arena arena;
        Candidate *candidates;
        size_t n_candidates;
        Map leaves; /* key -> Candidate *: what nothing can lie below */
        Source *source;
} Merge;

int layer_conf_prefix(const char *path) {
        if (strcmp(path, CONF) == 0)
                return 0;
        if (strncmp(path, CONTAINERS, strlen(CONTAINERS)) != 0)
                return -1;
        const char *slash = strchr(path + strlen(CONTAINERS), '/');
        return slash && strcmp(slash + 1, CONF) == 0 ? (int) (slash + 1 - path) : -1;
}

/* How much of a path is the prefix of a container's source. */
static size_t container_prefix(const char *path) {
        if (strncmp(path, CONTAINERS, strlen(CONTAINERS)) != 0)
                return 0;
        const char *slash = strchr(path + strlen(CONTAINERS), '/');
        return slash ? (size_t) (slash + 1 - path) : 0;
}

const char *layer_key(Arena *arena, const char *path) {
        size_t prefix = container_prefix(path);
        const char *below = path + prefix;
        if (strncmp(below, UNITS, strlen(UNITS)) != 0)
                return path;
        return arena_printf(
                        arena, "%.*s" SYSTEM_UNITS "%s", (int) prefix, path, below + strlen(UNITS));
}

bool layer_key_is_named(const char *pattern, const char *key) {
        char part[2 * SOURCE_MAX_PATH_BYTES];           /* it, and each directory that it lies in */
        (void) snprintf(part, sizeof(part), "%s", key); /* a key is no longer */
        for (char *slash; !glob_match(pattern, part); *slash = 0)
                if (!(slash = strrchr(part, '/')))
                        return false;
        return true;
}

static int add_candidates(Merge *merge) {
        size_t n = 0;
        for (size_t i = 0; i < merge->n_layers; i++)
                n += merge->layers[i].source->n_entries;
        merge->candidates = arena_new(&merge->arena, Candidate, n + 1);
        if (!merge->candidates)
                return -ENOMEM;
        for (size_t i = 0; i < merge->n_layers; i++) {
                const Layer *layer = &merge->layers[i];
                for (size_t j = 0; j < layer->source->n_entries; j++) {
                        Candidate *candidate = &merge->candidates[merge->n_candidates++];
                        *candidate = (Candidate){ .entry = &layer->source->entries[j],
                                .nth_layer = i };
                        candidate->path = arena_printf(&merge->arena, "%s%s", layer->prefix,
                                        candidate->entry->path);
                        candidate->key = candidate->path ? layer_key(&merge->arena, candidate->path)
                                                         : NULL;
                        if (!candidate->key)
                                return -ENOMEM;
                }
        }
        return 0;
}

/* Without= */

/* What an earlier layer than the nth has of it is away. */
static int apply_without(Merge *merge, size_t nth, const LayerWithout *rule, Error *reterr) {
        const char *pattern = layer_key(&merge->arena, rule->path);
        size_t n = 0;
        if (!pattern)
                return error_oom(reterr);
        for (size_t i = 0; i < merge->n_candidates; i++) {
                Candidate *candidate = &merge->candidates[i];
                if (candidate->nth_layer >= nth || layer_conf_prefix(candidate->path) >= 0 ||
                                !layer_key_is_named(pattern, candidate->key))
                        continue;
                candidate->is_away = true;
                n++;
        }
        if (n > 0 || glob_is_pattern(pattern))
                return 0;
        return source_note_fault(merge->source,
                        error_set(reterr, -EBADMSG,
                                        "%s:%u: Without=%s: No layer under this one has it; take "
                                        "it "
                                        "out, or write the path as it is there",
                                        rule->file, rule->line, rule->value),
                        reterr);
}

/* All directories that the path lies in. */
static int put_parents(Map *map, const Candidate *candidate) {
        const char *key = candidate->key, *slash = strrchr(key, '/');
        for (; slash; slash = memrchr(key, '/', (size_t) (slash - key)))
                if (map_put_n(map, key, (size_t) (slash - key), (void *) (uintptr_t) key) < 0)
                        return -ENOMEM;
        return 0;
}

/* A directory that was there for what is away now is no empty one that somebody asked for. */
static int leave_out_emptied(Merge *merge) {
        cleanup(map_donep) Map thinned = { 0 }, held = { 0 };
        int r = 0;
        for (size_t i = 0; r >= 0 && i < merge->n_candidates; i++)
                if (merge->candidates[i].is_away)
                        r = put_parents(&thinned, &merge->candidates[i]);
        for (size_t i = 0; r >= 0 && i < merge->n_candidates; i++) {
                const Candidate *candidate = &merge->candidates[i];
                bool is_thinned = candidate->entry->kind == SOURCE_DIRECTORY &&
                                  map_get(&thinned, candidate->key);
                if (!candidate->is_away && !is_thinned)
                        r = put_parents(&held, candidate);
        }
        size_t n_left = 0;
        for (size_t i = 0; r >= 0 && i < merge->n_candidates; i++) {
                const Candidate *candidate = &merge->candidates[i];
                bool is_emptied = candidate->entry->kind == SOURCE_DIRECTORY &&
                                  map_get(&thinned, candidate->key) &&
                                  !map_get(&held, candidate->key);
                if (!candidate->is_away && !is_emptied)
                        merge->candidates[n_left++] = *candidate;
        }
        merge->n_candidates = n_left;
        return r;
}

static int take_away(Merge *merge, Error *reterr) {
        bool has_rules = false;
        for (size_t i = 0; i < merge->n_layers; i++)
                for (size_t j = 0; j < merge->layers[i].n_without; j++) {
                        has_rules = true;
                        int r = apply_without(merge, i, &merge->layers[i].without[j], reterr);
                        if (r < 0)
                                return r;
                }
        return has_rules && leave_out_emptied(merge) < 0 ? error_oom(reterr) : 0;
}

static int compare_candidates(const void *left, const void *right) {
        const Candidate *a = left, *b = right;
        int order = strcmp(a->key, b->key);
        if (order == 0)
                order = a->nth_layer < b->nth_layer ? -1 : a->nth_layer > b->nth_layer;
        return order ? order : strcmp(a->path, b->path);
}

static bool is_below_leaf(const Merge *merge, const Candidate *candidate) {
        const char *key = candidate->key;
        const char *slash = strrchr(key, '/');
        for (; slash; slash = memrchr(key, '/', (size_t) (slash - key))) {
                const Candidate *leaf = map_get_n(&merge->leaves, key, (size_t) (slash - key));
                if (leaf && leaf->nth_layer > candidate->nth_layer)
                        return true;
        }
        return false;
}

/* Where, from the source at the top, the entry is written. */
static char *written_path(const Merge *merge, const Candidate *candidate) {
        cleanup_free char *path = NULL;
        if (asprintf(&path, "%s/%s", merge->layers[candidate->nth_layer].path,
                            candidate->entry->path) < 0)
                return NULL;
        return path_normalize(*path == '/' ? path + 1 : path);
}

static int add_entry(Merge *merge, const Candidate *candidate, Content *content, Error *reterr) {
        cleanup_free char *written = written_path(merge, candidate);
        if (!written)
                return error_oom(reterr);
        SourceEntry entry = *candidate->entry;
        entry.path = candidate->path;
        entry.written = content || strcmp(written, candidate->path) == 0 ? NULL : written;
        if (content)
                entry.content = content;
        return source_add(merge->source, &entry) < 0 ? error_oom(reterr) : 0;
}

/* profile.conf */

/* From the directory that the merged file is in, the one that this one is in; "." is that itself.
 */
static char *layer_name(const Merge *merge, const Candidate *candidate) {
        cleanup_free char *written = written_path(merge, candidate);
        cleanup_free char *directory =
                        strndup(candidate->path, (size_t) layer_conf_prefix(candidate->path));
        if (!written || !directory)
                return NULL;
        size_t length = strlen(written) - strlen(CONF);
        written[length > 0 ? length - 1 : 0] = 0;
        if (*directory)
                directory[strlen(directory) - 1] = 0;
        char *name = path_from(directory, written);
        if (!name || *name)
                return name;
        free(name);
        return strdup(".");
}

static int add_conf_text(Merge *merge, const Candidate *candidate, Text *text, Error *reterr) {
        static const char byte_order_mark[] = "\xef\xbb\xbf";
        Content *content = candidate->entry->content;
        cleanup_free char *name = layer_name(merge, candidate);
        if (!name)
                return error_oom(reterr);
        int r = content_load(merge->contents, content, reterr);
        if (r < 0)
                return r;
        const char *data = content->data;
        size_t size = content->size_bytes, n_mark = strlen(byte_order_mark);
        if (size >= n_mark && memcmp(data, byte_order_mark, n_mark) == 0) {
                data += n_mark;
                size -= n_mark;
        }
        text_addf(text, "[Layer]\nName=%s\n", name);
        text_add_n(text, data, size);
        text_add(text, "\n\n"); /* ends a line that a backslash continues, too */
        return 0;
}

/* One source gives the file, and nothing lies under that one: it stays as it is. */
static bool is_alone(const Merge *merge, const Candidate *candidates, size_t n_candidates) {
        size_t prefix = (size_t) layer_conf_prefix(candidates[0].path), n_layers = 0;
        for (size_t i = 0; i < merge->n_layers; i++)
                n_layers += strlen(merge->layers[i].prefix) == prefix &&
                            strncmp(merge->layers[i].prefix, candidates[0].path, prefix) == 0;
        bool is_own = candidates[0].nth_layer == merge->n_layers - 1;
        return n_candidates == 1 && is_own && n_layers == (prefix == 0);
}

static int merge_conf(
                Merge *merge, const Candidate *candidates, size_t n_candidates, Error *reterr) {
        if (is_alone(merge, candidates, n_candidates))
                return add_entry(merge, candidates, NULL, reterr);
        cleanup(text_donep) Text text = { 0 };
        for (size_t i = 0; i < n_candidates; i++) {
                int r = add_conf_text(merge, &candidates[i], &text, reterr);
                if (r < 0)
                        return r;
        }
        if (text.error < 0)
                return error_oom(reterr);
        Content *content = NULL;
        int r = contents_add(merge->contents, text.data, text.length, &content, reterr);
        return r < 0 ? r : add_entry(merge, &candidates[n_candidates - 1], content, reterr);
}

static bool are_files(const Candidate *candidates, size_t n_candidates) {
        for (size_t i = 0; i < n_candidates; i++)
                if (candidates[i].entry->kind != SOURCE_FILE)
                        return false; /* refused when it is rendered, as it counts */
        return true;
}

/* Those of one key: the last layer's count; these may be two, units/X and etc/systemd/system/X. */
static int merge_place(
                Merge *merge, const Candidate *candidates, size_t n_candidates, Error *reterr) {
        const Candidate *last = &candidates[n_candidates - 1];
        if (layer_conf_prefix(last->path) >= 0 && are_files(candidates, n_candidates))
                return merge_conf(merge, candidates, n_candidates, reterr);
        for (size_t i = 0; i < n_candidates; i++) {
                if (candidates[i].nth_layer != last->nth_layer ||
                                is_below_leaf(merge, &candidates[i]))
                        continue;
                int r = add_entry(merge, &candidates[i], NULL, reterr);
                if (r < 0)
                        return r;
        }
        return 0;
}

static size_t length_of_place(const Merge *merge, size_t first) {
        size_t n = 1;
        while (first + n < merge->n_candidates &&
                        strcmp(merge->candidates[first].key, merge->candidates[first + n].key) == 0)
                n++;
        return n;
}

static int merge_all(Merge *merge, Error *reterr) {
        if (add_candidates(merge) < 0)
                return error_oom(reterr);
        int r = take_away(merge, reterr);
        if (r < 0)
                return r;
        qsort(merge->candidates, merge->n_candidates, sizeof(Candidate), compare_candidates);
        size_t n;
        for (size_t i = 0; i < merge->n_candidates; i += n) {
                n = length_of_place(merge, i);
                Candidate *last = &merge->candidates[i + n - 1];
                if (last->entry->kind != SOURCE_DIRECTORY &&
                                map_put(&merge->leaves, last->key, last) < 0)
                        return error_oom(reterr);
        }
        for (size_t i = 0; i < merge->n_candidates; i += n) {
                n = length_of_place(merge, i);
                r = merge_place(merge, &merge->candidates[i], n, reterr);
                if (r < 0)
                        return r;
        }
        return 0;
}

static int name_layers(Merge *merge, Error *reterr) {
        Source *source = merge->source;
        source->layers = arena_new(&source->arena, const char *, merge->n_layers);
        for (size_t i = 0; source->layers && i + 1 < merge->n_layers; i++) {
                source->layers[i] = arena_strdup(&source->arena, merge->layers[i].path);
                if (!source->layers[i])
                        return error_oom(reterr);
                source->n_layers++;
        }
        return source->layers ? 0 : error_oom(reterr);
}

int layers_merge(const Layer *layers,
                size_t n_layers,
                Contents *contents,
                Source **ret_source,
                Error *reterr) {
        const Source *top = layers[n_layers - 1].source;
        cleanup(source_freep) Source *source = source_new(top->name);
        if (!source)
                return error_oom(reterr);
        source->n_name_root = top->n_name_root;
        source->faults = top->faults;
        Merge merge = {
                .layers = layers, .n_layers = n_layers, .contents = contents, .source = source
        };
        int r = name_layers(&merge, reterr);
        if (r >= 0)
                r = merge_all(&merge, reterr);
        map_done(&merge.leaves);
        arena_done(&merge.arena);
        if (r < 0)
                return r;
        source_sort(source);
        *ret_source = TAKE(source);
        return 0;
}
