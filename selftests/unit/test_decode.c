// SPDX-License-Identifier: GPL-2.0-only
/*
 * The instruction decoder: forms by hand, lengths and names against objdump,
 * and addresses, results and flags against this processor, which executes the
 * same instructions.
 */
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <regent/decode.h>
#include "unit.h"

#define SCRATCH		0x10000

static struct decode d;
static u64 seed = 0x1234567;

#define DECODE(mode, ...)						\
	decode((const u8[]){ __VA_ARGS__ }, sizeof((u8[]){ __VA_ARGS__ }),	\
	       mode, &d)

/* ---- by hand ---- */

static void linux_apic_accesses(void **state)
{
	(void)state;
	/* mov %eax,0xffffffffff5fc0b0 */
	assert_int_equal(DECODE(DECODE_64, 0x89, 0x04, 0x25, 0xb0, 0xc0, 0x5f,
				0xff), DECODE_OK);
	assert_int_equal(d.length, 7);
	assert_int_equal(d.op, DECODE_MOV);
	assert_int_equal(d.reg, 0);
	assert_int_equal(d.width, 4);
	assert_true(d.writes && !d.reads && !d.to_reg);
	assert_int_equal(d.base, DECODE_NO_REG);
	assert_int_equal(d.index, DECODE_NO_REG);
	assert_int_equal(d.disp, 0xffffffffff5fc0b0);
	/* mov -0xa04000(%rdi),%eax */
	assert_int_equal(DECODE(DECODE_64, 0x8b, 0x87, 0x00, 0xc0, 0x5f, 0xff,
				0xc3), DECODE_OK);
	assert_int_equal(d.length, 6);
	assert_int_equal(d.base, 7);
	assert_int_equal(d.disp, 0xffffffffff5fc000);
	assert_true(d.reads && !d.writes && d.to_reg);
	/* mov (%rax),%eax */
	assert_int_equal(DECODE(DECODE_64, 0x8b, 0x00), DECODE_OK);
	assert_int_equal(d.length, 2);
	assert_int_equal(d.base, 0);
	/* movl $0,0xffffffffff5fc0b0 */
	assert_int_equal(DECODE(DECODE_64, 0xc7, 0x04, 0x25, 0xb0, 0xc0, 0x5f,
				0xff, 1, 2, 3, 0x84), DECODE_OK);
	assert_int_equal(d.length, 11);
	assert_int_equal(d.reg, DECODE_NO_REG);
	assert_int_equal(d.imm, 0xffffffff84030201);
	/* xchg %esi,(%rdi) */
	assert_int_equal(DECODE(DECODE_64, 0x87, 0x37), DECODE_OK);
	assert_true(d.reads && d.writes);
}

static void older_modes(void **state)
{
	struct decode_regs r = {
		.gpr = { [3] = 0x12340010, [5] = 0x99990020, [6] = 0xfff0 },
		.rip = 0x100,
		.segment_base = { [DECODE_SS] = 0x20000, [DECODE_DS] = 0x10000,
				  [DECODE_FS] = 0xfffffff0 },
	};

	(void)state;
	/* mov (%bx,%si),%ax: wraps in 16 bits */
	assert_int_equal(DECODE(DECODE_16, 0x8b, 0x00), DECODE_OK);
	assert_int_equal(d.width, 2);
	assert_int_equal(decode_address(&d, &r), 0x10000);
	/* mov %eax,-2(%bp): in SS */
	assert_int_equal(DECODE(DECODE_16, 0x66, 0x89, 0x46, 0xfe), DECODE_OK);
	assert_int_equal(d.length, 4);
	assert_int_equal(d.width, 4);
	assert_int_equal(decode_address(&d, &r), 0x2001e);
	/* mov %al,%fs:0x1234 */
	assert_int_equal(DECODE(DECODE_16, 0x64, 0xa2, 0x34, 0x12), DECODE_OK);
	assert_int_equal(decode_address(&d, &r), 0x1224);
	/* mov %eax,0xfee000b0 in both 32-bit forms */
	assert_int_equal(DECODE(DECODE_32, 0xa3, 0xb0, 0, 0xe0, 0xfe),
			 DECODE_OK);
	assert_int_equal(decode_address(&d, &r), 0xfee100b0);
	assert_int_equal(DECODE(DECODE_32, 0x89, 0x0d, 0xb0, 0, 0xe0, 0xfe),
			 DECODE_OK);
	assert_int_equal(d.length, 6);
	assert_int_equal(decode_address(&d, &r), 0xfee100b0);
	/* 0x48 is a REX prefix only in 64-bit mode */
	assert_int_equal(DECODE(DECODE_32, 0x48, 0x89, 0x00), DECODE_UNKNOWN);
	assert_int_equal(DECODE(DECODE_64, 0x48, 0x89, 0x00), DECODE_OK);
	assert_int_equal(d.width, 8);
}

static void strings_one_at_a_time(void **state)
{
	struct decode_regs r = { .gpr = { [0] = 0x1122334455667788, [1] = 2,
					  [7] = 0x5000 }, .rip = 0x100 };
	u64 out;

	(void)state;
	assert_int_equal(DECODE(DECODE_64, 0xf3, 0xab), DECODE_OK);
	assert_true(d.writes && !d.reads);
	assert_false(decode_idle(&d, &r));
	assert_int_equal(decode_target(&d, &r), 0x5000);
	decode_apply(&d, &r, 0, &out);
	assert_int_equal(out, 0x55667788);
	assert_int_equal(r.rip, 0x100);
	r.flags = 1u << 10;
	decode_apply(&d, &r, 0, &out);
	assert_int_equal(r.gpr[7], 0x5000);
	assert_int_equal(r.rip, 0x102);
	assert_true(decode_idle(&d, &r));
	assert_int_equal(r.rip, 0x104);
	/* rep movsb %gs:(%esi),(%edi): the count is ECX, and the target ES */
	r.gpr[1] = 0x100000001;
	r.gpr[6] = 0xffffffff;
	r.gpr[7] = 0x700000000;
	r.segment_base[DECODE_GS] = 0x1000;
	assert_int_equal(DECODE(DECODE_64, 0x65, 0x67, 0xf3, 0xa4), DECODE_OK);
	assert_int_equal(decode_address(&d, &r), 0x100000fff);
	assert_int_equal(decode_target(&d, &r), 0);
	r.flags = 0;
	decode_apply(&d, &r, 0xabcd, &out);
	assert_int_equal(out, 0xcd);
	assert_int_equal(r.gpr[6], 0);
	assert_int_equal(r.gpr[7], 1);
	assert_int_equal(r.gpr[1], 0);
	assert_int_equal(r.rip, 0x108);
}

static void prefixes(void **state)
{
	struct decode_regs r = {
		.gpr = { [0] = 0x100, [7] = 0x200 },
		.segment_base = { 1 << 20, 1 << 21, 1 << 22, 1 << 23, 1 << 24,
				  1 << 25 },
	};

	(void)state;
	/* REX counts only right before the opcode */
	assert_int_equal(DECODE(DECODE_64, 0x48, 0x66, 0x89, 0x00), DECODE_OK);
	assert_int_equal(d.width, 2);
	assert_int_equal(DECODE(DECODE_64, 0x66, 0x48, 0x89, 0x00), DECODE_OK);
	assert_int_equal(d.width, 8);
	/* in 64-bit mode only FS and GS have a base */
	assert_int_equal(decode_address(&d, &r), 0x100);
	assert_int_equal(DECODE(DECODE_64, 0x2e, 0x89, 0x00), DECODE_OK);
	assert_int_equal(decode_address(&d, &r), 0x100);
	assert_int_equal(DECODE(DECODE_64, 0x65, 0x2e, 0x89, 0x00), DECODE_OK);
	assert_int_equal(decode_address(&d, &r), 0x2000100);
	assert_int_equal(DECODE(DECODE_32, 0x65, 0x2e, 0x89, 0x00), DECODE_OK);
	assert_int_equal(decode_address(&d, &r), 0x200100);
	/* STOS stays in ES */
	assert_int_equal(DECODE(DECODE_64, 0x65, 0xab), DECODE_OK);
	assert_int_equal(decode_target(&d, &r), 0x200);
	assert_int_equal(DECODE(DECODE_32, 0x65, 0xab), DECODE_OK);
	assert_int_equal(decode_target(&d, &r), 0x100200);
}

static void others_are_refused(void **state)
{
	static const u8 codes[][4] = {
		{ 0x90 }, { 0x0f, 0xa2 }, { 0x89, 0xc0 },	/* no memory */
		{ 0xf0, 0x89, 0x00 },			/* LOCK: #UD */
		{ 0xf0, 0x39, 0x00 }, { 0xf0, 0x0f, 0xa3, 0x00 },
		{ 0xf0, 0x03, 0x00 }, { 0xf0, 0xa4 },
		{ 0x82, 0x00, 0x00 }, { 0xc6, 0x08, 0x00 },
		{ 0xff, 0x10 }, { 0xf7, 0x20 }, { 0x0f, 0xba, 0x18, 0x00 },
		{ 0x66, 0x0f, 0xc3, 0x00 }, { 0x66, 0x63, 0x00 }, { 0x04, 0 },
		{ 0x0f, 0x10, 0x00 }, { 0xa6 }, { 0xae }, { 0x8c, 0x00 },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(codes); i++)
		assert_int_equal(decode(codes[i], 4, DECODE_64, &d),
				 DECODE_UNKNOWN);
	assert_int_equal(DECODE(DECODE_32, 0x63, 0x00), DECODE_UNKNOWN);
}

static void more_bytes_are_asked_for(void **state)
{
	static const u8 code[] = { 0x66, 0x64, 0x4c, 0x81, 0x84, 0x88,
				   1, 2, 3, 4, 5, 6, 7, 8 };
	static const u8 full[] = { 0x2e, 0x2e, 0x2e, 0x2e, 0xc7, 0x84, 0x88,
				   1, 2, 3, 4, 5, 6, 7, 8 };
	/* As TEST it would be too long; that it is NOT is not known yet. */
	static const u8 group[] = { 0xf3, 0xf3, 0xf3, 0xf3, 0xf3, 0xf3, 0xf3,
				    0xf3, 0xf3, 0xf3, 0x40, 0xf7, 0x12 };
	u8 buffer[16];
	int n;

	(void)state;
	for (n = 0; n < (int)sizeof(code); n++)
		assert_int_equal(decode(code, n, DECODE_64, &d), DECODE_MORE);
	for (n = 0; n < (int)sizeof(group); n++)
		assert_int_equal(decode(group, n, DECODE_64, &d), DECODE_MORE);
	assert_int_equal(decode(group, n, DECODE_64, &d), DECODE_OK);
	n = sizeof(code);
	assert_int_equal(decode(code, n, DECODE_64, &d), DECODE_OK);
	assert_int_equal(d.length, 14);
	assert_int_equal(decode(full, 15, DECODE_64, &d), DECODE_OK);
	buffer[0] = 0x2e;
	memcpy(buffer + 1, full, 15);
	for (n = 1; n <= 16; n++)	/* one too long, whatever is known */
		assert_int_equal(decode(buffer, n, DECODE_64, &d),
				 n < 12 ? DECODE_MORE : DECODE_UNKNOWN);
	memset(buffer, 0x66, sizeof(buffer));
	assert_int_equal(decode(buffer, 14, DECODE_64, &d), DECODE_MORE);
	assert_int_equal(decode(buffer, 15, DECODE_64, &d), DECODE_UNKNOWN);
}

static void same_move(const u8 *code)
{
	u8 opcode = code[(code[0] & 0xf0) == 0x40];
	struct decode_move m;
	u64 word[2];
	bool is, move;

	memcpy(word, code, sizeof(word));
	move = decode_move(word[0], word[1], &m);
	is = (opcode == 0x89 || opcode == 0x8b || opcode == 0xc7) &&
	     decode(code, DECODE_MAX, DECODE_64, &d) == DECODE_OK && d.width == 4;
	assert_int_equal(move, is);
	if (!move)
		return;
	assert_int_equal(d.op, DECODE_MOV);
	assert_int_equal(m.length, d.length);
	assert_int_equal(m.reg, d.reg);
	assert_int_equal(m.store, d.writes);
	if (m.reg == DECODE_NO_REG)
		assert_int_equal(m.imm, (u32)d.imm);
}

/* Any opcode with and without any REX, each ModRM, what follows at random. */
static void moves_are_what_the_decoder_says(void **state)
{
	int rex, opcode, modrm, i, at;
	u8 code[16];

	(void)state;
	for (rex = 0x3f; rex < 0x50; rex++)
		for (opcode = 0; opcode < 256; opcode++)
			for (modrm = 0; modrm < 256; modrm++) {
				for (i = 0; i < 16; i++)
					code[i] = unit_random(&seed) >> 32;
				at = rex >= 0x40;
				code[0] = rex;
				code[at] = opcode;
				code[at + 1] = modrm;
				same_move(code);
			}
}

/* What lies behind the instruction does not count. */
static void moves_end_where_they_end(void **state)
{
	struct decode_move m;

	(void)state;
	/* mov %r9d,-0x5000(%r12,%rdi,8); then anything */
	assert_true(decode_move(0xffffb000fc8c8945, ~0ull, &m) && m.store);
	assert_int_equal(m.length, 8);
	assert_int_equal(m.reg, 9);
	/* movl $0x84030201,0xffffffffff5fc0b0 */
	assert_true(decode_move(0x01ff5fc0b02504c7, 0xffffffffff840302, &m) && m.store);
	assert_int_equal(m.length, 11);
	assert_int_equal(m.imm, 0x84030201);
	/* mov (%rax),%eax */
	assert_true(decode_move(0xffffffffffff008b, ~0ull, &m) && !m.store);
	assert_int_equal(m.length, 2);
	/* 64 bits, 16 bits, a register, FS: not here */
	assert_false(decode_move(0x008948, 0, &m));
	assert_false(decode_move(0x008966, 0, &m));
	assert_false(decode_move(0xc089, 0, &m));
	assert_false(decode_move(0x008964, 0, &m));
}

/* ---- made-up instructions ---- */

static bool chance(int of)
{
	return unit_below(&seed, of) == 0;
}

/* Each prefix at most once, then an opcode, then anything. */
static void make_up(u8 *code, enum decode_mode mode, bool segments)
{
	static const u8 opcodes[] = {
		0x63, 0x80, 0x81, 0x83, 0x84, 0x85, 0x86, 0x87, 0x88, 0x89,
		0x8a, 0x8b, 0xa0, 0xa1, 0xa2, 0xa3, 0xa4, 0xa5, 0xaa, 0xab,
		0xac, 0xad, 0xc6, 0xc7, 0xf6, 0xf7, 0xfe, 0xff,
	};
	static const u8 two[] = { 0xa3, 0xab, 0xb3, 0xbb, 0xba, 0xb6, 0xb7,
				  0xbe, 0xbf, 0xc3 };
	int i, n = 0;

	if (chance(8))
		code[n++] = 0x67;
	if (segments && chance(8))
		code[n++] = 0x64 + unit_below(&seed, 2);
	if (chance(8))
		code[n++] = 0xf0;
	else if (chance(8))
		code[n++] = 0xf3;
	if (chance(4))
		code[n++] = 0x66;
	if (mode == DECODE_64 && chance(2))
		code[n++] = 0x40 + unit_below(&seed, 16);
	if (chance(3)) {
		code[n++] = unit_below(&seed, 8) << 3 | unit_below(&seed, 4);
	} else if (chance(3)) {
		code[n++] = 0x0f;
		code[n++] = two[unit_below(&seed, sizeof(two))];
	} else {
		code[n++] = opcodes[unit_below(&seed, sizeof(opcodes))];
	}
	for (i = n; i < DECODE_MAX; i++)
		code[i] = unit_random(&seed) >> 40;
}

/* ---- against objdump ---- */

#define SLOT		32
#define SLOTS		8192

static const char *const names[] = {
	"add", "or", "adc", "sbb", "and", "sub", "xor", "cmp", "test", "not",
	"neg", "inc", "dec", "bt", "bts", "btr", "btc", "mov", "xchg", "movs",
	"stos", "lods",
};

/* Whether a line of objdump's names this operation and this width. */
static bool agrees(const char *text, const struct decode *i)
{
	static const char *const widths[] = {
		[1] = "BYTE PTR", [2] = "WORD PTR", [4] = "DWORD PTR",
		[8] = "QWORD PTR",
	};
	const char *at = strstr(text, widths[i->width]);
	const char *name = names[i->op];
	char want[16];

	if (i->op == DECODE_MOV && i->to_reg && i->width != i->reg_width)
		name = i->sign ? "movs" : "movz";
	else if (i->op == DECODE_MOV && i->sign)
		name = "movs";		/* movsxd of 32 bits to 32 */
	snprintf(want, sizeof(want), "%s", name);
	/* moffs forms are shown without a width */
	if (!at && !strstr(text, "PTR"))
		at = i->base == DECODE_NO_REG && i->op == DECODE_MOV ? text
								       : NULL;
	if (at > text && (at[-1] == 'D' || at[-1] == 'Q'))
		return false;
	return at && strstr(text, want);
}

static void compare_with_objdump(const char *path, const char *machine,
				 const struct decode *all)
{
	char command[256], line[256], text[256], first[256] = "";
	unsigned int address, last = SLOT - 1;
	int seen = 0;
	FILE *pipe;

	snprintf(command, sizeof(command),
		 "objdump -D -z -w -b binary -m %s -M intel%s %s", machine,
		 strcmp(machine, "i8086") ? "" : ",addr16,data16", path);
	pipe = popen(command, "r");
	assert_non_null(pipe);
	while (fgets(line, sizeof(line), pipe)) {
		if (sscanf(line, " %x:\t%*[0-9a-f ]\t%255[^\n]", &address,
			   text) != 2)
			continue;
		if (last % SLOT == 0) {
			const struct decode *i = &all[last / SLOT];

			if (address - last != i->length || !agrees(first, i))
				fail_msg("%s, slot %u: %u bytes '%s', not %u %s",
					 machine, last / SLOT, address - last,
					 first, i->length, names[i->op]);
			seen++;
		}
		memcpy(first, text, sizeof(first));
		last = address;
	}
	assert_int_equal(pclose(pipe), 0);
	assert_int_equal(seen, SLOTS);
}

static void objdump_agrees(enum decode_mode mode, const char *machine)
{
	static struct decode all[SLOTS];
	char path[] = "/tmp/test_decode-XXXXXX";
	u8 code[SLOT];
	int i, fd = mkstemp(path);

	assert_true(fd >= 0);
	for (i = 0; i < SLOTS; i++) {
		do {
			memset(code, 0x90, sizeof(code));
			make_up(code, mode, true);
		} while (decode(code, DECODE_MAX, mode, &all[i]) != DECODE_OK);
		memset(code + all[i].length, 0x90, SLOT - all[i].length);
		assert_int_equal(write(fd, code, SLOT), SLOT);
	}
	close(fd);
	compare_with_objdump(path, machine, all);
	unlink(path);
}

static void objdump_agrees_64(void **state)
{
	(void)state;
	objdump_agrees(DECODE_64, "i386:x86-64");
}

static void objdump_agrees_32(void **state)
{
	(void)state;
	objdump_agrees(DECODE_32, "i386");
}

static void objdump_agrees_16(void **state)
{
	(void)state;
	objdump_agrees(DECODE_16, "i8086");
}

/* ---- against this processor ---- */

void run_code(struct decode_regs *r, const void *code);
extern const char run_back[];

/* Load all registers, RSP too; run the code, which jumps back; save them. */
asm(".text\n"
    "run_code:\n"
    "	push %rbx; push %rbp; push %r12; push %r13; push %r14; push %r15\n"
    "	mov %rsp, run_sp(%rip); mov %rdi, run_regs(%rip)\n"
    "	mov %rsi, run_to(%rip)\n"
    "	push 136(%rdi); popf\n"
    "	mov 0(%rdi), %rax; mov 8(%rdi), %rcx; mov 16(%rdi), %rdx\n"
    "	mov 24(%rdi), %rbx; mov 32(%rdi), %rsp; mov 40(%rdi), %rbp\n"
    "	mov 48(%rdi), %rsi; mov 64(%rdi), %r8; mov 72(%rdi), %r9\n"
    "	mov 80(%rdi), %r10; mov 88(%rdi), %r11; mov 96(%rdi), %r12\n"
    "	mov 104(%rdi), %r13; mov 112(%rdi), %r14; mov 120(%rdi), %r15\n"
    "	mov 56(%rdi), %rdi\n"
    "	jmp *run_to(%rip)\n"
    "run_back:\n"
    "	mov %rdi, run_to(%rip); mov run_regs(%rip), %rdi\n"
    "	mov %rax, 0(%rdi); mov %rcx, 8(%rdi); mov %rdx, 16(%rdi)\n"
    "	mov %rbx, 24(%rdi); mov %rsp, 32(%rdi); mov %rbp, 40(%rdi)\n"
    "	mov %rsi, 48(%rdi); mov %r8, 64(%rdi); mov %r9, 72(%rdi)\n"
    "	mov %r10, 80(%rdi); mov %r11, 88(%rdi); mov %r12, 96(%rdi)\n"
    "	mov %r13, 104(%rdi); mov %r14, 112(%rdi); mov %r15, 120(%rdi)\n"
    "	mov run_to(%rip), %rax; mov %rax, 56(%rdi)\n"
    "	mov run_sp(%rip), %rsp\n"
    "	pushf; pop 136(%rdi); cld\n"
    "	pop %r15; pop %r14; pop %r13; pop %r12; pop %rbp; pop %rbx\n"
    "	ret\n"
    ".local run_sp, run_regs, run_to\n"
    ".comm run_sp,8,8; .comm run_regs,8,8; .comm run_to,8,8\n");

static u8 *page, *scratch, *shadow;

static int pages(void **state)
{
	(void)state;
	page = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
	scratch = mmap(NULL, SCRATCH, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
	shadow = malloc(SCRATCH);
	return page == MAP_FAILED || scratch == MAP_FAILED || !shadow;
}

static int no_pages(void **state)
{
	(void)state;
	free(shadow);
	return munmap(page, 4096) | munmap(scratch, SCRATCH);
}

static void execute(const u8 *code, int length, struct decode_regs *r)
{
	static const u8 jump[] = { 0xff, 0x25, 0, 0, 0, 0 };
	const void *back = run_back;

	memcpy(page, code, length);
	memcpy(page + length, jump, sizeof(jump));
	memcpy(page + length + sizeof(jump), &back, sizeof(back));
	run_code(r, page);
}

static struct decode_regs random_regs(void)
{
	struct decode_regs r;
	int i;

	memset(&r, 0, sizeof(r));
	for (i = 0; i < 16; i++)
		r.gpr[i] = unit_random(&seed) >> unit_below(&seed, 64);
	r.rip = (uintptr_t)page;
	r.flags = 0x202 | (unit_random(&seed) & 0xcd5);	/* and DF */
	return r;
}

static void addresses_are_those_of_lea(void **state)
{
	int i, done;

	(void)state;
	for (i = 0, done = 0; done < 100000; i++) {
		struct decode_regs r = random_regs(), real = r;
		u8 code[DECODE_MAX], *opcode = code;
		u64 want;

		if (chance(4))
			*opcode++ = 0x67;
		*opcode++ = 0x48 | unit_below(&seed, 8);
		*opcode = 0x8b;
		memset(opcode + 1, 0, code + sizeof(code) - opcode - 1);
		want = unit_random(&seed);
		memcpy(opcode + 1, &want, 7);
		if (decode(code, DECODE_MAX, DECODE_64, &d) != DECODE_OK)
			continue;
		*opcode = 0x8d;
		execute(code, d.length, &real);
		want = real.gpr[d.reg];
		assert_int_equal(decode_address(&d, &r), want);
		done++;
	}
}

/* Registers with which the operand is in the scratch memory, if possible. */
static bool aim(struct decode_regs *r)
{
	u64 middle = (uintptr_t)scratch + SCRATCH / 2 +
		     unit_below(&seed, 256);

	if (d.op >= DECODE_MOVS) {
		r->gpr[1] = unit_below(&seed, 20);
		r->gpr[6] = middle + unit_below(&seed, 64);
		r->gpr[7] = middle;
		return true;
	}
	if (d.op >= DECODE_BT && d.op <= DECODE_BTC && d.reg != DECODE_NO_REG)
		r->gpr[d.reg] = unit_below(&seed, 60000) - 30000;
	if (d.base < 16)
		r->gpr[d.base] += middle - decode_address(&d, r);
	middle = decode_address(&d, r);
	return middle >= (uintptr_t)scratch &&
	       middle <= (uintptr_t)scratch + SCRATCH - 8;
}

static u8 *shadow_of(u64 address)
{
	assert_in_range(address, (uintptr_t)scratch,
			(uintptr_t)scratch + SCRATCH - 8);
	return shadow + (address - (uintptr_t)scratch);
}

/* As the caller in K does it, on the shadow. */
static void emulate(struct decode_regs *r)
{
	u64 start = r->rip, mem, to, out;

	do {
		if (decode_idle(&d, r))
			return;
		mem = 0xdeadbeefcafebabe;
		if (d.reads)
			memcpy(&mem, shadow_of(decode_address(&d, r)), d.width);
		to = decode_target(&d, r);
		decode_apply(&d, r, mem, &out);
		if (d.writes)
			memcpy(shadow_of(to), &out, d.width);
	} while (r->rip == start);
}

static u64 defined_flags(void)
{
	if (d.op >= DECODE_BT && d.op <= DECODE_BTC)
		return 0x401;
	switch (d.op) {
	case DECODE_AND:
	case DECODE_OR:
	case DECODE_XOR:
	case DECODE_TEST:
		return 0xcd5 & ~0x10;
	}
	return 0xcd5;
}

static void the_processor_agrees(void **state)
{
	int done[DECODE_LODS + 1] = { 0 };
	int i, n = 0;

	(void)state;
	for (i = 0; i < SCRATCH; i++)
		scratch[i] = unit_random(&seed) >> 30;
	while (n < 200000) {
		struct decode_regs r = random_regs(), real;
		u8 code[DECODE_MAX];

		make_up(code, DECODE_64, false);
		if (decode(code, DECODE_MAX, DECODE_64, &d) != DECODE_OK ||
		    !aim(&r))
			continue;
		real = r;
		if (!(n & 1023))
			memcpy(shadow, scratch, SCRATCH);
		execute(code, d.length, &real);
		emulate(&r);
		assert_int_equal(r.rip, (uintptr_t)page + d.length);
		assert_memory_equal(r.gpr, real.gpr, sizeof(r.gpr));
		assert_int_equal(r.flags & defined_flags(),
				 real.flags & defined_flags());
		if ((n & 1023) == 1023)
			assert_memory_equal(shadow, scratch, SCRATCH);
		done[d.op]++;
		n++;
	}
	for (i = 0; i <= DECODE_LODS; i++)
		assert_true(done[i] > 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(linux_apic_accesses),
		cmocka_unit_test(older_modes),
		cmocka_unit_test(strings_one_at_a_time),
		cmocka_unit_test(prefixes),
		cmocka_unit_test(others_are_refused),
		cmocka_unit_test(more_bytes_are_asked_for),
		cmocka_unit_test(moves_are_what_the_decoder_says),
		cmocka_unit_test(moves_end_where_they_end),
		cmocka_unit_test(objdump_agrees_64),
		cmocka_unit_test(objdump_agrees_32),
		cmocka_unit_test(objdump_agrees_16),
		cmocka_unit_test_setup_teardown(addresses_are_those_of_lea,
						pages, no_pages),
		cmocka_unit_test_setup_teardown(the_processor_agrees,
						pages, no_pages),
	};

	return cmocka_run_group_tests_name("decode", tests, NULL, NULL);
}
