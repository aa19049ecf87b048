/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What comes of initrds that is not what was asked for. */
#include "diff/initrd.h"
#include "switch/initrds.h"
#include "switch/kernels.h"
#include "switch/output.h"
#include "switch/prepare.h"

static int warn_of_no_maker(Prepared *prepared, const ProfileConf *conf, Error *reterr) {
        const KernelRule *rule = &conf->kernel;
        bool is_loaded = rule->n_initrd_modules > 0;
        unsigned line = is_loaded ? rule->initrd_modules[0].line : rule->initrd_available[0].line;
        const char *place = profile_conf_place(&prepared->arena, conf, line);
        const char *warning = !place ? NULL
                                     : arena_printf(&prepared->arena,
                                                       "%s: %s=: Nothing that makes initrds is "
                                                       "known here (initramfs-tools, dracut, "
                                                       "mkinitcpio from 38 on): it comes to none",
                                                       place,
                                                       is_loaded ? "InitrdModules"
                                                                 : "InitrdAvailableModules");
        if (!warning)
                return error_oom(reterr);
        reference_warn(&prepared->target, warning);
        return 0;
}

static int warn_of_uki(Prepared *prepared, Error *reterr) {
        const Initrds *initrds = &prepared->initrds;
        const char *warning = arena_printf(&prepared->arena,
                        "The initrd is one file with the kernel here (%s), and is not made anew: "
                        "%s does it (InitrdModules=, InitrdAvailableModules=)",
                        initrds->uki, initrds->uki_maker);
        if (!warning)
                return error_oom(reterr);
        output_warning(warning);
        return 0;
}

int initrds_warn(Host *host,
                Prepared *prepared,
                const ProfileConf *conf,
                bool only_default,
                Error *reterr) {
        static const KernelRule nothing;
        const Initrds *initrds = &prepared->initrds;
        const ProfileConf *old = NULL;
        int r = kernels_conf_of(host, prepared->old, &prepared->arena, &old, reterr);
        if (r < 0 || !conf)
                return r;
        bool is_same = initrd_asks_same(old ? &old->kernel : &nothing, &conf->kernel);
        if (is_same && !(initrds->has_no_maker && initrd_is_told(prepared->old)))
                return 0;
        for (size_t i = 0; !is_same && i < initrds->n_warnings; i++)
                reference_warn(&prepared->target, initrds->warnings[i]);
        if (initrds->has_no_maker)
                return warn_of_no_maker(prepared, conf, reterr);
        if (initrds->has_no_kernel)
                output_warning("No kernel is installed (/boot/vmlinuz-VERSION or "
                               "/lib/modules/VERSION/vmlinuz): no initrd is made");
        else if (initrds->uki && initrd_is_asked_for(&conf->kernel))
                return warn_of_uki(prepared, reterr);
        else if (only_default)
                output_warning("The next boot takes the initrd that there is: once it is up, "
                               "sysswitch switch makes the new one, for the boot after "
                               "(InitrdModules=, InitrdAvailableModules=)");
        return 0;
}
