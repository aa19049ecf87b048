/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/strv.h"

#include <errno.h>
#include <string.h>

void strv_done(Strv *strv) {
        for (size_t i = 0; i < strv->n_items; i++)
                free(strv->items[i]);
        free(strv->items);
        *strv = (Strv){ 0 };
}

int strv_add_n(Strv *strv, const char *item, size_t length) {
        if (strv->n_items + 1 >= strv->n_allocated) {
                size_t n_wanted = strv->n_allocated ? strv->n_allocated * 2 : 8;
                char **grown = reallocarray(strv->items, n_wanted, sizeof(char *));
                if (!grown)
                        return -ENOMEM;
                strv->items = grown;
                strv->n_allocated = n_wanted;
        }
        char *copy = strndup(item, length);
        if (!copy)
                return -ENOMEM;
        strv->items[strv->n_items++] = copy;
        strv->items[strv->n_items] = NULL;
        return 0;
}

int strv_add(Strv *strv, const char *item) {
        return strv_add_n(strv, item, strlen(item));
}

int strv_add_unique(Strv *strv, const char *item) {
        if (strv_has(strv, item))
                return 0;
        int r = strv_add(strv, item);
        return r < 0 ? r : 1;
}

bool strv_has(const Strv *strv, const char *item) {
        for (size_t i = 0; i < strv->n_items; i++)
                if (strcmp(strv->items[i], item) == 0)
                        return true;
        return false;
}

static int compare(const void *left, const void *right) {
        return strcmp(*(char *const *) left, *(char *const *) right);
}

void strv_sort(Strv *strv) {
        if (strv->n_items > 1)
                qsort(strv->items, strv->n_items, sizeof(char *), compare);
}
