// SPDX-License-Identifier: GPL-2.0-only
/* Who has /dev/kvm, a VM or a device of Regent's open. */
#include <dirent.h>
#include <fcntl.h>
#include <linux/regent.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "regentctl.h"

#define CMDLINE_MAX	16384

/**
 * struct user - what one process has open
 * @devices: /dev/kvm, a device of Regent's, or something that belongs to a VM
 * @vms: VMs
 */
struct user {
	unsigned int devices;
	unsigned int vms;
};

static bool begins(const char *text, const char *prefix)
{
	return !strncmp(text, prefix, strlen(prefix));
}

static void look_at_link(struct user *user, const char *path,
			 bool regent_devices)
{
	char target[64];
	ssize_t length = readlink(path, target, sizeof(target) - 1);

	if (length < 0)
		return;
	target[length] = '\0';
	if (!strcmp(target, "/dev/kvm") || begins(target, "anon_inode:kvm-") ||
	    (regent_devices && begins(target, "/dev/regent")))
		user->devices++;
	if (!strcmp(target, "anon_inode:kvm-vm"))
		user->vms++;
}

static struct user look_at_process(const char *pid, bool regent_devices)
{
	struct user user = { 0 };
	struct names fds = { 0 };
	size_t i;
	char *path;

	sys_list(&fds, "", "/proc/%s/fd", pid);
	for (i = 0; i < fds.count; i++) {
		path = sys_path("/proc/%s/fd/%s", pid, fds.name[i]);
		look_at_link(&user, path, regent_devices);
		free(path);
	}
	names_free(&fds);
	return user;
}

/* QEMU's "-name" says which guest it is: print what follows it. */
static void print_guest(FILE *out, const char *pid)
{
	char *path = sys_path("/proc/%s/cmdline", pid);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	char cmdline[CMDLINE_MAX];
	char *arg, *end;
	ssize_t length;

	free(path);
	if (fd < 0)
		return;
	length = read(fd, cmdline, sizeof(cmdline) - 1);
	close(fd);
	if (length <= 0)
		return;
	cmdline[length] = '\0';
	end = cmdline + length;
	for (arg = cmdline; arg < end; arg += strlen(arg) + 1) {
		if (strcmp(arg, "-name") || arg + sizeof("-name") >= end)
			continue;
		arg += sizeof("-name");
		arg[strcspn(arg, ",")] = '\0';
		if (begins(arg, "guest="))
			arg += strlen("guest=");
		fprintf(out, " (%s)", make_printable(arg));
		return;
	}
}

static bool is_vm_of(const struct regent_world *w, u64 pid)
{
	return w->kind == REGENT_WORLD_KIND_VM && w->pid >= 0 && (u64)w->pid == pid;
}

/* "vm1 with 2 vCPUs, vm2 with 1 vCPU", of the VMs that a process has made. Return: how many. */
static unsigned int print_vms(FILE *out, const struct worlds *worlds, u64 pid, const char *before)
{
	const struct regent_world *w, *end = worlds->list + worlds->count, *other;
	unsigned int vms = 0, vcpus;
	bool seen;

	for (w = worlds->list; w < end; w++) {
		if (!is_vm_of(w, pid))
			continue;
		seen = false;
		vcpus = 0;
		for (other = worlds->list; other < end; other++) {
			if (!is_vm_of(other, pid) || other->vm != w->vm)
				continue;
			seen |= other < w;
			vcpus++;
		}
		if (seen)
			continue;
		fprintf(out, "%svm%u with %u vCPU%s", vms ? ", " : before, w->vm, vcpus,
			vcpus == 1 ? "" : "s");
		vms++;
	}
	return vms;
}

static void print_user(FILE *out, u64 pid, const char *text, const struct user *user,
		       const struct worlds *worlds)
{
	char name[VALUE_MAX];

	sys_value(name, "/proc/%s/comm", text);
	fprintf(out, "  process %s %s", text, name);
	print_guest(out, text);
	/* One without a vCPU is no world. */
	if (print_vms(out, worlds, pid, ": "))
		fputc('\n', out);
	else if (user->vms)
		fprintf(out, ": %u VM%s\n", user->vms, user->vms == 1 ? "" : "s");
	else
		fprintf(out, ": has the device open, no VM\n");
}

/* VMs of processes that have none of the devices open: a descriptor has gone elsewhere. */
static unsigned int print_others_vms(FILE *out, const struct worlds *worlds,
				     const struct names *printed)
{
	struct names more = { 0 };
	unsigned int found = 0;
	char pid[16];
	size_t i;

	for (i = 0; i < worlds->count; i++) {
		snprintf(pid, sizeof(pid), "%d", worlds->list[i].pid);
		if (worlds->list[i].kind != REGENT_WORLD_KIND_VM || names_has(printed, pid) ||
		    names_has(&more, pid))
			continue;
		names_add(&more, pid);
		found += print_vms(out, worlds, worlds->list[i].pid, "  ");
		fprintf(out, ", made by process %s, which has let go of it\n", pid);
	}
	names_free(&more);
	return found;
}

/**
 * print_users() - print the processes that use VMs or their devices
 * @out: where to
 * @regent_devices: take /dev/regent* too, not only /dev/kvm
 * @worlds: Regent's, by which VMs are named; none where KVM is asked about
 *
 * Return: how many there are.
 */
unsigned int print_users(FILE *out, bool regent_devices, const struct worlds *worlds)
{
	struct names pids = { 0 }, printed = { 0 };
	unsigned int found;
	struct user user;
	size_t i;
	u64 pid;

	sys_list(&pids, "", "/proc");
	names_sort(&pids);
	for (i = 0; i < pids.count; i++) {
		if (!parse_u64(pids.name[i], &pid) || pid == (u64)getpid())
			continue;
		user = look_at_process(pids.name[i], regent_devices);
		if (!user.devices)
			continue;
		print_user(out, pid, pids.name[i], &user, worlds);
		names_add(&printed, pids.name[i]);
	}
	found = printed.count + print_others_vms(out, worlds, &printed);
	names_free(&pids);
	names_free(&printed);
	return found;
}
