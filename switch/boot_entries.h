/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The boot loader's menu of generations: derived from the database, and made to be so whenever the
 * default or what is kept may have changed. A boot renews it too, so that what was cut off is made
 * good. */

#include "switch/host.h"

/* Does nothing for an image, for another profile than the host's, and where no generation has a
 * [Kernel]: then a menu that is ours goes. Warns of a file that is in the way and, where it
 * is_asked for, of a host without a boot loader that is known. */
int boot_entries_renew(Host *host, bool is_asked, Error *reterr) must_check;
/* The same where all else is done: what goes wrong is a warning. */
void boot_entries_renew_last(Host *host);
