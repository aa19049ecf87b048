/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "switch/boot_entries.h"

#include "activate/boot_loader.h"
#include "diff/boot_menu.h"
#include "diff/kernel.h"
#include "switch/output.h"

#include <errno.h>
#include <string.h>

typedef struct Making {
        Host *host;
        Arena arena;
        Profile profile;
        Generations list;
        GenerationConf *confs;
        size_t n_confs;
        BootChoice *choices;
        size_t n_choices;
        bool is_wanted, has_default;
} Making;

static void making_done(Making *making) {
        profile_done(&making->profile);
        generations_done(&making->list);
        arena_done(&making->arena);
}

/* NULL: it has none, or one that this version does not read: then its command line is the loader's.
 */
static const ProfileConf *conf_of(Making *making, int64_t number) {
        const ProfileConf *conf = NULL;
        Error ignored;
        for (size_t i = 0; i < making->n_confs; i++)
                if (making->confs[i].first <= number && number <= making->confs[i].last &&
                                profile_conf_parse(&making->arena, "profile.conf",
                                                making->host->contents, making->confs[i].content,
                                                &conf, &ignored) < 0)
                        return NULL;
        return conf;
}

static int add_choice(Making *making, const Generation *generation) {
        const ProfileConf *conf = conf_of(making, generation->number);
        BootChoice *choice = &making->choices[making->n_choices];
        cleanup_strv Strv words = { 0 };
        if (conf && kernel_words(&conf->kernel, &words) < 0)
                return -ENOMEM;
        const char **copies = arena_new(&making->arena, const char *, words.n_items + 1);
        for (size_t i = 0; copies && i < words.n_items; i++)
                if (!(copies[i] = arena_strdup(&making->arena, words.items[i])))
                        return -ENOMEM;
        bool is_described = generation->description && *generation->description;
        *choice = (BootChoice){ .generation = generation->number,
                .title = arena_printf(&making->arena, "Generation %lld%s%s",
                                (long long) generation->number, is_described ? ": " : "",
                                is_described ? generation->description : ""),
                .version = conf ? conf->kernel.version : NULL,
                .words = copies,
                .n_words = words.n_items };
        making->is_wanted |= conf && conf->kernel.line;
        making->n_choices++;
        return choice->title && copies ? 0 : -ENOMEM;
}

/* The default first, then the newest: of what a switch was completed to. */
static int add_choices(Making *making) {
        const Generations *list = &making->list;
        making->choices = arena_new(&making->arena, BootChoice, list->n_items + 1);
        if (!making->choices)
                return -ENOMEM;
        for (int pass = 0; pass < 2; pass++)
                for (size_t i = list->n_items; i > 0; i--) {
                        const Generation *generation = &list->items[i - 1];
                        bool is_default = generation->number == making->profile.default_number;
                        if (is_default != (pass == 0) || !(is_default || generation->was_committed))
                                continue;
                        making->has_default |= is_default;
                        if (add_choice(making, generation) < 0)
                                return -ENOMEM;
                }
        return 0;
}

static int read_generations(Making *making, Error *reterr) {
        Host *host = making->host;
        int r = profile_load(host->database, host->profile_name, &making->profile, reterr);
        if (r >= 0)
                r = generation_list(host->database, host->profile_name, &making->list, reterr);
        if (r >= 0)
                r = generation_confs(host->database, host->profile_name, host->contents,
                                &making->arena, &making->confs, &making->n_confs, reterr);
        if (r < 0)
                return r;
        return add_choices(making) < 0 ? error_oom(reterr) : 0;
}

static bool is_ours(const char *menu) {
        return strncmp(menu, BOOT_MENU_MARK, strlen(BOOT_MENU_MARK)) == 0;
}

static int make(Making *making, const BootLoader *loader, Error *reterr) {
        const BootMenu menu = { .grub_cfg = loader->grub_cfg,
                .kernel_link = loader->kernel_link,
                .initrd_link = loader->initrd_link,
                .choices = making->choices,
                .n_choices = making->n_choices,
                .has_default = making->has_default };
        cleanup(text_donep) Text text = { 0 };
        cleanup_free char *made = NULL;
        boot_menu_to_grub(&menu, &text);
        if (text_take(&text, &made) < 0)
                return error_oom(reterr);
        if (loader->menu && strcmp(loader->menu, made) == 0)
                return 0;
        return boot_loader_write(making->host->root_fd, made, reterr);
}

static int renew(Making *making, bool is_asked, Error *reterr) {
        BootLoader loader;
        int r = boot_loader_read(making->host->root_fd, &making->arena, &loader, reterr);
        if (r < 0 || (!loader.grub_cfg && !is_asked))
                return r;
        r = read_generations(making, reterr);
        if (r < 0)
                return r;
        bool in_the_way = loader.menu && !is_ours(loader.menu);
        if (!making->is_wanted)
                return loader.menu && !in_the_way
                                       ? boot_loader_write(making->host->root_fd, NULL, reterr)
                                       : 0;
        if (in_the_way)
                output_warning("/" BOOT_LOADER_MENU
                               " is not of sysswitch: no boot entries are made; "
                               "move it away");
        else if (loader.grub_cfg && boot_menu_fits(loader.grub_cfg))
                return make(making, &loader, reterr);
        else if (is_asked)
                output_warning("No boot loader that is known: give it the words for the kernel's "
                               "command line by hand");
        return 0;
}

int boot_entries_renew(Host *host, bool is_asked, Error *reterr) {
        if (host->is_image || strcmp(host->profile_name, "system") != 0 || !host->database)
                return 0;
        Making making = { .host = host };
        int r = renew(&making, is_asked, reterr);
        making_done(&making);
        return r < 0 ? error_prefix(reterr, "The boot loader's menu is not renewed") : 0;
}

void boot_entries_renew_last(Host *host) {
        Error error;
        if (boot_entries_renew(host, false, &error) < 0)
                output_warning(error.message);
}
