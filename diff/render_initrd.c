/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* InitrdModules= and InitrdAvailableModules= of [Kernel]: files for the initrd's maker. */
#include "diff/initrd.h"
#include "diff/kernel.h"
#include "diff/rendering.h"

#include <string.h>

static const char head[] =
                "# InitrdModules= and InitrdAvailableModules= of sysswitch's profile.conf\n";

/* With '_' as the kernel has it: dracut would take only the first '-' for one. */
static void add_name(Text *text, const char *before, const char *name, const char *after) {
        char copy[MODULE_NAME_SIZE];
        kernel_module_name(name, copy);
        text_add(text, before);
        text_add(text, copy);
        text_add(text, after);
}

static void add_each(Text *text,
                const char *before,
                const KernelWord *words,
                size_t n_words,
                const char *after) {
        for (size_t i = 0; i < n_words; i++)
                add_name(text, before, words[i].text, after);
}

static unsigned first_line(const KernelRule *rule) {
        return rule->n_initrd_modules > 0 ? rule->initrd_modules[0].line
                                          : rule->initrd_available[0].line;
}

/* A hook, and not the list /etc/initramfs-tools/modules, which is the administrator's. */
static int add_initramfs_tools(Rendering *rendering, const KernelRule *rule, Error *reterr) {
        cleanup(text_donep) Text text = { 0 };
        text_addf(&text,
                        "#!/bin/sh\n%s[ \"$1\" != prereqs ] || exit 0\n"
                        ". /usr/share/initramfs-tools/hook-functions\n",
                        head);
        add_each(&text, "force_load ", rule->initrd_modules, rule->n_initrd_modules, "\n");
        add_each(&text, "manual_add_modules ", rule->initrd_available, rule->n_initrd_available,
                        "\n");
        text_add(&text, "exit 0\n"); /* a module that this kernel has not is no failure */
        return rendering_place_text(rendering, INITRD_INITRAMFS_TOOLS_PATH, 0755, first_line(rule),
                        &text, reterr);
}

static int add_dracut(Rendering *rendering, const KernelRule *rule, Error *reterr) {
        cleanup(text_donep) Text text = { 0 };
        text_add(&text, head);
        add_each(&text, "force_drivers+=\" ", rule->initrd_modules, rule->n_initrd_modules,
                        " \"\n");
        add_each(&text, "add_drivers+=\" ", rule->initrd_available, rule->n_initrd_available,
                        " \"\n");
        return rendering_place_text(
                        rendering, INITRD_DRACUT_PATH, 0644, first_line(rule), &text, reterr);
}

/* All in MODULES is loaded; what is only to be there takes a hook of its own. '?': where this
 * kernel has it. */
static int add_mkinitcpio(Rendering *rendering, const KernelRule *rule, Error *reterr) {
        cleanup(text_donep) Text conf = { 0 };
        cleanup(text_donep) Text hook = { 0 };
        text_add(&conf, head);
        add_each(&conf, "MODULES+=('", rule->initrd_modules, rule->n_initrd_modules, "?')\n");
        if (rule->n_initrd_available > 0) {
                text_add(&conf, "HOOKS+=('sysswitch')\n");
                text_addf(&hook, "#!/bin/bash\n%sbuild() {\n", head);
                add_each(&hook, "        add_module '", rule->initrd_available,
                                rule->n_initrd_available, "?'\n");
                text_add(&hook, "        return 0\n}\n");
                int r = rendering_place_text(rendering, INITRD_MKINITCPIO_HOOK_PATH, 0644,
                                rule->initrd_available[0].line, &hook, reterr);
                if (r < 0)
                        return r;
        }
        return rendering_place_text(
                        rendering, INITRD_MKINITCPIO_PATH, 0644, first_line(rule), &conf, reterr);
}

int rendering_add_initrd(Rendering *rendering, Error *reterr) {
        const KernelRule *rule = &rendering->conf->kernel;
        if (!rendering->distribution || !initrd_is_asked_for(rule))
                return 0;
        switch (rendering->distribution->initrd_maker) {
        case INITRD_INITRAMFS_TOOLS:
                return add_initramfs_tools(rendering, rule, reterr);
        case INITRD_DRACUT:
                return add_dracut(rendering, rule, reterr);
        case INITRD_MKINITCPIO:
                return add_mkinitcpio(rendering, rule, reterr);
        default:
                return 0;
        }
}
