// SPDX-License-Identifier: GPL-2.0-only
/* vmxl: run guests on vmx-lite. */
#include <stdio.h>
#include <string.h>

#include "cmd.h"
#include "util.h"
#include "vmmapi.h"

static int cmd_help(int argc, char **argv);

static const struct command {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *help;
} commands[] = {
	{ "run", cmd_run, "start a guest and wait until it ends" },
	{ "check", cmd_check, "say whether this machine can run guests, and if not, why" },
	{ "bind", cmd_bind, "take PCI devices from their drivers, to lend them to guests" },
	{ "unbind", cmd_unbind, "give PCI devices back to their drivers" },
#ifdef HAVE_CMD_DMAR
	{ "dmar", cmd_dmar, "print the DMAR table of this machine or of a file" },
#endif
	{ "ps", cmd_ps, "list the guests that run" },
	{ "stat", cmd_tell, "print a guest's counters" },
	{ "stop", cmd_stop, "press a guest's power button, or end it" },
	{ "pause", cmd_tell, "stop a guest's CPUs" },
	{ "resume", cmd_tell, "let them go on" },
	{ "balloon", cmd_tell, "take memory of a guest back" },
	{ "help", cmd_help, "print this" },
};

static int cmd_help(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	printf("usage: vmxl COMMAND [OPTION...]\n\n");
	for (unsigned int i = 0; i < ARRAY_SIZE(commands); i++)
		printf("  %-8s %s\n", commands[i].name, commands[i].help);
	printf("\nvmxl COMMAND --help prints the options of a command; vmxl(1) tells more.\n");
	return 0;
}

int main(int argc, char **argv)
{
	if (argc < 2) {
		fail(0, "which command? vmxl help lists them");
		return VMXL_USAGE;
	}
	if (!strcmp(argv[1], "--version")) {
		printf("vmxl, interface version %d\n", VMX_LITE_API_VERSION);
		return 0;
	}
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h"))
		return cmd_help(argc, argv);
	for (unsigned int i = 0; i < ARRAY_SIZE(commands); i++)
		if (!strcmp(argv[1], commands[i].name))
			return commands[i].run(argc - 1, argv + 1);
	fail(0, "there is no command '%s': vmxl help lists them", argv[1]);
	return VMXL_USAGE;
}
