/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "diff/initrd.h"

#include "diff/kernel.h"

#include <errno.h>
#include <string.h>

static const char *const names[N_INITRD_MAKERS] = { [INITRD_NO_MAKER] = "",
        [INITRD_INITRAMFS_TOOLS] = "initramfs-tools",
        [INITRD_DRACUT] = "dracut",
        [INITRD_MKINITCPIO] = "mkinitcpio" };

const char *initrd_maker_to_string(InitrdMaker maker) {
        return names[maker];
}

InitrdMaker initrd_maker_from_string(const char *text) {
        for (InitrdMaker maker = INITRD_NO_MAKER; maker < N_INITRD_MAKERS; maker++)
                if (strcmp(names[maker], text) == 0)
                        return maker;
        return INITRD_NO_MAKER;
}

bool initrd_is_asked_for(const KernelRule *rule) {
        return rule->n_initrd_modules + rule->n_initrd_available > 0;
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

void initrd_note(InitrdMaker maker, const Strv *loaded, const Strv *modules, Text *text) {
        if (loaded->n_items + modules->n_items == 0)
                return;
        text_addf(text, "maker %s\n", initrd_maker_to_string(maker));
        for (size_t i = 0; i < loaded->n_items; i++)
                text_addf(text, "load %s\n", loaded->items[i]);
        for (size_t i = 0; i < modules->n_items; i++)
                text_addf(text, "have %s\n", modules->items[i]);
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

typedef struct Noted {
        Strv makers, loaded, modules;
} Noted;

static void noted_done(Noted *noted) {
        strv_done(&noted->makers);
        strv_done(&noted->loaded);
        strv_done(&noted->modules);
}

static int noted_read(const char *text, Noted *noted) {
        int r = lines_of(text, "maker ", &noted->makers);
        if (r >= 0)
                r = lines_of(text, "load ", &noted->loaded);
        return r < 0 ? r : lines_of(text, "have ", &noted->modules);
}

int initrd_changes(const char *before, const char *after, Strv *ret_reasons) {
        cleanup(noted_done) Noted old = { 0 };
        cleanup(noted_done) Noted new = { 0 };
        if (strcmp(before, after) == 0)
                return 0;
        size_t n = ret_reasons->n_items;
        int r = noted_read(before, &old);
        if (r >= 0)
                r = noted_read(after, &new);
        if (r >= 0)
                r = add_missing(&new.modules, &old.modules, "", " comes", " come", ret_reasons);
        if (r >= 0)
                r = add_missing(&old.modules, &new.modules, "", " leaves", " leave", ret_reasons);
        if (r >= 0)
                r = add_missing(&new.loaded, &old.loaded, "it loads ", "", "", ret_reasons);
        if (r >= 0)
                r = add_missing(&old.loaded, &new.loaded, "it no more loads ", "", "", ret_reasons);
        if (r >= 0 && old.makers.n_items > 0)
                r = add_missing(&new.makers, &old.makers, "", " makes it now", "", ret_reasons);
        if (r >= 0 && ret_reasons->n_items == n)
                r = strv_add(ret_reasons, "it loads them in another order");
        return r;
}
