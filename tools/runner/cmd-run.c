// SPDX-License-Identifier: GPL-2.0-only
/* vmxl run: start a guest and wait until it ends. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd.h"
#include "machine.h"
#include "peripherals.h"

#define DEFAULT_MEMORY	(512 * MIB)
#define DEFAULT_NAME	"guest"
#define MODULES_MAX	32
#define REAL_MODE_END	0x100000
#define HELP_COLUMN	22

static const char usage[] =
	"usage: vmxl run --kernel FILE [OPTION...]\n"
	"       vmxl run --firmware NAME --disk FILE [OPTION...]\n"
	"       vmxl run --flat FILE --load ADDRESS [OPTION...]\n"
	"\n";

static const char usage_end[] =
	"\n"
	"At a terminal, Ctrl-A x leaves and Ctrl-A Ctrl-A types Ctrl-A.\n"
	"Exit status: 0 the guest powered off, 1 bad options or files, 2 this host cannot\n"
	"run guests, 3 the guest reset or had a triple fault, 4 entry or internal failure;\n"
	"(V << 1) | 1 if the guest wrote V to port 0xf4.\n";

struct arguments {
	struct machine_config config;
	struct boot_module modules[MODULES_MAX];
	bool has_load, has_entry;
};

static int set_kernel(struct arguments *args, char *text)
{
	args->config.boot.kernel = text;
	return 0;
}

static int set_firmware(struct arguments *args, char *text)
{
	return firmware_parse(&args->config.firmware, text);
}

static int set_initrd(struct arguments *args, char *text)
{
	args->config.boot.initrd = text;
	return 0;
}

static int set_cmdline(struct arguments *args, char *text)
{
	args->config.boot.cmdline = text;
	return 0;
}

static int set_flat(struct arguments *args, char *text)
{
	args->config.boot.flat = text;
	return 0;
}

static int set_load(struct arguments *args, char *text)
{
	if (parse_u64(text, REAL_MODE_END - 1, &args->config.boot.load))
		return fail(-EINVAL, "--load %s is no address below 1 MiB", text);
	args->has_load = true;
	return 0;
}

static int set_memory(struct arguments *args, char *text)
{
	u64 *memory = &args->config.memory;

	if (parse_size(text, memory))
		return fail(-EINVAL, "--memory %s is no size such as 512M or 6G", text);
	if (*memory < BOOT_MIN_MEMORY)
		return fail(-EINVAL, "--memory %s is too little: a guest needs 1M", text);
	if (*memory % 4096)
		return fail(-EINVAL, "--memory %s is no multiple of 4K", text);
	if (*memory > SIZE_MAX / 2)
		return fail(-EINVAL, "--memory %s is too much memory", text);
	return 0;
}

static int set_entry(struct arguments *args, char *text)
{
	unsigned int segment, offset;
	int end = -1;

	if (sscanf(text, "%4x:%4x%n", &segment, &offset, &end) != 2 || end < 0 || text[end])
		return fail(-EINVAL, "--entry %s is no SEGMENT:OFFSET in hexadecimal", text);
	args->config.boot.entry = segment << 16 | offset;
	args->has_entry = true;
	return 0;
}

static int add_module(struct arguments *args, char *text)
{
	struct boot_config *boot = &args->config.boot;
	char *equals = strchr(text, '=');

	if (boot->nr_modules == MODULES_MAX)
		return fail(-E2BIG, "too many modules: %u are allowed", MODULES_MAX);
	if (equals)
		*equals = '\0';
	args->modules[boot->nr_modules++] = (struct boot_module) {
		.path = text,
		.cmdline = equals ? equals + 1 : text,
	};
	return 0;
}

static int set_cpus(struct arguments *args, char *text)
{
	return topology_parse(&args->config.boot.topology, text);
}

static int set_pin(struct arguments *args, char *text)
{
	return pinning_parse(&args->config.pinning, text);
}

static int set_name(struct arguments *args, char *text)
{
	if (!*text || strlen(text) >= VMX_LITE_NAME_LEN || strchr(text, '/'))
		return fail(-EINVAL, "--name %s is no name of 1 to %u bytes without /", text,
			    VMX_LITE_NAME_LEN - 1);
	args->config.name = text;
	return 0;
}

static int set_trace(struct arguments *args, char *text)
{
	(void)text;
	args->config.trace = true;
	return 0;
}

static int set_stats(struct arguments *args, char *text)
{
	(void)text;
	args->config.stats = true;
	return 0;
}

/* Options that are no device; those without @argument take none. */
static const struct run_option {
	const char *name;
	const char *argument;
	const char *help;
	int (*set)(struct arguments *args, char *text);
} run_options[] = {
	{ "kernel", "FILE", "bzImage, ELF with a PVH note, or multiboot kernel", set_kernel },
	{ "firmware", "NAME[,vars=FILE]",
	  "seabios, ovmf, or a firmware's file, boots from a\n"
	  "disk; FILE keeps the variables of ovmf", set_firmware },
	{ "initrd", "FILE", "initial RAM disk", set_initrd },
	{ "cmdline", "TEXT", "the kernel's command line", set_cmdline },
	{ "module", "FILE[=TEXT]", "a module with its command line; may be given again",
	  add_module },
	{ "flat", "FILE", "real-mode image", set_flat },
	{ "load", "ADDRESS", "where it goes and starts, below 1 MiB", set_load },
	{ "entry", "SEG:OFF", "where it starts instead, both hexadecimal", set_entry },
	{ "memory", "SIZE", "such as 512M (that is the default) or 6G", set_memory },
	{ "cpus", "TOPOLOGY", "number of CPUs, 1 by default, or any of\n"
	  "sockets=N,cores=N,threads=N: cores of a socket, threads of a core", set_cpus },
	{ "pin", "CPUS", "run each vCPU's thread on one of these CPUs, in order;\n"
	  "or VCPUS:CPUS, to run these on those; may be given again", set_pin },
	{ "name", "NAME", "name of the guest and of its threads", set_name },
	{ "trace", NULL, "print each exit to user space on stderr", set_trace },
	{ "stats", NULL, "print counters at the end on stderr", set_stats },
};

static void print_option(const char *name, const char *argument, const char *help)
{
	int width = printf("  --%s%s%s", name, argument ? " " : "", argument ? argument : "");

	if (width + 2 > HELP_COLUMN) {
		putchar('\n');
		width = 0;
	}
	do {
		const char *end = strchrnul(help, '\n');

		printf("%*s%.*s\n", HELP_COLUMN - width, "", (int)(end - help), help);
		help = *end ? end + 1 : end;
		width = 0;
	} while (*help);
}

static void print_usage(void)
{
	fputs(usage, stdout);
	for (unsigned int i = 0; i < ARRAY_SIZE(run_options); i++)
		print_option(run_options[i].name, run_options[i].argument,
			     run_options[i].help);
	for (unsigned int i = 0; peripheral_kinds[i]; i++)
		print_option(peripheral_kinds[i]->option, peripheral_kinds[i]->argument,
			     peripheral_kinds[i]->help);
	fputs(usage_end, stdout);
}

/* getopt's values: of --help, of run_options[0], of peripheral_kinds[0] */
#define OPT_HELP	0
#define OPT_RUN		1
#define OPT_PERIPHERAL	(OPT_RUN + (int)ARRAY_SIZE(run_options))

static struct option getopt_option(const char *name, const char *argument, int value)
{
	return (struct option) {
		.name = name,
		.has_arg = argument ? required_argument : no_argument,
		.val = value,
	};
}

/* The tables in getopt's form; NULL without memory. */
static struct option *getopt_options(void)
{
	struct option *options;
	unsigned int kinds = 0, n = 0;

	while (peripheral_kinds[kinds])
		kinds++;
	options = calloc(OPT_PERIPHERAL + kinds + 1, sizeof(*options));
	if (!options)
		return NULL;
	options[n++] = getopt_option("help", NULL, OPT_HELP);
	for (unsigned int i = 0; i < ARRAY_SIZE(run_options); i++)
		options[n++] = getopt_option(run_options[i].name, run_options[i].argument,
					     OPT_RUN + i);
	for (unsigned int i = 0; i < kinds; i++)
		options[n++] = getopt_option(peripheral_kinds[i]->option,
					     peripheral_kinds[i]->argument,
					     OPT_PERIPHERAL + i);
	return options;
}

/* Which options go together. */
static int check_options(struct arguments *args)
{
	struct boot_config *boot = &args->config.boot;

	const char *firmware = args->config.firmware.name;

	if (!boot->kernel && !boot->flat && !firmware)
		return fail(-EINVAL,
			    "what is to run? Give --kernel FILE, --firmware NAME, or --flat FILE --load ADDRESS");
	if (!!boot->kernel + !!boot->flat + !!firmware > 1)
		return fail(-EINVAL, "--kernel, --flat and --firmware exclude each other");
	if (!boot->flat && (args->has_load || args->has_entry))
		return fail(-EINVAL, "--load and --entry belong to --flat");
	if (boot->flat && !args->has_load)
		return fail(-EINVAL, "--flat needs --load ADDRESS");
	if (!boot->kernel && (boot->initrd || boot->cmdline || boot->nr_modules))
		return fail(-EINVAL, "--initrd, --cmdline and --module belong to --kernel");

	if (!args->has_entry)
		boot->entry = (boot->load >> 4) << 16 | (boot->load & 0xf);
	if (!boot->cmdline)
		boot->cmdline = "";
	boot->modules = args->modules;
	return pinning_check(&args->config.pinning, topology_cpus(&boot->topology));
}

static int refuse_option(int how, const char *option)
{
	if (how == ':')
		fail(-EINVAL, "%s needs a value", option);
	else
		fail(-EINVAL, "there is no option '%s': vmxl run --help lists them", option);
	return VMXL_USAGE;
}

/* Returns whether to run; if not, *status is the exit status. */
static bool parse_arguments(struct arguments *args, int argc, char **argv,
			    const struct option *options, int *status)
{
	int option, ret;

	*status = VMXL_USAGE;
	opterr = 0;
	while ((option = getopt_long(argc, argv, ":", options, NULL)) != -1) {
		if (option == OPT_HELP) {
			print_usage();
			*status = 0;
			return false;
		}
		if (option == '?' || option == ':') {
			*status = refuse_option(option, argv[optind - 1]);
			return false;
		}
		if (option < OPT_PERIPHERAL)
			ret = run_options[option - OPT_RUN].set(args, optarg);
		else
			ret = peripherals_add(&args->config.peripherals,
					      peripheral_kinds[option - OPT_PERIPHERAL],
					      optarg);
		if (ret)
			return false;
	}
	if (optind < argc) {
		fail(-EINVAL, "what is '%s'? vmxl run --help lists the options", argv[optind]);
		return false;
	}
	return !check_options(args);
}

/**
 * cmd_run() - vmxl run
 * @argc: number of arguments
 * @argv: the command's name and its arguments
 *
 * Return: vmxl's exit status.
 */
int cmd_run(int argc, char **argv)
{
	struct arguments args = {
		.config = {
			.name = DEFAULT_NAME,
			.memory = DEFAULT_MEMORY,
			.boot.topology = { 1, 1, 1 },
		},
	};
	struct option *options = getopt_options();
	int status = VMXL_FAILED;

	if (options && parse_arguments(&args, argc, argv, options, &status))
		status = machine_run(&args.config);
	peripherals_free(args.config.peripherals);
	free(options);
	return status;
}
