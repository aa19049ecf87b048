/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The bundles on the host, BUNDLES/NAME, of which a container sees its own, read-only:
 *
 *   tree-DIGEST   what it shall have, as diff/bundle.h writes it; never changed once it is there
 *   files/DIGEST  the contents, of all trees
 *   active        the tree that it was started with, or that was last activated
 *   default       the one that its next start takes, unless there is
 *   next          the one of the switch that is under way
 *   force         the same, where that makes /etc exact: what was edited by hand is saved and goes
 *   options       what nspawn is told beside its settings, made at each start
 *   .new-PID-…    what a process is just writing
 *
 * 'next' is made once the switch has its manifest, and removed before that when it is undone; after
 * the commit it is renamed to 'default'. So without a manifest it means a commit, and whoever comes
 * first does what is left of that.
 *
 * No name and no link is synced here unless it is said so: the switch syncs them with what it
 * stages and with its flip, and 'active' means nothing once the container is gone. */

#include "base/error.h"
#include "base/strv.h"
#include "diff/tree.h"

#define BUNDLE_TEMPORARY ".new-" /* and the number of who writes it */

enum { BUNDLE_TREE_SIZE = sizeof("tree-") + 64 };

/* Lays a tree beside those that are there, and the program that fits it. What was missing is there
 * under temporary names first; its own ones are added to laid. */
int bundle_store_lay(const char *name,
                const Tree *inside,
                Contents *contents,
                Strv *laid,
                char *ret_tree,
                Error *reterr) must_check;
/* What was laid, for any number of containers, gets its names. The caller has synced it: so what is
 * there by its name is whole. */
int bundle_store_name(const Strv *laid, Error *reterr) must_check;
/* tree NULL: the link goes. */
int bundle_store_point(
                const char *name, const char *link, const char *tree, Error *reterr) must_check;
/* 1; 0: there is no such link, and ret_tree is "". */
int bundle_store_pointed(
                const char *name, const char *link, char *ret_tree, Error *reterr) must_check;
/* Text of an EnvironmentFile=, for the start that begins. Not synced. */
int bundle_store_tell(const char *name, const char *options, Error *reterr) must_check;
/* What it shall have now: next, else default. */
int bundle_store_wanted(const char *name, char *ret_tree, Error *reterr) must_check;
int bundle_store_read(const char *name,
                const char *tree,
                Contents *contents,
                Tree **ret_tree,
                Error *reterr) must_check;
/* 1: an activation of it in place is under way, or was cut off, so that what it has inside is no
 * tree; 0: it is not. */
int bundle_store_is_half_way(const char *name, Error *reterr) must_check;
/* Of all bundles: next becomes the default, or goes. The latter is synced; the former is done again
 * by whoever comes first, should power fail. */
int bundle_store_settle(bool is_commit, Error *reterr) must_check;
