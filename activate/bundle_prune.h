/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Trees that no link of a bundle names, nor the journal of an activation, are of generations that
 * the database has: what is gone back to is laid anew. So they go, with the contents that they
 * alone have, a secret that is one no more among them. */

/* Of all bundles. Under the switch lock, no switch open. What cannot go stays until the next time.
 */
void bundle_prune(void);
