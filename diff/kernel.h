/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What [Kernel] of a profile means to a running kernel: words of its command line, and modules. */

#include "base/strv.h"
#include "diff/profile_conf.h"
#include "diff/tree.h"

/* What is rendered from Modules= and ConsoleLogLevel=, below /etc. */
#define KERNEL_MODULES_PATH "modules-load.d/sysswitch.conf"
#define KERNEL_LOG_LEVEL_PATH "sysctl.d/90-sysswitch.conf"
#define KERNEL_MODULES_DROP_IN_PATH "systemd/system/systemd-modules-load.service.d/sysswitch.conf"

/* What is rendered from ExtraModules= and Firmware=, below /lib: depmod prefers the one to the
 * kernel's own modules, and nobody else writes there; the kernel looks into the other first. */
#define KERNEL_MODULE_TREES "modules/"
#define KERNEL_EXTRA_MODULES "/updates/sysswitch/"
#define KERNEL_FIRMWARE_PATH "firmware/updates/"

/* The words that a boot of the profile shall have on the kernel's command line: Parameters=, and
 * what ConsoleLogLevel= and Vesa= are there. Returns 0 or -ENOMEM. */
int kernel_words(const KernelRule *rule, Strv *ret_words) must_check;

/* The kernel that runs, as far as it is known. */
typedef struct RunningKernel {
        const char *version;      /* NULL: not known */
        const char *command_line; /* what it was booted with; NULL: not known */
} RunningKernel;

/* Why a change of the profile takes a boot: another kernel, and the words that it brings, takes
 * away, and has in another order; not what the running one has, or does not have, anyway. Returns 0
 * or -ENOMEM. */
int kernel_reboot_reasons(const KernelRule *before,
                const KernelRule *after,
                const RunningKernel *running,
                Strv *ret_reasons) must_check;

/* Likewise, by the modules of the initrd: which ones come, leave, and are loaded in there. Returns
 * 0 or -ENOMEM. */
int kernel_initrd_reasons(
                const KernelRule *before, const KernelRule *after, Strv *ret_reasons) must_check;

/* The words that the command line lacks. Returns 0 or -ENOMEM. */
int kernel_missing_words(
                const KernelRule *rule, const char *command_line, Strv *ret_words) must_check;

/* The same module, '-' and '_' being one. */
bool kernel_same_module(const char *left, const char *right);

enum { MODULE_NAME_SIZE = 256 };

/* A module's name as the kernel has it, with '_' for '-'; and that of its file, "" where it is
 * none. ret_name: of MODULE_NAME_SIZE bytes. A name that is cut is no module's. */
void kernel_module_name(const char *given, char *ret_name);
void kernel_module_of_file(const char *path, char *ret_name);

/* Does InitrdModules= or InitrdAvailableModules= name it? */
bool kernel_initrd_names(const KernelRule *rule, const char *module);

/* Is this a module's file below /lib, of one that Modules= names? entry may be NULL. */
bool kernel_loads_file(const KernelRule *rule, const Entry *entry);

/* loaded: as /proc/modules has it. */
bool kernel_module_is_loaded(const char *loaded, const char *module);

/* May a kernel be called so? As uname -r has it; text need not end with a NUL. */
bool kernel_is_version(const char *text, size_t length);

/* The names in a file of modules-load.d. Returns 0 or -ENOMEM. */
int kernel_modules_in(const char *text, Strv *ret_names) must_check;
