/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "switch/boot_entries.h"

#include "activate/boot_default.h"
#include "activate/boot_directory.h"
#include "activate/boot_loader.h"
#include "diff/boot_menu.h"
#include "diff/boot_spec.h"
#include "switch/boot_choices.h"
#include "switch/output.h"

#include <errno.h>
#include <string.h>

/* What the host has. */
typedef struct Loaders {
        Arena arena;
        BootLoader grub;
        BootDirectory directory;
        BootDefault told; /* of the directory's loader */
} Loaders;

static void loaders_donep(Loaders *loaders) {
        arena_done(&loaders->arena);
}

static int loaders_read(const Host *host, Loaders *loaders, Error *reterr) {
        int r = boot_loader_read(host->root_fd, &loaders->arena, &loaders->grub, reterr);
        if (r >= 0)
                r = boot_directory_read(
                                host->root_fd, &loaders->arena, &loaders->directory, reterr);
        if (r >= 0 && loaders->directory.path)
                r = boot_default_read(host->root_fd, &loaders->arena, &loaders->told, reterr);
        return r;
}

static bool menu_is_ours(const BootLoader *grub) {
        return grub->menu && strncmp(grub->menu, BOOT_MENU_MARK, strlen(BOOT_MENU_MARK)) == 0;
}

/* *ret_text: NULL: there is to be none. Returns 1 when the menu is not so yet, 0 when nothing is to
 * be done. */
static int
menu_text(Loaders *loaders, const BootChoices *choices, const char **ret_text, Error *reterr) {
        const BootLoader *grub = &loaders->grub;
        if ((grub->menu && !menu_is_ours(grub)) || !grub->grub_cfg)
                return 0;
        if (!choices->is_wanted) {
                *ret_text = NULL;
                return grub->menu ? 1 : 0;
        }
        if (!boot_menu_fits(grub->grub_cfg))
                return 0;
        const BootMenu menu = { .grub_cfg = grub->grub_cfg,
                .kernel_link = grub->kernel_link,
                .initrd_link = grub->initrd_link,
                .choices = choices->items,
                .n_choices = choices->n_items,
                .has_default = choices->has_default };
        cleanup(text_donep) Text text = { 0 };
        boot_menu_to_grub(&menu, &text);
        const char *made = text.error < 0 ? NULL : arena_strdup(&loaders->arena, text.data);
        if (!made)
                return error_oom(reterr);
        *ret_text = made;
        return !grub->menu || strcmp(grub->menu, made) != 0;
}

static int renew_menu(
                const Host *host, Loaders *loaders, const BootChoices *choices, Error *reterr) {
        const char *text = NULL;
        if (choices->is_wanted && loaders->grub.menu && !menu_is_ours(&loaders->grub))
                output_warning("/" BOOT_LOADER_MENU
                               " is not of sysswitch: no boot entries are made; "
                               "move it away");
        int r = menu_text(loaders, choices, &text, reterr);
        return r <= 0 ? r : boot_loader_write(host->root_fd, text, reterr);
}

static int
plan_spec(Loaders *loaders, const BootChoices *choices, BootSpecPlan *ret_plan, Error *reterr) {
        const BootDirectory *directory = &loaders->directory;
        const BootSpec spec = { .files = directory->files,
                .n_files = directory->n_files,
                .machine_id = directory->machine_id,
                .is_grub = loaders->told.is_grub,
                .choices = choices->items,
                .n_choices = choices->is_wanted ? choices->n_items : 0,
                .has_default = choices->is_wanted && choices->has_default };
        return boot_spec_plan(&spec, &loaders->arena, ret_plan) < 0 ? error_oom(reterr) : 0;
}

/* Where it was told of ours, and there is none: the one that it would have had without it. */
static int tell_default(Loaders *loaders, const BootSpecPlan *plan, Error *reterr) {
        const BootDefault *told = &loaders->told;
        bool is_grub = told->kind == BOOT_DEFAULT_GRUB;
        const char *entry = BOOT_SPEC_DEFAULT BOOT_SPEC_SUFFIX;
        if (!plan->has_default) {
                if (!told->entry || strncmp(told->entry, BOOT_SPEC_DEFAULT,
                                                    strlen(BOOT_SPEC_DEFAULT)) != 0)
                        return 0;
                entry = is_grub && plan->own ? plan->own : "";
        }
        size_t length = strlen(entry);
        if (is_grub && length > 0) /* it has the names without their end */
                length -= strlen(BOOT_SPEC_SUFFIX);
        const char *wanted = arena_strndup(&loaders->arena, entry, length);
        if (!wanted)
                return error_oom(reterr);
        return told->entry && strcmp(told->entry, wanted) == 0
                               ? 0
                               : boot_default_set(told, wanted, reterr);
}

static void warn_of_spec(
                const Loaders *loaders, const BootSpecPlan *plan, bool is_asked, Arena *arena) {
        const char *directory = loaders->directory.path, *message = NULL;
        if (plan->in_the_way)
                message = arena_printf(arena,
                                "/%s/%s is not of sysswitch: no entry of its name is made; move it "
                                "away",
                                directory, plan->in_the_way);
        else if (plan->not_spelled >= 0)
                message = arena_printf(arena,
                                "Generation %lld has no boot entry: GRUB's blscfg cannot have the "
                                "$ in its Parameters=",
                                (long long) plan->not_spelled);
        else if (is_asked && plan->has_default && loaders->told.kind == BOOT_DEFAULT_NONE)
                message = arena_printf(arena,
                                "The boot loader is not told of its default, /%s/" BOOT_SPEC_DEFAULT
                                                BOOT_SPEC_SUFFIX ": %s",
                                directory,
                                loaders->told.is_grub
                                                ? "set GRUB_DEFAULT=saved in /etc/default/grub"
                                                : "it is none that is known, tell it by hand");
        if (message)
                output_warning(message);
}

/* At each moment the name that the loader was told of leads to a whole entry, and each other
 * generation that is kept has one. */
static int renew_spec(const Host *host,
                Loaders *loaders,
                const BootChoices *choices,
                bool is_asked,
                Error *reterr) {
        const char *directory = loaders->directory.path;
        BootSpecPlan plan;
        if (!directory)
                return 0;
        int r = plan_spec(loaders, choices, &plan, reterr);
        if (r < 0)
                return r;
        warn_of_spec(loaders, &plan, is_asked, &loaders->arena);
        r = boot_directory_change(host->root_fd, directory, plan.changes, plan.n_written, reterr);
        if (r >= 0)
                r = tell_default(loaders, &plan, reterr);
        if (r >= 0)
                r = boot_directory_change(host->root_fd, directory, plan.changes + plan.n_written,
                                plan.n_changes - plan.n_written, reterr);
        return r;
}

static bool concerns(const Host *host) {
        return !host->is_image && strcmp(host->profile_name, "system") == 0;
}

static int renew(Host *host, Loaders *loaders, bool is_asked, bool is_last, Error *reterr) {
        cleanup(boot_choices_donep) BootChoices choices = { 0 };
        int r = boot_choices_read(host, false, &choices, reterr);
        if (r < 0 || (!choices.is_wanted && !is_last))
                return r;
        r = loaders_read(host, loaders, reterr);
        if (r < 0)
                return r;
        r = renew_menu(host, loaders, &choices, reterr);
        return r < 0 ? r : renew_spec(host, loaders, &choices, is_asked, reterr);
}

static int renew_all(Host *host, bool is_asked, bool is_last, Error *reterr) {
        cleanup(loaders_donep) Loaders loaders = { 0 };
        if (!concerns(host) || !host->database)
                return 0;
        int r = renew(host, &loaders, is_asked, is_last, reterr);
        return r < 0 ? error_prefix(reterr, "The boot loader's menu is not renewed") : 0;
}

int boot_entries_renew(Host *host, bool is_asked, Error *reterr) {
        return renew_all(host, is_asked, false, reterr);
}

void boot_entries_renew_last(Host *host) {
        Error error;
        if (renew_all(host, false, true, &error) < 0)
                output_warning(error.message);
}

void boot_entries_warn(Host *host, const ProfileConf *conf) {
        cleanup(loaders_donep) Loaders loaders = { 0 };
        cleanup(boot_choices_donep) BootChoices choices = { 0 };
        Error ignored; /* who cannot read it cannot renew it: that is told then */
        if (!concerns(host) || boot_choices_read(host, conf, &choices, &ignored) < 0 ||
                        (!conf && !choices.is_wanted) || loaders_read(host, &loaders, &ignored) < 0)
                return;
        bool has_grub = loaders.grub.grub_cfg && boot_menu_fits(loaders.grub.grub_cfg);
        if (!has_grub && !loaders.directory.path)
                output_warning("No boot loader that is known: change the words of its kernel's "
                               "command line by hand");
}

static uint64_t rounded(const char *text, uint32_t block_bytes) {
        uint64_t block = block_bytes > 0 ? block_bytes : 1;
        return (strlen(text) + block - 1) / block * block;
}

/* What is replaced is there until the new one is. */
static uint64_t bytes_of_spec(
                const BootDirectory *directory, const BootSpecPlan *plan, uint32_t block_bytes) {
        uint64_t n_bytes = 0, most = 0;
        for (size_t i = 0; i < plan->n_written; i++) {
                n_bytes += rounded(plan->changes[i].text, block_bytes);
                most = n_bytes > most ? n_bytes : most;
                for (size_t k = 0; k < directory->n_files; k++)
                        if (strcmp(directory->files[k].name, plan->changes[i].name) == 0)
                                n_bytes -= rounded(directory->files[k].text, block_bytes);
        }
        return most;
}

typedef struct Measuring {
        const Host *host;
        Loaders *loaders;
        const BootChoices *choices;
        BootNeed *needs;
        size_t n_needs;
} Measuring;

/* One more block: the directory grows. */
static void add_need(Measuring *measuring, BootNeed need, uint64_t n_bytes, size_t n_files) {
        need.need = (SpaceNeed){ .n_bytes = n_bytes + need.space.block_bytes, .n_inodes = n_files };
        measuring->needs[measuring->n_needs++] = need;
}

static int measure_menu(Measuring *measuring, Error *reterr) {
        BootNeed need = { .path = BOOT_LOADER_DIRECTORY };
        const char *text = NULL;
        int r = menu_text(measuring->loaders, measuring->choices, &text, reterr);
        if (r <= 0 || !text)
                return r;
        r = free_space_at(measuring->host->root_fd, need.path, &need.space, reterr);
        if (r >= 0)
                add_need(measuring, need, rounded(text, need.space.block_bytes), 1);
        return r;
}

static int measure_spec(Measuring *measuring, Error *reterr) {
        const BootDirectory *directory = &measuring->loaders->directory;
        BootNeed need = { .path = directory->path };
        BootSpecPlan plan;
        if (!need.path)
                return 0;
        int r = plan_spec(measuring->loaders, measuring->choices, &plan, reterr);
        if (r < 0 || plan.n_written == 0)
                return r;
        r = free_space_at(measuring->host->root_fd, need.path, &need.space, reterr);
        if (r >= 0)
                add_need(measuring, need, bytes_of_spec(directory, &plan, need.space.block_bytes),
                                plan.n_written);
        return r;
}

int boot_entries_measure(Host *host,
                Prepared *prepared,
                const ProfileConf *conf,
                BootNeed ret_needs[static 2],
                size_t *ret_n_needs,
                Error *reterr) {
        cleanup(loaders_donep) Loaders loaders = { 0 };
        cleanup(boot_choices_donep) BootChoices choices = { 0 };
        Measuring measuring = {
                .host = host, .loaders = &loaders, .choices = &choices, .needs = ret_needs
        };
        *ret_n_needs = 0;
        if (!concerns(host))
                return 0;
        int r = boot_choices_read(host, conf, &choices, reterr);
        if (r < 0 || (!conf && !choices.is_wanted))
                return r;
        r = loaders_read(host, &loaders, reterr);
        if (r == -EACCES)
                return 0; /* who may not read it will not write it */
        if (r >= 0 && boot_choices_move_default(&choices, prepared->target.number, conf) < 0)
                r = error_oom(reterr);
        if (r >= 0)
                r = measure_menu(&measuring, reterr);
        if (r >= 0)
                r = measure_spec(&measuring, reterr);
        if (r >= 0)
                *ret_n_needs = measuring.n_needs;
        return r;
}
