/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "diff/initrd.h"

#include "diff/kernel.h"

#include <errno.h>
#include <string.h>

static const char *const maker_names[N_INITRD_MAKERS] = { [INITRD_NO_MAKER] = "",
        [INITRD_INITRAMFS_TOOLS] = "initramfs-tools",
        [INITRD_DRACUT] = "dracut",
        [INITRD_MKINITCPIO] = "mkinitcpio" };

const char *initrd_maker_to_string(InitrdMaker maker) {
        return maker_names[maker];
}

InitrdMaker initrd_maker_from_string(const char *text) {
        for (InitrdMaker maker = INITRD_NO_MAKER; maker < N_INITRD_MAKERS; maker++)
                if (strcmp(maker_names[maker], text) == 0)
                        return maker;
        return INITRD_NO_MAKER;
}

bool initrd_is_asked_for(const KernelRule *rule) {
        return rule->n_initrd_modules + rule->n_initrd_available > 0;
}

bool initrd_is_told(const Tree *tree) {
        return tree_find(tree, ROOT_ETC, INITRD_INITRAMFS_TOOLS_PATH) ||
               tree_find(tree, ROOT_ETC, INITRD_DRACUT_PATH) ||
               tree_find(tree, ROOT_ETC, INITRD_MKINITCPIO_PATH);
}

static bool are_same(
                const KernelWord *left, size_t n_left, const KernelWord *right, size_t n_right) {
        if (n_left != n_right)
                return false;
        for (size_t i = 0; i < n_left; i++)
                if (!kernel_same_module(left[i].text, right[i].text))
                        return false;
        return true;
}

bool initrd_asks_same(const KernelRule *before, const KernelRule *after) {
        return are_same(before->initrd_modules, before->n_initrd_modules, after->initrd_modules,
                               after->n_initrd_modules) &&
               are_same(before->initrd_available, before->n_initrd_available,
                               after->initrd_available, after->n_initrd_available);
}

void initrd_contained_done(InitrdContained *contained) {
        strv_done(&contained->loaded);
        strv_done(&contained->modules);
        strv_done(&contained->files);
        strv_done(&contained->hiding);
        strv_done(&contained->needed);
        strv_done(&contained->soft);
}

static void add_lines(Text *text, const char *key, const Strv *values) {
        for (size_t i = 0; i < values->n_items; i++)
                text_addf(text, "%s%s\n", key, values->items[i]);
}

static const char maker_key[] = "maker ", load_key[] = "load ", have_key[] = "have ",
                  file_key[] = "file ", hide_key[] = "hide ";

bool initrd_has_told(const InitrdContained *contained) {
        return contained->loaded.n_items + contained->modules.n_items > 0;
}

void initrd_note(const InitrdContained *contained, Text *text) {
        if (!initrd_has_told(contained) && contained->hiding.n_items == 0)
                return;
        text_addf(text, "%s%s\n", maker_key, initrd_maker_to_string(contained->maker));
        add_lines(text, load_key, &contained->loaded);
        add_lines(text, have_key, &contained->modules);
        add_lines(text, file_key, &contained->files);
        add_lines(text, hide_key, &contained->hiding);
}

static int lines_of(const char *text, const char *key, Strv *ret_values) {
        size_t key_length = strlen(key);
        while (*text) {
                size_t length = strcspn(text, "\n");
                if (length > key_length && strncmp(text, key, key_length) == 0 &&
                                strv_add_n(ret_values, text + key_length, length - key_length) < 0)
                        return -ENOMEM;
                text += length + (text[length] == '\n');
        }
        return 0;
}

/* Those of the first that the second has not: "BEFORE a b AFTER". */
static int add_missing(const Strv *all,
                const Strv *others,
                const char *before,
                const char *one,
                const char *several,
                Strv *reasons) {
        cleanup(text_donep) Text text = { 0 };
        cleanup_free char *reason = NULL;
        size_t n = 0;
        text_add(&text, before);
        for (size_t i = 0; i < all->n_items; i++)
                if (!strv_has(others, all->items[i]))
                        text_addf(&text, "%s%s", n++ > 0 ? " " : "", all->items[i]);
        if (n == 0)
                return 0;
        text_add(&text, n == 1 ? one : several);
        return text_take(&text, &reason) < 0 ? -ENOMEM : strv_add(reasons, reason);
}

int initrd_note_read(const char *text, InitrdContained *contained) {
        cleanup_strv Strv makers = { 0 };
        int r = lines_of(text, maker_key, &makers);
        if (r >= 0)
                r = lines_of(text, load_key, &contained->loaded);
        if (r >= 0)
                r = lines_of(text, have_key, &contained->modules);
        if (r >= 0)
                r = lines_of(text, file_key, &contained->files);
        if (r >= 0)
                r = lines_of(text, hide_key, &contained->hiding);
        if (r >= 0 && makers.n_items > 0)
                contained->maker = initrd_maker_from_string(makers.items[0]);
        return r;
}

/* Modules of both whose file is another one. */
static int add_replaced(const InitrdContained *of, const InitrdContained *other, Strv *names) {
        for (size_t i = 0; i < of->files.n_items; i++) {
                const char *file = of->files.items[i];
                cleanup_free char *name = strndup(file, strcspn(file, " "));
                if (!name)
                        return -ENOMEM;
                if (!strv_has(&other->files, file) && strv_has(&other->modules, name) &&
                                strv_has(&of->modules, name) && strv_add_unique(names, name) < 0)
                        return -ENOMEM;
        }
        return 0;
}

static int add_module_names(const Strv *files, Strv *names) {
        int r = 0;
        for (size_t i = 0; r >= 0 && i < files->n_items; i++) {
                const char *file = files->items[i];
                r = strv_add_n(names, file, strcspn(file, " "));
        }
        return r;
}

/* Those of the first that neither hide one in the second nor are named there. */
static int add_hiding_alone(const InitrdContained *of,
                const InitrdContained *other,
                const char *one,
                const char *several,
                Strv *reasons) {
        cleanup_strv Strv names = { 0 }, others = { 0 };
        int r = add_module_names(&of->hiding, &names);
        if (r >= 0)
                r = add_module_names(&other->hiding, &others);
        for (size_t i = 0; r >= 0 && i < other->modules.n_items; i++)
                r = strv_add(&others, other->modules.items[i]);
        return r < 0 ? r : add_missing(&names, &others, "", one, several, reasons);
}

/* Those that hide one in both, by another file. */
static int add_hiding_replaced(
                const InitrdContained *old, const InitrdContained *new, Strv *names) {
        cleanup_strv Strv all = { 0 }, others = { 0 };
        int r = add_module_names(&new->hiding, &all);
        if (r >= 0)
                r = add_module_names(&old->hiding, &others);
        for (size_t i = 0; r >= 0 && i < all.n_items; i++)
                if (strv_has(&others, all.items[i]) &&
                                !strv_has(&old->hiding, new->hiding.items[i]))
                        r = strv_add_unique(names, all.items[i]);
        return r < 0 ? r : 0;
}

/* Modules that the old one has not: those that are named, that are needed, and the others. */
static int add_coming(const InitrdContained *old, const InitrdContained *new, Strv *reasons) {
        cleanup_strv Strv named = { 0 };
        int r = 0;
        for (size_t i = 0; r >= 0 && i < new->modules.n_items; i++)
                if (!strv_has(&new->needed, new->modules.items[i]) &&
                                !strv_has(&new->soft, new->modules.items[i]))
                        r = strv_add(&named, new->modules.items[i]);
        if (r >= 0)
                r = add_missing(&named, &old->modules, "", " comes", " come", reasons);
        if (r >= 0)
                r = add_missing(&new->needed, &old->modules, "", " is needed", " are needed",
                                reasons);
        return r < 0 ? r
                     : add_missing(&new->soft, &old->modules, "", " is a soft dependency",
                                       " are soft dependencies", reasons);
}

static int add_loading(const InitrdContained *old, const InitrdContained *new, Strv *reasons) {
        size_t n = reasons->n_items;
        int r = add_missing(&new->loaded, &old->loaded, "it loads ", "", "", reasons);
        if (r >= 0)
                r = add_missing(&old->loaded, &new->loaded, "it no more loads ", "", "", reasons);
        if (r < 0 || reasons->n_items > n)
                return r;
        for (size_t i = 0; i < new->loaded.n_items; i++)
                if (strcmp(new->loaded.items[i], old->loaded.items[i]) != 0)
                        return strv_add(reasons, "it loads them in another order");
        return 0;
}

int initrd_changes(const char *before, const InitrdContained *after, Strv *ret_reasons) {
        cleanup(initrd_contained_donep) InitrdContained old = { 0 };
        cleanup_strv Strv replaced = { 0 }, none = { 0 };
        int r = initrd_note_read(before, &old);
        if (r >= 0)
                r = add_coming(&old, after, ret_reasons);
        if (r >= 0)
                r = add_missing(&old.modules, &after->modules, "", " leaves", " leave",
                                ret_reasons);
        if (r >= 0)
                r = add_replaced(after, &old, &replaced);
        if (r >= 0)
                r = add_replaced(&old, after, &replaced);
        if (r >= 0)
                r = add_hiding_replaced(&old, after, &replaced);
        if (r >= 0)
                r = add_missing(&replaced, &none, "", " is another one", " are others",
                                ret_reasons);
        if (r >= 0)
                r = add_hiding_alone(after, &old, " takes the place of the kernel's own",
                                " take the places of the kernel's own", ret_reasons);
        if (r >= 0)
                r = add_hiding_alone(&old, after, " is the kernel's own again",
                                " are the kernel's own again", ret_reasons);
        if (r >= 0)
                r = add_loading(&old, after, ret_reasons);
        if (r >= 0 && old.maker && initrd_has_told(after) && old.maker != after->maker) {
                char reason[64];
                (void) snprintf(reason, sizeof(reason), "%s makes it now",
                                initrd_maker_to_string(after->maker)); /* fits */
                r = strv_add(ret_reasons, reason);
        }
        return r;
}
