#define _GNU_SOURCE
#include <pty.h>
#include <utmp.h>
#include "opener.h"

int main(int argc, char **argv)
{
	struct winsize size = { .ws_row = 20, .ws_col = 70 };
	char name[64];
	int ptm, pts;
	pid_t child;

	if (argc < 2 || openpty(&ptm, &pts, name, NULL, &size))
		fail("openpty");
	if (!isatty(pts) || !ttyname(pts) || strcmp(ttyname(pts), name) != 0)
		fail("ttyname");
	child = fork();
	if (child < 0)
		fail("fork");
	if (child == 0) {
		close(ptm);
		if (login_tty(pts))
			fail("login_tty");
		execv(argv[1], argv + 1);
		fail(argv[1]);
	}
	close(pts);
	converse(ptm, child);
	return 0;
}
