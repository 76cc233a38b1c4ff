// SPDX-License-Identifier: GPL-2.0-only
/* vmxl run: start a guest and wait until it ends. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd.h"
#include "machine.h"

#define DEFAULT_MEMORY	(512 * MIB)
#define DEFAULT_NAME	"guest"
#define MODULES_MAX	32
#define DISKS_MAX	16
#define NETS_MAX	8
#define REAL_MODE_END	0x100000

static const char usage[] =
	"usage: vmxl run --kernel FILE [OPTION...]\n"
	"       vmxl run --flat FILE --load ADDRESS [OPTION...]\n"
	"\n"
	"  --kernel FILE       bzImage, ELF with a PVH note, or multiboot kernel\n"
	"  --initrd FILE       initial RAM disk\n"
	"  --cmdline TEXT      the kernel's command line\n"
	"  --module FILE[=TEXT] a module with its command line; may be given again\n"
	"  --flat FILE         real-mode image\n"
	"  --load ADDRESS      where it goes and starts, below 1 MiB\n"
	"  --entry SEG:OFF     where it starts instead, both hexadecimal\n"
	"  --memory SIZE       such as 512M (that is the default) or 6G\n"
	"  --cpus N            number of CPUs, 1 by default\n"
	"  --disk FILE[,ro]    a file or block device as a disk; may be given again\n"
	"  --net user[,hostfwd=tcp:PORT:PORT]  a network card in this host's network, with\n"
	"                      ports of this host that are the guest's; may be given again\n"
	"  --net tap=NAME      a network card at a tap interface\n"
	"  --rng               a source of random numbers\n"
	"  --name NAME         name of the guest and of its threads\n"
	"  --trace             print each exit to user space on stderr\n"
	"  --stats             print counters at the end on stderr\n"
	"\n"
	"At a terminal, Ctrl-A x leaves and Ctrl-A Ctrl-A types Ctrl-A.\n"
	"Exit status: 0 the guest powered off, 1 bad options or files, 2 this host cannot\n"
	"run guests, 3 the guest reset or had a triple fault, 4 entry or internal failure;\n"
	"(V << 1) | 1 if the guest wrote V to port 0xf4.\n";

enum option_id {
	OPT_HELP, OPT_KERNEL, OPT_INITRD, OPT_CMDLINE, OPT_MODULE, OPT_FLAT, OPT_LOAD,
	OPT_ENTRY, OPT_MEMORY, OPT_CPUS, OPT_DISK, OPT_NET, OPT_RNG, OPT_NAME, OPT_TRACE, OPT_STATS,
};

static const struct option options[] = {
	{ "help", no_argument, NULL, OPT_HELP },
	{ "kernel", required_argument, NULL, OPT_KERNEL },
	{ "initrd", required_argument, NULL, OPT_INITRD },
	{ "cmdline", required_argument, NULL, OPT_CMDLINE },
	{ "module", required_argument, NULL, OPT_MODULE },
	{ "flat", required_argument, NULL, OPT_FLAT },
	{ "load", required_argument, NULL, OPT_LOAD },
	{ "entry", required_argument, NULL, OPT_ENTRY },
	{ "memory", required_argument, NULL, OPT_MEMORY },
	{ "cpus", required_argument, NULL, OPT_CPUS },
	{ "disk", required_argument, NULL, OPT_DISK },
	{ "net", required_argument, NULL, OPT_NET },
	{ "rng", no_argument, NULL, OPT_RNG },
	{ "name", required_argument, NULL, OPT_NAME },
	{ "trace", no_argument, NULL, OPT_TRACE },
	{ "stats", no_argument, NULL, OPT_STATS },
	{ }
};

struct arguments {
	struct machine_config config;
	struct boot_module modules[MODULES_MAX];
	struct disk_config disks[DISKS_MAX];
	struct net_config nets[NETS_MAX];
	bool has_load, has_entry;
};

static int parse_memory(const char *text, u64 *memory)
{
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

static int parse_entry(const char *text, u32 *entry)
{
	unsigned int segment, offset;
	int end = -1;

	if (sscanf(text, "%4x:%4x%n", &segment, &offset, &end) != 2 || end < 0 || text[end])
		return fail(-EINVAL, "--entry %s is no SEGMENT:OFFSET in hexadecimal", text);
	*entry = segment << 16 | offset;
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

static int add_disk(struct arguments *args, char *text)
{
	struct machine_config *config = &args->config;
	size_t len = strlen(text);
	bool read_only = len > 3 && !strcmp(text + len - 3, ",ro");

	if (config->nr_disks == DISKS_MAX)
		return fail(-E2BIG, "too many disks: %u are allowed", DISKS_MAX);
	if (read_only)
		text[len - 3] = '\0';
	args->disks[config->nr_disks++] = (struct disk_config) {
		.path = text,
		.read_only = read_only,
	};
	return 0;
}

static int add_net(struct arguments *args, char *text)
{
	if (args->config.nr_nets == NETS_MAX)
		return fail(-E2BIG, "too many network cards: %u are allowed", NETS_MAX);
	return net_parse(&args->nets[args->config.nr_nets++], text);
}

static int set_option(struct arguments *args, int option, char *value)
{
	struct machine_config *config = &args->config;
	u64 number;

	switch (option) {
	case OPT_KERNEL:
		config->boot.kernel = value;
		break;
	case OPT_INITRD:
		config->boot.initrd = value;
		break;
	case OPT_CMDLINE:
		config->boot.cmdline = value;
		break;
	case OPT_MODULE:
		return add_module(args, value);
	case OPT_FLAT:
		config->boot.flat = value;
		break;
	case OPT_LOAD:
		if (parse_u64(value, REAL_MODE_END - 1, &config->boot.load))
			return fail(-EINVAL, "--load %s is no address below 1 MiB", value);
		args->has_load = true;
		break;
	case OPT_ENTRY:
		args->has_entry = true;
		return parse_entry(value, &config->boot.entry);
	case OPT_MEMORY:
		return parse_memory(value, &config->memory);
	case OPT_CPUS:
		if (parse_u64(value, VMX_LITE_MAX_VCPUS, &number) || !number)
			return fail(-EINVAL, "--cpus %s is no number from 1 to %u", value,
				    VMX_LITE_MAX_VCPUS);
		config->boot.cpus = number;
		break;
	case OPT_DISK:
		return add_disk(args, value);
	case OPT_NET:
		return add_net(args, value);
	case OPT_RNG:
		config->rng = true;
		break;
	case OPT_NAME:
		if (!*value || strlen(value) >= VMX_LITE_NAME_LEN || strchr(value, '/'))
			return fail(-EINVAL, "--name %s is no name of 1 to %u bytes without /",
				    value, VMX_LITE_NAME_LEN - 1);
		config->name = value;
		break;
	case OPT_TRACE:
		config->trace = true;
		break;
	case OPT_STATS:
		config->stats = true;
		break;
	}
	return 0;
}

/* Which options go together. */
static int check_options(struct arguments *args)
{
	struct boot_config *boot = &args->config.boot;

	if (!boot->kernel && !boot->flat)
		return fail(-EINVAL,
			    "what is to run? Give --kernel FILE, or --flat FILE --load ADDRESS");
	if (boot->kernel && boot->flat)
		return fail(-EINVAL, "--kernel and --flat exclude each other");
	if (boot->kernel && (args->has_load || args->has_entry))
		return fail(-EINVAL, "--load and --entry belong to --flat");
	if (boot->flat && !args->has_load)
		return fail(-EINVAL, "--flat needs --load ADDRESS");
	if (boot->flat && (boot->initrd || boot->cmdline || boot->nr_modules))
		return fail(-EINVAL, "--initrd, --cmdline and --module belong to --kernel");

	if (!args->has_entry)
		boot->entry = (boot->load >> 4) << 16 | (boot->load & 0xf);
	if (!boot->cmdline)
		boot->cmdline = "";
	boot->modules = args->modules;
	args->config.disks = args->disks;
	args->config.nets = args->nets;
	return 0;
}

static int refuse_option(int how, const char *option)
{
	if (how == ':')
		fail(-EINVAL, "%s needs a value", option);
	else
		fail(-EINVAL, "there is no option '%s': vmxl run --help lists them", option);
	return VMXL_USAGE;
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
			.boot.cpus = 1,
		},
	};
	int option;

	opterr = 0;
	while ((option = getopt_long(argc, argv, ":", options, NULL)) != -1) {
		if (option == OPT_HELP) {
			fputs(usage, stdout);
			return 0;
		}
		if (option == '?' || option == ':')
			return refuse_option(option, argv[optind - 1]);
		if (set_option(&args, option, optarg))
			return VMXL_USAGE;
	}
	if (optind < argc) {
		fail(-EINVAL, "what is '%s'? vmxl run --help lists the options", argv[optind]);
		return VMXL_USAGE;
	}
	if (check_options(&args))
		return VMXL_USAGE;
	return machine_run(&args.config);
}
