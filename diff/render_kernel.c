/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* [Kernel]: what of it is files below /etc. Their readers load modules and set values when they
 * change. */
#include "diff/kernel.h"
#include "diff/rendering.h"

#include <errno.h>
#include <string.h>

int rendering_place_text(Rendering *rendering,
                const char *path,
                uint16_t mode,
                unsigned line,
                Text *text,
                Error *reterr) {
        cleanup_free char *data = NULL;
        Entry entry = { .root = ROOT_ETC,
                .kind = ENTRY_FILE,
                .path = path,
                .mode = mode,
                .owner = "root",
                .group = "root",
                .origin = profile_conf_place(&rendering->tree->arena, rendering->conf, line) };
        if (!entry.origin || text_take(text, &data) < 0)
                return error_oom(reterr);
        int r = contents_add(rendering->contents, data, strlen(data), &entry.content, reterr);
        if (r >= 0)
                r = rendering_place(rendering, &entry, NULL, reterr);
        return rendering_go_on(rendering, r, reterr);
}

/* One that does not exist is told in the journal, and the others are loaded: systemd's program ends
 * with 1 then, which would make its service failed. */
static int add_modules(Rendering *rendering, const KernelRule *kernel, Error *reterr) {
        cleanup(text_donep) Text text = { 0 };
        cleanup(text_donep) Text drop_in = { 0 };
        if (kernel->n_modules == 0)
                return 0;
        text_add(&text, "# Modules= of sysswitch's profile.conf\n");
        for (size_t i = 0; i < kernel->n_modules; i++)
                text_addf(&text, "%s\n", kernel->modules[i].text);
        int r = rendering_place_text(rendering, KERNEL_MODULES_PATH, 0644, kernel->modules[0].line,
                        &text, reterr);
        if (r < 0)
                return r;
        text_add(&drop_in, "[Service]\nSuccessExitStatus=0 1\n");
        return rendering_place_text(rendering, KERNEL_MODULES_DROP_IN_PATH, 0644,
                        kernel->modules[0].line, &drop_in, reterr);
}

/* The first of its four numbers: the others stay. */
static int add_log_level(Rendering *rendering, const KernelRule *kernel, Error *reterr) {
        cleanup(text_donep) Text text = { 0 };
        if (!kernel->console_log_level_line)
                return 0;
        text_addf(&text, "# ConsoleLogLevel= of sysswitch's profile.conf\nkernel.printk = %u\n",
                        kernel->console_log_level);
        return rendering_place_text(rendering, KERNEL_LOG_LEVEL_PATH, 0644,
                        kernel->console_log_level_line, &text, reterr);
}

int rendering_add_kernel(Rendering *rendering, Error *reterr) {
        const KernelRule *kernel = &rendering->conf->kernel;
        int r = add_modules(rendering, kernel, reterr);
        return r < 0 ? r : add_log_level(rendering, kernel, reterr);
}
