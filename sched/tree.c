// SPDX-License-Identifier: GPL-2.0-only
/*
 * The balanced tree (AVL) of the run queues, see <regent/tree.h>. Plain logic.
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

/* Compute anew what a node holds about itself and the nodes below it. */
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

/* Put @by, which may be NULL, in the place of @node. */
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

/* Make @child, which may be NULL, the child of @parent on @side. */
static void hang(struct tree_node *parent, int side, struct tree_node *child)
{
	parent->child[side] = child;
	if (child)
		child->parent = parent;
}

/* Rotate @node down to @side. Return: the node that has come up in its place. */
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

/* Return: the root of the subtree of @node, whose two sides differ by one level at most then. */
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

/* Up to the root, because every node above holds something about the nodes below it. */
static void refresh_upwards(struct tree *tree, struct tree_node *node)
{
	while (node) {
		refresh(node);
		node = balance(tree, node)->parent;
	}
}

/**
 * tree_insert() - put a node into a tree
 * @tree: the tree
 * @node: a node in no tree, its key, value and marks set; it goes behind nodes of the same key
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
 * tree_remove() - take a node out of its tree
 * @tree: the tree
 * @node: a node in this tree
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
 * tree_first() - find the node with the lowest key
 * @tree: the tree
 *
 * Return: the node, NULL if the tree is empty.
 */
struct tree_node *tree_first(const struct tree *tree)
{
	return tree->root ? leftmost(tree->root) : NULL;
}

/* Return: @node or the node below it that has the earliest value of all these. */
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
 * tree_earliest() - find the node with the earliest value among those with a low key
 * @tree: the tree
 * @key: the highest key that counts
 *
 * On the way down to @key, every subtree to the left has keys that are low enough. Its top node
 * holds the earliest value in it, so that only the best of these subtrees is searched, at last.
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

/* Return: the node of the lowest key with any of @marks, of @node and those below: one has. */
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
 * tree_marked() - find the node with the lowest key that has any of some marks
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
 * tree_next_marked() - find the next node, by key, that has any of some marks
 * @node: the node to start behind
 * @marks: the marks
 *
 * Return: the node, NULL if there are no more.
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
