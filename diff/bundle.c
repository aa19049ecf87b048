/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "diff/bundle.h"

#include "base/text.h"

#include <errno.h>
#include <string.h>

#define HEADER "sysswitch bundle 1"

static const char *const roots[N_ENTRY_ROOTS] = { [ROOT_ETC] = "etc", [ROOT_PROFILE] = "profile" };
static const char *const kinds[N_ENTRY_KINDS] = { [ENTRY_FILE] = "file",
        [ENTRY_LINK] = "link",
        [ENTRY_DIRECTORY] = "directory",
        [ENTRY_ABSENT] = "absent" };

static void add_word(Text *text, const char *word) {
        text_add(text, " ");
        for (const unsigned char *p = (const unsigned char *) word; *p; p++)
                if (*p <= ' ' || *p == '%' || *p == 0x7f)
                        text_addf(text, "%%%02x", *p);
                else
                        text_add_n(text, (const char *) p, 1);
}

static void add_entry(Text *text, const Entry *entry) {
        text_addf(text, "%s %s", roots[entry->root], kinds[entry->kind]);
        if (entry->kind == ENTRY_FILE || entry->kind == ENTRY_DIRECTORY) {
                text_addf(text, " %04o %d", entry->mode, entry->implied);
                add_word(text, entry->owner);
                add_word(text, entry->group);
        }
        if (entry->kind == ENTRY_FILE) {
                char hex[DIGEST_HEX_SIZE];
                text_addf(text, " %zu %s", entry->content->size_bytes,
                                digest_to_hex(&entry->content->digest, hex));
        }
        add_word(text, entry->path);
        if (entry->kind == ENTRY_LINK)
                add_word(text, entry->target);
        text_add(text, "\n");
}

int bundle_format(const Tree *inside, char **ret_text) {
        Text text = { 0 };
        text_add(&text, HEADER "\n");
        size_t n_entries = 0;
        for (size_t i = 0; i < inside->n_entries; i++)
                if (roots[inside->entries[i].root]) {
                        add_entry(&text, &inside->entries[i]);
                        n_entries++;
                }
        text_addf(&text, "end %zu\n", n_entries);
        return text_take(&text, ret_text);
}

/* Words of a line, one after the other, taken apart in place. NULL: there is none. */
static char *next_word(char **rest) {
        char *word = *rest;
        if (!word || !*word)
                return NULL;
        char *end = word + strcspn(word, " ");
        *rest = *end ? end + 1 : end;
        *end = 0;
        char *to = word;
        for (const char *p = word; *p; p++, to++) {
                unsigned byte;
                if (*p == '%' && sscanf(p + 1, "%2x", &byte) == 1 && p[1] && p[2]) {
                        *to = (char) byte;
                        p += 2;
                } else
                        *to = *p;
        }
        *to = 0;
        return word;
}

static int index_of(const char *word, const char *const *names, size_t n_names) {
        for (size_t i = 0; word && i < n_names; i++)
                if (names[i] && strcmp(names[i], word) == 0)
                        return (int) i;
        return -1;
}

static bool parse_digest(const char *hex, Digest *ret_digest) {
        if (!hex || strlen(hex) != DIGEST_HEX_SIZE - 1)
                return false;
        for (size_t i = 0; i < sizeof(ret_digest->bytes); i++) {
                unsigned byte;
                if (sscanf(hex + 2 * i, "%2x", &byte) != 1)
                        return false;
                ret_digest->bytes[i] = (uint8_t) byte;
        }
        return true;
}

static int parse_content(char **rest, Contents *contents, Entry *entry, Error *reterr) {
        const char *size = next_word(rest), *hex = next_word(rest);
        Digest digest;
        if (!size || !parse_digest(hex, &digest))
                return -EBADMSG;
        return contents_add_known(
                        contents, &digest, strtoull(size, NULL, 10), &entry->content, reterr);
}

static int parse_line(char *line, Contents *contents, Tree *tree, Error *reterr) {
        int root = index_of(next_word(&line), roots, N_ENTRY_ROOTS);
        int kind = index_of(next_word(&line), kinds, N_ENTRY_KINDS);
        if (root < 0 || kind < 0)
                return -EBADMSG;
        Entry entry = { .root = (EntryRoot) root, .kind = (EntryKind) kind };
        if (kind == ENTRY_FILE || kind == ENTRY_DIRECTORY) {
                const char *mode = next_word(&line), *implied = next_word(&line);
                entry.owner = next_word(&line);
                entry.group = next_word(&line);
                if (!mode || !implied || !entry.group)
                        return -EBADMSG;
                entry.mode = (uint16_t) (strtoul(mode, NULL, 8) & 07777);
                entry.implied = *implied == '1';
        }
        int r = kind == ENTRY_FILE ? parse_content(&line, contents, &entry, reterr) : 0;
        if (r < 0)
                return r;
        entry.path = next_word(&line);
        entry.target = kind == ENTRY_LINK ? next_word(&line) : NULL;
        if (!entry.path || (kind == ENTRY_LINK && !entry.target))
                return -EBADMSG;
        return tree_add(tree, &entry) < 0 ? error_oom(reterr) : 0;
}

static int torn(Error *reterr) {
        return error_set(reterr, -EBADMSG, "It is no bundle of this version, or a torn one");
}

int bundle_parse(const char *text, Contents *contents, Tree **ret_tree, Error *reterr) {
        cleanup(tree_freep) Tree *tree = tree_new();
        cleanup_free char *copy = strdup(text);
        if (!tree || !copy)
                return error_oom(reterr);
        char *rest = copy, *line = strsep(&rest, "\n");
        if (!line || strcmp(line, HEADER) != 0)
                return torn(reterr);
        while ((line = strsep(&rest, "\n")) && strncmp(line, "end ", 4) != 0) {
                int r = parse_line(line, contents, tree, reterr);
                if (r == -EBADMSG)
                        return torn(reterr);
                if (r < 0)
                        return r;
        }
        if (!line || strtoull(line + 4, NULL, 10) != tree->n_entries)
                return torn(reterr);
        int r = tree_seal(tree, reterr);
        if (r >= 0)
                *ret_tree = TAKE(tree);
        return r;
}
