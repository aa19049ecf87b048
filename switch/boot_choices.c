/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "switch/boot_choices.h"

#include "diff/kernel.h"

#include <errno.h>
#include <string.h>

typedef struct Reading {
        Host *host;
        BootChoices *choices;
        GenerationConf *confs;
        size_t n_confs;
} Reading;

void boot_choices_done(BootChoices *choices) {
        profile_done(&choices->profile);
        generations_done(&choices->list);
        arena_done(&choices->arena);
}

/* NULL: it has none, or one that this version does not read: then its command line is the loader's.
 */
static const ProfileConf *conf_of(Reading *reading, int64_t number) {
        const ProfileConf *conf = NULL;
        Error ignored;
        for (size_t i = 0; i < reading->n_confs; i++)
                if (reading->confs[i].first <= number && number <= reading->confs[i].last &&
                                profile_conf_parse(&reading->choices->arena, "profile.conf",
                                                reading->host->contents, reading->confs[i].content,
                                                &conf, &ignored) < 0)
                        return NULL;
        return conf;
}

static int make_choice(BootChoices *choices,
                int64_t number,
                const char *description,
                const ProfileConf *conf,
                BootChoice *ret_choice) {
        Arena *arena = &choices->arena;
        cleanup_strv Strv words = { 0 };
        if (conf && kernel_words(&conf->kernel, &words) < 0)
                return -ENOMEM;
        const char **copies = arena_new(arena, const char *, words.n_items + 1);
        for (size_t i = 0; copies && i < words.n_items; i++)
                if (!(copies[i] = arena_strdup(arena, words.items[i])))
                        return -ENOMEM;
        bool is_described = description && *description;
        *ret_choice = (BootChoice){ .generation = number,
                .title = arena_printf(arena, "Generation %lld%s%s", (long long) number,
                                is_described ? ": " : "", is_described ? description : ""),
                .version = conf ? conf->kernel.version : NULL,
                .words = copies,
                .n_words = words.n_items };
        choices->is_wanted |= conf && conf->kernel.line;
        return ret_choice->title && copies ? 0 : -ENOMEM;
}

/* The default first, then the newest: of what a switch was completed to. */
static int add_choices(Reading *reading) {
        BootChoices *choices = reading->choices;
        const Generations *list = &choices->list;
        choices->items = arena_new(&choices->arena, BootChoice, list->n_items + 1);
        if (!choices->items)
                return -ENOMEM;
        for (int pass = 0; pass < 2; pass++)
                for (size_t i = list->n_items; i > 0; i--) {
                        const Generation *generation = &list->items[i - 1];
                        int64_t number = generation->number;
                        bool is_default = number == choices->profile.default_number;
                        if (is_default != (pass == 0) || !(is_default || generation->was_committed))
                                continue;
                        choices->has_default |= is_default;
                        if (make_choice(choices, number, generation->description,
                                            conf_of(reading, number),
                                            &choices->items[choices->n_items++]) < 0)
                                return -ENOMEM;
                }
        return 0;
}

/* Without one, as on most hosts, nothing is asked or parsed any further. */
static bool may_have_kernel(const Reading *reading) {
        static const char section[] = "[Kernel]";
        for (size_t i = 0; i < reading->n_confs; i++) {
                const Content *content = reading->confs[i].content;
                if (!content->data || memmem(content->data, content->size_bytes, section,
                                                      strlen(section)))
                        return true;
        }
        return false;
}

static int read_choices(Reading *reading, bool is_wanted_anyhow, Error *reterr) {
        Host *host = reading->host;
        BootChoices *choices = reading->choices;
        int r = generation_confs(host->database, host->profile_name, host->contents,
                        &choices->arena, &reading->confs, &reading->n_confs, reterr);
        if (r < 0 || !(is_wanted_anyhow || may_have_kernel(reading)))
                return r;
        r = profile_load(host->database, host->profile_name, &choices->profile, reterr);
        if (r >= 0)
                r = generation_list(host->database, host->profile_name, &choices->list, reterr);
        if (r < 0)
                return r;
        return add_choices(reading) < 0 ? error_oom(reterr) : 0;
}

int boot_choices_read(Host *host, bool is_wanted_anyhow, BootChoices *ret_choices, Error *reterr) {
        BootChoices choices = { 0 };
        Reading reading = { .host = host, .choices = &choices };
        int r = host->database ? read_choices(&reading, is_wanted_anyhow, reterr) : 0;
        if (r < 0)
                boot_choices_done(&choices);
        else
                *ret_choices = choices;
        return r;
}

int boot_choices_move_default(BootChoices *choices, int64_t number, const ProfileConf *conf) {
        size_t n = choices->n_items, at = 0;
        int64_t last = 0;
        BootChoice *items = arena_new(&choices->arena, BootChoice, n + 1);
        BootChoice first;
        for (size_t i = 0; i < n; i++)
                last = choices->items[i].generation > last ? choices->items[i].generation : last;
        if (!items || make_choice(choices, number < 0 ? last + 1 : number,
                                      conf ? conf->description : NULL, conf, &first) < 0)
                return -ENOMEM;
        items[at++] = first;
        for (size_t i = 0; i < n; i++)
                if (choices->items[i].generation != first.generation)
                        items[at++] = choices->items[i];
        choices->items = items;
        choices->n_items = at;
        choices->has_default = true;
        return 0;
}
