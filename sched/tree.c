// SPDX-License-Identifier: GPL-2.0-only
/*
 * The balanced tree of the run queues, see <regent/tree.h>. Plain logic.
 *
 *        node                 up
 *       /    \               /  \
 *      A      up    ->    node   C      rotate(tree, node, 0)
 *            /  \         /  \
 *           B    C       A    B
 */
#include <regent/tree.h>

#ifdef REGENT_TREE_STEPS
u64 tree_steps;
#define STEP()	(tree_steps++)
#else
#define STEP()	do { } while (0)
#endif

static int height(const struct tree_node *node)
{
	return node ? node->height : 0;
}

/* Bring what a node knows about the nodes below it up to date. */
static void refresh(struct tree_node *node)
{
	int i;

	STEP();
	node->height = 1;
	node->earliest = node->value;
	node->marks_below = node->marks;
	for (i = 0; i < 2; i++) {
		const struct tree_node *child = node->child[i];

		if (!child)
			continue;
		if (child->height >= node->height)
			node->height = child->height + 1;
		if (clock_before(child->earliest, node->earliest))
			node->earliest = child->earliest;
		node->marks_below |= child->marks_below;
	}
}

/* Let @by (or nothing) hang where @node hangs. */
static void replace(struct tree *tree, const struct tree_node *node,
		    struct tree_node *by)
{
	struct tree_node *parent = node->parent;

	if (!parent)
		tree->root = by;
	else
		parent->child[parent->child[1] == node] = by;
	if (by)
		by->parent = parent;
}

static void hang(struct tree_node *parent, int side, struct tree_node *child)
{
	parent->child[side] = child;
	if (child)
		child->parent = parent;
}

/* Sink @node to @side; returns what has come up in its place. */
static struct tree_node *rotate(struct tree *tree, struct tree_node *node,
				int side)
{
	struct tree_node *up = node->child[!side];

	replace(tree, node, up);
	hang(node, !side, up->child[side]);
	hang(up, side, node);
	refresh(node);
	refresh(up);
	return up;
}

static struct tree_node *balance(struct tree *tree, struct tree_node *node)
{
	int tilt = height(node->child[1]) - height(node->child[0]);
	struct tree_node *high;
	int side;

	if (tilt >= -1 && tilt <= 1)
		return node;
	side = tilt > 0;
	high = node->child[side];
	if (height(high->child[!side]) > height(high->child[side]))
		rotate(tree, high, side);
	return rotate(tree, node, !side);
}

/* All the way: what is known about the nodes below has to be right everywhere. */
static void refresh_upwards(struct tree *tree, struct tree_node *node)
{
	while (node) {
		refresh(node);
		node = balance(tree, node)->parent;
	}
}

/**
 * tree_insert() - put a node in
 * @tree: the tree
 * @node: in no tree; its key, value and marks are set
 */
void tree_insert(struct tree *tree, struct tree_node *node)
{
	struct tree_node **link = &tree->root;
	struct tree_node *parent = NULL;

	while (*link) {
		STEP();
		parent = *link;
		link = &parent->child[!clock_before(node->key, parent->key)];
	}
	node->child[0] = NULL;
	node->child[1] = NULL;
	node->parent = parent;
	*link = node;
	refresh_upwards(tree, node);
}

static struct tree_node *leftmost(struct tree_node *node)
{
	while (node->child[0]) {
		STEP();
		node = node->child[0];
	}
	return node;
}

/**
 * tree_remove() - take a node out
 * @tree: the tree it is in
 * @node: the node
 */
void tree_remove(struct tree *tree, struct tree_node *node)
{
	struct tree_node *lowest = node->parent;

	if (!node->child[0] || !node->child[1]) {
		replace(tree, node, node->child[!node->child[0]]);
	} else {
		struct tree_node *next = leftmost(node->child[1]);

		lowest = next;
		if (next->parent != node) {
			lowest = next->parent;
			hang(lowest, 0, next->child[1]);
			hang(next, 1, node->child[1]);
		}
		hang(next, 0, node->child[0]);
		replace(tree, node, next);
	}
	node->height = 0;
	refresh_upwards(tree, lowest);
}

/**
 * tree_first() - the lowest key
 * @tree: the tree
 *
 * Return: the node that has it, NULL if the tree is empty.
 */
struct tree_node *tree_first(const struct tree *tree)
{
	return tree->root ? leftmost(tree->root) : NULL;
}

/* The node below @node, or itself, whose value is the earliest. */
static struct tree_node *owner_of_earliest(struct tree_node *node)
{
	u64 value = node->earliest;

	while (node->value != value) {
		struct tree_node *left = node->child[0];

		STEP();
		node = node->child[!left || left->earliest != value];
	}
	return node;
}

/**
 * tree_earliest() - the earliest value among the lower keys
 * @tree: the tree
 * @key: the highest key to look at
 *
 * On the way down to @key everything to the left of the way is low enough: it
 * is represented there by its top nodes, of which the best is searched at last.
 *
 * Return: the node, NULL if no key is that low.
 */
struct tree_node *tree_earliest(const struct tree *tree, u64 key)
{
	struct tree_node *node = tree->root;
	struct tree_node *best = NULL, *below = NULL;

	while (node) {
		struct tree_node *left = node->child[0];

		STEP();
		if (clock_before(key, node->key)) {
			node = left;
			continue;
		}
		if (left && (!below || clock_before(left->earliest, below->earliest)))
			below = left;
		if (!best || clock_before(node->value, best->value))
			best = node;
		node = node->child[1];
	}
	if (below && !clock_before(best->value, below->earliest))
		return owner_of_earliest(below);
	return best;
}

static bool any_marked(const struct tree_node *node, u64 marks)
{
	return node && (node->marks_below & marks);
}

/* The lowest key at or below @node with any of @marks; there is one. */
static struct tree_node *lowest_marked(struct tree_node *node, u64 marks)
{
	for (;;) {
		STEP();
		if (any_marked(node->child[0], marks))
			node = node->child[0];
		else if (node->marks & marks)
			return node;
		else
			node = node->child[1];
	}
}

/**
 * tree_marked() - the lowest key with any of some marks
 * @tree: the tree
 * @marks: the marks
 *
 * Return: the node, NULL if there is none.
 */
struct tree_node *tree_marked(const struct tree *tree, u64 marks)
{
	return any_marked(tree->root, marks) ? lowest_marked(tree->root, marks) : NULL;
}

/**
 * tree_next_marked() - the next higher key with any of some marks
 * @node: where to go on from
 * @marks: the marks
 *
 * Return: the node, NULL if there is no more.
 */
struct tree_node *tree_next_marked(struct tree_node *node, u64 marks)
{
	while (!any_marked(node->child[1], marks)) {
		struct tree_node *from;

		do {
			STEP();
			from = node;
			node = node->parent;
		} while (node && node->child[1] == from);
		if (!node || (node->marks & marks))
			return node;
	}
	return lowest_marked(node->child[1], marks);
}
