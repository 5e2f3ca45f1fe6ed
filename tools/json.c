// SPDX-License-Identifier: GPL-2.0-only
/* A writer of JSON that can't forget a comma, a quote or a bracket. */
#include <stdlib.h>

#include "regentctl.h"

static void json_quote(struct json *json, const char *text)
{
	const unsigned char *c;

	fputc('"', json->out);
	for (c = (const unsigned char *)text; *c; c++) {
		if (*c == '"' || *c == '\\')
			fprintf(json->out, "\\%c", *c);
		else if (*c < ' ' || *c > '~')
			fprintf(json->out, "\\u%04x", *c);
		else
			fputc(*c, json->out);
	}
	fputc('"', json->out);
}

static void json_indent(struct json *json)
{
	fprintf(json->out, "\n%*s", (int)json->depth * 2, "");
}

static void json_key(struct json *json, const char *key)
{
	if (!json->depth)
		return;
	if (json->filled[json->depth - 1])
		fputc(',', json->out);
	json->filled[json->depth - 1] = true;
	json_indent(json);
	if (key) {
		json_quote(json, key);
		fputs(": ", json->out);
	}
}

/**
 * json_open() - begin an object or an array
 * @json: the writer
 * @key: its key in the object around it, NULL in an array or outside
 * @bracket: '{' or '['
 */
void json_open(struct json *json, const char *key, char bracket)
{
	if (json->depth == JSON_DEPTH)
		abort();
	json_key(json, key);
	fputc(bracket, json->out);
	json->close[json->depth] = bracket == '{' ? '}' : ']';
	json->filled[json->depth] = false;
	json->depth++;
}

/**
 * json_close() - end the innermost object or array
 * @json: the writer
 */
void json_close(struct json *json)
{
	if (!json->depth)
		abort();
	json->depth--;
	if (json->filled[json->depth])
		json_indent(json);
	fputc(json->close[json->depth], json->out);
	if (!json->depth)
		fputc('\n', json->out);
}

/**
 * json_string() - write a string
 * @json: the writer
 * @key: its key, NULL in an array
 * @text: the string, any bytes; those outside ASCII are taken as Latin-1
 */
void json_string(struct json *json, const char *key, const char *text)
{
	json_key(json, key);
	json_quote(json, text);
}

/**
 * json_number() - write a number
 * @json: the writer
 * @key: its key, NULL in an array
 * @number: the number
 */
void json_number(struct json *json, const char *key, u64 number)
{
	json_key(json, key);
	fprintf(json->out, "%llu", number);
}

/**
 * json_hex() - write a 64-bit value as a string of hexadecimal digits
 * @json: the writer
 * @key: its key, NULL in an array
 * @number: the value; many readers of JSON keep only 53 bits of a number
 */
void json_hex(struct json *json, const char *key, u64 number)
{
	json_key(json, key);
	fprintf(json->out, "\"0x%llx\"", number);
}

/**
 * json_bool() - write true or false
 * @json: the writer
 * @key: its key, NULL in an array
 * @value: which
 */
void json_bool(struct json *json, const char *key, bool value)
{
	json_key(json, key);
	fputs(value ? "true" : "false", json->out);
}

/**
 * json_null() - write null
 * @json: the writer
 * @key: its key, NULL in an array
 */
void json_null(struct json *json, const char *key)
{
	json_key(json, key);
	fputs("null", json->out);
}
