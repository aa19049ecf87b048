/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "diff/source.h"

#include "base/path.h"

#include <errno.h>
#include <string.h>

Source *source_new(const char *name) {
        Source *source = calloc(1, sizeof(Source));
        if (!source)
                return NULL;
        size_t length = strlen(name);
        while (length > 1 && name[length - 1] == '/')
                length--;
        source->name = arena_strndup(&source->arena, name, length);
        return source->name ? source : source_free(source);
}

Source *source_free(Source *source) {
        if (source) {
                arena_done(&source->arena);
                free(source);
        }
        return NULL;
}

int source_add(Source *source, const SourceEntry *entry) {
        if (source->n_entries == source->n_allocated) {
                size_t n = source->n_allocated ? source->n_allocated * 2 : 64;
                SourceEntry *grown = arena_grow(&source->arena, source->entries, source->n_entries,
                                n, sizeof(SourceEntry));
                if (!grown)
                        return -ENOMEM;
                source->entries = grown;
                source->n_allocated = n;
        }
        SourceEntry copy = *entry;
        copy.path = arena_strdup(&source->arena, entry->path);
        if (entry->target)
                copy.target = arena_strdup(&source->arena, entry->target);
        if (entry->written)
                copy.written = arena_strdup(&source->arena, entry->written);
        if (!copy.path || (entry->target && !copy.target) || (entry->written && !copy.written))
                return -ENOMEM;
        source->entries[source->n_entries++] = copy;
        return 0;
}

static int compare_paths(const void *left, const void *right) {
        return strcmp(((const SourceEntry *) left)->path, ((const SourceEntry *) right)->path);
}

void source_sort(Source *source) {
        for (size_t i = 1; i < source->n_entries; i++)
                if (compare_paths(&source->entries[i - 1], &source->entries[i]) > 0) {
                        qsort(source->entries, source->n_entries, sizeof(SourceEntry),
                                        compare_paths);
                        return;
                }
}

const SourceEntry *source_find(const Source *source, const char *path) {
        if (source->n_entries == 0)
                return NULL;
        const SourceEntry wanted = { .path = path };
        return bsearch(&wanted, source->entries, source->n_entries, sizeof(SourceEntry),
                        compare_paths);
}

bool source_has_below(const Source *source, const char *path) {
        size_t length = strlen(path);
        for (size_t i = 0; i < source->n_entries; i++)
                if (strncmp(source->entries[i].path, path, length) == 0 &&
                                strchr("/", source->entries[i].path[length]))
                        return true;
        return false;
}

bool source_leaves_out(const char *name) {
        return strncmp(name, ".git", 4) == 0 || strncmp(name, "README", 6) == 0 ||
               strncmp(name, "LICENSE", 7) == 0;
}

void source_file_name(const Source *source, const char *path, char *ret_name, size_t name_bytes) {
        size_t root = source->n_name_root;
        cleanup_free char *whole = NULL, *name = NULL;
        if (strncmp(path, "..", 2) == 0 &&
                        asprintf(&whole, "%s/%s", source->name + root, path) >= 0)
                name = path_normalize(whole);
        if (name)
                (void) snprintf(ret_name, name_bytes, "%.*s%s", (int) root, source->name, name);
        else
                (void) snprintf(ret_name, name_bytes, "%s/%s", source->name, path);
}

int source_note_fault(const Source *source, int code, Error *error) {
        bool is_refusal = code == -EBADMSG || code == -EPERM || code == -EEXIST;
        if (!is_refusal || !source->faults)
                return code;
        return strv_add_unique(source->faults, error->message) < 0 ? error_oom(error) : 0;
}

/* The bytes of a well-formed character (RFC 3629) that is no control character; 0: neither. */
static size_t character_bytes(const unsigned char *text) {
        if (text[0] < 0x80)
                return text[0] >= ' ' && text[0] != 0x7f;
        size_t n = text[0] >= 0xf0 ? 4 : text[0] >= 0xe0 ? 3 : 2;
        if (text[0] < 0xc2 || text[0] > 0xf4)
                return 0;
        for (size_t i = 1; i < n; i++)
                if ((text[i] & 0xc0) != 0x80)
                        return 0;
        bool too_long = (text[0] == 0xe0 && text[1] < 0xa0) || (text[0] == 0xf0 && text[1] < 0x90);
        bool no_character =
                        (text[0] == 0xed && text[1] > 0x9f) || (text[0] == 0xf4 && text[1] > 0x8f);
        bool control = text[0] == 0xc2 && text[1] < 0xa0; /* C1 */
        return too_long || no_character || control ? 0 : n;
}

bool source_name_is_clean(const char *text) {
        for (const unsigned char *at = (const unsigned char *) text; *at;) {
                size_t n = character_bytes(at);
                if (n == 0)
                        return false;
                at += n;
        }
        return true;
}
