/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * An intrusive balanced (AVL) tree for queues that are ordered by a clock which may wrap
 * round: keys and values are compared by the sign of their difference, so that all of one
 * tree have to lie within half of the range of each other.
 *
 * Each node also knows the earliest value and all marks at or below it, so that finding
 * "the earliest value among the keys up to here" and "the next node with this mark" takes
 * a descent and no scan. Equal keys stay in the order of insertion. Nothing recurses or
 * allocates; each operation visits O(height) nodes, and the height is at most
 * 1.45 * log2(nodes + 2).
 */
#ifndef REGENT_TREE_H
#define REGENT_TREE_H

#include <regent/abi/types.h>

/**
 * struct tree_node - one element
 * @child: child[0] has lower keys, child[1] equal and higher ones
 * @parent: parent node, NULL for the root
 * @key: the order of the tree
 * @value: what tree_earliest() looks for
 * @earliest: the earliest @value at or below this node
 * @marks: what tree_marked() looks for
 * @marks_below: the OR of all @marks at or below this node
 * @height: 1 for a leaf, 0 while the node is in no tree
 *
 * @key, @value and @marks belong to the owner, which changes them only while the node is in
 * no tree. A zeroed node is in no tree.
 */
struct tree_node {
	struct tree_node *child[2];
	struct tree_node *parent;
	u64 key;
	u64 value;
	u64 earliest;
	u64 marks;
	u64 marks_below;
	int height;
};

/**
 * struct tree - a tree; zeroed means empty
 * @root: the top node, or NULL
 */
struct tree {
	struct tree_node *root;
};

/* Is @a before @b on a clock that may wrap round between them? */
static inline bool clock_before(u64 a, u64 b)
{
	return (s64)(a - b) < 0;
}

/* Is the node in a tree? */
static inline bool tree_holds(const struct tree_node *node)
{
	return node->height != 0;
}

void tree_insert(struct tree *tree, struct tree_node *node);
void tree_remove(struct tree *tree, struct tree_node *node);
struct tree_node *tree_first(const struct tree *tree);
struct tree_node *tree_earliest(const struct tree *tree, u64 key);
struct tree_node *tree_marked(const struct tree *tree, u64 marks);
struct tree_node *tree_next_marked(struct tree_node *node, u64 marks);

#ifdef REGENT_TREE_STEPS
extern u64 tree_steps;		/* nodes visited, by which the tests measure cost */
#endif

#endif
