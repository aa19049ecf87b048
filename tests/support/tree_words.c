/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tests/support/tree_words.h"

#include "tests/support/cmocka.h"

#include <stdio.h>
#include <string.h>

const char *tree_words_next(const char *text, TreeWords *ret_words) {
        if (!text || !*text)
                return NULL;
        *ret_words = (TreeWords){ 0 };
        int n = sscanf(text, " %c %63[^ ;] %63[^ ;] %63[^ ;]", &ret_words->kind, ret_words->path,
                        ret_words->first, ret_words->second);
        assert_true(n >= 2);
        text += strcspn(text, ";");
        return *text ? text + 1 : text;
}

uint16_t tree_words_mode(const char *text, uint16_t otherwise) {
        return *text ? (uint16_t) strtoul(text, NULL, 8) : otherwise;
}

static void add_words(Tree *tree, Contents *contents, const TreeWords *words) {
        Entry entry = { .root = ROOT_ETC, .path = words->path, .owner = "root", .group = "root" };
        switch (words->kind) {
        case 'f':
                entry.kind = ENTRY_FILE;
                entry.mode = tree_words_mode(words->second, 0644);
                assert_int_equal(contents_add(contents, words->first, strlen(words->first),
                                                 &entry.content, NULL),
                                0);
                break;
        case 'l':
                entry.kind = ENTRY_LINK;
                entry.target = words->first;
                break;
        case '-':
                entry.kind = ENTRY_ABSENT;
                break;
        default:
                entry.kind = ENTRY_DIRECTORY;
                entry.mode = tree_words_mode(words->first, 0755);
                entry.implied = words->kind == 'd';
        }
        assert_int_equal(tree_add(tree, &entry), 0);
}

Tree *tree_from_words(Contents *contents, const char *text) {
        Tree *tree = tree_new();
        assert_non_null(tree);
        TreeWords words;
        while ((text = tree_words_next(text, &words)))
                add_words(tree, contents, &words);
        assert_int_equal(tree_seal(tree, NULL), 0);
        return tree;
}
