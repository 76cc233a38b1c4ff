/* SPDX-License-Identifier: GPL-2.0-only */
/* The commands of vmxl. argv[0] is the command's name; they return the exit status. */
#ifndef VMXL_CMD_H
#define VMXL_CMD_H

int cmd_bind(int argc, char **argv);
int cmd_check(int argc, char **argv);
int cmd_dmar(int argc, char **argv);
int cmd_ps(int argc, char **argv);
int cmd_run(int argc, char **argv);
int cmd_stop(int argc, char **argv);
int cmd_tell(int argc, char **argv);
int cmd_unbind(int argc, char **argv);

/* check-device.c */
int check_device(const char *text);

#endif /* VMXL_CMD_H */
