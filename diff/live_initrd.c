/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "diff/live_initrd.h"

#include "diff/kernel.h"
#include "diff/quote.h"

#include <errno.h>
#include <string.h>

static int take_lines(const json_t *lines, Arena *arena, const char **ret_modules) {
        cleanup(text_donep) Text text = { 0 };
        if (!json_is_array(lines))
                return -EBADMSG;
        for (size_t i = 0; i < json_array_size(lines); i++) {
                const char *line = json_string_value(json_array_get(lines, i));
                if (!line)
                        return -EBADMSG;
                text_addf(&text, "%s\n", line);
        }
        *ret_modules = text.error < 0 ? NULL : arena_strdup(arena, text.data ? text.data : "");
        return *ret_modules ? 0 : -ENOMEM;
}

int live_initrds_from_json(const json_t *object, Arena *arena, LiveInitrds *ret_initrds) {
        const char *maker = json_string_value(json_object_get(object, "maker"));
        json_t *kernels = json_object_get(object, "kernels");
        LiveInitrds initrds = { 0 };
        if (!maker || !json_is_object(kernels))
                return -EBADMSG;
        initrds.maker = initrd_maker_from_string(maker);
        initrds.items = arena_new(arena, LiveInitrd, json_object_size(kernels) + 1);
        if (!initrds.items)
                return -ENOMEM;
        const char *kernel;
        json_t *lines;
        json_object_foreach(kernels, kernel, lines) {
                LiveInitrd *item = &initrds.items[initrds.n_items++];
                item->kernel = arena_strdup(arena, kernel);
                int r = item->kernel ? take_lines(lines, arena, &item->modules) : -ENOMEM;
                if (r < 0)
                        return r;
        }
        *ret_initrds = initrds;
        return 0;
}

static json_t *lines_to_json(const char *text) {
        json_t *array = json_array();
        int failed = 0;
        while (array && *text) {
                size_t length = strcspn(text, "\n");
                failed |= json_array_append_new(array, json_stringn(text, length));
                text += length + (text[length] == '\n');
        }
        if (!failed)
                return array;
        json_decref(array);
        return NULL;
}

json_t *live_initrds_to_json(const LiveInitrds *initrds) {
        json_t *object = json_object(), *kernels = json_object();
        int failed = 0;
        for (size_t i = 0; i < initrds->n_items; i++)
                failed |= json_object_set_new(kernels, initrds->items[i].kernel,
                                lines_to_json(initrds->items[i].modules));
        failed |= json_object_set_new(
                        object, "maker", json_text(initrd_maker_to_string(initrds->maker)));
        failed |= json_object_set_new(object, "kernels", kernels);
        if (!failed)
                return object;
        json_decref(object);
        return NULL;
}

static int add_canonical(Strv *names, const char *name) {
        char copy[MODULE_NAME_SIZE];
        kernel_module_name(name, copy);
        return strv_add_unique(names, copy) < 0 ? -ENOMEM : 0;
}

/* All that a profile names. */
typedef struct Named {
        Strv loaded, all;
} Named;

static void named_done(Named *named) {
        strv_done(&named->loaded);
        strv_done(&named->all);
}

static int find_named(const KernelRule *rule, Named *named) {
        int r = 0;
        for (size_t i = 0; r >= 0 && i < rule->n_initrd_modules; i++) {
                r = add_canonical(&named->loaded, rule->initrd_modules[i].text);
                if (r >= 0)
                        r = add_canonical(&named->all, rule->initrd_modules[i].text);
        }
        for (size_t i = 0; r >= 0 && i < rule->n_initrd_available; i++)
                r = add_canonical(&named->all, rule->initrd_available[i].text);
        return r;
}

/* What was named before and is not in there is built in, or missing: it does not come now. */
static int guess(const LiveInitrds *initrds,
                const InitrdContained *is,
                const Named *before,
                const Named *after,
                InitrdContained *guessed) {
        int r = 0;
        guessed->maker = initrds->maker;
        for (size_t i = 0; r >= 0 && i < after->loaded.n_items; i++) {
                const char *name = after->loaded.items[i];
                if (!strv_has(&before->loaded, name) || strv_has(&is->loaded, name))
                        r = strv_add(&guessed->loaded, name);
        }
        for (size_t i = 0; r >= 0 && i < is->modules.n_items; i++) {
                const char *name = is->modules.items[i];
                if (after->all.n_items > 0 &&
                                (!strv_has(&before->all, name) || strv_has(&after->all, name)))
                        r = strv_add(&guessed->modules, name);
        }
        for (size_t i = 0; r >= 0 && i < after->all.n_items; i++)
                if (!strv_has(&before->all, after->all.items[i]))
                        r = strv_add_unique(&guessed->modules, after->all.items[i]);
        for (size_t i = 0; r >= 0 && i < is->files.n_items; i++)
                r = strv_add(&guessed->files, is->files.items[i]);
        for (size_t i = 0; r >= 0 && i < is->hiding.n_items; i++)
                r = strv_add(&guessed->hiding, is->hiding.items[i]);
        strv_sort(&guessed->modules);
        return r < 0 ? r : 0;
}

static int plan_one(const LiveInitrds *initrds,
                const LiveInitrd *item,
                const Named *before,
                const Named *after,
                Strv *ret_reasons) {
        cleanup(initrd_contained_donep) InitrdContained is = { 0 };
        cleanup(initrd_contained_donep) InitrdContained guessed = { 0 };
        int r = initrd_note_read(item->modules, &is);
        if (r >= 0)
                r = guess(initrds, &is, before, after, &guessed);
        return r < 0 ? r : initrd_changes(item->modules, &guessed, ret_reasons);
}

int live_initrds_plan(const LiveInitrds *initrds,
                const KernelRule *before,
                const KernelRule *after,
                Arena *arena,
                PlanInitrd **ret_planned,
                size_t *ret_n_planned) {
        cleanup(named_done) Named old = { 0 };
        cleanup(named_done) Named new = { 0 };
        PlanInitrd *planned = arena_new(arena, PlanInitrd, initrds->n_items + 1);
        size_t n_planned = 0;
        bool is_same = initrds->maker == INITRD_NO_MAKER || initrd_asks_same(before, after);
        if (!planned || find_named(before, &old) < 0 || find_named(after, &new) < 0)
                return -ENOMEM;
        for (size_t i = 0; !is_same && i < initrds->n_items; i++) {
                cleanup_strv Strv reasons = { 0 };
                if (plan_one(initrds, &initrds->items[i], &old, &new, &reasons) < 0)
                        return -ENOMEM;
                const char **copies = arena_new(arena, const char *, reasons.n_items + 1);
                for (size_t j = 0; copies && j < reasons.n_items; j++)
                        if (!(copies[j] = arena_strdup(arena, reasons.items[j])))
                                return -ENOMEM;
                if (!copies)
                        return -ENOMEM;
                planned[n_planned] = (PlanInitrd){ .kernel = initrds->items[i].kernel,
                        .reasons = copies,
                        .n_reasons = reasons.n_items };
                n_planned += reasons.n_items > 0;
        }
        *ret_planned = planned;
        *ret_n_planned = n_planned;
        return 0;
}
